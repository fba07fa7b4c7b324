//! `kill` and `stop`: a service that is not there any more, until it is started again.

use std::os::unix::process::ExitStatusExt as _;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use nix::sys::signal::Signal;

use super::{AtWork, Witness};
use crate::stack::undo::Undo;
use crate::stack::{Ended, Lane, describe_exit};

/// A service that ends.
pub struct EndedService {
    service: String,
    kill: bool,
    seen: Witness,
}

impl EndedService {
    /// By `SIGKILL`.
    pub fn killed(service: &str) -> Self {
        Self { service: service.to_owned(), kill: true, seen: Witness::default() }
    }

    /// As its operator would end it.
    pub fn stopped(service: &str) -> Self {
        Self { service: service.to_owned(), kill: false, seen: Witness::default() }
    }
}

impl AtWork for EndedService {
    fn undo(&self, _: &Lane) -> Undo {
        Undo::Start { service: self.service.clone() }
    }

    fn inject<'a>(&'a mut self, lane: &'a Lane) -> BoxFuture<'a, Result<(), String>> {
        async move {
            let process = lane.process(&self.service);
            let ending =
                if self.kill { lane.kill(&self.service).await } else { lane.stop(&self.service).await };
            let ended = ending.map_err(|error| error.full())?;
            let status = process.as_ref().and_then(|process| process.exit());
            let by_us = match (ended, status) {
                (Some(Ended::Before) | None, _) | (_, None) => false,
                (_, Some(status)) => !self.kill || status.signal() == Some(Signal::SIGKILL as i32),
            };
            let how = status.map_or_else(|| "was not running".to_owned(), describe_exit);
            self.seen =
                Witness { seen: u64::from(by_us), bytes: 0, detail: format!("{} {how}", self.service) };
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
