//! What may be written at the cursor.

use drillyard_spec::catalog::ACTIONS;
use drillyard_spec::node;
use drillyard_spec::pattern::MARKER_DOCS;
use drillyard_spec::runbook::Outline;
use drillyard_spec::shape::{Named, Shape};
use lsp_types::{
    CompletionItem, CompletionItemKind, CompletionTextEdit, Documentation, MarkupContent, MarkupKind,
    TextEdit,
};

use super::cursor::{self, Cursor, Step};
use super::project::Spot;
use super::{known, names, place};

/// Something to offer: what it is, what is written, and what is said of it.
struct Offer {
    label: String,
    text: String,
    detail: String,
    example: Option<&'static str>,
    kind: CompletionItemKind,
}

fn offer(label: impl Into<String>, detail: impl Into<String>, kind: CompletionItemKind) -> Offer {
    let label = label.into();
    Offer { text: label.clone(), label, detail: detail.into(), example: None, kind }
}

/// Everything that may be written at the cursor; the editor picks by what is typed already.
pub fn items(spot: &Spot<'_>) -> Vec<CompletionItem> {
    if spot.source.path().ends_with(".feature") {
        return sentences(spot);
    }
    let cursor = cursor::at(spot.source.text(), spot.offset);
    if let Some(open) = cursor.hole {
        let mut seen = std::collections::BTreeSet::new();
        let bound = names::bound(spot).into_iter().filter(|one| seen.insert(one.name.clone()));
        let offers = bound.map(|one| offer(one.name, one.how, CompletionItemKind::VARIABLE));
        return edits(spot, (open + 2, spot.offset), offers.collect());
    }
    let offers = if cursor.in_value { values(spot, &cursor) } else { keys(spot, &cursor) };
    let start = cursor.start.min(spot.offset);
    edits(spot, (start, cursor.end.max(spot.offset)), offers)
}

fn edits(spot: &Spot<'_>, (start, end): (usize, usize), offers: Vec<Offer>) -> Vec<CompletionItem> {
    let range = lsp_types::Range {
        start: place::position(spot.source, start),
        end: place::position(spot.source, end),
    };
    let item = |offer: Offer| CompletionItem {
        label: offer.label,
        kind: Some(offer.kind),
        detail: (!offer.detail.is_empty()).then_some(offer.detail),
        documentation: offer.example.map(|example| {
            let value = format!("```yaml\n{example}```");
            Documentation::MarkupContent(MarkupContent { kind: MarkupKind::Markdown, value })
        }),
        text_edit: Some(CompletionTextEdit::Edit(TextEdit { range, new_text: offer.text })),
        ..CompletionItem::default()
    };
    offers.into_iter().map(item).collect()
}

/// What may stand where the path leads.
pub fn shapes(spot: &Spot<'_>, path: &[Step]) -> Vec<Shape> {
    let file = spot.source.path();
    if file.as_ref() == drillyard_spec::project::TOPOLOGY_PATH {
        return known::topology_shapes(path);
    }
    known::root_of(file, spot.source.text()).map(|root| known::shapes(root, path)).unwrap_or_default()
}

