//! Grids of matrices and the table of recoveries.

use super::page::Page;
use crate::grid::{self, Grid};
use crate::history::History;
use crate::recovery::recoveries;

/// A table for each drill with a matrix; an outcome leads to its unit.
pub(super) fn grids(history: &History, page: &mut Page) {
    let grids = grid::grids(history);
    if grids.is_empty() {
        return;
    }
    page.raw("<section><h2>Matrices</h2>");
    grids.iter().for_each(|one| table(one, history, page));
    page.raw("</section>");
}

fn table(one: &Grid, history: &History, page: &mut Page) {
    page.raw("<div class=\"chart\"><table class=\"grid\"><caption>").text(&one.drill).raw(" by ");
    page.text(&one.axes.join(" and ")).raw("</caption><thead><tr><th></th>");
    for column in &one.columns {
        page.raw("<th scope=\"col\">").text(column).raw("</th>");
    }
    page.raw("</tr></thead><tbody>");
    for (row, cells) in &one.rows {
        page.raw("<tr><th scope=\"row\">").text(row).raw("</th>");
        for (column, outcome) in one.columns.iter().zip(cells) {
            let class = outcome.map_or("aborted", crate::record::Outcome::as_str);
            page.raw("<td class=\"").raw(class).raw("\">");
            match unit_at(history, one, (row, column)) {
                Some(number) => {
                    page.raw("<a href=\"#u")
                        .number(number as u64)
                        .raw("\">")
                        .raw(grid::word(*outcome))
                        .raw("</a>");
                }
                None => drop(page.raw("-")),
            }
            page.raw("</td>");
        }
        page.raw("</tr>");
    }
    page.raw("</tbody></table></div>");
}

fn unit_at(history: &History, one: &Grid, (row, column): (&str, &str)) -> Option<usize> {
    history.units.iter().position(|unit| {
        grid::cell(&unit.unit.id).is_some_and(|(drill, values)| {
            let Some(((_, across), down)) = values.split_last() else { return false };
            let down = down.iter().map(|(_, value)| *value).collect::<Vec<_>>().join(", ");
            drill == one.drill && *across == column && down == row
        })
    })
}

/// What was recovered from, how long that took and what was lost.
pub(super) fn recovered(history: &History, page: &mut Page) {
    let recoveries = recoveries(history);
    if recoveries.is_empty() {
        return;
    }
    page.raw("<section><h2>Recoveries</h2><div class=\"chart\"><table class=\"facts\"><thead><tr><th>Unit</th><th>Fault</th><th>Recovered after</th><th>Outage</th><th>Acknowledged and lost</th></tr></thead><tbody>");
    for one in &recoveries {
        page.raw("<tr><th scope=\"row\">").text(&one.unit).raw("</th><td>").text(&one.fault).raw("</td><td>");
        page.number(one.rto_ms).raw(" ms</td><td>").number(one.outage_ms).raw(" ms</td><td class=\"");
        page.raw(one.verdict.as_str()).raw("\">").text(&one.lost()).raw("</td></tr>");
    }
    page.raw("</tbody></table></div></section>");
}
