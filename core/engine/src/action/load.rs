//! `load`: a request at a steady rate for a while.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use drillyard_spec::drill::Load;
use futures::StreamExt as _;
use serde_json::{Value, json};

use crate::action::http::{prepare, send};
use crate::action::{Done, Scene};
use crate::clock;

/// Most requests that wait for their answer at a time.
const IN_FLIGHT: usize = 256;

/// One request: its status, or nothing without an answer, and the time from the moment it was due.
struct Sample {
    status: Option<u64>,
    took: Duration,
    collected: Option<Value>,
}

/// Sends the requests. Each is due at its own moment, whatever became of those before, and its time counts from that
/// moment, so that a service that stalls is not asked less and does not look better for it. The answer has `requests`,
/// `errors` (no answer, or a status that is neither 2xx nor 3xx), `error_share` from 0 to 1, `statuses` and, over all
/// requests, `p50_ms`, `p99_ms` and `max_ms`. With `collect` also `collected`, the values of the answers with 2xx.
pub async fn perform(wanted: &Load, scene: &Scene<'_>) -> Done {
    let target = &wanted.request.target;
    let what = json!({
        "load": format!("{} {}{}", wanted.request.method, target.service, target.path),
        "rate": wanted.rate, "duration_ms": wanted.duration.as_millis(),
    });
    let total = u128::from(wanted.rate) * wanted.duration.as_millis() / 1_000;
    let total = u32::try_from(total).unwrap_or(u32::MAX).max(1);
    let begun = Instant::now();
    let samples: Vec<Sample> = futures::stream::iter(0..total)
        .map(|number| one(wanted, scene, begun + Duration::from_secs(1) * number / wanted.rate))
        .buffer_unordered(IN_FLIGHT)
        .collect()
        .await;
    Done { what, answer: Ok(view(&samples)) }
}

async fn one(wanted: &Load, scene: &Scene<'_>, due: Instant) -> Sample {
    clock::sleep(due.saturating_duration_since(Instant::now())).await;
    let answer = match prepare(&wanted.request, scene) {
        Ok(prepared) => send(&prepared, scene).await.ok(),
        Err(_) => None,
    };
    let took = due.elapsed();
    let status = answer.as_ref().and_then(|answer| answer["status"].as_u64());
    let good = answer.filter(|_| status.is_some_and(|status| (200..300).contains(&status)));
    let collected = good.zip(wanted.collect.as_ref()).and_then(|(answer, path)| path.get(&answer).cloned());
    Sample { status, took, collected }
}

fn view(samples: &[Sample]) -> Value {
    let mut statuses: BTreeMap<String, usize> = BTreeMap::new();
    for sample in samples {
        let status = sample.status.map_or_else(|| "none".to_owned(), |status| status.to_string());
        *statuses.entry(status).or_default() += 1;
    }
    let errors =
        samples.iter().filter(|sample| !sample.status.is_some_and(|s| (200..400).contains(&s))).count();
    let mut times: Vec<u64> =
        samples.iter().map(|sample| u64::try_from(sample.took.as_millis()).unwrap_or(u64::MAX)).collect();
    times.sort_unstable();
    #[expect(clippy::cast_precision_loss, reason = "a load has at most 1.2 million requests")]
    let share = errors as f64 / samples.len().max(1) as f64;
    let collected: Vec<&Value> = samples.iter().filter_map(|sample| sample.collected.as_ref()).collect();
    json!({
        "collected": collected, "requests": samples.len(), "errors": errors, "error_share": share, "statuses": statuses,
        "p50_ms": quantile(&times, 50), "p99_ms": quantile(&times, 99), "max_ms": times.last(),
    })
}

/// The smallest time that so many percent of all do not exceed.
fn quantile(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_counts_with_or_without_an_answer() {
        let sample = |status, ms| Sample { status, took: Duration::from_millis(ms), collected: None };
        let mut samples: Vec<Sample> = (1..=98).map(|ms| sample(Some(200), ms)).collect();
        samples.extend([sample(Some(503), 500), sample(None, 900)]);
        let answer = view(&samples);
        assert_eq!(
            (&answer["requests"], &answer["errors"], &answer["error_share"]),
            (&json!(100), &json!(2), &json!(0.02))
        );
        assert_eq!(
            (&answer["p50_ms"], &answer["p99_ms"], &answer["max_ms"]),
            (&json!(50), &json!(500), &json!(900))
        );
        assert_eq!(answer["statuses"], json!({ "200": 98, "503": 1, "none": 1 }));
        assert_eq!(quantile(&[], 99), None);
    }
}
