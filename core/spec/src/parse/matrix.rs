//! `matrix:` and `when:`: which units a drill is, and which steps belong to which of them.

use serde_json::Value;

use crate::code::Code;
use crate::diagnostic::{Diagnostic, suggest};
use crate::drill::{Action, Step};
use crate::fields::{text, wrong_type};
use crate::node::{Kind, Node};
use crate::parse::Reader;
use crate::parse::step::quiet_step;
use crate::source::{Source, Span};

/// Backends a step may be limited to.
pub const BACKENDS: &[&str] = &["process", "container", "attached"];

/// Most units one drill may be. A larger matrix is a slip of the pen, and would take a day to run.
pub const MOST_CELLS: usize = 256;

/// One combination of values, with all values its axes have.
#[derive(Debug, Clone, Default)]
pub struct Cell {
    /// Axis and value.
    pub values: Vec<(String, String)>,
    kinds: Vec<Kind>,
    axes: Vec<(String, Vec<String>)>,
}

impl Cell {
    /// What `${matrix.AXIS}` stands for.
    #[must_use]
    pub fn holes(&self) -> Vec<(String, Kind)> {
        self.values
            .iter()
            .zip(&self.kinds)
            .map(|((axis, _), kind)| (format!("${{matrix.{axis}}}"), kind.clone()))
            .collect()
    }

    /// Binds the values, for blocks: a block's text is not filled in.
    #[must_use]
    pub fn bind_step(&self, source: &Source, span: Span) -> Option<Step> {
        let value = |kind: &Kind| Node { span, kind: kind.clone() }.to_value();
        let names: Vec<(String, Value)> = self
            .values
            .iter()
            .zip(&self.kinds)
            .map(|((axis, _), kind)| (format!("matrix.{axis}"), value(kind)))
            .collect();
        (!names.is_empty()).then(|| quiet_step(source, span, Action::Let(names), Vec::new()))
    }

    fn words(&self) -> String {
        self.values.iter().map(|(axis, value)| format!("{axis}={value}")).collect::<Vec<_>>().join(", ")
    }

    /// Name of the unit.
    #[must_use]
    pub fn unit(&self, drill: &str) -> String {
        if self.values.is_empty() { drill.to_owned() } else { format!("{drill}: {}", self.words()) }
    }

    /// Title of the unit.
    #[must_use]
    pub fn title(&self, title: &str) -> String {
        if self.values.is_empty() { title.to_owned() } else { format!("{title} ({})", self.words()) }
    }
}

/// The cells of a drill's matrix; one without values where it has none.
pub fn cells(source: &Source, root: &Node, out: &mut Vec<Diagnostic>) -> Vec<Cell> {
    let Some(matrix) = root.get("matrix") else { return vec![Cell::default()] };
    let Kind::Map(axes) = &matrix.kind else {
        out.push(wrong_type(source, matrix, "matrix", "a mapping of axis to list of values"));
        return Vec::new();
    };
    let empty = |span: Span, message: &str| {
        Diagnostic::new(Code::NoCell, source, span, message)
            .help("for example `matrix: { fault: [kill, stop] }`")
    };
    if axes.is_empty() {
        out.push(empty(matrix.span, "the matrix has no axis, so there is nothing to run"));
    }
    let before = out.len();
    let mut cells = vec![Cell::default()];
    for (axis, values) in axes {
        let items = match &values.kind {
            Kind::List(items) if !items.is_empty() => items,
            Kind::List(_) | Kind::Null => {
                out.push(empty(
                    values.span,
                    &format!("the axis `{}` has no value, so there is nothing to run", axis.name),
                ));
                continue;
            }
            _ => {
                out.push(wrong_type(source, values, &axis.name, "a list of values"));
                continue;
            }
        };
        if axis.name == "backend"
            || !axis.name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
        {
            let message = format!("`{}` cannot be the name of an axis", axis.name);
            out.push(
                Diagnostic::new(Code::NoCell, source, axis.span, message)
                    .help("letters, digits, `-` and `_`, and not `backend`"),
            );
        }
        let known = axis_values(source, &axis.name, items, out);
        cells = cells
            .into_iter()
            .flat_map(|cell| {
                known
                    .iter()
                    .zip(items)
                    .map(|(value, item)| extended(&cell, &axis.name, (value, item), &known))
                    .collect::<Vec<_>>()
            })
            .take(MOST_CELLS + 1)
            .collect();
    }
    if cells.len() > MOST_CELLS {
        out.push(empty(matrix.span, &format!("the matrix has more than {MOST_CELLS} cells")));
    }
    if out.len() > before || axes.is_empty() { Vec::new() } else { cells }
}

