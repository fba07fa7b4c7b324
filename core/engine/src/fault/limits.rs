//! `memory-limit` and `out-of-files`: a process that gets no more of something.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::{AtWork, Witness};
use crate::clock::sleep;
use crate::stack::process::{Resource, waiting_at};
use crate::stack::undo::Undo;
use crate::stack::{Lane, Process};

/// How often the witness looks.
const LOOK: Duration = Duration::from_millis(20);
/// How near to its limit a process is that was refused memory: what an allocator asks for at once.
const NEAR: u64 = 256 << 10;

/// A process with a limit that it did not have.
pub struct LimitedProcess {
    service: String,
    resource: Resource,
    /// Bytes or files it may have beside those it has.
    more: u64,
    process: Option<Arc<Process>>,
    before: Option<u64>,
    seen: Arc<AtomicU64>,
    enough: CancellationToken,
}

impl LimitedProcess {
    /// A process that is to get so much more and nothing beyond.
    pub fn new(service: &str, resource: Resource, more: u64) -> Self {
        let (seen, enough) = (Arc::default(), CancellationToken::new());
        Self { service: service.to_owned(), resource, more, process: None, before: None, seen, enough }
    }

    fn limit_for(&self, process: &Process) -> std::io::Result<u64> {
        match self.resource {
            Resource::Data => Ok(process.data_bytes()?.saturating_add(self.more)),
            Resource::Files => {
                let open = process.open_files()?;
                // A limit is about numbers, and a new file gets the lowest that is free.
                let free = (0_u64..).filter(|number| !open.contains(number));
                let last =
                    free.take(usize::try_from(self.more).unwrap_or(usize::MAX).saturating_add(1)).last();
                Ok(last.unwrap_or(u64::MAX))
            }
        }
    }
}

impl Drop for LimitedProcess {
    fn drop(&mut self) {
        self.enough.cancel();
    }
}

impl AtWork for LimitedProcess {
    fn undo(&self, lane: &Lane) -> Undo {
        let process = lane.running(&self.service);
        Undo::Limit {
            service: self.service.clone(),
            pid: process.as_ref().map(|process| process.pid()),
            resource: self.resource,
            before: process.and_then(|process| process.limit_of(self.resource).ok().flatten()),
        }
    }

    fn inject<'a>(&'a mut self, lane: &'a Lane) -> BoxFuture<'a, Result<(), String>> {
        async move {
            let process = lane.running(&self.service);
            let process = process.ok_or_else(|| format!("`{}` is not running", self.service))?;
            let set = || {
                let limit = self.limit_for(&process)?;
                let before = process.limit_of(self.resource)?;
                process.limit(self.resource, Some(limit)).map(|()| (limit, before))
            };
            let (limit, before) = set().map_err(|error| format!("limiting `{}`: {error}", self.service))?;
            (self.before, self.process) = (before, Some(process.clone()));
            // Without memory it may well end.
            lane.may_end(&self.service);
            let (seen, enough, resource) = (self.seen.clone(), self.enough.clone(), self.resource);
            let port = lane.port(&self.service);
            tokio::spawn(async move {
                while !enough.is_cancelled() {
                    let hit = match resource {
                        Resource::Data => at_its_end(&process, limit),
                        Resource::Files => has_none_left(&process, (limit, port)),
                    };
                    seen.fetch_add(u64::from(hit), Ordering::Relaxed);
                    if process.exit().is_some() {
                        return;
                    }
                    tokio::select! { () = sleep(LOOK) => {} () = enough.cancelled() => {} }
                }
            });
            Ok(())
        }
        .boxed()
    }

    fn witness<'a>(&'a self, _: &'a Lane) -> BoxFuture<'a, Result<Witness, String>> {
        async move {
            let died = self.process.as_ref().is_some_and(|process| process.exit().is_some());
            let looks = self.seen.load(Ordering::Relaxed);
            let seen = u64::from(looks > 0 || (died && self.resource == Resource::Data));
            let how = if died { " and ended" } else { "" };
            let detail = format!("{} was seen {looks} times at its limit{how}", self.service);
            Ok(Witness { seen, bytes: 0, detail })
        }
        .boxed()
    }

    fn heal<'a>(&'a mut self, lane: &'a Lane) -> BoxFuture<'a, Result<(), String>> {
        async move {
            self.enough.cancel();
            let alive = self.process.as_ref().filter(|process| process.exit().is_none());
            if let Some(process) = alive
                && let Err(error) = process.limit(self.resource, self.before)
                && process.exit().is_none()
            {
                return Err(format!("lifting the limit of `{}`: {error}", self.service));
            }
            lane.start(&self.service).await.map_err(|error| error.full())
        }
        .boxed()
    }
}

/// Whether a process has so much memory that it was refused more.
fn at_its_end(process: &Process, limit: u64) -> bool {
    process.data_bytes().is_ok_and(|bytes| bytes.saturating_add(NEAR) >= limit)
}

/// Whether no number is free below the limit, and somebody waits for that: a connection that is not accepted. Of a
/// service without a port nobody can tell the latter.
fn has_none_left(process: &Process, (limit, port): (u64, Option<u16>)) -> bool {
    let full = process.open_files().is_ok_and(|open| (0..limit).all(|number| open.contains(&number)));
    full && port.is_none_or(|port| waiting_at(port).is_ok_and(|waiting| waiting > 0))
}
