//! For every kind of fault how it bites and how it hits nothing.

/// A kind of fault, as drills use it. Steps are written as YAML in flow style.
pub struct Case {
    /// Its name in the catalog.
    pub kind: &'static str,
    /// What is done before.
    pub before: &'static [&'static str],
    /// The fault, named `f`.
    pub fault: &'static str,
    /// What is done so that it bites; whether that succeeds does not matter.
    pub traffic: &'static [&'static str],
    /// A step before, and a fault named `f`, that hits nothing.
    pub idle: (&'static [&'static str], &'static str),
}

const ASK: &[&str] = &["{ http: { get: front/long }, expect: { status: \"#int\" }, timeout: 3s }"];
const ASK_BACK: &[&str] = &["{ http: { get: back/x }, expect: { status: 200 }, timeout: 2s }"];
/// A server that waits in `accept` has the number for the next connection already, and only for that.
const ASK_BACK_TWICE: &[&str] = &[
    "{ http: { get: back/x }, expect: { status: 200 }, timeout: 2s }",
    "{ http: { get: back/x }, expect: { status: 200 }, timeout: 2s }",
];
const KILLED: &[&str] = &["{ fault: { kill: back, name: before } }"];
const TABLE: &[&str] = &["{ sql: { execute: create table t (id int) } }"];
const SELECT: &[&str] = &["{ sql: { query: \"select count(*)::int as n from t\" }, timeout: 2s }"];
const OBJECT: &[&str] = &["{ object: { put: a/b, text: content } }"];
const GET: &[&str] = &["{ object: { get: a/b }, timeout: 3s }"];

const fn service(
    kind: &'static str,
    fault: &'static str,
    traffic: &'static [&'static str],
    idle: &'static str,
) -> Case {
    Case { kind, before: &[], fault, traffic, idle: (&[], idle) }
}

/// A kind that is done to a process, and cannot be done to one that is gone.
const fn ending(kind: &'static str, fault: &'static str) -> Case {
    Case { kind, before: &[], fault, traffic: &[], idle: (KILLED, fault) }
}

/// A kind that is done to an edge, and does nothing while nobody uses it.
const fn edge(kind: &'static str, fault: &'static str) -> Case {
    Case { kind, before: &[], fault, traffic: ASK, idle: (&[], fault) }
}

const fn table(kind: &'static str, fault: &'static str, traffic: &'static [&'static str]) -> Case {
    Case { kind, before: TABLE, fault, traffic, idle: (TABLE, fault) }
}

const fn object(kind: &'static str, fault: &'static str, traffic: &'static [&'static str]) -> Case {
    Case { kind, before: OBJECT, fault, traffic, idle: (&[], fault) }
}

