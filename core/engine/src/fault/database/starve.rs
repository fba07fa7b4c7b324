//! `pool-starvation`: others have all the connections that the lane's server gives.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use sqlx::{Connection as _, PgConnection};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{AtWork, ServerLog, connect, goodbye, terminate_others};
use crate::clock::sleep;
use crate::fault::Witness;
use crate::stack::Lane;
use crate::stack::undo::Undo;

/// How long it waits between attempts to take another connection, once there was none left.
const AGAIN: Duration = Duration::from_millis(100);

/// Connections that are held and not used.
pub struct Starvation {
    service: String,
    log: ServerLog,
    /// Refusals that were our own.
    ours: Arc<AtomicU64>,
    held: Arc<AtomicU64>,
    enough: CancellationToken,
    holder: Option<JoinHandle<()>>,
}

impl Starvation {
    /// Of the lane's own server.
    pub fn new(service: &str) -> Self {
        let (log, ours, held) = (ServerLog::default(), Arc::default(), Arc::default());
        let enough = CancellationToken::new();
        Self { service: service.to_owned(), log, ours, held, enough, holder: None }
    }
}

impl Drop for Starvation {
    fn drop(&mut self) {
        self.enough.cancel();
    }
}

impl AtWork for Starvation {
    fn undo(&self, _: &Lane) -> Undo {
        Undo::Runner
    }

    fn inject<'a>(&'a mut self, lane: &'a Lane) -> BoxFuture<'a, Result<(), String>> {
        async move {
            lane.own_server().ok_or("the lane has no database server of its own")?;
            let url = lane.database_url(&self.service).ok_or("the lane has no database")?;
            self.log.begin(lane);
            let mut first = connect(&self.service, lane).await?;
            // Services find that their connections are gone, and that there are no others.
            terminate_others(&mut first).await?;
            let (full, is_full) = oneshot::channel();
            let holder = Holder {
                url,
                connections: vec![first],
                ours: self.ours.clone(),
                held: self.held.clone(),
                enough: self.enough.clone(),
            };
            self.holder = Some(tokio::spawn(holder.hold(full)));
            is_full.await.map_err(|_| "the connections were not taken".to_owned())
        }
        .boxed()
    }

    fn witness<'a>(&'a self, lane: &'a Lane) -> BoxFuture<'a, Result<Witness, String>> {
        async move {
            let none_left = |line: &str| {
                line.contains("FATAL:")
                    && (line.contains("too many clients") || line.contains("connection slots are reserved"))
            };
            let refused = self.log.lines(lane, none_left)?;
            let seen = refused.saturating_sub(self.ours.load(Ordering::Relaxed));
            let held = self.held.load(Ordering::Relaxed);
            let detail = format!("{held} connections were taken, {seen} attempts of services refused");
            Ok(Witness { seen, bytes: 0, detail })
        }
        .boxed()
    }

    fn heal<'a>(&'a mut self, lane: &'a Lane) -> BoxFuture<'a, Result<(), String>> {
        async move {
            self.enough.cancel();
            if let Some(holder) = self.holder.take() {
                holder.await.map_err(|error| error.to_string())?;
            }
            self.log.end(lane);
            Ok(())
        }
        .boxed()
    }
}

/// Takes connections as long as there are any, and whenever there is one again.
struct Holder {
    url: String,
    connections: Vec<PgConnection>,
    ours: Arc<AtomicU64>,
    held: Arc<AtomicU64>,
    enough: CancellationToken,
}

impl Holder {
    async fn hold(mut self, full: oneshot::Sender<()>) {
        let mut full = Some(full);
        while !self.enough.is_cancelled() {
            match PgConnection::connect(&self.url).await {
                Ok(connection) => {
                    self.connections.push(connection);
                    self.held.fetch_add(1, Ordering::Relaxed);
                }
                Err(_) => {
                    self.ours.fetch_add(1, Ordering::Relaxed);
                    if let Some(full) = full.take() {
                        // Nobody who waits for it any more is somebody who was interrupted.
                        let _ = full.send(());
                    }
                    tokio::select! { () = sleep(AGAIN) => {} () = self.enough.cancelled() => {} }
                }
            }
        }
        for connection in self.connections {
            goodbye(connection).await;
        }
    }
}
