//! `clock-skew` and `clock-jump`: a service that takes another time for the present one.

use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use jiff::Timestamp;
use jiff::fmt::rfc2822;

use super::{AtWork, Witness};
use crate::clock::Deadline;
use crate::stack::Lane;
use crate::stack::undo::Undo;

/// How far a date may be from ours without being wrong: it has whole seconds, and some servers keep it for one.
const EXACT: Duration = Duration::from_secs(2);
/// Bound for asking the service.
const ASKS: Duration = Duration::from_secs(2);

/// A service whose clock is off.
pub struct WrongClock {
    service: String,
    by_ms: i64,
    /// Whether it is started again with the wrong time, rather than meeting it while it runs.
    restarts: bool,
    seen: Witness,
}

impl WrongClock {
    /// A service that begins with a wrong clock.
    pub fn skewed(service: &str, by_ms: i64) -> Self {
        Self { service: service.to_owned(), by_ms, restarts: true, seen: Witness::default() }
    }

    /// A service whose clock jumps while it runs.
    pub fn jumping(service: &str, by_ms: i64) -> Self {
        Self { service: service.to_owned(), by_ms, restarts: false, seen: Witness::default() }
    }

    async fn set(&self, lane: &Lane, by_ms: i64) -> Result<(), String> {
        let set = lane.set_clock(&self.service, by_ms);
        set.map_err(|error| format!("moving the clock of `{}`: {error}", self.service))?;
        if self.restarts && lane.running(&self.service).is_some() {
            lane.restart(&self.service).await.map_err(|error| error.full())?;
        }
        Ok(())
    }

    /// How far the service's own date is from ours, in seconds; the `Date` of an answer is its own clock.
    async fn off_by(&self, lane: &Lane) -> Result<i64, String> {
        let path = lane.ready_path(&self.service).zip(lane.url(&self.service));
        let (path, url) =
            path.ok_or_else(|| format!("`{}` has no HTTP probe to tell its time", self.service))?;
        let asked = reqwest::Client::new().get(format!("{url}{path}")).send();
        let answer = Deadline::after(ASKS).bound(asked).await.ok_or("it does not answer")?;
        let answer = answer.map_err(|error| format!("asking for its time: {error}"))?;
        let date = answer.headers().get("date").and_then(|value| value.to_str().ok());
        let date = date.ok_or("its answers have no date")?;
        let theirs = rfc2822::parse(date).map_err(|error| format!("its date: {error}"))?.timestamp();
        Ok(theirs.as_second() - Timestamp::now().as_second())
    }

    async fn look(&mut self, lane: &Lane) -> Result<(), String> {
        let off = self.off_by(lane).await?;
        let wrong = off.unsigned_abs() > EXACT.as_secs();
        let detail = format!("the clock of {} is off by {off} s", self.service);
        self.seen = Witness { seen: u64::from(wrong), bytes: 0, detail };
        Ok(())
    }
}

impl AtWork for WrongClock {
    fn undo(&self, _: &Lane) -> Undo {
        Undo::Start { service: self.service.clone() }
    }

    fn inject<'a>(&'a mut self, lane: &'a Lane) -> BoxFuture<'a, Result<(), String>> {
        async move {
            self.set(lane, self.by_ms).await?;
            let mut pace = crate::clock::Pace::default();
            let deadline = Deadline::after(ASKS);
            // A server may have made its date just before.
            loop {
                self.look(lane).await?;
                if self.seen.seen > 0 || deadline.passed() {
                    return Ok(());
                }
                pace.pause().await;
            }
        }
        .boxed()
    }

    fn witness<'a>(&'a self, _: &'a Lane) -> BoxFuture<'a, Result<Witness, String>> {
        async move { Ok(self.seen.clone()) }.boxed()
    }

    fn heal<'a>(&'a mut self, lane: &'a Lane) -> BoxFuture<'a, Result<(), String>> {
        async move { self.set(lane, 0).await }.boxed()
    }
}
