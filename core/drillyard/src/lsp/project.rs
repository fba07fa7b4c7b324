//! The project as an editor sees it: open texts in the place of those on disk.

use std::collections::{BTreeMap, BTreeSet};

use drillyard_spec::diagnostic::Diagnostic;
use drillyard_spec::project::Project;
use drillyard_spec::source::{Source, Texts};
use drillyard_spec::topology::document::Documents;
use lsp_types::{DiagnosticRelatedInformation, DiagnosticSeverity, NumberOrString, Uri};

use super::place;
use crate::root::Root;

/// An open project.
pub struct Open {
    /// Where it is.
    pub root: Root,
    /// Its texts, those that are open as they are in the editor.
    pub texts: Texts,
    /// What they say.
    pub project: Project,
    /// Whether the texts have changed since they were read.
    pub stale: bool,
    /// Open texts by path.
    written: BTreeMap<String, String>,
    unreadable: Vec<Diagnostic>,
    documents: Documents,
    /// Files the editor was told something about.
    told: BTreeSet<String>,
}

/// A position that is asked about.
pub struct Spot<'o> {
    /// The project.
    pub open: &'o Open,
    /// The text.
    pub source: &'o Source,
    /// The byte.
    pub offset: usize,
}

impl Open {
    /// Reads a project from disk.
    pub fn new(root: Root) -> Self {
        let texts = Texts::default();
        let documents = Documents::for_an_editor();
        let project = Project::read_with(&texts, &documents);
        let mut open = Self {
            root,
            texts,
            project,
            stale: true,
            written: BTreeMap::new(),
            unreadable: Vec::new(),
            documents,
            told: BTreeSet::new(),
        };
        open.reload();
        open
    }

    /// The path of a text in the project.
    pub fn relative(&self, uri: &Uri) -> Option<String> {
        let path = place::path_of(uri)?;
        let path = path.strip_prefix(self.root.path()).map(ToOwned::to_owned).or_else(|_| {
            let whole = path.canonicalize().unwrap_or_default();
            whole.strip_prefix(self.root.path()).map(ToOwned::to_owned)
        });
        Some(path.ok()?.to_string_lossy().replace('\\', "/"))
    }

    /// Takes a text as the editor has it.
    pub fn write(&mut self, uri: &Uri, text: String) -> bool {
        let Some(path) = self.relative(uri) else { return false };
        self.texts.insert(&path, &text);
        self.written.insert(path, text);
        true
    }

    /// Goes back to what is on disk.
    pub fn close(&mut self, uri: &Uri) -> bool {
        let Some(path) = self.relative(uri) else { return false };
        self.written.remove(&path);
        self.reload()
    }

    /// Reads the disk again. A file that cannot be read keeps what was read before.
    pub fn reload(&mut self) -> bool {
        if let Ok((texts, unreadable)) = self.root.texts() {
            (self.texts, self.unreadable) = (texts, unreadable);
        }
        for (path, text) in &self.written {
            self.texts.insert(path, text);
        }
        self.stale = true;
        true
    }

    /// Reads the texts again.
    pub fn refresh(&mut self) {
        self.project = Project::read_with(&self.texts, &self.documents);
        self.stale = false;
    }

    /// Reads the texts again; gives for each file what is to be shown, also where there is nothing any more.
    pub fn read(&mut self) -> Vec<(Uri, Vec<lsp_types::Diagnostic>)> {
        self.refresh();
        let mut by_file: BTreeMap<String, Vec<lsp_types::Diagnostic>> =
            self.told.iter().map(|file| (file.clone(), Vec::new())).collect();
        for diagnostic in self.unreadable.iter().chain(&self.project.diagnostics) {
            let file = diagnostic.place.file.to_string();
            by_file.entry(file).or_default().push(self.shown(diagnostic));
        }
        self.told =
            by_file.iter().filter(|(_, list)| !list.is_empty()).map(|(file, _)| file.clone()).collect();
        let root = self.root.path();
        by_file
            .into_iter()
            .filter_map(|(file, list)| Some((place::uri_of(&root.join(file))?, list)))
            .collect()
    }

    fn shown(&self, diagnostic: &Diagnostic) -> lsp_types::Diagnostic {
        let nowhere = Source::new(&diagnostic.place.file, "");
        let source = self.texts.get(&diagnostic.place.file).unwrap_or(&nowhere);
        let related = diagnostic.related.iter().filter_map(|label| {
            let source = self.texts.get(&label.place.file)?;
            let location = place::location(self.root.path(), source, label.span)?;
            Some(DiagnosticRelatedInformation { location, message: label.text.clone() })
        });
        let help = diagnostic.help.as_ref().map_or_else(String::new, |help| format!("\n{help}"));
        lsp_types::Diagnostic {
            range: place::of(diagnostic, source),
            severity: Some(DiagnosticSeverity::ERROR),
            code: Some(NumberOrString::String(diagnostic.code.to_string())),
            source: Some("drillyard".to_owned()),
            message: format!("{}{help}", diagnostic.message),
            related_information: Some(related.collect()),
            ..lsp_types::Diagnostic::default()
        }
    }
}
