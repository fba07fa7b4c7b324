//! `slow-start`: a service that was started and does nothing yet.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
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

/// How often the witness looks.
const LOOK: Duration = Duration::from_millis(20);

/// A service that is started again and stands still for a while.
pub struct SlowStart {
    service: String,
    delay: Duration,
    seen: Arc<AtomicU64>,
    enough: CancellationToken,
    holder: Option<JoinHandle<()>>,
}

impl SlowStart {
    /// A service that is to start slowly.
    pub fn new(service: &str, delay: Duration) -> Self {
        let (seen, enough) = (Arc::default(), CancellationToken::new());
        Self { service: service.to_owned(), delay, seen, enough, holder: None }
    }
}

impl Drop for SlowStart {
    fn drop(&mut self) {
        self.enough.cancel();
    }
}

impl AtWork for SlowStart {
    fn undo(&self, _: &Lane) -> Undo {
        Undo::Start { service: self.service.clone() }
    }

    fn inject<'a>(&'a mut self, lane: &'a Lane) -> BoxFuture<'a, Result<(), String>> {
        async move {
            if lane.running(&self.service).is_none() {
                // What does not run is not started again, so there is nothing that could be slow.
                return Ok(());
            }
            lane.stop(&self.service).await.map_err(|error| error.full())?;
            let process = lane.launch(&self.service).await.map_err(|error| error.full())?;
            let stands = process.pause().await;
            let holder = Holder {
                process,
                port: lane.port(&self.service),
                until: Deadline::after(self.delay),
                seen: self.seen.clone(),
            };
            let enough = self.enough.clone();
            self.holder = Some(tokio::spawn(async move { holder.hold(stands, enough).await }));
            Ok(())
        }
        .boxed()
    }

    fn witness<'a>(&'a self, _: &'a Lane) -> BoxFuture<'a, Result<Witness, String>> {
        async move {
            let looks = self.seen.load(Ordering::Relaxed);
            let detail = format!("{} was seen {looks} times to be started and not there", self.service);
            Ok(Witness { seen: u64::from(looks > 0), bytes: 0, detail })
        }
        .boxed()
    }

    fn heal<'a>(&'a mut self, lane: &'a Lane) -> BoxFuture<'a, Result<(), String>> {
        async move {
            self.enough.cancel();
            if let Some(holder) = self.holder.take() {
                // It ends at the token; whatever it met, the service goes on below.
                let _ = holder.await;
            }
            if let Some(process) = lane.running(&self.service) {
                process.resume();
                return lane.becomes_ready(&self.service).await.map_err(|error| error.full());
            }
            lane.start(&self.service).await.map_err(|error| error.full())
        }
        .boxed()
    }
}

/// Holds a process and looks whether anybody could tell.
struct Holder {
    process: Arc<Process>,
    port: Option<u16>,
    until: Deadline,
    seen: Arc<AtomicU64>,
}

impl Holder {
    async fn hold(self, stands: bool, enough: CancellationToken) {
        while stands && !self.until.passed() && !enough.is_cancelled() {
            if self.process.stands_still() && self.refuses() {
                self.seen.fetch_add(1, Ordering::Relaxed);
            }
            tokio::select! { () = sleep(LOOK.min(self.until.left())) => {} () = enough.cancelled() => {} }
        }
        self.process.resume();
    }

    /// Whether nobody answers at the service's port; one without a port cannot be asked. A service may have begun to listen
    /// before it was held, so an open port alone says nothing.
    fn refuses(&self) -> bool {
        let Some(port) = self.port else { return true };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let Ok(mut stream) = TcpStream::connect_timeout(&address, LOOK) else { return true };
        let asked =
            stream.set_read_timeout(Some(LOOK)).and_then(|()| stream.write_all(b"GET / HTTP/1.0\r\n\r\n"));
        asked.is_err() || stream.read(&mut [0]).map_or(true, |bytes| bytes == 0)
    }
}
