//! Units that were read before, for an editor that asks again after every keystroke.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::drill::Drill;
use crate::feature::Scenario;
use crate::source::{Source, Texts};

/// What a file gave.
#[derive(Debug, Clone, Default)]
pub struct Units {
    /// Drills of a file under `drills/`.
    pub drills: Vec<Drill>,
    /// Scenarios of a file under `features/`.
    pub scenarios: Vec<Scenario>,
    /// What is wrong with it.
    pub found: Vec<Diagnostic>,
}

/// Files that were read before, as long as everything else they may look at is the same.
#[derive(Debug, Default)]
pub struct Kept {
    shared: Vec<Source>,
    paths: Vec<String>,
    by_path: BTreeMap<String, (Source, Units)>,
}

/// Whether other files look into this one: blocks, the topology, the vocabulary, runbooks, documents.
fn is_shared(source: &Source) -> bool {
    let path = source.path();
    let drill = path.starts_with("drills/") && path.ends_with(".yaml");
    let block = || source.text().lines().any(|line| line.starts_with("block:"));
    !path.ends_with(".feature") && (!drill || block())
}

/// The very same text. What is compared with is kept alive, so that no other text can take its place in memory.
fn same(left: &Source, right: &Source) -> bool {
    left.path() == right.path() && Arc::ptr_eq(left.text(), right.text())
}

impl Kept {
    /// Forgets everything when a text that files share is another one, or a file has come or gone.
    pub fn begin(&mut self, texts: &Texts) {
        let shared: Vec<&Source> = texts.iter().filter(|source| is_shared(source)).collect();
        let unchanged = shared.len() == self.shared.len()
            && shared.iter().zip(&self.shared).all(|(left, right)| same(left, right))
            && texts.iter().map(|source| source.path().as_ref()).eq(self.paths.iter().map(String::as_str));
        if !unchanged {
            self.shared = shared.into_iter().cloned().collect();
            self.paths = texts.iter().map(|source| source.path().to_string()).collect();
            self.by_path.clear();
        }
    }

    /// What a file gives, read by `read` when it is another text than before.
    pub fn units(&mut self, source: &Source, read: impl FnOnce() -> Units) -> Units {
        if let Some((before, units)) = self.by_path.get(source.path().as_ref())
            && same(before, source)
        {
            return units.clone();
        }
        let units = read();
        self.by_path.insert(source.path().to_string(), (source.clone(), units.clone()));
        units
    }
}
