//! `cpu-limit`: a service that gets a processor only for a share of the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{AtWork, Witness};
use crate::clock::{Deadline, sleep};
use crate::stack::undo::Undo;
use crate::stack::{Lane, Process};

/// How often it is measured.
const LOOK: Duration = Duration::from_millis(5);
/// What is not used in one such time does not count for the next.
const PERIOD: Duration = Duration::from_millis(100);

/// A service that is stopped whenever it has had its share, until the share has caught up.
pub struct SlowProcess {
    service: String,
    percent: u32,
    held: Arc<AtomicU64>,
    enough: CancellationToken,
    holder: Option<JoinHandle<()>>,
}

impl SlowProcess {
    /// A service that is to get so many hundredths of a processor.
    pub fn new(service: &str, percent: u32) -> Self {
        let (held, enough) = (Arc::default(), CancellationToken::new());
        Self { service: service.to_owned(), percent, held, enough, holder: None }
    }
}

impl Drop for SlowProcess {
    fn drop(&mut self) {
        self.enough.cancel();
    }
}

impl AtWork for SlowProcess {
    fn undo(&self, lane: &Lane) -> Undo {
        let pid = lane.running(&self.service).map(|process| process.pid());
        Undo::Continue { service: self.service.clone(), pid, container: None }
    }

    fn inject<'a>(&'a mut self, lane: &'a Lane) -> BoxFuture<'a, Result<(), String>> {
        async move {
            let process = lane.running(&self.service);
            let process = process.ok_or_else(|| format!("`{}` is not running", self.service))?;
            process.cpu_time().map_err(|error| format!("measuring `{}`: {error}", self.service))?;
            let (held, enough, percent) = (self.held.clone(), self.enough.clone(), self.percent);
            self.holder = Some(tokio::spawn(async move {
                while process.exit().is_none() && !enough.is_cancelled() {
                    period(&process, percent, (&held, &enough)).await;
                }
                process.resume();
            }));
            Ok(())
        }
        .boxed()
    }

    fn witness<'a>(&'a self, _: &'a Lane) -> BoxFuture<'a, Result<Witness, String>> {
        async move {
            let seen = self.held.load(Ordering::Relaxed);
            Ok(Witness { seen, bytes: 0, detail: format!("{} was held back {seen} times", self.service) })
        }
        .boxed()
    }

    fn heal<'a>(&'a mut self, lane: &'a Lane) -> BoxFuture<'a, Result<(), String>> {
        async move {
            self.enough.cancel();
            if let Some(holder) = self.holder.take() {
                // It ends at the token, and lets the process go on.
                let _ = holder.await;
            }
            if let Some(process) = lane.running(&self.service) {
                process.resume();
            }
            Ok(())
        }
        .boxed()
    }
}

/// One period: the process works until its share is used up, then stands still for the rest of it, and longer when it
/// has used more than its share before anybody looked.
async fn period(process: &Process, percent: u32, (held, enough): (&AtomicU64, &CancellationToken)) {
    let share = PERIOD * percent / 100;
    let (begun, deadline) = (process.cpu_time().unwrap_or_default(), Deadline::after(PERIOD));
    loop {
        let used = process.cpu_time().unwrap_or_default().saturating_sub(begun);
        if used >= share {
            let owed = (used * 100 / percent.max(1)).saturating_sub(deadline.elapsed());
            if process.pause().await {
                held.fetch_add(1, Ordering::Relaxed);
            }
            tokio::select! { () = sleep(owed.max(LOOK)) => {} () = enough.cancelled() => {} }
            process.resume();
            return;
        }
        if deadline.passed() || enough.is_cancelled() || process.exit().is_some() {
            return;
        }
        tokio::select! { () = sleep(LOOK) => {} () = enough.cancelled() => {} }
    }
}
