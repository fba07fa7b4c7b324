//! `pause`: a service that is there and does nothing.

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::{AtWork, Witness};
use crate::stack::Lane;
use crate::stack::undo::Undo;

/// A service whose processes are stopped by `SIGSTOP` and go on with `SIGCONT`.
pub struct PausedService {
    service: String,
    seen: Witness,
}

impl PausedService {
    /// A service that is to be paused.
    pub fn new(service: &str) -> Self {
        Self { service: service.to_owned(), seen: Witness::default() }
    }
}

impl AtWork for PausedService {
    fn undo(&self, lane: &Lane) -> Undo {
        let process = lane.process(&self.service);
        let container = process.as_ref().and_then(|process| Some(process.container()?.id().to_owned()));
        let pid = process.filter(|process| process.container().is_none()).map(|process| process.pid());
        Undo::Continue { service: self.service.clone(), pid, container }
    }

    fn inject<'a>(&'a mut self, lane: &'a Lane) -> BoxFuture<'a, Result<(), String>> {
        async move {
            let process = lane.process(&self.service).filter(|process| process.exit().is_none());
            let process = process.ok_or_else(|| format!("`{}` is not running", self.service))?;
            let stands = process.pause().await;
            let detail = if stands { "stands still" } else { "was not seen to stand still" };
            self.seen = Witness {
                seen: u64::from(stands),
                bytes: 0,
                detail: format!("{} (process {}) {detail}", self.service, process.pid()),
            };
            Ok(())
        }
        .boxed()
    }

    fn witness<'a>(&'a self, _: &'a Lane) -> BoxFuture<'a, Result<Witness, String>> {
        async move { Ok(self.seen.clone()) }.boxed()
    }

    fn heal<'a>(&'a mut self, lane: &'a Lane) -> BoxFuture<'a, Result<(), String>> {
        async move {
            if let Some(process) = lane.process(&self.service) {
                process.resumed().await;
            }
            Ok(())
        }
        .boxed()
    }
}
