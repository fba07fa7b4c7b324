//! The units of a drill's matrix as a grid of outcomes.

use std::collections::BTreeMap;

use crate::history::History;
use crate::record::Outcome;

/// A drill's matrix: its last axis across, all others down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grid {
    /// The drill.
    pub drill: String,
    /// Names of the axes, the one across last.
    pub axes: Vec<String>,
    /// Values of the axis across, in the order in which they are first met.
    pub columns: Vec<String>,
    /// Value of the axes down, and the outcome under each column; nothing for a cell that never ended.
    pub rows: Vec<(String, Vec<Option<Outcome>>)>,
}

/// A unit of a matrix: name of the drill, and axis and value in the order of the axes.
type Cell<'a> = (&'a str, Vec<(&'a str, &'a str)>);

/// Reads `drills/x: fault=kill, service=api`; nothing for a unit that is no cell of a matrix.
#[must_use]
pub fn cell(unit: &str) -> Option<Cell<'_>> {
    let (drill, values) = unit.split_once(": ")?;
    let values: Option<Vec<_>> = values.split(", ").map(|part| part.split_once('=')).collect();
    Some((drill, values?)).filter(|(drill, _)| drill.starts_with("drills/"))
}

/// The grids of a run, in the order of the drills' names.
#[must_use]
pub fn grids(history: &History) -> Vec<Grid> {
    let ended =
        history.units.iter().map(|unit| (unit.unit.id.as_str(), unit.end.as_ref().map(|end| end.verdict)));
    of(ended)
}

/// The grids of units with their outcomes.
pub fn of<'a>(units: impl Iterator<Item = (&'a str, Option<Outcome>)>) -> Vec<Grid> {
    let mut grids: BTreeMap<&str, Grid> = BTreeMap::new();
    for (unit, outcome) in units {
        let Some((drill, values)) = cell(unit) else { continue };
        let Some(((_, across), down)) = values.split_last() else { continue };
        let grid = grids.entry(drill).or_insert_with(|| Grid {
            drill: drill.to_owned(),
            axes: values.iter().map(|(axis, _)| (*axis).to_owned()).collect(),
            columns: Vec::new(),
            rows: Vec::new(),
        });
        let column = position(&mut grid.columns, across);
        let name = down.iter().map(|(_, value)| *value).collect::<Vec<_>>().join(", ");
        let row = match grid.rows.iter().position(|(row, _)| *row == name) {
            Some(row) => row,
            None => {
                grid.rows.push((name, Vec::new()));
                grid.rows.len() - 1
            }
        };
        let cells = &mut grid.rows[row].1;
        if cells.len() <= column {
            cells.resize(column + 1, None);
        }
        cells[column] = outcome;
    }
    let mut grids: Vec<Grid> = grids.into_values().collect();
    for grid in &mut grids {
        let width = grid.columns.len();
        grid.rows.iter_mut().for_each(|(_, cells)| cells.resize(width, None));
    }
    grids
}

fn position(known: &mut Vec<String>, value: &str) -> usize {
    known.iter().position(|other| other == value).unwrap_or_else(|| {
        known.push(value.to_owned());
        known.len() - 1
    })
}

impl Grid {
    /// A line for each row, in columns of equal width.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let first = self.rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = self.columns.iter().map(|name| name.chars().count().max(12)).collect();
        let pad = |text: &str, width: usize| format!("{text:<width$}");
        let row = |name: &str, cells: &mut dyn Iterator<Item = &str>| {
            let cells: Vec<String> = cells.zip(&widths).map(|(text, width)| pad(text, *width)).collect();
            format!("  {}  {}", pad(name, first), cells.join("  ")).trim_end().to_owned()
        };
        let mut lines = vec![format!("{} by {}", self.drill, self.axes.join(" and "))];
        lines.push(row("", &mut self.columns.iter().map(String::as_str)));
        lines.extend(
            self.rows.iter().map(|(name, cells)| row(name, &mut cells.iter().map(|outcome| word(*outcome)))),
        );
        lines
    }
}

/// An outcome as a word; a dash for a cell that never ended.
#[must_use]
pub fn word(outcome: Option<Outcome>) -> &'static str {
    outcome.map_or("-", Outcome::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_of_a_matrix_become_rows_and_columns_and_others_are_left_out() {
        let units = [
            ("drills/m: fault=kill, service=api", Some(Outcome::Passed)),
            ("drills/plain", Some(Outcome::Passed)),
            ("drills/m: fault=kill, service=worker", Some(Outcome::Failed)),
            ("features/f: a=b", Some(Outcome::Passed)),
            ("drills/m: fault=stop, service=worker", None),
        ];
        let grids = of(units.into_iter());
        assert_eq!(grids.len(), 1);
        assert_eq!(
            (&grids[0].axes[..], &grids[0].columns[..]),
            (&["fault".into(), "service".into()][..], &["api".into(), "worker".into()][..])
        );
        assert_eq!(
            grids[0].rows,
            [
                ("kill".to_owned(), vec![Some(Outcome::Passed), Some(Outcome::Failed)]),
                ("stop".to_owned(), vec![None, None]),
            ]
        );
        assert_eq!(
            grids[0].lines(),
            [
                "drills/m by fault and service",
                "        api           worker",
                "  kill  passed        failed",
                "  stop  -             -",
            ]
        );
    }

    #[test]
    fn one_axis_is_a_single_row() {
        let grids =
            of([("drills/m: key=a, b", None), ("drills/m: key=a", Some(Outcome::Passed))].into_iter());
        assert_eq!((grids.len(), grids[0].rows.len()), (1, 1));
    }
}