/// The table; a test compares it with the catalog.
pub const CASES: &[Case] = &[
    ending("kill", "{ fault: { kill: back, name: f } }"),
    ending("stop", "{ fault: { stop: back, name: f } }"),
    ending("pause", "{ fault: { pause: back, name: f } }"),
    ending("restart", "{ fault: { restart: back, name: f } }"),
    ending("slow-start", "{ fault: { slow-start: back, delay: 2s, name: f } }"),
    service(
        "wrong-environment",
        "{ fault: { wrong-environment: back, set: { MOOD: bad }, name: f } }",
        ASK_BACK,
        "{ fault: { wrong-environment: back, set: { MOOD: calm }, name: f } }",
    ),
    service(
        "memory-limit",
        "{ fault: { memory-limit: back, room: 1000000, name: f } }",
        &["{ http: { get: back/eat }, timeout: 2s }"],
        "{ fault: { memory-limit: back, room: 1000000000, name: f } }",
    ),
    service(
        "cpu-limit",
        "{ fault: { cpu-limit: back, percent: 5, name: f } }",
        &["{ http: { get: back/burn }, timeout: 5s }"],
        "{ fault: { cpu-limit: back, percent: 90, name: f } }",
    ),
    service(
        "out-of-files",
        "{ fault: { out-of-files: back, name: f } }",
        ASK_BACK_TWICE,
        "{ fault: { out-of-files: back, left: 500, name: f } }",
    ),
    service(
        "clock-skew",
        "{ fault: { clock-skew: back, by: 1h, name: f } }",
        ASK_BACK,
        "{ fault: { clock-skew: back, by: 1ms, name: f } }",
    ),
    service(
        "clock-jump",
        "{ fault: { clock-jump: back, by: -1h, name: f } }",
        ASK_BACK,
        "{ fault: { clock-jump: back, by: 1ms, name: f } }",
    ),
    edge("latency", "{ fault: { latency: front -> back, delay: 50ms, jitter: 10ms, name: f } }"),
    edge("bandwidth", "{ fault: { bandwidth: front -> back, per_second: 300000, name: f } }"),
    edge("reset", "{ fault: { reset: front -> back, name: f } }"),
    edge("blackhole", "{ fault: { blackhole: front -> back, name: f } }"),
    edge("slice", "{ fault: { slice: front -> back, bytes: 1000, name: f } }"),
    edge("limit", "{ fault: { limit: front -> back, bytes: 100, name: f } }"),
    edge("partition", "{ fault: { partition: front -> back, name: f } }"),
    edge("isolate", "{ fault: { isolate: lane, name: f } }"),
    edge("status", "{ fault: { status: front -> back, answer: 503, name: f } }"),
    edge("slow-headers", "{ fault: { slow-headers: front -> back, delay: 50ms, name: f } }"),
    edge("truncated-body", "{ fault: { truncated-body: front -> back, bytes: 10, name: f } }"),
    edge("duplicate", "{ fault: { duplicate: front -> back, name: f } }"),
    edge("lost-answer", "{ fault: { lost-answer: front -> back, name: f } }"),
    Case {
        kind: "terminate-backends",
        before: &[],
        fault: "{ parallel: [[{ sql: { query: \"select pg_sleep(1)\" }, timeout: 5s }], [{ fault: { terminate-backends: postgres, name: f, after: 200ms..300ms } }, WITNESS]] }",
        traffic: &[],
        idle: (&[], "{ fault: { terminate-backends: postgres, name: f } }"),
    },
    table("lock-table", "{ fault: { lock-table: postgres, table: t, name: f } }", SELECT),
    table("slow-table", "{ fault: { slow-table: postgres, table: t, delay: 300ms, name: f } }", SELECT),
    table(
        "read-only",
        "{ fault: { read-only: postgres, name: f } }",
        &["{ sql: { execute: insert into t values (1) } }"],
    ),
    Case {
        kind: "disk-full",
        before: TABLE,
        fault: "{ fault: { disk-full: postgres, name: f } }",
        traffic: &["{ sql: { execute: \"insert into t select generate_series(1, 200000)\" } }"],
        idle: (TABLE, "{ fault: { disk-full: postgres, left: 20000000, name: f } }"),
    },
    service(
        "pool-starvation",
        "{ fault: { pool-starvation: postgres, name: f } }",
        &["{ sql: { query: select 1 as n } }"],
        "{ fault: { pool-starvation: postgres, name: f } }",
    ),
    Case {
        kind: "database-stop",
        before: TABLE,
        fault: "{ fault: { database-stop: postgres, name: f } }",
        traffic: &[],
        idle: (
            &["{ fault: { database-crash: postgres, name: before } }"],
            "{ fault: { database-stop: postgres, name: f } }",
        ),
    },
    Case {
        kind: "database-crash",
        before: TABLE,
        fault: "{ fault: { database-crash: postgres, name: f } }",
        traffic: &[],
        idle: (
            &["{ fault: { database-stop: postgres, name: before } }"],
            "{ fault: { database-crash: postgres, name: f } }",
        ),
    },
    object("object-forbidden", "{ fault: { object-forbidden: objects, name: f } }", GET),
    object("object-slow-down", "{ fault: { object-slow-down: objects, name: f } }", GET),
    object("object-missing", "{ fault: { object-missing: objects, name: f } }", GET),
    object("object-truncated", "{ fault: { object-truncated: objects, name: f } }", GET),
    object("object-wrong-checksum", "{ fault: { object-wrong-checksum: objects, name: f } }", GET),
    object(
        "object-store-full",
        "{ fault: { object-store-full: objects, name: f } }",
        &["{ object: { put: a/c, text: more }, timeout: 3s }"],
    ),
];

/// Title of the step in which the witness has to see the fault.
pub const SEEN: &str = "seen by its witness";
/// Title of the steps after everything was undone.
pub const AS_BEFORE: &str = "all is as before";

fn items(steps: &[&str]) -> String {
    steps.iter().map(|step| format!("- {step}\n")).collect()
}

fn head(name: &str, kind: &str) -> String {
    format!("drill: {name}-{kind}\ntitle: {name} {kind}\nbudget: 120s\nsteps:\n")
}

/// A drill in which the fault bites.
pub fn biting(case: &Case) -> String {
    let witness = format!(
        "{{ title: {SEEN}, fault: {{ witness: f }}, expect: {{ seen: \"#int >= 1\" }}, within: 8s }}"
    );
    let fault = case.fault.replace("WITNESS", &witness);
    let mut text = head("bites", case.kind) + &items(case.before) + &items(&[&fault]);
    if case.traffic.is_empty() && !case.fault.contains("WITNESS") {
        text += &items(&[&witness]);
    } else if !case.traffic.is_empty() {
        text += &format!("- parallel: [[{}], [{witness}]]\n", case.traffic.join(", "));
    }
    text += "finally:\n";
    text + &items(&[
        &format!(
            "{{ title: {AS_BEFORE}, http: {{ get: front/x }}, expect: {{ status: 200, body: hello calm }}, within: 8s }}"
        ),
        &format!(
            "{{ title: {AS_BEFORE}, sql: {{ execute: create table after_all (id int) }}, expect: {{ row_count: 0 }}, within: 8s }}"
        ),
        &format!(
            "{{ title: {AS_BEFORE}, object: {{ put: after/all, text: x }}, expect: {{ exists: true }}, within: 8s }}"
        ),
        &format!(
            "{{ title: {AS_BEFORE}, object: {{ get: after/all }}, expect: {{ exists: true }}, within: 8s }}"
        ),
    ])
}

/// A drill whose fault hits nothing.
pub fn idle(case: &Case) -> String {
    let check = "{ http: { get: front/readyz }, expect: { status: 200 } }";
    head("idle", case.kind) + &items(case.idle.0) + &items(&[case.idle.1, check])
}

/// A drill that waits for something that never comes while its fault is at work.
pub fn holding(case: &Case) -> String {
    let fault = if case.fault.contains("WITNESS") { case.idle.1 } else { case.fault };
    let wait = "{ title: never, http: { get: front/readyz }, expect: { status: 599 }, within: 100s }";
    head("holds", case.kind) + &items(case.before) + &items(&[fault, wait])
}
