//! What the word at the cursor means.

use drillyard_spec::catalog::ACTIONS;
use drillyard_spec::pattern::MARKER_DOCS;
use drillyard_spec::phrase::{Meaning, Phrase};
use drillyard_spec::shape::{Named, Shape};
use drillyard_spec::source::{Source, Span};
use drillyard_spec::topology::Credential;
use lsp_types::{Hover, HoverContents, MarkupContent, MarkupKind};

use super::cursor::{self, Step};
use super::project::Spot;
use super::{completion, known, names, place};

/// What is said of the word at the cursor.
pub fn hover(spot: &Spot<'_>) -> Option<Hover> {
    let (text, span) = if spot.source.path().ends_with(".feature") { sentence(spot)? } else { word(spot)? };
    let contents = HoverContents::Markup(MarkupContent { kind: MarkupKind::Markdown, value: text });
    Some(Hover { contents, range: Some(place::range(spot.source, span)) })
}

/// The phrase of the sentence at the cursor.
pub fn phrase_at<'o>(spot: &Spot<'o>) -> Option<(&'o Phrase, Span)> {
    let line = spot.source.place(Span { start: spot.offset, end: spot.offset }).line;
    let text = spot.source.line(line).trim();
    let (_, sentence) = text.split_once(' ')?;
    let found = spot.open.project.vocabulary.matches(sentence.trim());
    found.first().map(|(phrase, _)| (*phrase, spot.source.line_span(line)))
}

fn sentence(spot: &Spot<'_>) -> Option<(String, Span)> {
    let (phrase, span) = phrase_at(spot)?;
    let from = phrase.source.place(phrase.span);
    let steps = match &phrase.meaning {
        Meaning::ActAs => "The sentences that follow act as this identity.".to_owned(),
        Meaning::Steps(steps) => {
            let text = serde_yaml::to_string(&steps.to_value()).unwrap_or_default();
            format!("```yaml\n{text}```")
        }
    };
    Some((format!("`{}`\n\n{steps}\n\n{}:{}", phrase.expression, from.file, from.line), span))
}

fn word(spot: &Spot<'_>) -> Option<(String, Span)> {
    if let Some((name, span)) = hole_at(spot.source, spot.offset) {
        let bound = names::bound(spot).into_iter().rfind(|one| one.name == name)?;
        let at = bound.span.map(|span| format!(" at {}", bound.source.place(span))).unwrap_or_default();
        return Some((format!("`{name}`: {}{at}", bound.how), span));
    }
    let (start, end) = token(spot.source, spot.offset)?;
    let span = Span { start, end };
    let word = spot.source.text().get(start..end)?.trim();
    let cursor = cursor::at(spot.source.text(), end);
    if let Some((marker, doc)) =
        MARKER_DOCS.iter().find(|(marker, _)| word.split(' ').next() == marker.split(' ').next())
    {
        return Some((format!("`{marker}`: {doc}"), span));
    }
    // A key: the cursor just behind it is not in its value yet.
    if spot.source.text()[end..].trim_start_matches(['"', '\'']).starts_with(':') {
        let mut path = cursor.path;
        if cursor.in_value && path.last() == Some(&Step::Key(word.to_owned())) {
            path.pop();
        }
        let shapes = completion::shapes(spot, &path);
        let found = known::keys(&shapes, &path, None).into_iter().find(|one| one.name == word);
        return found.map(|one| (key_text(&one), span));
    }
    let shapes = completion::shapes(spot, &cursor.path);
    let name =
        shapes.iter().find_map(|shape| if let Shape::Name(name) = shape { Some(*name) } else { None })?;
    name_text(spot, name, word).map(|text| (text, span))
}

fn key_text(known: &known::Known) -> String {
    let action = ACTIONS.iter().find(|info| info.name == known.name && known.example.is_some());
    let Some(info) = action else { return format!("`{}`: {}", known.name, known.doc) };
    let keys: String = info.keys.iter().map(|(key, what)| format!("- `{key}`: {what}\n")).collect();
    let fields = info.fields.iter().map(|field| format!("`{field}`")).collect::<Vec<_>>().join(", ");
    let fields = if fields.is_empty() { String::new() } else { format!("\nIts answer has {fields}.\n") };
    format!("**{}** {}\n\n{keys}{fields}\n```yaml\n{}```", info.name, info.summary, info.example)
}

