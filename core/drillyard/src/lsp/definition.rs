//! Where the word at the cursor is written down.

use drillyard_spec::runbook::Outline;
use drillyard_spec::shape::{Named, Shape};
use drillyard_spec::source::{Place, Source, Span};
use lsp_types::Location;

use super::project::Spot;
use super::{completion, cursor, hover, names, place};

/// The place the word at the cursor leads to.
pub fn find(spot: &Spot<'_>) -> Option<Location> {
    let root = spot.open.root.path();
    if spot.source.path().ends_with(".feature") {
        let (phrase, _) = hover::phrase_at(spot)?;
        let source = spot.open.texts.get(phrase.source.path())?;
        return place::location(root, source, phrase.span);
    }
    if let Some((name, _)) = hover::hole_at(spot.source, spot.offset) {
        let bound = names::bound(spot).into_iter().rfind(|one| one.name == name && one.span.is_some())?;
        return place::location(root, &bound.source, bound.span?);
    }
    let cursor = cursor::at(spot.source.text(), spot.offset);
    let word = spot.source.text().get(cursor.start..cursor.end)?.trim();
    let shapes = completion::shapes(spot, &cursor.path);
    let named = |shape: &Shape| match shape {
        Shape::Name(name) | Shape::List(_, Shape::Name(name)) => Some(*name),
        _ => None,
    };
    let name = shapes.iter().find_map(named)?;
    let (source, span) = target(spot, name, word)?;
    place::location(root, source, span)
}

fn target<'o>(spot: &Spot<'o>, named: Named, word: &str) -> Option<(&'o Source, Span)> {
    let open = spot.open;
    let whole = |path: &str| Some((open.texts.get(path)?, Span::default()));
    let topology = open.project.topology.as_ref()?;
    let at = |place: &Place| {
        let source = open.texts.get(&place.file)?;
        Some((source, source.line_span(place.line)))
    };
    match named {
        Named::Block | Named::Drill => {
            let word = word.strip_prefix("drills/").unwrap_or(word);
            whole(&format!("drills/{word}.yaml"))
        }
        Named::Runbook | Named::File => whole(word),
        Named::Heading => {
            let runbook = completion::runbook_of(spot)?;
            let line = Outline::read(runbook).line(word)?;
            Some((runbook, runbook.line_span(line)))
        }
        Named::Identity => at(&topology.identities.get(word)?.place),
        Named::Address | Named::Service | Named::Database | Named::Job => {
            at(&topology.service(word.split('/').next()?)?.place)
        }
        Named::Tool => whole(&open.project.names.contracts.tools.as_ref()?.file),
        Named::Program => None,
    }
}
