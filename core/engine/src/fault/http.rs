//! Faults of the HTTP requests between two services, by the proxy on their edge.

use std::sync::Arc;

use drillyard_spec::fault::{EdgeName, HttpFault};
use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::{AtWork, Witness};
use crate::stack::Lane;
use crate::stack::proxy::Tally;
use crate::stack::undo::Undo;

/// A rule of a proxy that understands HTTP.
pub struct FaultyHttp {
    edge: EdgeName,
    fault: HttpFault,
    times: Option<u32>,
    rule: Option<(u64, Arc<Tally>)>,
}

impl FaultyHttp {
    /// A rule that is to be put on an edge.
    pub fn new(edge: &EdgeName, fault: HttpFault, times: Option<u32>) -> Self {
        Self { edge: edge.clone(), fault, times, rule: None }
    }
}

impl AtWork for FaultyHttp {
    fn undo(&self, _: &Lane) -> Undo {
        Undo::Runner
    }

    fn inject<'a>(&'a mut self, lane: &'a Lane) -> BoxFuture<'a, Result<(), String>> {
        async move {
            let rules = lane.proxy(&self.edge).and_then(|proxy| proxy.http());
            let rules = rules.ok_or_else(|| format!("no proxy for HTTP stands on `{}`", self.edge))?;
            self.rule = Some(rules.add(self.fault, self.times));
            Ok(())
        }
        .boxed()
    }

    fn witness<'a>(&'a self, _: &'a Lane) -> BoxFuture<'a, Result<Witness, String>> {
        async move {
            let Some((_, tally)) = &self.rule else { return Ok(Witness::default()) };
            let (seen, bytes) = (tally.hits(), tally.bytes());
            Ok(Witness { seen, bytes, detail: format!("{seen} requests of {} were hit", self.edge) })
        }
        .boxed()
    }

    fn heal<'a>(&'a mut self, lane: &'a Lane) -> BoxFuture<'a, Result<(), String>> {
        async move {
            let rules = lane.proxy(&self.edge).and_then(|proxy| proxy.http());
            if let (Some((id, _)), Some(rules)) = (&self.rule, rules) {
                rules.remove(*id);
            }
            Ok(())
        }
        .boxed()
    }
}
