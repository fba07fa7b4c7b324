//! Pictures: bars and dots on one axis of time.

use jiff::Timestamp;

use super::super::words::took;
use super::log::{Level, Moment};
use super::page::Page;
use crate::history::{History, UnitHistory};
use crate::record::{Outcome, ServiceWord};

/// Width of the drawing, in its own units; the page scales it.
const WIDTH: f64 = 1_000.0;

/// Height of a row.
const ROW: f64 = 16.0;

/// The most rows of the run's picture.
const MOST_ROWS: usize = 120;

/// An axis from one moment to another.
struct Axis {
    from: Timestamp,
    span_us: f64,
}

impl Axis {
    fn new(from: Timestamp, to: Timestamp) -> Self {
        Self { from, span_us: micros(from, to).max(1.0) }
    }

    fn x(&self, at: Timestamp) -> f64 {
        (micros(self.from, at) / self.span_us).clamp(0.0, 1.0) * WIDTH
    }

    fn ticks(&self, height: f64, page: &mut Page) {
        for part in 0..=4_u32 {
            let x = f64::from(part) / 4.0 * WIDTH;
            page.raw("<line class=\"tick\" x1=\"").coordinate(x).raw("\" x2=\"").coordinate(x);
            page.raw("\" y1=\"0\" y2=\"").coordinate(height).raw("\"/>");
        }
    }

    /// The figures under the axis, as text of the page: text inside a scaled picture is too small on a phone.
    fn legend(&self, page: &mut Page) {
        page.raw("<div class=\"axis\" aria-hidden=\"true\">");
        for part in 0..=4_u32 {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a span of time in microseconds"
            )]
            let at = (f64::from(part) / 4.0 * self.span_us) as u64;
            page.raw("<span>").text(&took(at)).raw("</span>");
        }
        page.raw("</div>");
    }
}

fn micros(from: Timestamp, to: Timestamp) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a picture needs no more than pixels")]
    let micros = (to.as_microsecond() - from.as_microsecond()) as f64;
    micros.max(0.0)
}

fn before(at: Timestamp, took_us: u64) -> Timestamp {
    let took = jiff::SignedDuration::from_micros(i64::try_from(took_us).unwrap_or(i64::MAX));
    at.checked_sub(took).unwrap_or(at)
}

fn svg(height: f64, label: &str, page: &mut Page) {
    page.raw("<svg viewBox=\"0 0 1000 ")
        .coordinate(height)
        .raw("\" preserveAspectRatio=\"none\" style=\"height:");
    page.coordinate(height).raw("px\" role=\"img\" aria-label=\"").text(label).raw("\">");
}

fn bar(class: &'static str, (x, width): (f64, f64), y: f64, page: &mut Page) {
    page.raw("<rect class=\"").raw(class).raw("\" x=\"").coordinate(x).raw("\" y=\"").coordinate(y);
    page.raw("\" width=\"").coordinate(width.max(2.0)).raw("\" height=\"11\">");
}

/// The whole run: a row for each unit.
pub(super) fn run(history: &History, page: &mut Page) {
    let (Some(from), Some(to)) = (history.started_at, history.ended_at) else { return };
    let axis = Axis::new(from, to);
    let rows = history.units.len().min(MOST_ROWS);
    if rows == 0 {
        return;
    }
    let tall = rows > 24;
    page.raw("<section><h2>The run on one axis</h2>");
    page.raw(if tall { "<details><summary>Show</summary>" } else { "<div>" });
    #[expect(clippy::cast_precision_loss, reason = "at most a hundred rows")]
    let height = rows as f64 * ROW + 4.0;
    page.raw("<div class=\"chart\">");
    svg(height, "Units of the run as bars over time", page);
    axis.ticks(height, page);
    for (row, (number, unit)) in (0_u32..).zip(history.units.iter().enumerate().take(rows)) {
        let end = unit.end.as_ref();
        let long = end.map_or_else(|| micros(unit.started_at, to), |end| micros(before(to, end.took_us), to));
        let x = axis.x(unit.started_at);
        page.raw("<a href=\"#u").number(number as u64).raw("\">");
        let class = end.map_or("aborted", |end| end.verdict.as_str());
        bar(class, (x, long / axis.span_us * WIDTH), f64::from(row) * ROW + 4.0, page);
        page.raw("<title>").text(&unit.unit.id).raw(" · ").raw(class);
        if let Some(end) = end {
            page.raw(" · ").text(&took(end.took_us));
        }
        page.raw("</title></rect></a>");
    }
    page.raw("</svg>");
    axis.legend(page);
    page.raw("</div>");
    if history.units.len() > rows {
        page.raw("<p class=\"quiet\">the first ").number(rows as u64).raw(" of ");
        page.number(history.units.len() as u64).raw(" units</p>");
    }
    page.raw(if tall { "</details></section>" } else { "</div></section>" });
}

/// One unit: its steps, the services of its lane and what they logged.
pub(super) fn unit(unit: &UnitHistory, history: &History, moments: &[Moment], page: &mut Page) {
    let Some(last) = unit.step_ends.last() else { return };
    let services: Vec<_> = history
        .services
        .iter()
        .filter(|moment| {
            moment.lane.is_some() && moment.lane == unit.lane && moment.state == ServiceWord::Died
        })
        .collect();
    let from = unit
        .started_at
        .min(unit.steps.first().map_or(unit.started_at, |step| before(unit.step_ends[0], step.took_us)));
    let axis = Axis::new(from, *last);
    let height = if moments.is_empty() { 22.0 } else { 44.0 };
    page.raw("<div class=\"chart\">");
    svg(height, "Steps as bars and log lines as dots over time", page);
    axis.ticks(height, page);
    for (step, end) in unit.steps.iter().zip(&unit.step_ends) {
        let x = axis.x(before(*end, step.took_us));
        bar(step.verdict.as_str(), (x, axis.x(*end) - x - 1.0), 5.0, page);
        page.raw("<title>").number(step.index + 1).raw(" ");
        // A long list of passed steps names them below; the figure is enough here.
        if unit.steps.len() <= 60 || step.verdict != Outcome::Passed {
            page.text(&step.title).raw(" · ");
        }
        page.text(&took(step.took_us)).raw("</title></rect>");
    }
    for moment in services {
        page.raw("<path class=\"died\" d=\"M").coordinate(axis.x(moment.at)).raw(" 0v18\"><title>");
        page.text(&moment.service).raw(" died</title></path>");
    }
    for moment in moments.iter().filter(|moment| moment.at >= from && moment.at <= *last) {
        let class = match moment.level {
            Level::Plain => "plain",
            Level::Warning => "warning",
            Level::Error => "error",
        };
        page.raw("<path class=\"line ")
            .raw(class)
            .raw("\" d=\"M")
            .coordinate(axis.x(moment.at))
            .raw(" 25v14\"><title>");
        page.text(&moment.service).raw(": ").text(&moment.text).raw("</title></path>");
    }
    page.raw("</svg>");
    axis.legend(page);
    page.raw("</div>");
}
