//! A summary in Markdown, for a pull request or the page of a build.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use super::words::{Paint, plain, took};
use super::{Format, ReportError, explain};
use crate::grid;
use crate::history::{History, UnitHistory};
use crate::record::Outcome;
use crate::recovery::recoveries;

/// A table of all units, and each that did not pass in full.
pub const FORMAT: Format = Format {
    name: "markdown",
    about: "a summary for a pull request, with every unit that did not pass in full",
    file: "summary.md",
    in_bundle: false,
    render,
};

fn render(history: &History, _: &Path, to: &mut dyn io::Write) -> Result<(), ReportError> {
    let mut out = format!("# Run {}\n\n", cell(&history.run_id));
    match &history.end {
        Some(end) => {
            let _ =
                writeln!(out, "{}; {}; exit code {}", cell(&end.summary), took(end.took_us), end.exit_code);
        }
        None => out.push_str("**The run was interrupted.**\n"),
    }
    for (unit, passed, ran) in history.flaky() {
        let _ = writeln!(out, "\n**Flaky:** {} passed {passed} of {ran} times", cell(unit));
    }
    for left in &history.residue {
        let _ = writeln!(out, "\n**Left behind:** {}", cell(left));
    }
    if !history.units.is_empty() {
        out.push_str("\n| verdict | unit | title | time |\n| --- | --- | --- | ---: |\n");
    }
    for unit in &history.units {
        let (verdict, time) = match &unit.end {
            Some(end) => (end.verdict.as_str(), took(end.took_us)),
            None => ("interrupted", String::new()),
        };
        let (id, title) = (cell(&unit.unit.id), cell(&unit.unit.title));
        let _ = writeln!(out, "| {verdict} | {id} | {title} | {time} |");
    }
    matrices(history, &mut out);
    recovered(history, &mut out);
    let passed = |unit: &&UnitHistory| unit.end.as_ref().is_some_and(|end| end.verdict == Outcome::Passed);
    for unit in history.units.iter().filter(|unit| !passed(unit)) {
        let text = explain::unit(unit, Paint { color: false }).join("\n");
        let fence = fence(&text);
        let _ = writeln!(
            out,
            "\n## {}\n\n{fence}text\n{}\n{fence}",
            cell(&unit.unit.id),
            text.trim_matches('\n')
        );
    }
    Ok(to.write_all(out.as_bytes())?)
}

fn matrices(history: &History, out: &mut String) {
    for grid in grid::grids(history) {
        let columns: Vec<String> = grid.columns.iter().map(|column| cell(column)).collect();
        let _ = writeln!(out, "\n## {} by {}\n", cell(&grid.drill), cell(&grid.axes.join(" and ")));
        let _ = writeln!(out, "| | {} |\n| --- |{}", columns.join(" | "), " --- |".repeat(columns.len()));
        for (row, cells) in &grid.rows {
            let cells: Vec<&str> = cells.iter().map(|outcome| grid::word(*outcome)).collect();
            let _ = writeln!(out, "| {} | {} |", cell(row), cells.join(" | "));
        }
    }
}

fn recovered(history: &History, out: &mut String) {
    let recoveries = recoveries(history);
    if !recoveries.is_empty() {
        out.push_str("\n## Recoveries\n\n| unit | fault | recovered after | outage | acknowledged and lost |\n| --- | --- | ---: | ---: | ---: |\n");
    }
    for one in &recoveries {
        let (unit, fault, lost) = (cell(&one.unit), cell(&one.fault), one.lost());
        let _ = writeln!(out, "| {unit} | {fault} | {} ms | {} ms | {lost} |", one.rto_ms, one.outage_ms);
    }
}

/// A text as one cell of a table, which Markdown does not read anything into.
fn cell(text: &str) -> String {
    plain(text).chars().fold(String::new(), |mut cell, c| {
        if "\\`*_[]<>|#".contains(c) {
            cell.push('\\');
        }
        cell.push(c);
        cell
    })
}

/// A fence longer than any in the text.
fn fence(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}
