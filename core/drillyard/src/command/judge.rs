//! `judge`: verdicts once more from a bundle's observations, under its own or another text.

use std::path::Path;

use drillyard_report::history::History;
use drillyard_report::record::Outcome;
use drillyard_report::rejudge::{self, Rejudged};
use drillyard_report::verify::verify;
use drillyard_spec::project::Project;
use drillyard_spec::source::Texts;

use crate::command::verify::bundle_dir;
use crate::command::{Common, complain, print};
use crate::exit;
use crate::render::{self, Style};

/// Judges a bundle. Under its own text, another verdict than the recorded one is 8; under another text the verdicts
/// decide as in a run.
#[must_use]
pub fn run(common: &Common, given: Option<&Path>, with: Option<&Path>) -> u8 {
    let dir = match bundle_dir(common, given) {
        Ok(dir) => dir,
        Err(code) => return code,
    };
    if let Err(problems) = verify(&dir) {
        for problem in &problems {
            complain(exit::TAMPERED, &problem.to_string());
        }
        return complain(exit::TAMPERED, "what was tampered with is not judged");
    }
    let history = match History::read(&dir) {
        Ok(history) => history,
        Err(error) => return complain(exit::TAMPERED, &error.to_string()),
    };
    let mut texts = rejudge::texts(&dir);
    let Some(with) = with else {
        let judged = rejudge::again(&history, &texts);
        show(&judged);
        let other = judged.iter().filter(|one| one.changed()).count();
        print(&format!("{} units judged again, {other} of them otherwise than the run", judged.len()));
        return if other > 0 { exit::TAMPERED } else { code(&judged) };
    };
    let old = Project::read(&texts);
    match other_text(common, &mut texts, with) {
        Ok((project, path)) => {
            let judged = rejudge::under(&history, (&old, &project), &path);
            show(&judged);
            let other = judged.iter().filter(|one| one.changed()).count();
            print(&format!(
                "{} units judged under {}, {other} of them otherwise than the run",
                judged.len(),
                with.display()
            ));
            code(&judged)
        }
        Err(code) => code,
    }
}

/// Puts the text of `with` in the place of the one of the same name and reads everything again.
fn other_text(common: &Common, texts: &mut Texts, with: &Path) -> Result<(Project, String), u8> {
    let wrong = |text: String| Err(complain(exit::TEXT_WRONG, &text));
    let text = match std::fs::read_to_string(with) {
        Ok(text) => text,
        Err(error) => return wrong(format!("{}: {error}", with.display())),
    };
    let stem = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
    let named =
        text.lines().find_map(|line| line.strip_prefix("drill:")).map(|name| format!("{}.yaml", name.trim()));
    let name = named.unwrap_or_else(|| stem(&with.to_string_lossy()));
    let paths: Vec<String> =
        texts.iter().map(|source| source.path().to_string()).filter(|path| stem(path) == name).collect();
    let [path] = &paths[..] else {
        return wrong(format!(
            "the bundle has {} texts named `{name}`, and exactly one is needed",
            paths.len()
        ));
    };
    texts.insert(path, &text);
    let project = Project::read(texts);
    let mistakes: Vec<_> =
        project.diagnostics.iter().filter(|one| *one.place.file == **path).cloned().collect();
    if !mistakes.is_empty() {
        return wrong(render::render(&mistakes, texts, Style::Human { color: common.color() }));
    }
    Ok((project, path.clone()))
}

fn show(judged: &[Rejudged]) {
    for one in judged {
        let recorded = one.recorded.map_or("never ended", Outcome::as_str);
        let mark = if one.changed() { '!' } else { ' ' };
        print(&format!("{mark} {recorded:<12} -> {:<12}  {}", one.now.as_str(), one.unit));
        if let Some(reason) = &one.taken {
            print(&format!("      as recorded: {reason}"));
        }
        for step in
            one.steps.iter().filter(|step| step.recorded != Some(step.now) || step.now != Outcome::Passed)
        {
            let recorded = step.recorded.map_or("no record", Outcome::as_str);
            print(&format!(
                "      {recorded} -> {}  {}: {}",
                step.now.as_str(),
                step.phase.as_str(),
                step.title
            ));
            step.why.iter().for_each(|why| print(&format!("          {why}")));
        }
    }
}

fn code(judged: &[Rejudged]) -> u8 {
    match judged.iter().map(|one| one.now).max() {
        None => exit::NOTHING_PROVED,
        Some(Outcome::Passed) => exit::PASSED,
        Some(Outcome::Snapshot) => exit::SNAPSHOT,
        Some(Outcome::Inconclusive) => exit::INCONCLUSIVE,
        Some(Outcome::Aborted) => exit::NOT_RAISED,
        Some(Outcome::Failed) => exit::FAILED,
    }
}