fn axis_values(source: &Source, axis: &str, items: &[Node], out: &mut Vec<Diagnostic>) -> Vec<String> {
    let mut known: Vec<String> = Vec::new();
    for item in items {
        match item.scalar() {
            Some(value) if known.contains(&value) => {
                let message = format!("`{value}` is twice on the axis `{axis}`");
                out.push(Diagnostic::new(Code::NoCell, source, item.span, message));
            }
            Some(value) => known.push(value),
            None => out.push(wrong_type(source, item, axis, "a list of texts, numbers or booleans")),
        }
    }
    known
}

fn extended(cell: &Cell, axis: &str, (value, item): (&String, &Node), known: &[String]) -> Cell {
    let mut cell = cell.clone();
    cell.values.push((axis.to_owned(), value.clone()));
    cell.kinds.push(item.kind.clone());
    cell.axes.push((axis.to_owned(), known.to_vec()));
    cell
}

/// What a `when:` says of the unit being read.
#[derive(Debug)]
pub struct When {
    /// Whether the step belongs to this cell.
    pub here: bool,
    /// Backends it is limited to; empty for all.
    pub backends: Vec<String>,
}

impl Default for When {
    fn default() -> Self {
        Self { here: true, backends: Vec::new() }
    }
}

impl Reader<'_, '_> {
    /// Reads `when:`. Every value must be one the axis has, so that each condition is true in some cell.
    pub fn when(&mut self, node: &Node) -> When {
        let mut when = When::default();
        let Kind::Map(conditions) = &node.kind else {
            self.out.push(wrong_type(
                self.source,
                node,
                "when",
                "a mapping of axis, or `backend`, to values",
            ));
            return when;
        };
        if conditions.is_empty() {
            self.out.push(Diagnostic::new(
                Code::NeverTrue,
                self.source,
                node.span,
                "`when` names no condition",
            ));
        }
        for (key, value) in conditions {
            let wanted = self.wanted(value, &key.name);
            if key.name == "backend" {
                self.all_known(&wanted, BACKENDS, "backend");
                when.backends = wanted.into_iter().map(|(value, _)| value).collect();
                continue;
            }
            // A block read by itself does not know the matrices of those who use it.
            let Some(cell) = self.cell.clone() else { continue };
            let Some((_, values)) = cell.axes.iter().find(|(axis, _)| *axis == key.name) else {
                let message = format!("the drill's matrix has no axis `{}`, so this is never true", key.name);
                let axes = cell.axes.iter().map(|(axis, _)| axis.as_str()).chain(["backend"]);
                let help = suggest(&key.name, axes);
                self.out
                    .push(Diagnostic::new(Code::NeverTrue, self.source, key.span, message).maybe_help(help));
                continue;
            };
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            self.all_known(&wanted, &values, &key.name);
            let own = cell.values.iter().find(|(axis, _)| *axis == key.name).map(|(_, value)| value.as_str());
            when.here &= wanted.iter().any(|(value, _)| Some(value.as_str()) == own);
        }
        when
    }

    fn wanted(&mut self, node: &Node, name: &str) -> Vec<(String, Span)> {
        let items =
            if let Kind::List(items) = &node.kind { items.as_slice() } else { std::slice::from_ref(node) };
        if items.is_empty() {
            let message = format!("`{name}` is given no value, so this is never true");
            self.out.push(Diagnostic::new(Code::NeverTrue, self.source, node.span, message));
        }
        let scalar = |item: &Node, out: &mut Vec<Diagnostic>| {
            item.scalar().or_else(|| text(self.source, item, name, out)).map(|value| (value, item.span))
        };
        items.iter().filter_map(|item| scalar(item, self.out)).collect()
    }

    fn all_known(&mut self, wanted: &[(String, Span)], known: &[&str], name: &str) {
        for (value, span) in wanted.iter().filter(|(value, _)| !known.contains(&value.as_str())) {
            let message = format!("`{name}` is never `{value}`");
            let help = suggest(value, known.iter().copied());
            self.out.push(Diagnostic::new(Code::NeverTrue, self.source, *span, message).maybe_help(help));
        }
    }
}
