//! Faults of the bytes between two services, by the proxy on their edge.

use std::sync::Arc;

use drillyard_spec::fault::{EdgeName, WireFault};
use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::{AtWork, Witness};
use crate::stack::Lane;
use crate::stack::proxy::Tally;
use crate::stack::undo::Undo;

/// A rule of a proxy.
pub struct FaultyWire {
    edge: EdgeName,
    fault: WireFault,
    rule: Option<(u64, Arc<Tally>)>,
}

impl FaultyWire {
    /// A rule that is to be put on an edge.
    pub fn new(edge: &EdgeName, fault: WireFault) -> Self {
        Self { edge: edge.clone(), fault, rule: None }
    }
}

impl AtWork for FaultyWire {
    fn undo(&self, _: &Lane) -> Undo {
        Undo::Runner
    }

    fn inject<'a>(&'a mut self, lane: &'a Lane) -> BoxFuture<'a, Result<(), String>> {
        async move {
            let proxy =
                lane.proxy(&self.edge).ok_or_else(|| format!("no proxy stands on `{}`", self.edge))?;
            self.rule = Some(proxy.wire().add(self.fault));
            Ok(())
        }
        .boxed()
    }

    fn witness<'a>(&'a self, _: &'a Lane) -> BoxFuture<'a, Result<Witness, String>> {
        async move {
            let Some((_, tally)) = &self.rule else { return Ok(Witness::default()) };
            let (seen, bytes) = (tally.hits(), tally.bytes());
            let detail = format!("{seen} connections of {} were hit, {bytes} bytes", self.edge);
            Ok(Witness { seen, bytes, detail })
        }
        .boxed()
    }

    fn heal<'a>(&'a mut self, lane: &'a Lane) -> BoxFuture<'a, Result<(), String>> {
        async move {
            if let (Some((id, _)), Some(proxy)) = (&self.rule, lane.proxy(&self.edge)) {
                proxy.wire().remove(*id);
            }
            Ok(())
        }
        .boxed()
    }
}
