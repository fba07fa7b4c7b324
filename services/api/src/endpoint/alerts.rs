//! `GET /ops/alerts`: the four rules, judged now.
//!
//! Counted signals look back over a sliding window, so that an alert clears by itself once its cause is gone.

use dispatch_domain::alert::{RUNBOOKS, SEVERITY, Signal};
use futures::FutureExt;
use serde_json::{Map, Value, json};

use super::Endpoint;
use crate::alerting::{self, Judged};
use crate::answer::Answer;
use crate::app::App;
use crate::clock;
use crate::config::AlertConfig;
use crate::failure::Failure;
use crate::metrics::{Metrics, SERVICE};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint::operational("/ops/alerts", |app, _| answer(app).boxed());

async fn answer(app: &App) -> Result<Answer, Failure> {
    // Whatever keeps the database from counting, the caller should ask again; the process goes on.
    let judged =
        alerting::judge(app).await.map_err(|error| Failure::alerts_unavailable(error.to_string()))?;
    let snapshot = snapshot(&app.config.alerts, &judged, &app.metrics);
    app.log.write_alerts(&snapshot);
    app.log.flush().await;
    Ok(Answer::json(200, &snapshot))
}

/// The whole answer; `judged` is in the order of the rules.
fn snapshot(config: &AlertConfig, judged: &[Judged], metrics: &Metrics) -> Value {
    let generated_at = clock::now_text();
    let mut thresholds = Map::new();
    let mut signals = Map::new();
    let mut alerts = Vec::new();
    for one in judged {
        let minutes =
            matches!(one.rule.signal, Signal::TicketsResting(_)).then_some(config.stuck_scheduling_minutes);
        thresholds.insert(one.rule.signal_name.to_owned(), json!(one.threshold));
        if let Some(minutes) = minutes {
            thresholds.insert("stuck_scheduling_minutes".to_owned(), json!(minutes));
        }
        signals.insert(one.rule.signal_name.to_owned(), json!(one.count));
        if one.is_shown {
            alerts.push(alert(one, minutes));
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

fn alert(judged: &Judged, stale_minutes: Option<u32>) -> Value {
    let mut alert = Map::new();
    alert.insert("code".to_owned(), json!(judged.rule.code));
    alert.insert("severity".to_owned(), json!(SEVERITY));
    alert.insert("count".to_owned(), json!(judged.count));
    alert.insert("threshold".to_owned(), json!(judged.threshold));
    if let Some(minutes) = stale_minutes {
        alert.insert("stale_minutes".to_owned(), json!(minutes));
    }
    alert.insert("runbook".to_owned(), json!(judged.rule.runbook));
    Value::Object(alert)
}

#[cfg(test)]
mod tests {
    use dispatch_domain::alert::{Hysteresis, RULES};

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

    fn judged(counts: [u64; 4], shown: [bool; 4]) -> Value {
        let judged: Vec<Judged> = RULES
            .iter()
            .zip(counts.into_iter().zip(shown))
            .map(|(rule, (count, is_shown))| Judged { rule, count, threshold: 1, is_shown })
            .collect();
        snapshot(&CONFIG, &judged, &Metrics::default())
    }

    #[test]
    fn alerts_come_in_rule_order_and_only_the_first_says_how_stale() {
        let answer = judged([3, 1, 0, 9], [true, true, false, true]);
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
    fn the_answer_has_exactly_the_members_that_dashboards_read() {
        let answer = judged([0; 4], [false; 4]);
        let members: Vec<&String> = answer.as_object().unwrap().keys().collect();
        assert_eq!(
            members,
            ["service", "generated_at", "thresholds", "signals", "alerts", "runbooks", "metrics"]
        );
        assert_eq!(answer["runbooks"].as_object().unwrap().len(), 8);
        let thresholds: Vec<&String> = answer["thresholds"].as_object().unwrap().keys().collect();
        assert_eq!(
            thresholds,
            [
                "stuck_scheduling_count",
                "stuck_scheduling_minutes",
                "completion_rejection_count",
                "idempotency_conflict_count",
                "auth_policy_rejection_count"
            ]
        );
        assert!(answer["metrics"]["counters"]["requests_total"].is_array());
    }

    #[test]
    fn each_runbook_names_its_alert_its_signal_and_everything_that_is_counted() {
        for rule in RULES {
            let file = rule.runbook.trim_start_matches("dispatch/");
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
            let text =
                std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            for name in rule.counted().into_iter().chain([rule.code.as_str(), rule.signal_name]) {
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
