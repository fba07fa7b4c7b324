//! `database-stop` and `database-crash`: the lane's own server is not there, until it is started again.

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::AtWork;
use crate::fault::Witness;
use crate::stack::undo::Undo;
use crate::stack::{Ended, Lane};

/// A server that ends.
pub struct EndedServer {
    service: String,
    crash: bool,
    seen: Witness,
}

impl EndedServer {
    /// As its operator would end it.
    pub fn stopped(service: &str) -> Self {
        Self { service: service.to_owned(), crash: false, seen: Witness::default() }
    }

    /// By `SIGKILL`, with all its processes.
    pub fn crashed(service: &str) -> Self {
        Self { service: service.to_owned(), crash: true, seen: Witness::default() }
    }
}

impl AtWork for EndedServer {
    fn undo(&self, _: &Lane) -> Undo {
        Undo::StartServer
    }

    fn inject<'a>(&'a mut self, lane: &'a Lane) -> BoxFuture<'a, Result<(), String>> {
        async move {
            let server = lane.own_server().ok_or("the lane has no database server of its own")?;
            lane.may_end(&self.service);
            if server.process().exit().is_some() {
                self.seen.detail = format!("{} was not running", self.service);
                return Ok(());
            }
            let (by_us, detail) = if self.crash {
                let killed = server.crash().await;
                (killed > 0, format!("{killed} processes of {} were killed", self.service))
            } else {
                let ended = server.stop_fast().await;
                (ended != Ended::Before, format!("{} ended as asked", self.service))
            };
            let gone = server.process().exit().is_some();
            self.seen = Witness { seen: u64::from(by_us && gone), bytes: 0, detail };
            Ok(())
        }
        .boxed()
    }

    fn witness<'a>(&'a self, _: &'a Lane) -> BoxFuture<'a, Result<Witness, String>> {
        async move { Ok(self.seen.clone()) }.boxed()
    }

    fn heal<'a>(&'a mut self, lane: &'a Lane) -> BoxFuture<'a, Result<(), String>> {
        async move {
            let server = lane.own_server().ok_or("the lane has no database server of its own")?;
            server.start_again(lane.run()).await.map_err(|error| error.full())?;
            lane.is_back(&self.service);
            Ok(())
        }
        .boxed()
    }
}
