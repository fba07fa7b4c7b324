//! From the keys beside the target to what a fault does.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::fault::{DatabaseFault, HttpFault, ObjectFault, ServiceFault, WireFault};

/// Values beside the target; which of them a kind needs and may have stands in the catalog.
#[derive(Default)]
pub struct Given {
    pub delay: Option<Duration>,
    pub jitter: Option<Duration>,
    pub per_second: Option<u64>,
    pub bytes: Option<u64>,
    pub answer: Option<u64>,
    pub times: Option<u64>,
    pub table: Option<String>,
    pub key: Option<String>,
    pub set: Option<BTreeMap<String, String>>,
    pub room: Option<u64>,
    pub percent: Option<u64>,
    pub left: Option<u64>,
    pub by_ms: Option<i64>,
}

pub fn service(name: &str, given: &Given) -> Option<ServiceFault> {
    Some(match name {
        "kill" => ServiceFault::Kill,
        "stop" => ServiceFault::Stop,
        "pause" => ServiceFault::Pause,
        "restart" => ServiceFault::Restart,
        "slow-start" => ServiceFault::SlowStart { delay: given.delay? },
        "wrong-environment" => ServiceFault::WrongEnvironment { set: given.set.clone()? },
        "memory-limit" => ServiceFault::MemoryLimit { room: given.room? },
        "cpu-limit" => ServiceFault::CpuLimit { percent: u32::try_from(given.percent?).ok()? },
        "out-of-files" => ServiceFault::OutOfFiles { left: given.left.unwrap_or(0) },
        "clock-skew" => ServiceFault::ClockSkew { by_ms: given.by_ms? },
        "clock-jump" => ServiceFault::ClockJump { by_ms: given.by_ms? },
        _ => return None,
    })
}

pub fn wire(name: &str, given: &Given) -> Option<WireFault> {
    Some(match name {
        "latency" => WireFault::Latency { delay: given.delay?, jitter: given.jitter.unwrap_or_default() },
        "bandwidth" => WireFault::Bandwidth { per_second: given.per_second? },
        "reset" => WireFault::Reset,
        "blackhole" => WireFault::Blackhole,
        "slice" => WireFault::Slice { bytes: usize::try_from(given.bytes?).ok()? },
        "limit" => WireFault::Limit { bytes: given.bytes? },
        "partition" => WireFault::Partition,
        _ => return None,
    })
}

pub fn http(name: &str, given: &Given) -> Option<HttpFault> {
    Some(match name {
        "status" => HttpFault::Status(u16::try_from(given.answer?).ok()?),
        "slow-headers" => HttpFault::SlowHeaders(given.delay?),
        "truncated-body" => HttpFault::TruncatedBody(usize::try_from(given.bytes?).ok()?),
        "duplicate" => HttpFault::Duplicate,
        "lost-answer" => HttpFault::LostAnswer,
        _ => return None,
    })
}

pub fn database(name: &str, given: &Given) -> Option<DatabaseFault> {
    Some(match name {
        "terminate-backends" => DatabaseFault::TerminateBackends,
        "lock-table" => DatabaseFault::LockTable(given.table.clone()?),
        "slow-table" => DatabaseFault::SlowTable { table: given.table.clone()?, delay: given.delay? },
        "read-only" => DatabaseFault::ReadOnly,
        "disk-full" => DatabaseFault::DiskFull { left: given.left.unwrap_or(0) },
        "pool-starvation" => DatabaseFault::PoolStarvation,
        "database-stop" => DatabaseFault::Stop,
        "database-crash" => DatabaseFault::Crash,
        _ => return None,
    })
}

pub fn object(name: &str) -> Option<ObjectFault> {
    Some(match name {
        "object-forbidden" => ObjectFault::Forbidden,
        "object-slow-down" => ObjectFault::SlowDown,
        "object-missing" => ObjectFault::Missing,
        "object-truncated" => ObjectFault::Truncated,
        "object-wrong-checksum" => ObjectFault::WrongChecksum,
        "object-store-full" => ObjectFault::Full,
        _ => return None,
    })
}
