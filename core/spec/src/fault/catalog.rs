//! The catalog of faults: name, keys, documentation and where each works come from its one row.

/// Which part of the stack a fault is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// A service's process.
    Service,
    /// What the machine gives to a service's process.
    Resources,
    /// The clock of a service.
    Time,
    /// The bytes between two services.
    Wire,
    /// Every connection of a service, or of the lane.
    Isolation,
    /// HTTP requests between two services.
    Http,
    /// The lane's database.
    Database,
    /// The lane's bucket.
    Objects,
}

/// Where a fault works, and what it needs there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Works {
    /// On the backend `process`.
    pub process: &'static str,
    /// On the backend `container`.
    pub container: &'static str,
    /// On the backend `attached`.
    pub attached: &'static str,
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

/// Keys that every kind can have, with what each means.
pub const KEY_DOCS: &[(&str, &str)] = &[
    ("delay, jitter", "a duration, and the most it differs"),
    ("per_second, bytes, left, room", "bytes; `left` of `out-of-files` is a count of files"),
    ("percent", "share of one processor, from 1 to 99"),
    ("by", "a duration, ahead or with `-` behind"),
    ("set", "mapping of variables to values"),
    ("answer", "an HTTP status from 200 to 599"),
    ("times", "how many requests are hit; all where none is given"),
    ("table", "a table, with its schema or without"),
    ("key", "a prefix of keys of objects"),
    (
        "after",
        "`0ms..2s`: it happens at a moment in between, from the beginning of the step, drawn from the run's seed",
    ),
];

type Keys = &'static [&'static str];

const fn row(
    name: &'static str,
    family: Family,
    (needs, may): (Keys, Keys),
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
    row(
        "slow-start",
        Family::Service,
        (&["delay"], &[]),
        "restarts a service, which does nothing for a while after it was started",
    ),
    row(
        "wrong-environment",
        Family::Service,
        (&["set"], &[]),
        "restarts a service with other values in its environment; healed by starting it with its own",
    ),
    row(
        "memory-limit",
        Family::Resources,
        (&["room"], &[]),
        "lets a service allocate only so much more memory; healed by lifting the limit, or starting what died of it",
    ),
    row(
        "cpu-limit",
        Family::Resources,
        (&["percent"], &[]),
        "lets a service work only for a share of the time of one processor",
    ),
    row(
        "out-of-files",
        Family::Resources,
        (&[], &["left"]),
        "lets a service open no more files and connections",
    ),
    row("clock-skew", Family::Time, (&["by"], &[]), "restarts a service with a clock that is wrong"),
    row("clock-jump", Family::Time, (&["by"], &[]), "lets the clock of a running service jump"),
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
        "isolate",
        Family::Isolation,
        (&[], &[]),
        "cuts every connection between a service and all others, or with the target `lane` between all of them",
    ),
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
    row(
        "disk-full",
        Family::Database,
        (&[], &["left"]),
        "moves the lane's database to a disk of its own that has no room left",
    ),
    row(
        "pool-starvation",
        Family::Database,
        (&[], &[]),
        "takes every connection that the database server gives; the lane gets a server of its own",
    ),
    row(
        "database-stop",
        Family::Database,
        (&[], &[]),
        "asks the database server to end; the lane gets a server of its own, whose commits reach the disk",
    ),
    row(
        "database-crash",
        Family::Database,
        (&[], &[]),
        "kills the database server with all its processes; the lane gets a server of its own, whose commits reach the disk",
    ),
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
    row(
        "object-store-full",
        Family::Objects,
        (&[], &["key", "times"]),
        "the object store has no room for another object and answers 507",
    ),
];

impl FaultInfo {
    /// The row of a name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        FAULTS.iter().find(|info| info.name == name)
    }

    /// Where it works, and what it needs there.
    #[must_use]
    pub fn works(&self) -> Works {
        let process = match (self.name, self.family) {
            ("memory-limit" | "out-of-files", _) => "Linux, with `prlimit` of util-linux",
            ("cpu-limit", _) => "Linux",
            ("disk-full", _) => "Linux, as root: it mounts a file system in memory",
            (_, Family::Time) => "with `libfaketime` (Debian: `faketime`); programs linked dynamically",
            _ => "yes",
        };
        let container = "not built yet: the backend is not";
        let attached = "not built yet: the backend is not";
        Works { process, container, attached }
    }

    /// The keys beside the target, as a list for people.
    #[must_use]
    pub fn keys(&self) -> String {
        let needs = self.needs.iter().map(|key| format!("`{key}`"));
        let may = self.may.iter().map(|key| format!("`{key}` (may)"));
        needs.chain(may).collect::<Vec<_>>().join(", ")
    }
}
