//! `GET /ops/alerts`: the four rules, judged now.
//!
//! Counted signals look back over a sliding window, so that an alert clears by itself once its cause is gone.

use dispatch_domain::alert::{RULES, RUNBOOKS, Rule, SEVERITY, Signal};
use dispatch_store::{StoreError, stuck};
use futures::FutureExt;
use serde_json::{Map, Value, json};

use super::Endpoint;
use crate::answer::Answer;
use crate::app::App;
use crate::clock;
use crate::config::AlertConfig;
use crate::failure::Failure;
use crate::metrics::{Metrics, SERVICE};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint::open("/ops/alerts", |app, _| answer(app).boxed());

async fn answer(app: &App) -> Result<Answer, Failure> {
    let config = &app.config.alerts;
    let mut counts = Vec::with_capacity(RULES.len());
    for rule in RULES {
        counts.push(count(app, rule).await.map_err(unavailable)?);
    }
    let snapshot = snapshot(config, &counts, &app.metrics);
    app.log.write_alerts(&snapshot);
    app.log.flush().await;
    Ok(Answer::json(200, &snapshot))
}

/// Whatever kept the database from counting, the caller should ask again; the process goes on.
fn unavailable(error: StoreError) -> Failure {
    let mut failure = Failure::from(error);
    failure.status = 503;
    failure.retry_after_s.get_or_insert(1);
    failure
}

async fn count(app: &App, rule: &Rule) -> Result<u64, StoreError> {
    Ok(match rule.signal {
        Signal::TicketsResting(states) => {
            let tickets = stuck::count(&app.pool, states, app.config.alerts.stuck_scheduling_minutes).await?;
            u64::try_from(tickets).unwrap_or_default()
        }
        Signal::Errors(codes) => {
            let codes: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
            app.metrics.recent_errors(&codes)
        }
    })
}

/// The whole answer; `counts` is in the order of the rules.
fn snapshot(config: &AlertConfig, counts: &[u64], metrics: &Metrics) -> Value {
    let generated_at = clock::now_text();
    let mut thresholds = Map::new();
    let mut signals = Map::new();
    let mut alerts = Vec::new();
    for (rule, count) in RULES.iter().zip(counts) {
        let threshold = threshold(config, rule);
        let resting = matches!(rule.signal, Signal::TicketsResting(_));
        thresholds.insert(rule.signal_name.to_owned(), json!(threshold));
        if resting {
            thresholds.insert("stuck_scheduling_minutes".to_owned(), json!(config.stuck_scheduling_minutes));
        }
        signals.insert(rule.signal_name.to_owned(), json!(count));
        if Rule::fires(*count, threshold) {
            alerts.push(alert(rule, *count, threshold, resting.then_some(config.stuck_scheduling_minutes)));
        }
    }
    let runbooks: Map<String, Value> =
        RUNBOOKS.iter().map(|(code, path)| ((*code).to_owned(), json!(path))).collect();
    json!({
        "service": SERVICE,
        "generated_at": generated_at,
        "thresholds": thresholds,
        "signals": signals,
        "alerts": alerts,
        "runbooks": runbooks,
        "metrics": { "generated_at": generated_at, "counters": metrics.counters() },
    })
}

fn alert(rule: &Rule, count: u64, threshold: u64, stale_minutes: Option<u32>) -> Value {
    let mut alert = Map::new();
    alert.insert("code".to_owned(), json!(rule.code));
    alert.insert("severity".to_owned(), json!(SEVERITY));
    alert.insert("count".to_owned(), json!(count));
    alert.insert("threshold".to_owned(), json!(threshold));
    if let Some(minutes) = stale_minutes {
        alert.insert("stale_minutes".to_owned(), json!(minutes));
    }
    alert.insert("runbook".to_owned(), json!(rule.runbook));
    Value::Object(alert)
}

/// At least one: a threshold of zero would make an alert that nothing can clear.
fn threshold(config: &AlertConfig, rule: &Rule) -> u64 {
    use dispatch_domain::alert::AlertCode;
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
    use std::time::Duration;

    use super::*;

    const CONFIG: AlertConfig = AlertConfig {
        stuck_scheduling_count: 1,
        stuck_scheduling_minutes: 0,
        completion_rejection: 0,
        idempotency_conflict: 2,
        auth_policy_rejection: 5,
        window_seconds: 900,
    };

    fn judged(counts: &[u64]) -> Value {
        snapshot(&CONFIG, counts, &Metrics::new(Duration::from_secs(900)))
    }

    #[test]
    fn alerts_come_in_rule_order_and_only_the_first_says_how_stale() {
        let answer = judged(&[3, 1, 1, 9]);
        let codes: Vec<&Value> =
            answer["alerts"].as_array().unwrap().iter().map(|alert| &alert["code"]).collect();
        assert_eq!(codes, ["STUCK_SCHEDULING", "COMPLETION_REJECTION_SPIKE", "AUTH_POLICY_FAILURE_SPIKE"]);
        assert_eq!(
            answer["alerts"][0],
            json!({
                "code": "STUCK_SCHEDULING", "severity": "warning", "count": 3, "threshold": 1,
                "stale_minutes": 0, "runbook": "dispatch/ops/runbooks/stuck_scheduling.md",
            })
        );
        assert!(answer["alerts"][1].get("stale_minutes").is_none());
    }

    #[test]
    fn a_threshold_of_zero_counts_as_one_and_minutes_may_be_zero() {
        let answer = judged(&[0, 0, 0, 0]);
        assert_eq!(answer["alerts"], json!([]));
        assert_eq!(
            answer["thresholds"],
            json!({
                "stuck_scheduling_count": 1, "stuck_scheduling_minutes": 0, "completion_rejection_count": 1,
                "idempotency_conflict_count": 2, "auth_policy_rejection_count": 5,
            })
        );
    }

    #[test]
    fn the_answer_has_exactly_the_members_that_dashboards_read() {
        let answer = judged(&[0, 0, 0, 0]);
        let members: Vec<&String> = answer.as_object().unwrap().keys().collect();
        assert_eq!(
            members,
            ["service", "generated_at", "thresholds", "signals", "alerts", "runbooks", "metrics"]
        );
        assert_eq!(answer["runbooks"].as_object().unwrap().len(), 8);
        assert!(answer["metrics"]["counters"]["requests_total"].is_array());
    }

    #[test]
    fn each_runbook_names_its_alert_its_signal_and_everything_that_is_counted() {
        for rule in RULES {
            let file = rule.runbook.trim_start_matches("dispatch/");
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
            let text =
                std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let counted: Vec<&str> = match rule.signal {
                Signal::TicketsResting(states) => states.iter().map(|state| state.as_str()).collect(),
                Signal::Errors(codes) => codes.iter().map(|code| code.as_str()).collect(),
            };
            for name in counted.into_iter().chain([rule.code.as_str(), rule.signal_name]) {
                assert!(
                    text.contains(&format!("`{name}`")) || text.contains(&format!("signals.{name}")),
                    "{name}"
                );
            }
            for heading in ["Signal", "Triage", "Remediation", "Exit criteria"] {
                assert!(text.contains(&format!("\n## {heading}\n")), "{file} lacks {heading}");
            }
        }
    }
}