fn name_text(spot: &Spot<'_>, named: Named, word: &str) -> Option<String> {
    let project = &spot.open.project;
    let topology = project.topology.as_ref()?;
    match named {
        Named::Identity => {
            let identity = topology.identities.get(word)?;
            let what = match &identity.credential {
                Credential::Signed { claims, .. } => format!(
                    "a signed token with\n\n```json\n{:#}\n```",
                    serde_json::Value::Object(claims.clone())
                ),
                Credential::Bearer { secret } => format!("the secret `{secret}` as it is"),
            };
            Some(format!("**{word}** sends {what}"))
        }
        Named::Address | Named::Service | Named::Database | Named::Job => {
            let (name, path) = word.split_once('/').map_or((word, None), |(name, path)| (name, Some(path)));
            let service = topology.service(name)?;
            let contract = project.names.contracts.services.get(name);
            let operations = contract.into_iter().flat_map(|contract| &contract.operations);
            let asked = path.map(|path| format!("/{path}"));
            let on_path =
                operations.filter(|one| asked.as_ref().is_some_and(|path| same_path(&one.path, path)));
            let known: String =
                on_path.map(|one| format!("\n- {} `{}`: {}", one.method, one.path, one.summary)).collect();
            Some(format!(
                "**{name}**, a service of `{}` (line {})\n{known}",
                topology.file, service.place.line
            ))
        }
        Named::Tool => {
            let entry = project.names.contracts.tools.as_ref()?.find(word)?;
            Some(format!("**{word}** {}\n\n```json\n{:#}\n```", entry.description, entry.schema["required"]))
        }
        Named::Block | Named::Drill => {
            let text = spot.open.texts.get(&format!("drills/{word}.yaml"))?;
            let title = text.text().lines().find_map(|line| line.strip_prefix("title:"));
            Some(format!(
                "`drills/{word}.yaml`{}",
                title.map(|title| format!(": {}", title.trim())).unwrap_or_default()
            ))
        }
        _ => None,
    }
}

fn same_path(template: &str, path: &str) -> bool {
    let (left, right) = (template.split('/'), path.split('/'));
    left.clone().count() == right.clone().count()
        && left.zip(right).all(|(l, r)| l == r || l.contains('{') || r.contains('{'))
}

/// The name in the `${…}` around an offset.
pub fn hole_at(source: &Source, offset: usize) -> Option<(String, Span)> {
    let text = source.text();
    let open = text[..offset].rfind("${").or_else(|| text[offset..].starts_with("${").then_some(offset))?;
    let close = open + text[open..].find('}')?;
    let line_end = open + text[open..].find('\n').unwrap_or(text.len() - open);
    if offset > close || close > line_end {
        return None;
    }
    let inside = &text[open + 2..close];
    let dotted = ["matrix.", "fresh.", "lane.", "run."].iter().any(|prefix| inside.starts_with(prefix));
    let name = if dotted { inside } else { inside.split(['.', '[', ' ', '+', '-']).next().unwrap_or(inside) };
    Some((name.trim().to_owned(), Span { start: open, end: close + 1 }))
}

/// The word around an offset: a key or a plain value.
pub fn token(source: &Source, offset: usize) -> Option<(usize, usize)> {
    let place = source.place(Span { start: offset, end: offset });
    let (start, line) = (source.line_start(place.line), source.line(place.line));
    let at = offset - start;
    let stops = |c: char| matches!(c, ' ' | ',' | '{' | '}' | '[' | ']' | '"' | '\'');
    let before = &line[..at.min(line.len())];
    let from = before.rfind(stops).map_or(0, |at| at + 1);
    let after = &line[at.min(line.len())..];
    let to = at + after.find(|c: char| stops(c) || c == ':').unwrap_or(after.len());
    let word = line.get(from..to)?.trim_end_matches(':');
    (!word.is_empty()).then_some((start + from, start + from + word.len()))
}
