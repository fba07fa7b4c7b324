//! What is written below a sentence: a data table becomes `${table}`, a docstring `${text}`.

use serde_json::{Map, Value};

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::drill::{Action, NameUse, Step};
use crate::parse::step::quiet_step;
use crate::source::Source;

/// The name a data table is bound to: a list with one object for each row below the header.
const TABLE: &str = "table";
/// The name a docstring is bound to.
const TEXT: &str = "text";

/// A step that binds the sentence's table and text; `asked` are the names its phrase asks for. What is there and not
/// asked for, or asked for and not there, is reported.
pub fn bind(
    source: &Source,
    step: &gherkin::Step,
    asked: &[NameUse],
    out: &mut Vec<Diagnostic>,
) -> Option<Step> {
    let span = source.line_span(step.position.line);
    let asks = |name: &str| asked.iter().any(|usage| usage.name == name);
    let mut complain = |message: String, help: &str| {
        out.push(Diagnostic::new(Code::NothingToFill, source, span, message).help(help));
    };
    let table = step.table.as_ref().map(|table| rows(&table.rows));
    let text = step.docstring.as_ref().map(|text| Value::String(text.trim_matches('\n').to_owned()));
    let mut names = Vec::new();
    for (name, what, value) in [(TABLE, "data table", table), (TEXT, "docstring", text)] {
        match (value, asks(name)) {
            (Some(Value::Array(rows)), true) if rows.is_empty() => {
                complain("the table has a header and no row".to_owned(), "a loop over it would do nothing");
            }
            (Some(value), true) => names.push((name.to_owned(), value)),
            (Some(_), false) => {
                let message =
                    format!("the sentence has a {what}, and its phrase does not ask for `${{{name}}}`");
                complain(message, "it would be ignored; remove it, or use it in the phrase");
            }
            (None, true) => {
                let message = format!("the phrase asks for `${{{name}}}`, and the sentence has no {what}");
                complain(message, "write one below the sentence");
            }
            (None, false) => {}
        }
    }
    (!names.is_empty()).then(|| quiet_step(source, span, Action::Let(names), Vec::new()))
}

fn rows(rows: &[Vec<String>]) -> Value {
    let Some((header, rows)) = rows.split_first() else { return Value::Array(Vec::new()) };
    let cell = |text: &String| text.parse::<i64>().map_or_else(|_| Value::String(text.clone()), Value::from);
    let object = |row: &Vec<String>| header.iter().cloned().zip(row.iter().map(cell)).collect::<Map<_, _>>();
    rows.iter().map(|row| Value::Object(object(row))).collect()
}
