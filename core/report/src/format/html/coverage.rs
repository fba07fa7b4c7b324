//! Which runbook steps the run walked through.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use drillyard_spec::runbook::Outline;
use drillyard_spec::source::Source;

use super::page::Page;
use crate::bundle::{self, TEXTS};
use crate::history::History;
use crate::record::Outcome;

/// Worst outcome of the steps that cover a runbook step, by runbook and step.
type Covered = BTreeMap<String, BTreeMap<String, Outcome>>;

pub(super) fn section(history: &History, dir: &Path, page: &mut Page) {
    let covered = covered(history, dir);
    let runbooks = runbooks(dir);
    if runbooks.is_empty() {
        return;
    }
    page.raw("<section><h2>Runbook steps</h2><div class=\"runbooks\">");
    for (path, steps) in &runbooks {
        let walked = covered.get(path);
        let count = steps.iter().filter(|step| outcome(walked, step).is_some()).count();
        page.raw("<details><summary><code>").text(path).raw("</code> ").number(count as u64).raw(" of ");
        page.number(steps.len() as u64).raw("</summary><ul>");
        for step in steps {
            let class = outcome(walked, step).map_or("none", Outcome::as_str);
            page.raw("<li><span class=\"badge ").raw(class).raw("\">");
            page.raw(if class == "none" { "not walked" } else { class })
                .raw("</span> ")
                .text(step)
                .raw("</li>");
        }
        page.raw("</ul></details>");
    }
    page.raw("</div></section>");
}

/// A heading is walked when it, or one of its items, is.
fn outcome(walked: Option<&BTreeMap<String, Outcome>>, step: &str) -> Option<Outcome> {
    let below =
        |covers: &str| covers.strip_prefix(step).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    walked?.iter().filter(|(covers, _)| below(covers)).map(|(_, outcome)| *outcome).max()
}

fn covered(history: &History, dir: &Path) -> Covered {
    let mut covered = Covered::new();
    let mut runbook_of: BTreeMap<&str, Option<String>> = BTreeMap::new();
    for unit in &history.units {
        let file = unit.unit.place.file.as_str();
        let runbook = runbook_of.entry(file).or_insert_with(|| runbook(&dir.join(TEXTS).join(file)));
        let Some(runbook) = runbook else { continue };
        for (covers, outcome) in &unit.covered {
            let worst = covered.entry(runbook.clone()).or_default().entry(covers.clone()).or_insert(*outcome);
            *worst = (*worst).max(*outcome);
        }
    }
    covered
}

/// The runbook a drill names; a scenario names none.
fn runbook(text: &Path) -> Option<String> {
    let text = fs::read_to_string(text).ok()?;
    let name = text.lines().find_map(|line| line.strip_prefix("runbook:"))?;
    Some(name.trim().trim_matches(['"', '\'']).to_owned())
}

/// Runbooks among the texts as run, with their steps.
fn runbooks(dir: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let texts = dir.join(TEXTS);
    let mut found = BTreeMap::new();
    for path in bundle::list(&texts).unwrap_or_default() {
        let is_one =
            path.starts_with("ops/runbooks/") && path.ends_with(".md") && !path.ends_with("README.md");
        let Some(text) = is_one.then(|| fs::read_to_string(texts.join(&path)).ok()).flatten() else {
            continue;
        };
        let outline = Outline::read(&Source::new(&path, &text));
        let headings =
            text.lines().filter_map(|line| line.strip_prefix("## ").or_else(|| line.strip_prefix("### ")));
        let mut steps = BTreeSet::new();
        for heading in headings.map(str::trim).filter(|heading| outline.has(heading)) {
            steps.insert(heading.to_owned());
            steps.extend((1..).map(|item| format!("{heading}/{item}")).take_while(|step| outline.has(step)));
        }
        found.insert(path, steps);
    }
    found
}