/// The action of the step the cursor is in.
fn action_at(spot: &Spot<'_>) -> Option<&'static str> {
    let text = spot.source.text();
    let line = spot.source.place(drillyard_spec::source::Span { start: spot.offset, end: spot.offset }).line;
    let total = text.lines().count();
    let column = |line: &str| line.len() - line.trim_start_matches([' ', '-']).len();
    let here = column(spot.source.line(line));
    let action = |number: usize| {
        let line = spot.source.line(number);
        let key = line.trim_start_matches([' ', '-']).split(':').next().unwrap_or_default();
        ACTIONS.iter().find(|info| info.name == key && column(line) <= here).map(|info| info.name)
    };
    let begins = |number: &usize| spot.source.line(*number).trim_start().starts_with("- ");
    let first = (1..=line).rev().find(begins).unwrap_or(1);
    let last = (line + 1..=total).find(begins).unwrap_or(total + 1);
    (first..last).find_map(action)
}

fn keys(spot: &Spot<'_>, cursor: &Cursor) -> Vec<Offer> {
    let shapes = shapes(spot, &cursor.path);
    if let [Step::Key(env)] | [Step::Item, Step::Key(env)] = cursor.path.as_slice()
        && env == "env"
    {
        return named(spot, Named::Service, "");
    }
    let action = action_at(spot);
    let mut offers: Vec<Offer> = known::keys(&shapes, &cursor.path, action)
        .into_iter()
        .map(|one| Offer {
            text: format!("{}: ", one.name),
            label: one.name,
            detail: one.doc,
            example: one.example,
            kind: CompletionItemKind::PROPERTY,
        })
        .collect();
    // A list of texts, such as `tags` or `use`, is written with the same keys pressed.
    let listed = cursor.path.last() == Some(&Step::Item);
    offers.extend(shapes.iter().filter(|_| listed).flat_map(|shape| of_shape(spot, shape, cursor)));
    offers
}

fn values(spot: &Spot<'_>, cursor: &Cursor) -> Vec<Offer> {
    let shapes = shapes(spot, &cursor.path);
    let mut offers: Vec<Offer> = shapes.iter().flat_map(|shape| of_shape(spot, shape, cursor)).collect();
    let key = match cursor.path.last() {
        Some(Step::Key(key)) => key.as_str(),
        _ => "",
    };
    if ["query", "execute", "table"].contains(&key) && !shapes.is_empty() {
        let tables = &spot.open.project.names.contracts.tables;
        let start = if key == "table" { cursor.start } else { word_start(spot) };
        let tables: Vec<Offer> =
            tables.iter().map(|name| offer(name, "a table", CompletionItemKind::STRUCT)).collect();
        let before = spot.source.text().get(cursor.start..start).unwrap_or_default().to_owned();
        offers.extend(tables.into_iter().map(|mut table| {
            table.text = format!("{before}{}", table.text);
            table
        }));
    }
    if matches!(shapes.first(), Some(Shape::Fault))
        || cursor.path.iter().rev().nth(1) == Some(&Step::Key("fault".to_owned()))
    {
        offers.extend(targets(spot, key));
    }
    offers
}

/// Whom a fault of that kind can be done to.
fn targets(spot: &Spot<'_>, kind: &str) -> Vec<Offer> {
    use drillyard_spec::fault::{Family, FaultInfo};
    let names = &spot.open.project.names;
    let Some(info) = FaultInfo::find(kind) else { return Vec::new() };
    let edges = || names.edges.iter().map(|(from, to)| format!("{from} -> {to}")).collect::<Vec<_>>();
    let list = |set: &std::collections::BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>();
    let targets = match info.family {
        Family::Wire | Family::Http => edges(),
        Family::Database => list(&names.databases),
        Family::Objects => list(&names.object_stores),
        _ => list(&names.processes),
    };
    targets.into_iter().map(|name| offer(name, info.summary, CompletionItemKind::MODULE)).collect()
}

/// The first byte of the word before the cursor.
fn word_start(spot: &Spot<'_>) -> usize {
    let before = &spot.source.text()[..spot.offset];
    before.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_').map_or(0, |at| at + 1)
}

fn of_shape(spot: &Spot<'_>, shape: &Shape, cursor: &Cursor) -> Vec<Offer> {
    let value = |word: &str| offer(word, "", CompletionItemKind::VALUE);
    let typed = spot.source.text().get(cursor.start..spot.offset).unwrap_or_default();
    match shape {
        Shape::Name(name) | Shape::List(_, Shape::Name(name)) => named(spot, *name, typed),
        Shape::List(..) => Vec::new(),
        Shape::Words(words) => words.iter().map(|word| value(word)).collect(),
        Shape::Bool => ["true", "false"].map(value).into(),
        Shape::True => vec![value("true")],
        Shape::Duration => ["250ms", "1s", "5s", "30s", "2m"].map(value).into(),
        Shape::Pattern => MARKER_DOCS
            .iter()
            .map(|(marker, doc)| Offer {
                text: marker_text(spot, cursor, marker),
                ..offer(*marker, *doc, CompletionItemKind::CONSTANT)
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// A marker in quotes, unless they are there: outside of them `#` begins a comment.
fn marker_text(spot: &Spot<'_>, cursor: &Cursor, marker: &str) -> String {
    let quoted = spot.source.text()[..cursor.start].ends_with(['"', '\'']);
    if quoted { marker.to_owned() } else { format!("\"{marker}\"") }
}

fn named(spot: &Spot<'_>, named: Named, typed: &str) -> Vec<Offer> {
    use CompletionItemKind as Kind;
    let names = &spot.open.project.names;
    let texts = &spot.open.texts;
    let list = |set: &std::collections::BTreeSet<String>, what: &str, kind: Kind| {
        set.iter().map(|name| offer(name, what, kind)).collect::<Vec<_>>()
    };
    match named {
        Named::Service => list(&names.services, "a service", Kind::MODULE),
        Named::Database => list(&names.databases, "a database", Kind::MODULE),
        Named::Job => list(&names.jobs, "a one-shot job", Kind::MODULE),
        Named::Identity => list(&names.identities, "an identity", Kind::ENUM_MEMBER),
        Named::Program => list(&names.programs, "a program the topology grants", Kind::FILE),
        Named::Address => addresses(spot, typed),
        Named::Tool => {
            let entries = names.contracts.tools.iter().flat_map(|tools| &tools.entries);
            let each = |entry: &drillyard_spec::contract::ToolEntry| {
                entry
                    .names
                    .iter()
                    .map(|name| offer(name, &entry.description, Kind::FUNCTION))
                    .collect::<Vec<_>>()
            };
            entries.flat_map(each).collect()
        }
        Named::Block => {
            let blocks = texts.iter().filter_map(|text| {
                let name = text.path().strip_prefix("drills/")?.strip_suffix(".yaml")?;
                let root = node::parse(text, &mut Vec::new())?;
                root.get("block")?;
                let title =
                    root.get("title").and_then(|title| title.as_text()).unwrap_or("a block").to_owned();
                Some(offer(name, title, Kind::FILE))
            });
            blocks.collect()
        }
        Named::Drill => {
            let drills = spot.open.project.drills.iter();
            drills
                .map(|drill| {
                    let name = drill.id.strip_prefix("drills/").unwrap_or(&drill.id);
                    offer(name.split(": ").next().unwrap_or(name), &drill.title, Kind::FILE)
                })
                .collect()
        }
        Named::Runbook => {
            let runbooks = texts.iter().filter(|text| text.path().ends_with(".md"));
            runbooks.map(|text| offer(text.path().as_ref(), "a runbook", Kind::FILE)).collect()
        }
        Named::Heading => {
            let outline = runbook_of(spot).map(Outline::read).unwrap_or_default();
            outline
                .all()
                .into_iter()
                .map(|step| offer(step, "a step of the runbook", Kind::REFERENCE))
                .collect()
        }
        Named::File => {
            let files = texts.iter().filter(|text| text.path().ends_with(".json"));
            files.map(|text| offer(text.path().as_ref(), "a file of the project", Kind::FILE)).collect()
        }
    }
}

/// The runbook the drill at the cursor rehearses.
pub fn runbook_of<'o>(spot: &Spot<'o>) -> Option<&'o drillyard_spec::source::Source> {
    let line = spot.source.text().lines().find_map(|line| line.strip_prefix("runbook:"))?;
    spot.open.texts.get(line.trim().trim_matches(['"', '\'']))
}

/// Services, and behind a service's name what it answers.
fn addresses(spot: &Spot<'_>, typed: &str) -> Vec<Offer> {
    let names = &spot.open.project.names;
    let Some((service, _)) = typed.split_once('/') else {
        return names
            .services
            .iter()
            .map(|name| Offer {
                text: format!("{name}/"),
                ..offer(name, "a service", CompletionItemKind::MODULE)
            })
            .collect();
    };
    let operations =
        names.contracts.services.get(service).into_iter().flat_map(|contract| &contract.operations);
    let mut seen = std::collections::BTreeSet::new();
    operations
        .filter(|operation| seen.insert(operation.path.clone()))
        .map(|operation| {
            let path = operation.path.replace('{', "${");
            offer(
                format!("{service}{path}"),
                format!("{} {}", operation.method, operation.summary),
                CompletionItemKind::FUNCTION,
            )
        })
        .collect()
}

/// The sentences a feature may use.
fn sentences(spot: &Spot<'_>) -> Vec<CompletionItem> {
    let line = spot.source.place(drillyard_spec::source::Span { start: spot.offset, end: spot.offset }).line;
    let (start, text) = (spot.source.line_start(line), spot.source.line(line));
    let indent = text.len() - text.trim_start().len();
    let keyword = ["Given ", "When ", "Then ", "And ", "But ", "* "]
        .iter()
        .find(|word| text[indent..].starts_with(**word));
    let Some(keyword) = keyword else {
        let words = [
            "Given ",
            "When ",
            "Then ",
            "And ",
            "But ",
            "Scenario: ",
            "Scenario Outline: ",
            "Background:",
            "Rule: ",
            "Examples:",
        ];
        let offers = words.map(|word| Offer {
            text: word.to_owned(),
            ..offer(word.trim(), "", CompletionItemKind::KEYWORD)
        });
        return edits(spot, (start + indent, start + text.len()), offers.into());
    };
    let phrase = |phrase: &drillyard_spec::phrase::Phrase| {
        let place = phrase.source.place(phrase.span);
        offer(&phrase.expression, format!("{}:{}", place.file, place.line), CompletionItemKind::SNIPPET)
    };
    let offers = spot.open.project.vocabulary.phrases.iter().map(phrase).collect();
    edits(spot, (start + indent + keyword.len(), start + text.len()), offers)
}
