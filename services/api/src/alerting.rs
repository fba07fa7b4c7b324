//! Judging the alert rules: what is counted, where every alert stands, and the background watch.
//!
//! Counts and states are in the database, so that instances and restarts agree. Refusals are noted in memory, without
//! a wait, and written a moment later; whoever asks for the alerts writes them first, so nothing is seen late.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use dispatch_domain::ErrorCode;
use dispatch_domain::alert::{self, AlertCode, AlertState, Judgement, RULES, Rule, SEVERITY, Signal};
use dispatch_store::alerts::{self, AlertRow, Counted, Step};
use dispatch_store::stuck::{self, StuckRule};
use dispatch_store::{PgConnection, StoreError};
use serde_json::{Value, json};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::app::App;
use crate::clock;
use crate::config::AlertConfig;
use crate::metrics::SERVICE;

mod watch;

pub use watch::watch;

/// Refusals counted together.
const SLICE: Duration = Duration::from_secs(1);

/// So many refusals with one code, from one second.
#[derive(Debug, Clone, Copy)]
struct Noted {
    code: ErrorCode,
    at: Instant,
    count: i64,
}

/// What this instance has counted and not yet written.
#[derive(Debug)]
pub struct Alerting {
    noted: Mutex<Vec<Noted>>,
    /// Held while counts are written. What is in it is written again when that fails.
    writing: tokio::sync::Mutex<Vec<Noted>>,
    /// Something was noted.
    wake: Notify,
    /// Name of this instance.
    holder: String,
}

/// One rule, judged.
#[derive(Debug, Clone, Copy)]
pub struct Judged {
    /// The rule.
    pub rule: &'static Rule,
    /// Its signal.
    pub count: u64,
    /// Its threshold.
    pub threshold: u64,
    /// Whether the alert is shown.
    pub is_shown: bool,
}

impl Default for Alerting {
    fn default() -> Self {
        Self {
            noted: Mutex::default(),
            writing: tokio::sync::Mutex::default(),
            wake: Notify::new(),
            holder: Uuid::new_v4().to_string(),
        }
    }
}

