//! `terminate-backends`: every session of a service ends, as when the server goes down and comes back.

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::{AtWork, connect, goodbye, terminate_others};
use crate::fault::Witness;
use crate::stack::Lane;
use crate::stack::undo::Undo;

/// Sessions that are ended once.
pub struct TerminatedBackends {
    service: String,
    seen: u64,
}

impl TerminatedBackends {
    /// Those of the lane's database.
    pub fn new(service: &str) -> Self {
        Self { service: service.to_owned(), seen: 0 }
    }
}

impl AtWork for TerminatedBackends {
    fn undo(&self, _: &Lane) -> Undo {
        Undo::Runner
    }

    fn inject<'a>(&'a mut self, lane: &'a Lane) -> BoxFuture<'a, Result<(), String>> {
        async move {
            let mut connection = connect(&self.service, lane).await?;
            self.seen = terminate_others(&mut connection).await?;
            goodbye(connection).await;
            Ok(())
        }
        .boxed()
    }

    fn witness<'a>(&'a self, _: &'a Lane) -> BoxFuture<'a, Result<Witness, String>> {
        async move {
            let detail = format!("{} sessions of services were ended", self.seen);
            Ok(Witness { seen: self.seen, bytes: 0, detail })
        }
        .boxed()
    }

    fn heal<'a>(&'a mut self, _: &'a Lane) -> BoxFuture<'a, Result<(), String>> {
        // Services connect again by themselves; whether they do is what the drill is about.
        async { Ok(()) }.boxed()
    }
}
