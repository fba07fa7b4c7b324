//! `restart`: a service that goes and comes back at once.

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::{AtWork, Witness};
use crate::stack::Lane;
use crate::stack::undo::Undo;

/// A service that is stopped and started.
pub struct RestartedService {
    service: String,
    seen: Witness,
}

impl RestartedService {
    /// A service that is to be restarted.
    pub fn new(service: &str) -> Self {
        Self { service: service.to_owned(), seen: Witness::default() }
    }
}

impl AtWork for RestartedService {
    fn undo(&self, _: &Lane) -> Undo {
        Undo::Start { service: self.service.clone() }
    }

    fn inject<'a>(&'a mut self, lane: &'a Lane) -> BoxFuture<'a, Result<(), String>> {
        async move {
            let pid = |lane: &Lane| lane.process(&self.service).map(|process| process.pid());
            let before = pid(lane);
            lane.restart(&self.service).await.map_err(|error| error.full())?;
            let after = pid(lane);
            let another = before.is_some() && after.is_some() && before != after;
            let number = |pid: Option<u32>| pid.map_or_else(|| "none".to_owned(), |pid| pid.to_string());
            let detail = format!("{}: process {}, then {}", self.service, number(before), number(after));
            self.seen = Witness { seen: u64::from(another), bytes: 0, detail };
            Ok(())
        }
        .boxed()
    }

    fn witness<'a>(&'a self, _: &'a Lane) -> BoxFuture<'a, Result<Witness, String>> {
        async move { Ok(self.seen.clone()) }.boxed()
    }

    fn heal<'a>(&'a mut self, lane: &'a Lane) -> BoxFuture<'a, Result<(), String>> {
        async move { lane.start(&self.service).await.map_err(|error| error.full()) }.boxed()
    }
}
