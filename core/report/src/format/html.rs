//! One page that explains a run: no request leaves it, it prints, and it is readable on a phone.
//!
//! Details are bounded: a unit that passed shows its steps and its timeline, one that did not shows everything.

mod chart;
mod coverage;
mod log;
mod matters;
mod page;
mod unit;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use jiff::Timestamp;
use serde_json::Value;

use super::words::took;
use super::{Format, ReportError};
use crate::history::{History, UnitHistory};
use crate::record::{CountsRecord, Outcome, StepRecord};
pub(crate) use page::Page;

/// The page.
pub const FORMAT: Format = Format {
    name: "html",
    about: "one self-contained page for people",
    file: "report.html",
    in_bundle: true,
    render,
};

/// The look of every page of this crate.
pub(crate) const STYLE: &str = include_str!("html/style.css");

const SCRIPT: &str = include_str!("html/script.js");

/// The most steps that are listed; a page with more could not be opened. All are in `report.json`.
const LISTED: usize = 10_000;

fn render(history: &History, dir: &Path, out: &mut dyn Write) -> Result<(), ReportError> {
    let mut page = Page::default();
    page.open(&format!("Drillyard run {}", history.run_id), STYLE);
    head(history, &mut page);
    chart::run(history, &mut page);
    wrong(history, &mut page);
    matters::grids(history, &mut page);
    matters::recovered(history, &mut page);
    units(history, dir, &mut page, out)?;
    coverage::section(history, dir, &mut page);
    facts(history, &mut page);
    page.close(SCRIPT);
    Ok(page.flow(out)?)
}

/// Every outcome, gravest first.
pub(super) const OUTCOMES: [Outcome; 5] =
    [Outcome::Failed, Outcome::Aborted, Outcome::Inconclusive, Outcome::Snapshot, Outcome::Passed];

fn count(counts: &CountsRecord, outcome: Outcome) -> u64 {
    match outcome {
        Outcome::Passed => counts.passed,
        Outcome::Snapshot => counts.snapshot,
        Outcome::Inconclusive => counts.inconclusive,
        Outcome::Aborted => counts.aborted,
        Outcome::Failed => counts.failed,
    }
}

/// Figures of the units as they ended; an interrupted run has no others.
fn counts(history: &History) -> CountsRecord {
    let mut counts = CountsRecord::default();
    history.units.iter().filter_map(|unit| unit.end.as_ref()).for_each(|end| counts.add(end.verdict));
    counts
}

fn head(history: &History, page: &mut Page) {
    let counts = counts(history);
    let worst = OUTCOMES.into_iter().find(|outcome| count(&counts, *outcome) > 0);
    let (class, sentence) = match &history.end {
        Some(end) => (worst.map_or("aborted", Outcome::as_str), end.summary.as_str()),
        None => ("aborted", "the run was interrupted; what follows is what it left"),
    };
    page.raw("<header class=\"")
        .raw(class)
        .raw("\"><p class=\"kicker\">Drillyard run</p><h1>")
        .text(&history.run_id);
    page.raw("</h1><p class=\"verdict\">").text(sentence).raw("</p><ul class=\"tiles\">");
    for outcome in OUTCOMES {
        let figure = count(&counts, outcome);
        if figure > 0 {
            page.raw("<li class=\"").raw(outcome.as_str()).raw("\"><b>").number(figure).raw("</b> ");
            page.raw(outcome.as_str()).raw("</li>");
        }
    }
    let never = history.planned.saturating_sub(counts.total());
    if never > 0 {
        page.raw("<li class=\"aborted\"><b>").number(never).raw("</b> never ended</li>");
    }
    let steps: usize = history.units.iter().map(|unit| unit.ended_steps).sum();
    page.raw("<li><b>").number(steps as u64).raw("</b> steps</li>");
    if let Some(end) = &history.end {
        page.raw("<li><b>").text(&took(end.took_us)).raw("</b> in all</li>");
        page.raw("<li><b>").number(u64::from(end.exit_code)).raw("</b> exit code</li>");
    }
    page.raw("</ul><p class=\"bound\">");
    if let Some(at) = history.started_at {
        page.text(&at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string());
    }
    for name in ["commit", "backend", "seed", "tool"] {
        if let Some(value) = history.facts.get(name) {
            page.raw(" · ").raw(name).raw(" <code>").text(&short(value)).raw("</code>");
        }
    }
    if history.facts.get("dirty") == Some(&Value::Bool(true)) {
        page.raw(" · <strong>with changes that are not committed</strong>");
    }
    page.raw("</p></header>");
}

