//! What can be made to go wrong on purpose: the catalog of faults, and a fault as a drill asks for it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::shape::Shape;

mod catalog;

pub use catalog::{FAULTS, Family, FaultInfo, KEY_DOCS, Works};

/// A step that has to do with a fault.
#[derive(Debug, Clone, PartialEq)]
pub enum FaultStep {
    /// Lets the fault happen; it lasts until it is healed or the unit ends.
    Inject(Fault),
    /// Asks what the fault of that name did so far.
    Witness(String),
    /// Undoes the fault of that name, and says what it did.
    Heal(String),
    /// Says that the service is as it was before the fault, which is where its recovery time ends.
    Recovered(Recovered),
}

/// The end of a recovery.
#[derive(Debug, Clone, PartialEq)]
pub struct Recovered {
    /// The fault that was recovered from.
    pub name: String,
    /// How many effects had been acknowledged: a number or a list, with templates still in it.
    pub acknowledged: Option<Value>,
    /// How many of them are there: a number or a list, with templates still in it.
    pub kept: Option<Value>,
}

/// A fault and where it happens.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// What it is called: its own `name`, or its target as written.
    pub name: String,
    /// Its row in the catalog.
    pub kind: &'static str,
    /// What it does, and to whom.
    pub what: What,
    /// It happens at a moment between these two from the beginning of its step, drawn from the run's seed.
    pub after: Option<(Duration, Duration)>,
}

/// What a fault does, and to whom, by family.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// To the process of a service of the lane.
    Service {
        /// The service.
        service: String,
        /// What happens to it.
        fault: ServiceFault,
    },
    /// To the bytes between two services.
    Wire {
        /// Between whom.
        edge: EdgeName,
        /// What happens to them.
        fault: WireFault,
    },
    /// To the HTTP requests from one service to another.
    Http {
        /// Between whom.
        edge: EdgeName,
        /// What happens to them.
        fault: HttpFault,
        /// How many requests it hits, or nothing for all.
        times: Option<u32>,
    },
    /// To every connection of a service, or of the whole lane.
    Isolation {
        /// The service; nothing for every edge of the lane.
        service: Option<String>,
    },
    /// To the lane's own database.
    Database {
        /// The database service.
        service: String,
        /// What happens to it.
        fault: DatabaseFault,
    },
    /// To requests for objects of the lane's bucket.
    Objects {
        /// The object store service.
        service: String,
        /// What happens to them.
        fault: ObjectFault,
        /// Only objects whose key begins so.
        key: String,
        /// How many requests it hits, or nothing for all.
        times: Option<u32>,
    },
}

/// Who connects to whom.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EdgeName {
    /// The service that connects.
    pub from: String,
    /// The service that is connected to.
    pub to: String,
}

/// What happens to a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceFault {
    /// It ends at once, without a chance to clean up.
    Kill,
    /// It is asked to end, and ends.
    Stop,
    /// It stops working without ending: connections stay open, nothing is answered.
    Pause,
    /// It is asked to end, and started again at once.
    Restart,
    /// It is asked to end, and started again, and stands still for a while before it does anything.
    SlowStart {
        /// How long.
        delay: Duration,
    },
    /// It is asked to end, and started again with other values in its environment.
    WrongEnvironment {
        /// Variable and value.
        set: BTreeMap<String, String>,
    },
    /// It may not allocate more memory than it has, but for so much.
    MemoryLimit {
        /// Bytes it may still allocate.
        room: u64,
    },
    /// It gets at most this share of one processor.
    CpuLimit {
        /// From 1 to 99.
        percent: u32,
    },
    /// It may not open more files and connections than it has, but for so many.
    OutOfFiles {
        /// How many it may still open.
        left: u64,
    },
    /// It is started again with a clock that is wrong.
    ClockSkew {
        /// Milliseconds its clock is ahead; negative when it is behind.
        by_ms: i64,
    },
    /// Its clock jumps while it runs.
    ClockJump {
        /// Milliseconds its clock jumps ahead; negative for back.
        by_ms: i64,
    },
}

/// What happens to the bytes of an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WireFault {
    /// Everything that comes back comes later by `delay`, give or take `jitter`, in the same order.
    Latency {
        /// The mean.
        delay: Duration,
        /// The most it differs from the mean.
        jitter: Duration,
    },
    /// At most so many bytes per second go in either direction, for each connection.
    Bandwidth {
        /// Bytes per second, at least 1.
        per_second: u64,
    },
    /// Connections are cut: open ones at once, others when the first byte is sent.
    Reset,
    /// Connections are accepted and nothing comes back, nor gets through.
    Blackhole,
    /// Bytes travel in pieces of at most so many.
    Slice {
        /// Bytes, at least 1.
        bytes: usize,
    },
    /// A connection is cut once so many bytes have come back.
    Limit {
        /// Bytes.
        bytes: u64,
    },
    /// Nobody gets through: open connections are cut at once, others before the first byte.
    Partition,
}

