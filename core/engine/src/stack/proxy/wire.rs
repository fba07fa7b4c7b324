//! Bytes between two services, with rules that may change while a connection is open.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use drillyard_spec::fault::WireFault;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::Tally;
use super::flow::{self, Direction};

/// One fault that is on.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its number on this proxy.
    pub id: u64,
    /// What it does.
    pub fault: WireFault,
    /// What it did.
    pub tally: Arc<Tally>,
}

/// The end of the rules that a connection reads.
pub type Watch = watch::Receiver<Arc<Vec<Rule>>>;

/// The faults that are on; every open connection follows them.
#[derive(Debug)]
pub struct WireRules {
    current: watch::Sender<Arc<Vec<Rule>>>,
    next: AtomicU64,
}

impl Default for WireRules {
    fn default() -> Self {
        Self { current: watch::Sender::new(Arc::default()), next: AtomicU64::new(1) }
    }
}

impl WireRules {
    /// Puts a fault on; gives its number and what counts its effects.
    pub fn add(&self, fault: WireFault) -> (u64, Arc<Tally>) {
        let (id, tally) = (self.next.fetch_add(1, Ordering::Relaxed), Arc::new(Tally::default()));
        let rule = Rule { id, fault, tally: tally.clone() };
        self.current.send_modify(|rules| Arc::make_mut(rules).push(rule));
        (id, tally)
    }

    /// Takes a fault off; one that is off already stays off.
    pub fn remove(&self, id: u64) {
        self.current.send_modify(|rules| Arc::make_mut(rules).retain(|rule| rule.id != id));
    }

    /// For a connection.
    #[must_use]
    pub fn watch(&self) -> Watch {
        self.current.subscribe()
    }
}

/// Rules that have hit a connection, each counted once for it.
#[derive(Debug, Default)]
pub struct Touched {
    rules: Mutex<BTreeSet<u64>>,
    ending: AtomicBool,
}

impl Touched {
    /// Counts the connection, and so many bytes, for `rule`.
    pub fn by(&self, rule: &Rule, bytes: usize) {
        if self.rules.lock().unwrap_or_else(PoisonError::into_inner).insert(rule.id) {
            rule.tally.hit();
        }
        rule.tally.add_bytes(bytes);
    }

    /// Counts the connection as cut by `rule`, unless one side had closed it already: that one misses nothing.
    pub fn cut_by(&self, rule: &Rule) {
        if !self.ending.load(Ordering::Relaxed) {
            self.by(rule, 0);
        }
    }

    /// One side has closed the connection.
    pub fn ends(&self) {
        self.ending.store(true, Ordering::Relaxed);
    }
}

/// The connection has to be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut;

/// Carries one connection to its end.
pub async fn carry(mut client: TcpStream, upstream: u16, mut rules: Watch) {
    let touched = Touched::default();
    if before_upstream(&client, &mut rules, &touched).await.is_err() {
        return cut(&client);
    }
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, upstream));
    let Ok(mut server) = TcpStream::connect(address).await else { return cut(&client) };
    // Small pieces go on at once; a socket that cannot be told so is slower, not wrong.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let carried = {
        let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
        let there = flow::flow(from_client, to_server, (rules.clone(), Direction::There), &touched);
        let back = flow::flow(from_server, to_client, (rules, Direction::Back), &touched);
        tokio::try_join!(there, back)
    };
    if carried.is_err() {
        cut(&client);
        cut(&server);
    }
}

/// What happens before anything is sent on: a connection that is swallowed or cut never reaches the other side.
async fn before_upstream(client: &TcpStream, rules: &mut Watch, touched: &Touched) -> Result<(), Cut> {
    let mut swallowed = false;
    loop {
        let now = rules.borrow_and_update().clone();
        if let Some(rule) = now.iter().find(|rule| rule.fault == WireFault::Partition) {
            touched.by(rule, 0);
            return Err(Cut);
        }
        let Some(rule) =
            now.iter().find(|rule| matches!(rule.fault, WireFault::Reset | WireFault::Blackhole))
        else {
            // What was swallowed cannot be brought back.
            return if swallowed { Err(Cut) } else { Ok(()) };
        };
        tokio::select! {
            biased;
            _ = rules.changed() => {}
            ready = client.readable() => {
                let mut waste = [0_u8; 4096];
                let read = ready.and_then(|()| client.try_read(&mut waste));
                match read {
                    Ok(0) => return Err(Cut),
                    Ok(_) if rule.fault == WireFault::Reset => { touched.by(rule, 0); return Err(Cut); }
                    Ok(bytes) => { swallowed = true; touched.by(rule, bytes); }
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                    Err(_) => return Err(Cut),
                }
            }
        }
    }
}

/// Closing it from here on is an abort, which the peer sees as a reset.
fn cut(stream: &TcpStream) {
    // A socket that cannot be told so is closed all the same.
    let _ = stream.set_zero_linger();
}