fn short(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn wrong(history: &History, page: &mut Page) {
    let flaky = history.flaky();
    if !flaky.is_empty() {
        page.raw("<section class=\"alarm\"><h2>Flaky</h2><ul>");
        for (unit, passed, ran) in flaky {
            page.raw("<li>").text(&format!("{unit} passed {passed} of {ran} times")).raw("</li>");
        }
        page.raw("</ul></section>");
    }
    if !history.residue.is_empty() {
        page.raw("<section class=\"alarm\"><h2>Left behind</h2><ul>");
        for left in &history.residue {
            page.raw("<li><code>").text(left).raw("</code></li>");
        }
        page.raw("</ul></section>");
    }
}

fn units(history: &History, dir: &Path, page: &mut Page, out: &mut dyn Write) -> Result<(), ReportError> {
    page.raw("<section><h2>Drills and scenarios</h2><div class=\"filter\" hidden><input type=\"search\" id=\"find\" placeholder=\"Name, title or tag\" aria-label=\"Find a unit\">");
    let counts = counts(history);
    for outcome in OUTCOMES.into_iter().filter(|outcome| count(&counts, *outcome) > 0) {
        page.raw("<label><input type=\"checkbox\" checked value=\"").raw(outcome.as_str()).raw("\"> ");
        page.raw(outcome.as_str()).raw("</label>");
    }
    page.raw("<output id=\"shown\"></output></div>");
    let mut logs = log::Logs::new(dir);
    let mut order: Vec<(usize, &UnitHistory)> = history.units.iter().enumerate().collect();
    // What did not pass comes first; otherwise the order of the run.
    order.sort_by_key(|(_, unit)| {
        std::cmp::Reverse(unit.end.as_ref().map_or(Outcome::Failed, |end| end.verdict))
    });
    let mut left = LISTED;
    for (number, unit) in order {
        let mut shown = unit.clone();
        (shown.steps, shown.step_ends) = listed(unit, dir, left)?;
        left = left.saturating_sub(shown.steps.len());
        unit::section((number, &shown), history, &mut logs, page);
        page.flow(out)?;
    }
    page.raw("</section>");
    Ok(())
}

type Listed = (Vec<StepRecord>, Vec<Timestamp>);

/// The first steps of a unit, at most `most` of those that passed, and all that did not.
fn listed(unit: &UnitHistory, dir: &Path, most: usize) -> Result<Listed, ReportError> {
    if most == 0 {
        return Ok((unit.steps.clone(), unit.step_ends.clone()));
    }
    let (mut passed, mut listed) = (0, Listed::default());
    for step in unit.steps_in(dir)? {
        let (mut step, end) = step?;
        if step.verdict == Outcome::Passed {
            passed += 1;
            if passed > most {
                continue;
            }
            // Its title and times are shown, not what it saw.
            (step.action, step.expected, step.observations) = (Value::Null, BTreeMap::new(), Vec::new());
        }
        listed.0.push(step);
        listed.1.push(end);
    }
    Ok(listed)
}

fn facts(history: &History, page: &mut Page) {
    page.raw("<section><h2>What this is bound to</h2><table class=\"facts\"><tbody>");
    for (name, value) in &history.facts {
        page.raw("<tr><th scope=\"row\">").text(name).raw("</th><td>");
        match value {
            Value::Object(_) | Value::Array(_) => {
                let pretty = serde_json::to_string_pretty(value).unwrap_or_default();
                let open = pretty.lines().count() <= 12;
                page.raw(if open { "<details open>" } else { "<details>" }).raw("<summary>");
                page.number(
                    value.as_object().map_or_else(|| value.as_array().map_or(0, Vec::len), |m| m.len())
                        as u64,
                );
                page.raw(" entries</summary><pre>").text(&pretty).raw("</pre></details>");
            }
            _ => drop(page.raw("<code>").text(&short(value)).raw("</code>")),
        }
        page.raw("</td></tr>");
    }
    page.raw("</tbody></table></section>");
}