/// What happens to an HTTP request of an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpFault {
    /// It is answered with this status and never arrives.
    Status(u16),
    /// It is answered as ever, but later.
    SlowHeaders(Duration),
    /// Of its answer's body only the first bytes come, then the connection is cut.
    TruncatedBody(usize),
    /// It arrives twice; the second answer counts.
    Duplicate,
    /// It arrives, and its answer is lost: the connection is cut instead.
    LostAnswer,
}

/// What happens to a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseFault {
    /// The connections of all services to it are ended by the server.
    TerminateBackends,
    /// Nobody reads or writes the table.
    LockTable(String),
    /// Statements on the table wait, each at most about this long.
    SlowTable {
        /// The table.
        table: String,
        /// The longest wait for one lock.
        delay: Duration,
    },
    /// It can be read but not written.
    ReadOnly,
    /// Its disk has no room left but for so much.
    DiskFull {
        /// Bytes that are left.
        left: u64,
    },
    /// Somebody else has all the connections its server gives.
    PoolStarvation,
    /// Its server is asked to end, and ends the sessions.
    Stop,
    /// Its server and all its processes are killed; it recovers from its log when it is started again.
    Crash,
}

/// What happens to a request for an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectFault {
    /// It is refused with 403 `AccessDenied`.
    Forbidden,
    /// It is put off with 503 `SlowDown`.
    SlowDown,
    /// The object is not there: 404.
    Missing,
    /// Half of the object comes, then the connection is cut.
    Truncated,
    /// The object comes with a byte changed, and its checksums and `ETag` are those of something else.
    WrongChecksum,
    /// It cannot be written, for the store is full: 507.
    Full,
}

/// What the value of a fault's key looks like.
#[must_use]
pub fn shape_of(key: &str) -> Shape {
    match key {
        "delay" | "jitter" => Shape::Duration,
        "table" | "key" => Shape::Text,
        "answer" => Shape::Count(200, 599),
        "percent" => Shape::Count(1, 99),
        "room" | "left" => Shape::Count(0, u32::MAX as u64),
        "set" => Shape::Map(0, &Shape::Scalar),
        "per_second" | "bytes" | "times" => Shape::Count(1, u32::MAX as u64),
        _ => Shape::Any,
    }
}

impl FaultStep {
    /// The step in a few words.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Inject(fault) => format!("fault: {}", fault.describe()),
            Self::Witness(name) => format!("what the fault of {name} did"),
            Self::Heal(name) => format!("heal {name}"),
            Self::Recovered(recovered) => format!("recovered from {}", recovered.name),
        }
    }
}

/// The target of `isolate` that stands for every edge of the lane.
pub const LANE: &str = "lane";

impl Fault {
    /// The edge it needs a proxy on, and whether the proxy has to understand HTTP.
    #[must_use]
    pub fn edge(&self) -> Option<(&EdgeName, bool)> {
        match &self.what {
            What::Wire { edge, .. } => Some((edge, false)),
            What::Http { edge, .. } => Some((edge, true)),
            _ => None,
        }
    }

    /// Whether every edge of a service (or, with nothing, of the lane) needs a proxy.
    #[must_use]
    pub fn isolates(&self) -> Option<Option<&str>> {
        match &self.what {
            What::Isolation { service } => Some(service.as_deref()),
            _ => None,
        }
    }

    /// Whether it is done to the database server as a whole, so that the lane needs one of its own.
    #[must_use]
    pub fn needs_own_server(&self) -> bool {
        let whole = |fault: &DatabaseFault| {
            matches!(fault, DatabaseFault::PoolStarvation | DatabaseFault::Stop | DatabaseFault::Crash)
        };
        matches!(&self.what, What::Database { fault, .. } if whole(fault))
    }

    /// The service whose clock it moves, which has to be started for that.
    #[must_use]
    pub fn moves_clock_of(&self) -> Option<&str> {
        match &self.what {
            What::Service {
                service,
                fault: ServiceFault::ClockSkew { .. } | ServiceFault::ClockJump { .. },
            } => Some(service),
            _ => None,
        }
    }

    /// Whom it is done to, as it is written.
    #[must_use]
    pub fn target(&self) -> String {
        match &self.what {
            What::Service { service, .. }
            | What::Database { service, .. }
            | What::Objects { service, .. } => service.clone(),
            What::Isolation { service } => service.clone().unwrap_or_else(|| LANE.to_owned()),
            What::Wire { edge, .. } | What::Http { edge, .. } => edge.to_string(),
        }
    }

    /// The fault in a few words: `kill dispatch-worker`.
    #[must_use]
    pub fn describe(&self) -> String {
        format!("{} {}", self.kind, self.target())
    }
}

impl std::fmt::Display for EdgeName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} -> {}", self.from, self.to)
    }
}
