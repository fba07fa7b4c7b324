//! What is measured at the moment of a scrape: the pool, the queue of messages, alerts, sinks, the build.

use dispatch_domain::alert::{AlertState, RULES};
use dispatch_store::{ACQUIRE_BOUNDS_S, AcquireStatistics};

use super::exposition::{family, sample};

/// States of a message that has not left. A word that is not listed here is shown when it occurs.
const UNSENT: [&str; 4] = ["PENDING", "IN_FLIGHT", "DEAD_LETTER", "SUPPRESSED"];

/// One moment.
#[derive(Debug, Clone, Default)]
pub struct Gauges {
    /// Connections open.
    pub pool_size: u32,
    /// Connections that nobody uses.
    pub pool_idle: usize,
    /// Most connections.
    pub pool_max: u32,
    /// Waits for connections.
    pub acquire: Option<AcquireStatistics>,
    /// Messages by state; none when the database did not answer in time.
    pub outbox: Option<Vec<(String, i64)>>,
    /// Alerts that were ever seen; none when the database did not answer in time.
    pub alerts: Option<Vec<(String, AlertState)>>,
    /// Records that the files have not got because their queue was full.
    pub sink_dropped: u64,
    /// Records that wait for the files.
    pub sink_waiting: usize,
}

impl Gauges {
    /// Appends every family.
    pub(super) fn render(&self, text: &mut String) {
        self.pool(text);
        let up = u8::from(self.outbox.is_some());
        family(text, "dispatch_api_database_up", "gauge", "Whether the database answered this scrape.");
        sample(text, "dispatch_api_database_up", &[], up);
        if let Some(outbox) = &self.outbox {
            messages(text, outbox);
        }
        if let Some(alerts) = &self.alerts {
            states(text, alerts);
        }
        family(
            text,
            "dispatch_api_sink_dropped_total",
            "counter",
            "Records lost to a full queue of the files.",
        );
        sample(text, "dispatch_api_sink_dropped_total", &[], self.sink_dropped);
        family(text, "dispatch_api_sink_waiting", "gauge", "Records that wait for the files.");
        sample(text, "dispatch_api_sink_waiting", &[], self.sink_waiting);
        family(text, "dispatch_api_build_info", "gauge", "The build that answers.");
        let contract = dispatch_domain::tool::surface_hash();
        let labels = [("version", env!("CARGO_PKG_VERSION")), ("contract", contract.as_str())];
        sample(text, "dispatch_api_build_info", &labels, 1);
    }

    fn pool(&self, text: &mut String) {
        let idle = u32::try_from(self.pool_idle).unwrap_or(u32::MAX);
        let states = [("idle", idle), ("used", self.pool_size.saturating_sub(idle))];
        family(text, "dispatch_api_pool_connections", "gauge", "Connections to the database.");
        for (state, count) in states {
            sample(text, "dispatch_api_pool_connections", &[("state", state)], count);
        }
        family(text, "dispatch_api_pool_max", "gauge", "Most connections to the database.");
        sample(text, "dispatch_api_pool_max", &[], self.pool_max);
        let waiters = self.acquire.map_or(0, |acquire| acquire.waiters);
        family(text, "dispatch_api_pool_waiters", "gauge", "Requests that wait for a connection.");
        sample(text, "dispatch_api_pool_waiters", &[], waiters);
        if let Some(acquire) = &self.acquire {
            waits(text, acquire);
        }
    }
}

fn waits(text: &mut String, acquire: &AcquireStatistics) {
    const NAME: &str = "dispatch_api_pool_acquire_seconds";
    family(text, NAME, "histogram", "Time that requests waited for a connection.");
    let bucket = format!("{NAME}_bucket");
    for (bound, count) in ACQUIRE_BOUNDS_S.iter().zip(acquire.buckets) {
        sample(text, &bucket, &[("le", &bound.to_string())], count);
    }
    sample(text, &bucket, &[("le", "+Inf")], acquire.count);
    sample(text, &format!("{NAME}_sum"), &[], acquire.sum_s);
    sample(text, &format!("{NAME}_count"), &[], acquire.count);
}

fn messages(text: &mut String, outbox: &[(String, i64)]) {
    const NAME: &str = "dispatch_api_outbox_messages";
    family(text, NAME, "gauge", "Messages that have not been sent, by state.");
    let count = |status: &str| outbox.iter().find(|(name, _)| name == status).map_or(0, |(_, count)| *count);
    for status in UNSENT {
        sample(text, NAME, &[("status", status)], count(status));
    }
    for (status, count) in outbox.iter().filter(|(status, _)| !UNSENT.contains(&status.as_str())) {
        sample(text, NAME, &[("status", status)], count);
    }
}

fn states(text: &mut String, alerts: &[(String, AlertState)]) {
    const NAME: &str = "dispatch_api_alert_state";
    family(text, NAME, "gauge", "Where each alert stands, as it was judged last.");
    for rule in RULES {
        let code = rule.code.as_str();
        let stands = alerts.iter().find(|(name, _)| name == code).map(|(_, state)| *state);
        for state in AlertState::ALL {
            let labels = [("code", code), ("state", state.as_str())];
            sample(text, NAME, &labels, u8::from(stands == Some(*state)));
        }
    }
}
