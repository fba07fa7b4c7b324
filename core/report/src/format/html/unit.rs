//! One unit of the page: open when it did not pass.

use super::super::difference;
use super::super::words::{one_line, plain, took};
use super::chart;
use super::log::Logs;
use super::page::Page;
use crate::history::{History, UnitHistory};
use crate::record::{Outcome, SnapshotRecord, SnapshotWord, StepRecord};

/// Moments from the logs that a unit shows, when it passed and when it did not.
const MOMENTS: (usize, usize) = (40, 300);

/// Lines of a step's log window that are shown.
const LOG_LINES: usize = 80;

/// Units of which full details are shown; the others point at the console report.
const FULL: usize = 200;

pub(super) fn section(
    (number, unit): (usize, &UnitHistory),
    history: &History,
    logs: &mut Logs<'_>,
    page: &mut Page,
) {
    let verdict = unit.end.as_ref().map(|end| end.verdict);
    let class = verdict.map_or("aborted", Outcome::as_str);
    let bad = verdict != Some(Outcome::Passed);
    page.raw("<details class=\"unit ")
        .raw(class)
        .raw("\" data-v=\"")
        .raw(class)
        .raw("\" id=\"u")
        .number(number as u64);
    page.raw(if bad { "\" open>" } else { "\">" }).raw("<summary><span class=\"badge ").raw(class).raw("\">");
    page.raw(if verdict.is_some() { class } else { "never ended" }).raw("</span> <span class=\"name\"><b>");
    page.text(&unit.unit.title).raw("</b><small>").text(&unit.unit.id);
    for tag in &unit.unit.tags {
        page.raw(" @").text(tag.trim_start_matches('@'));
    }
    page.raw("</small></span><span class=\"time\">");
    page.text(&unit.end.as_ref().map_or_else(String::new, |end| took(end.took_us))).raw("</span></summary>");
    if let Some(reason) = unit.end.as_ref().and_then(|end| end.reason.as_deref()) {
        page.raw("<p class=\"reason\">").text(reason).raw("</p>");
    }
    let most = if bad { MOMENTS.1 } else { MOMENTS.0 };
    let (moments, lines) =
        unit.lane.as_deref().map_or_else(Default::default, |lane| logs.of_lane(lane, most));
    chart::unit(unit, history, &moments, page);
    if lines > 0 {
        page.raw("<p class=\"quiet\">").number(lines).raw(" log lines of the lane, ");
        page.number(moments.len() as u64).raw(" of them on the axis; the whole logs are in the bundle</p>");
    }
    steps(unit, page);
    let full = number < FULL;
    for step in unit.steps.iter().filter(|step| full && step.verdict != Outcome::Passed) {
        failure(step, page);
    }
    for snapshot in &unit.snapshots {
        compared(snapshot, page);
    }
    for kept in unit.end.iter().flat_map(|end| &end.kept) {
        page.raw("<p class=\"quiet\">kept: <code>").text(kept).raw("</code></p>");
    }
    if bad {
        page.raw("<p class=\"quiet\">again: <code>").text(&unit.unit.rerun).raw("</code></p>");
    }
    page.raw("</details>");
}

fn steps(unit: &UnitHistory, page: &mut Page) {
    if unit.steps.is_empty() {
        return;
    }
    page.raw("<table class=\"steps\"><thead><tr><th>#<th>Step<th>Covers<th>Tries<th>Time</thead><tbody>");
    let mut phase = None;
    for step in &unit.steps {
        if phase != Some(step.phase) {
            page.raw("<tr class=\"phase\"><th colspan=\"5\">").raw(step.phase.as_str());
            phase = Some(step.phase);
        }
        page.raw("<tr class=\"").raw(step.verdict.as_str()).raw("\"><td>").number(step.index + 1).raw("<td>");
        page.text(&one_line(&step.title))
            .raw("<td>")
            .text(step.covers.as_deref().unwrap_or_default())
            .raw("<td>");
        page.number(u64::from(step.attempts)).raw("<td>").text(&took(step.took_us));
    }
    let more = unit.ended_steps.saturating_sub(unit.steps.len());
    if more > 0 {
        page.raw("<tr><td colspan=\"5\" class=\"quiet\">and ").number(more as u64);
        page.raw(" more that passed; report.json has them all");
    }
    page.raw("</tbody></table>");
}

fn failure(step: &StepRecord, page: &mut Page) {
    page.raw("<div class=\"failure ")
        .raw(step.verdict.as_str())
        .raw("\"><h3>")
        .raw(step.verdict.as_str())
        .raw(": ");
    page.text(&step.title)
        .raw("</h3><p class=\"quiet\">")
        .text(&step.place.file)
        .raw(":")
        .number(step.place.line);
    page.raw("</p><pre class=\"action\">").text(&one_line(&step.action.to_string())).raw("</pre>");
    for failed in &step.failures {
        page.raw("<dl><dt><code>")
            .text(&failed.path)
            .raw("</code></dt><dd><span class=\"minus\">expected</span> ");
        page.text(&one_line(&failed.expected)).raw("</dd><dd><span class=\"plus\">actual</span> ");
        page.text(&one_line(&failed.actual))
            .raw("</dd><dd class=\"quiet\">")
            .text(&failed.place.file)
            .raw(":");
        page.number(failed.place.line)
            .raw(" <code>")
            .text(&plain(failed.line.trim()))
            .raw("</code></dd></dl>");
    }
    for (field, text) in difference::of_step(step) {
        page.raw("<p class=\"quiet\">").text(&field).raw(", expected against actual</p>");
        diff(&text, page);
    }
    if step.verdict != Outcome::Snapshot {
        page.raw("<details><summary>")
            .number(u64::from(step.attempts))
            .raw(" tries, the last of them</summary><pre>");
        for seen in step.observations.iter().rev().take(3).rev() {
            let said = seen.answer.as_ref().map(ToString::to_string);
            let said = said.or_else(|| seen.no_answer.clone()).unwrap_or_default();
            page.text(&format!("{}  {}  {}\n", seen.attempt, took(seen.took_us), one_line(&said)));
        }
        page.raw("</pre></details>");
    }
    if !step.log_window.is_empty() {
        page.raw("<details><summary>").number(step.log_window.len() as u64);
        page.raw(" log lines during the step</summary><pre>");
        for line in step.log_window.iter().take(LOG_LINES) {
            page.text(&one_line(line)).raw("\n");
        }
        page.raw("</pre></details>");
    }
    page.raw("</div>");
}

fn compared(snapshot: &SnapshotRecord, page: &mut Page) {
    let (class, word) = match snapshot.result {
        SnapshotWord::Matched => ("passed", "as accepted"),
        SnapshotWord::New => ("snapshot", "not accepted yet"),
        SnapshotWord::Different => ("snapshot", "differs from what was accepted"),
    };
    page.raw("<p class=\"compared\"><span class=\"badge ")
        .raw(class)
        .raw("\">")
        .raw(word)
        .raw("</span> <code>");
    page.text(&snapshot.file).raw("</code></p>");
    if let Some(text) = &snapshot.diff {
        diff(text, page);
    }
}

fn diff(text: &str, page: &mut Page) {
    page.raw("<pre class=\"diff\">");
    for line in text.lines().take(400) {
        let class = match line.as_bytes().first() {
            Some(b'+') => "<span class=\"plus\">",
            Some(b'-') => "<span class=\"minus\">",
            _ => "<span>",
        };
        page.raw(class).text(&plain(line)).raw("</span>\n");
    }
    page.raw("</pre>");
}
