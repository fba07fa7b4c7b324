//! What can be made to go wrong on purpose: the catalog of faults, and a fault as a drill asks for it.

use std::time::Duration;

/// A step that has to do with a fault.
#[derive(Debug, Clone, PartialEq)]
pub enum FaultStep {
    /// Lets the fault happen; it lasts until it is healed or the unit ends.
    Inject(Fault),
    /// Asks what the fault of that name did so far.
    Witness(String),
    /// Undoes the fault of that name, and says what it did.
    Heal(String),
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceFault {
    /// It ends at once, without a chance to clean up.
    Kill,
    /// It is asked to end, and ends.
    Stop,
    /// It stops working without ending: connections stay open, nothing is answered.
    Pause,
    /// It is asked to end, and started again at once.
    Restart,
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
}

/// Which part of the stack a fault is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// A service's process.
    Service,
    /// The bytes between two services.
    Wire,
    /// HTTP requests between two services.
    Http,
    /// The lane's database.
    Database,
    /// The lane's bucket.
    Objects,
}

/// One row of the catalog.
#[derive(Debug, Clone, Copy)]
pub struct FaultInfo {
    /// The key in a `fault` step; its value is the target.
    pub name: &'static str,
    /// Which part of the stack it is about.
    pub family: Family,
    /// One line.
    pub summary: &'static str,
    /// Keys beside the target that it needs.
    pub needs: &'static [&'static str],
    /// Keys beside the target that it can have.
    pub may: &'static [&'static str],
}

const fn row(
    name: &'static str,
    family: Family,
    (needs, may): (&'static [&'static str], &'static [&'static str]),
    summary: &'static str,
) -> FaultInfo {
    FaultInfo { name, family, summary, needs, may }
}

/// The catalog of faults.
pub const FAULTS: &[FaultInfo] = &[
    row("kill", Family::Service, (&[], &[]), "ends a service with SIGKILL; healed by starting it again"),
    row("stop", Family::Service, (&[], &[]), "asks a service to end; healed by starting it again"),
    row(
        "pause",
        Family::Service,
        (&[], &[]),
        "stops a service with SIGSTOP: it keeps its connections and answers nothing",
    ),
    row("restart", Family::Service, (&[], &[]), "stops and starts a service, and waits until it is ready"),
    row("latency", Family::Wire, (&["delay"], &["jitter"]), "delays what comes back over an edge"),
    row("bandwidth", Family::Wire, (&["per_second"], &[]), "lets only so many bytes per second over an edge"),
    row("reset", Family::Wire, (&[], &[]), "cuts connections of an edge when they are used"),
    row("blackhole", Family::Wire, (&[], &[]), "accepts connections of an edge and lets nothing through"),
    row("slice", Family::Wire, (&["bytes"], &[]), "cuts what travels over an edge into small pieces"),
    row(
        "limit",
        Family::Wire,
        (&["bytes"], &[]),
        "cuts a connection of an edge after so many bytes came back",
    ),
    row("partition", Family::Wire, (&[], &[]), "cuts every connection of an edge, open or new"),
    row(
        "status",
        Family::Http,
        (&["answer"], &["times"]),
        "answers HTTP requests of an edge with a status of its own",
    ),
    row(
        "slow-headers",
        Family::Http,
        (&["delay"], &["times"]),
        "delays the answers to HTTP requests of an edge",
    ),
    row(
        "truncated-body",
        Family::Http,
        (&["bytes"], &["times"]),
        "cuts the bodies of answers to HTTP requests of an edge",
    ),
    row("duplicate", Family::Http, (&[], &["times"]), "delivers HTTP requests of an edge twice"),
    row(
        "lost-answer",
        Family::Http,
        (&[], &["times"]),
        "delivers HTTP requests of an edge and loses the answers",
    ),
    row(
        "terminate-backends",
        Family::Database,
        (&[], &[]),
        "ends all connections of services to the lane's database",
    ),
    row(
        "lock-table",
        Family::Database,
        (&["table"], &[]),
        "keeps everybody else from a table of the lane's database",
    ),
    row(
        "slow-table",
        Family::Database,
        (&["table", "delay"], &[]),
        "lets statements on a table wait for a lock again and again",
    ),
    row("read-only", Family::Database, (&[], &[]), "makes the lane's database read-only"),
    row("object-forbidden", Family::Objects, (&[], &["key", "times"]), "the object store refuses with 403"),
    row(
        "object-slow-down",
        Family::Objects,
        (&[], &["key", "times"]),
        "the object store answers 503 SlowDown",
    ),
    row("object-missing", Family::Objects, (&[], &["key", "times"]), "objects that are there are not found"),
    row("object-truncated", Family::Objects, (&[], &["key", "times"]), "objects come only half"),
    row(
        "object-wrong-checksum",
        Family::Objects,
        (&[], &["key", "times"]),
        "objects come with the wrong content, ETag and checksums",
    ),
];

impl FaultStep {
    /// The step in a few words.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Inject(fault) => format!("fault: {}", fault.describe()),
            Self::Witness(name) => format!("what the fault of {name} did"),
            Self::Heal(name) => format!("heal {name}"),
        }
    }
}

impl FaultInfo {
    /// The row of a name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        FAULTS.iter().find(|info| info.name == name)
    }
}

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

    /// Whom it is done to, as it is written.
    #[must_use]
    pub fn target(&self) -> String {
        match &self.what {
            What::Service { service, .. }
            | What::Database { service, .. }
            | What::Objects { service, .. } => service.clone(),
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