impl Alerting {
    /// Notes an error answer, if a rule counts it.
    pub fn note(&self, code: ErrorCode) {
        if !Rule::counts(code) {
            return;
        }
        let now = Instant::now();
        let mut noted = self.lock();
        // New entries are at the end, so the search is over at the first that is too old.
        let mut recent = noted.iter_mut().rev().take_while(|entry| now.duration_since(entry.at) < SLICE);
        match recent.find(|entry| entry.code == code) {
            Some(entry) => entry.count += 1,
            None => noted.push(Noted { code, at: now, count: 1 }),
        }
        drop(noted);
        self.wake.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Noted>> {
        // A panic while counting leaves at worst one count missing.
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what was noted. What cannot be written is returned, per code, and tried again the next time.
    async fn write(&self, app: &App) -> HashMap<&'static str, i64> {
        let window = Duration::from_secs(app.config.alerts.window_seconds.into()) + SLICE;
        let mut writing = self.writing.lock().await;
        writing.append(&mut self.lock());
        writing.retain(|entry| entry.at.elapsed() <= window);
        if writing.is_empty() {
            return HashMap::new();
        }
        let counted: Vec<Counted> = writing.iter().map(counted).collect();
        if alerts::count(&app.pool, &counted).await.is_ok() {
            writing.clear();
            return HashMap::new();
        }
        let mut left = HashMap::new();
        for entry in &counted {
            *left.entry(entry.code).or_default() += entry.count;
        }
        left
    }
}

fn counted(entry: &Noted) -> Counted {
    let age_ms = i64::try_from(entry.at.elapsed().as_millis()).unwrap_or(i64::MAX);
    Counted { code: entry.code.as_str(), age_ms, count: entry.count }
}

/// Judges every rule now, writes the steps that alerts take, and reports them to the alerts file.
///
/// # Errors
/// When the database cannot be read. One that can only be read costs the steps, not the answer.
pub async fn judge(app: &App) -> Result<Vec<Judged>, StoreError> {
    let left = app.alerting.write(app).await;
    // A transaction, because beginning one finds a connection that works.
    let mut transaction = dispatch_store::begin(&app.pool).await?;
    let counts = counts(&app.config.alerts, &mut transaction, &left).await?;
    let rows = alerts::list(&mut transaction).await?;
    transaction.rollback().await?;
    let mut judged = judged(&app.config.alerts, &counts, &rows);
    if !judged.iter().any(|(_, change)| change.is_needed()) {
        return Ok(judged.into_iter().map(|(judged, _)| judged).collect());
    }
    match change(app, &counts).await {
        Ok(changed) => judged = changed,
        Err(error) => crate::request_log::life_cycle(
            true,
            json!({ "message": "the steps of alerts could not be written", "error": error.to_string() }),
        ),
    }
    Ok(judged.into_iter().map(|(judged, _)| judged).collect())
}

/// What has to be written about one alert.
#[derive(Debug, Clone, Default)]
struct Change {
    path: Vec<AlertState>,
    from: Option<AlertState>,
    /// Of the running episode.
    episode: Option<Uuid>,
    /// To be written, when it differs from what is there.
    mark_low: Option<bool>,
}

impl Change {
    fn is_needed(&self) -> bool {
        !self.path.is_empty() || self.mark_low.is_some()
    }
}

/// Judges again under the lock and writes.
async fn change(app: &App, counts: &[u64]) -> Result<Vec<(Judged, Change)>, StoreError> {
    let mut transaction = dispatch_store::begin(&app.pool).await?;
    alerts::lock(&mut transaction).await?;
    let rows = alerts::list(&mut transaction).await?;
    let judged = judged(&app.config.alerts, counts, &rows);
    let mut records = Vec::new();
    for (judged, change) in &judged {
        records.extend(write_change(&mut transaction, judged, change).await?);
    }
    transaction.commit().await?;
    for record in &records {
        app.log.write_alerts(record);
    }
    Ok(judged)
}

/// Writes the steps of one alert; returns what the alerts file is told.
async fn write_change(
    db: &mut PgConnection,
    judged: &Judged,
    change: &Change,
) -> Result<Vec<Value>, StoreError> {
    let code = judged.rule.code.as_str();
    if let Some(is_low) = change.mark_low {
        alerts::mark_low(db, code, is_low).await?;
    }
    let (mut from, mut episode) = (change.from, change.episode.unwrap_or_default());
    let mut records = Vec::new();
    for to in change.path.iter().copied() {
        if to == AlertState::Pending {
            episode = Uuid::now_v7();
        }
        let step = Step {
            code,
            episode,
            from,
            to,
            count: i64::try_from(judged.count).unwrap_or(i64::MAX),
            threshold: i64::try_from(judged.threshold).unwrap_or(i64::MAX),
            by: None,
        };
        alerts::take(db, &step).await?;
        records.push(step_record(&step));
        from = Some(to);
    }
    Ok(records)
}

/// A step as the alerts file shows it.
pub fn step_record(step: &Step<'_>) -> Value {
    let runbook = step.code.parse::<AlertCode>().map_or("", |code| Rule::of(code).runbook);
    json!({
        "service": SERVICE,
        "generated_at": clock::now_text(),
        "event": step.to,
        "code": step.code,
        "severity": SEVERITY,
        "from_state": step.from,
        "to_state": step.to,
        "episode": step.episode,
        "count": step.count,
        "threshold": step.threshold,
        "actor_id": step.by.as_ref().map(|by| by.actor_id),
        "note": step.by.as_ref().and_then(|by| by.note),
        "runbook": runbook,
    })
}

/// The signal of every rule, in their order.
async fn counts(
    config: &AlertConfig,
    db: &mut PgConnection,
    left: &HashMap<&'static str, i64>,
) -> Result<Vec<u64>, StoreError> {
    let recent: HashMap<String, i64> = alerts::recent(db, config.window_seconds).await?.into_iter().collect();
    let mut counts = Vec::with_capacity(RULES.len());
    for rule in RULES {
        let count = match rule.signal {
            Signal::TicketsResting(states) => stuck::count(db, &stuck_rule(config, states)).await?,
            Signal::Errors(codes) => codes
                .iter()
                .map(|code| code.as_str())
                .map(|code| recent.get(code).unwrap_or(&0) + left.get(code).unwrap_or(&0))
                .sum(),
        };
        counts.push(u64::try_from(count).unwrap_or_default());
    }
    Ok(counts)
}

/// When a ticket counts as stuck, as configured.
pub fn stuck_rule<'a>(config: &AlertConfig, states: &'a [dispatch_domain::TicketState]) -> StuckRule<'a> {
    StuckRule { states, minutes: config.stuck_scheduling_minutes, lead_minutes: config.stuck_lead_minutes }
}

