//! `wrong-environment`: a service that was told something else.

use std::collections::BTreeMap;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::{AtWork, Witness};
use crate::clock::Deadline;
use crate::stack::Lane;
use crate::stack::undo::Undo;

/// How long a service with a wrong environment may take to come up or give up, before the drill goes on.
const SETTLES: std::time::Duration = std::time::Duration::from_secs(3);

/// A service that is started again with other values.
pub struct WrongEnvironment {
    service: String,
    set: BTreeMap<String, String>,
    seen: Witness,
}

impl WrongEnvironment {
    /// A service that is to be told `set`.
    pub fn new(service: &str, set: &BTreeMap<String, String>) -> Self {
        Self { service: service.to_owned(), set: set.clone(), seen: Witness::default() }
    }
}

impl AtWork for WrongEnvironment {
    fn undo(&self, _: &Lane) -> Undo {
        Undo::Start { service: self.service.clone() }
    }

    fn inject<'a>(&'a mut self, lane: &'a Lane) -> BoxFuture<'a, Result<(), String>> {
        async move {
            let right = lane.environment(&self.service).map_err(|error| error.full())?;
            lane.put_environment(&self.service, Some(self.set.clone()));
            let wrong = lane.environment(&self.service).map_err(|error| error.full())?;
            // Where a service listens cannot be changed, and what it has already is no change.
            let changed: Vec<&String> =
                self.set.keys().filter(|name| right.get(*name) != wrong.get(*name)).collect();
            if changed.is_empty() {
                self.seen.detail = format!("{} has these values already", self.service);
                return Ok(());
            }
            lane.stop(&self.service).await.map_err(|error| error.full())?;
            let process = lane.launch(&self.service).await.map_err(|error| error.full())?;
            // It may refuse to run so; that is what the drill wants to see.
            lane.may_end(&self.service);
            let ready = lane.becomes_ready(&self.service);
            let ready = matches!(Deadline::after(SETTLES).bound(ready).await, Some(Ok(())));
            let started = std::fs::read(format!("/proc/{}/environ", process.pid())).unwrap_or_default();
            let told = changed.iter().filter(|name| {
                let variable = format!("{name}={}", wrong.get(**name).map_or("", String::as_str));
                started.split(|byte| *byte == 0).any(|known| known == variable.as_bytes())
            });
            let (told, ended) = (told.count(), process.exit().is_some());
            let how = if ready {
                "is ready so"
            } else if ended {
                "refuses to run so"
            } else {
                "is not ready so"
            };
            self.seen = Witness {
                seen: u64::try_from(if ended { changed.len() } else { told }).unwrap_or(0),
                bytes: 0,
                detail: format!("{} {how}: {} changed", self.service, changed.len()),
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
            lane.put_environment(&self.service, None);
            if self.seen.seen > 0 {
                lane.stop(&self.service).await.map_err(|error| error.full())?;
            }
            lane.start(&self.service).await.map_err(|error| error.full())
        }
        .boxed()
    }
}
