//! `lock-table` and `slow-table`: a session of ours holds a table that services need, for good or again and again.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use sqlx::PgConnection;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{AtWork, connect, execute, goodbye, name};
use crate::clock::{Deadline, sleep};
use crate::fault::Witness;
use crate::stack::Lane;
use crate::stack::undo::Undo;

/// How often the witness looks who is waiting.
const LOOK: Duration = Duration::from_millis(10);
/// How long the table is free between two locks of a slow table; whoever waits comes first anyway.
const BREATH: Duration = Duration::from_millis(5);
/// Bound for the holder to let go.
const LET_GO: Duration = Duration::from_secs(5);

/// Statements that were seen waiting: session and when its statement began.
type Waiting = Arc<Mutex<BTreeSet<(i32, String)>>>;

/// A table that is held.
pub struct LockedTable {
    service: String,
    table: String,
    /// How long it is held at a time; for good without one.
    delay: Option<Duration>,
    waiting: Waiting,
    let_go: CancellationToken,
    holder: Option<JoinHandle<Result<(), String>>>,
}

impl LockedTable {
    /// A table of the lane's database.
    pub fn new(service: &str, table: &str, delay: Option<Duration>) -> Self {
        let (service, table) = (service.to_owned(), name(table));
        let (waiting, let_go) = (Waiting::default(), CancellationToken::new());
        Self { service, table, delay, waiting, let_go, holder: None }
    }
}

impl Drop for LockedTable {
    fn drop(&mut self) {
        self.let_go.cancel();
    }
}

impl AtWork for LockedTable {
    fn undo(&self, _: &Lane) -> Undo {
        Undo::Runner
    }

    fn inject<'a>(&'a mut self, lane: &'a Lane) -> BoxFuture<'a, Result<(), String>> {
        async move {
            let connection = connect(&self.service, lane).await?;
            let watcher = connect(&self.service, lane).await?;
            let holder = Holder {
                connection,
                watcher,
                lock: format!("begin; lock table {} in access exclusive mode", self.table),
                delay: self.delay,
                waiting: self.waiting.clone(),
                let_go: self.let_go.clone(),
            };
            let (locked, is_locked) = oneshot::channel();
            self.holder = Some(tokio::spawn(holder.hold(locked)));
            match is_locked.await {
                Ok(()) => Ok(()),
                // The holder ended before it had the table, and knows why.
                Err(_) => self.heal(lane).await.and(Err("the table was not locked".to_owned())),
            }
        }
        .boxed()
    }

    fn witness<'a>(&'a self, _: &'a Lane) -> BoxFuture<'a, Result<Witness, String>> {
        async move {
            let seen = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).len();
            let seen = u64::try_from(seen).unwrap_or(u64::MAX);
            Ok(Witness { seen, bytes: 0, detail: format!("{seen} statements waited for {}", self.table) })
        }
        .boxed()
    }

    fn heal<'a>(&'a mut self, _: &'a Lane) -> BoxFuture<'a, Result<(), String>> {
        async move {
            self.let_go.cancel();
            let Some(holder) = &mut self.holder else { return Ok(()) };
            let ended = Deadline::after(LET_GO).bound(holder).await;
            let ended = ended.ok_or("the session that holds the table does not end")?;
            self.holder = None;
            ended.map_err(|error| error.to_string()).and_then(|done| done)
        }
        .boxed()
    }
}

/// The session that holds the table, and the one that looks who waits.
struct Holder {
    connection: PgConnection,
    watcher: PgConnection,
    lock: String,
    delay: Option<Duration>,
    waiting: Waiting,
    let_go: CancellationToken,
}

impl Holder {
    async fn hold(mut self, locked: oneshot::Sender<()>) -> Result<(), String> {
        let held = self.hold_again_and_again(locked).await;
        // Whatever happened, the end of the session is the end of its locks.
        goodbye(self.connection).await;
        goodbye(self.watcher).await;
        held
    }

    async fn hold_again_and_again(&mut self, locked: oneshot::Sender<()>) -> Result<(), String> {
        let pid: i32 = sqlx::query_scalar("select pg_backend_pid()")
            .fetch_one(&mut self.connection)
            .await
            .map_err(|e| e.to_string())?;
        let mut locked = Some(locked);
        while !self.let_go.is_cancelled() {
            execute(&mut self.connection, &self.lock).await?;
            if let Some(locked) = locked.take() {
                // Nobody who waits for it any more is somebody who was interrupted.
                let _ = locked.send(());
            }
            let deadline = self.delay.map(Deadline::after);
            while !self.let_go.is_cancelled() && deadline.is_none_or(|deadline| !deadline.passed()) {
                self.look(pid).await?;
                let pause = deadline.map_or(LOOK, |deadline| deadline.left().min(LOOK));
                tokio::select! { () = sleep(pause) => {} () = self.let_go.cancelled() => {} }
            }
            self.look(pid).await?;
            execute(&mut self.connection, "rollback").await?;
            tokio::select! { () = sleep(BREATH) => {} () = self.let_go.cancelled() => {} }
        }
        Ok(())
    }

    /// Notes who waits for the session `pid`.
    async fn look(&mut self, pid: i32) -> Result<(), String> {
        let statement = "select pid, coalesce(query_start::text, '') from pg_stat_activity \
                         where datname = current_database() and $1 = any(pg_blocking_pids(pid))";
        let waiting: Vec<(i32, String)> = sqlx::query_as(statement)
            .bind(pid)
            .fetch_all(&mut self.watcher)
            .await
            .map_err(|e| e.to_string())?;
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).extend(waiting);
        Ok(())
    }
}