fn judged(config: &AlertConfig, counts: &[u64], rows: &[AlertRow]) -> Vec<(Judged, Change)> {
    RULES
        .iter()
        .zip(counts)
        .map(|(rule, count)| {
            let threshold = threshold(config, rule);
            let row = rows.iter().find(|row| row.code == rule.code.as_str());
            let standing = row.map(|row| row.standing);
            let Judgement { path, is_clearing } =
                alert::judge(standing, *count, threshold, &config.hysteresis);
            let from = row.map(|row| row.state);
            let state = path.last().copied().or(from);
            let was_clearing = standing.is_some_and(|standing| standing.low_for_s.is_some());
            let change = Change {
                mark_low: (path.is_empty() && is_clearing != was_clearing).then_some(is_clearing),
                episode: row.map(|row| row.episode),
                from,
                path,
            };
            let is_shown = state.is_some_and(AlertState::is_shown);
            (Judged { rule, count: *count, threshold, is_shown }, change)
        })
        .collect()
}

/// At least one: a threshold of zero would make an alert that nothing can clear.
fn threshold(config: &AlertConfig, rule: &Rule) -> u64 {
    let configured = match rule.code {
        AlertCode::StuckScheduling => config.stuck_scheduling_count,
        AlertCode::CompletionRejectionSpike => config.completion_rejection,
        AlertCode::IdempotencyConflictSpike => config.idempotency_conflict,
        AlertCode::AuthPolicyFailureSpike => config.auth_policy_rejection,
    };
    u64::from(configured.max(1))
}

#[cfg(test)]
mod tests {
    use dispatch_domain::alert::Hysteresis;

    use super::*;

    const CONFIG: AlertConfig = AlertConfig {
        stuck_scheduling_count: 1,
        stuck_scheduling_minutes: 0,
        completion_rejection: 0,
        idempotency_conflict: 2,
        auth_policy_rejection: 5,
        window_seconds: 900,
        evaluate_seconds: 15,
        hysteresis: Hysteresis::NONE,
        stuck_lead_minutes: None,
    };

    #[test]
    fn a_threshold_of_zero_counts_as_one() {
        let quiet = judged(&CONFIG, &[0; 4], &[]);
        assert!(quiet.iter().all(|(judged, change)| !judged.is_shown && !change.is_needed()));
        assert_eq!(quiet.iter().map(|(judged, _)| judged.threshold).collect::<Vec<_>>(), [1, 1, 2, 5]);
        let loud = judged(&CONFIG, &[0, 1, 1, 5], &[]);
        assert_eq!(
            loud.iter().map(|(judged, _)| judged.is_shown).collect::<Vec<_>>(),
            [false, true, false, true]
        );
    }

    #[test]
    fn refusals_of_one_second_are_counted_together_and_others_not_at_all() {
        let alerting = Alerting::default();
        for code in [ErrorCode::Forbidden, ErrorCode::NotFound, ErrorCode::AuthRequired, ErrorCode::Forbidden]
        {
            alerting.note(code);
        }
        let noted: Vec<_> = alerting.lock().iter().map(|entry| (entry.code, entry.count)).collect();
        assert_eq!(noted, [(ErrorCode::Forbidden, 2), (ErrorCode::AuthRequired, 1)]);
    }
}
