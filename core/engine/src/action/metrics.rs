//! `metrics`: a metric from a service's Prometheus text.

use std::collections::BTreeMap;

use drillyard_spec::drill::Metrics;
use drillyard_spec::template::fill_value;
use serde_json::{Number, Value, json};

use crate::action::http::{Prepared, as_text, send, text_of};
use crate::action::{Done, Scene};

/// Reads the metric. The answer has `found`, the `series` that fit, their sum as `value`, and `delta`, the difference
/// from `since`. Without a series there is no value: a metric that nobody counts is not zero.
pub async fn perform(wanted: &Metrics, scene: &Scene<'_>) -> Done {
    let what =
        json!({ "metrics": wanted.name, "of": format!("{}{}", wanted.target.service, wanted.target.path) });
    let answer = read(wanted, scene).await;
    Done { what, answer }
}

async fn read(wanted: &Metrics, scene: &Scene<'_>) -> Result<Value, String> {
    let name = text_of(&wanted.name, scene)?;
    let mut labels = BTreeMap::new();
    for (label, value) in &wanted.labels {
        labels.insert(label.clone(), as_text(fill_value(value, scene.names)?));
    }
    let since = match &wanted.since {
        Some(since) => {
            let since = fill_value(since, scene.names)?;
            Some(since.as_f64().ok_or_else(|| format!("`since` is {since}, and not a number"))?)
        }
        None => None,
    };
    let prepared = Prepared {
        method: "GET",
        service: wanted.target.service.clone(),
        path: text_of(&wanted.target.path, scene)?,
        headers: vec![("accept".to_owned(), "text/plain; version=0.0.4".to_owned())],
        body: None,
        shown_body: Value::Null,
    };
    let answer = send(&prepared, scene).await?;
    let Value::String(text) = &answer["body"] else {
        return Err(format!("the answer ({}) is no Prometheus text", answer["status"]));
    };
    if answer["status"] != 200 {
        return Err(format!("the answer has the status {}", answer["status"]));
    }
    Ok(view(&series(text), (&name, &labels), since))
}

/// One line of the exposition.
#[derive(Debug, PartialEq)]
struct Series {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

fn view(all: &[Series], (name, labels): (&str, &BTreeMap<String, String>), since: Option<f64>) -> Value {
    let meant: Vec<&Series> = all
        .iter()
        .filter(|series| {
            series.name == name && labels.iter().all(|(label, value)| series.labels.get(label) == Some(value))
        })
        .collect();
    let shown: Vec<Value> = meant
        .iter()
        .map(|series| json!({ "labels": series.labels, "value": number(series.value) }))
        .collect();
    let mut answer = json!({ "found": meant.len(), "series": shown });
    if !meant.is_empty() {
        let sum: f64 = meant.iter().map(|series| series.value).sum();
        answer["value"] = number(sum);
        if let Some(since) = since {
            answer["delta"] = number(sum - since);
        }
    }
    answer
}

/// A count stays a whole number, so that `1` in a drill is `1` here.
fn number(value: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() < EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "whole and within the range just checked")]
        return json!(value as i64);
    }
    // Infinity and not-a-number have no form in JSON.
    Number::from_f64(value).map_or_else(|| json!(value.to_string()), Value::Number)
}

/// Series of a text in format 0.0.4; lines that are none are left out, as scrapers do with comments.
fn series(text: &str) -> Vec<Series> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .filter_map(line)
        .collect()
}

fn line(line: &str) -> Option<Series> {
    let end = line.find(|c: char| c == '{' || c.is_whitespace())?;
    let (name, rest) = line.split_at(end);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => label_pairs(rest)?,
        None => (BTreeMap::new(), rest),
    };
    let value = match rest.split_whitespace().next()? {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        text => text.parse().ok()?,
    };
    Some(Series { name: name.to_owned(), labels, value })
}

/// Labels up to the closing brace, and what comes after it.
fn label_pairs(mut rest: &str) -> Option<(BTreeMap<String, String>, &str)> {
    let mut labels = BTreeMap::new();
    loop {
        rest = rest.trim_start_matches([',', ' ']);
        if let Some(rest) = rest.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (label, quoted) = rest.split_once('=')?;
        let mut value = String::new();
        let mut characters = quoted.trim_start().strip_prefix('"')?.char_indices();
        let body = quoted.trim_start().strip_prefix('"')?;
        let close = loop {
            match characters.next()? {
                (at, '"') => break at,
                (_, '\\') => match characters.next()?.1 {
                    'n' => value.push('\n'),
                    other => value.push(other),
                },
                (_, c) => value.push(c),
            }
        };
        labels.insert(label.trim().to_owned(), value);
        rest = &body[close + 1..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# HELP a b\n# TYPE a counter\na{code=\"200\",path=\"/x\\\"y\\\\\"} 3 1700000000\na{code=\"500\"} 2\nb 1.5\nc +Inf\n";

    fn look(name: &str, labels: &[(&str, &str)], since: Option<f64>) -> Value {
        let labels = labels.iter().map(|(l, v)| ((*l).to_owned(), (*v).to_owned())).collect();
        view(&series(TEXT), (name, &labels), since)
    }

    #[test]
    fn series_are_read_filtered_and_added_up() {
        assert_eq!(look("a", &[], Some(1.0))["value"], json!(5));
        assert_eq!(look("a", &[], Some(1.0))["delta"], json!(4));
        assert_eq!(look("a", &[("code", "200")], None)["series"][0]["labels"]["path"], "/x\"y\\");
        assert_eq!(look("b", &[], None)["value"], json!(1.5));
        assert_eq!(look("c", &[], None)["value"], json!("inf"));
    }

    #[test]
    fn a_metric_that_is_not_there_has_no_value() {
        let answer = look("a", &[("code", "404")], Some(0.0));
        assert_eq!(
            (answer["found"].clone(), answer.get("value"), answer.get("delta")),
            (json!(0), None, None)
        );
    }
}
