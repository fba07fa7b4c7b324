//! `isolate`: every connection between a service and all others, or of the whole lane, is cut.

use std::sync::Arc;

use drillyard_spec::fault::{EdgeName, WireFault};
use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::{AtWork, Witness};
use crate::stack::Lane;
use crate::stack::proxy::Tally;
use crate::stack::undo::Undo;

/// Rules on the proxies of all edges concerned.
pub struct Isolation {
    service: Option<String>,
    rules: Vec<(EdgeName, u64, Arc<Tally>)>,
}

impl Isolation {
    /// Of a service, or of the whole lane.
    pub fn new(service: Option<&str>) -> Self {
        Self { service: service.map(str::to_owned), rules: Vec::new() }
    }
}

impl AtWork for Isolation {
    fn undo(&self, _: &Lane) -> Undo {
        Undo::Runner
    }

    fn inject<'a>(&'a mut self, lane: &'a Lane) -> BoxFuture<'a, Result<(), String>> {
        async move {
            let proxies = lane.proxies_of(self.service.as_deref());
            if proxies.is_empty() {
                return Err("it has no edge to be cut".to_owned());
            }
            for (edge, proxy) in proxies {
                let (id, tally) = proxy.wire().add(WireFault::Partition);
                self.rules.push((edge.clone(), id, tally));
            }
            Ok(())
        }
        .boxed()
    }

    fn witness<'a>(&'a self, _: &'a Lane) -> BoxFuture<'a, Result<Witness, String>> {
        async move {
            let hit: Vec<String> = self
                .rules
                .iter()
                .filter(|(_, _, tally)| tally.hits() > 0)
                .map(|(edge, _, tally)| format!("{} of {edge}", tally.hits()))
                .collect();
            let seen = self.rules.iter().map(|(_, _, tally)| tally.hits()).sum();
            let detail = format!("{seen} connections were cut: {}", hit.join(", "));
            Ok(Witness { seen, bytes: 0, detail })
        }
        .boxed()
    }

    fn heal<'a>(&'a mut self, lane: &'a Lane) -> BoxFuture<'a, Result<(), String>> {
        async move {
            for (edge, id, _) in &self.rules {
                if let Some(proxy) = lane.proxy(edge) {
                    proxy.wire().remove(*id);
                }
            }
            Ok(())
        }
        .boxed()
    }
}
