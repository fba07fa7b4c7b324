//! Documents of the project that a topology names: what services answer, which tools and which tables there are.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::read::Spans;
use super::{About, Document, Topology};
use crate::code::Code;
use crate::contract::{Contract, Contracts, Tools, tables};
use crate::diagnostic::{Diagnostic, suggest};
use crate::fields::text;
use crate::node::Node;
use crate::openapi;
use crate::parse::Names;
use crate::phrase::Vocabulary;
use crate::project::Kept;
use crate::source::{Source, Texts};

/// A path of the project, kept for what reads the document.
pub fn document(
    source: &Source,
    (node, name, about): (&Node, &str, About),
    spans: &mut Spans,
    out: &mut Vec<Diagnostic>,
) {
    let Some(file) = text(source, node, name, out) else { return };
    if file.starts_with('/') || file.contains('\\') || file.split('/').any(|part| part == "..") {
        let message = format!("`{file}` leaves the project");
        out.push(Diagnostic::new(Code::OutsideProject, source, node.span, message));
        return;
    }
    spans.documents.push(Document { file: file.trim_end_matches('/').to_owned(), span: node.span, about });
}

/// Documents that have been read, so that an editor does not read them again at every keystroke.
#[derive(Debug, Default)]
pub struct Documents {
    openapi: Shelf<openapi::Document>,
    tools: Shelf<Tools>,
    contracts: Mutex<BTreeMap<String, Arc<Contract>>>,
    vocabulary: Mutex<Option<(Source, Vocabulary, Vec<Diagnostic>)>>,
    /// Nothing where a project is read once.
    units: Option<Mutex<Kept>>,
}

type Shelf<T> = Mutex<BTreeMap<String, (Source, Arc<T>)>>;

fn kept<T>(
    of: &Shelf<T>,
    source: &Source,
    read: fn(&str, &str) -> Result<T, String>,
) -> Result<Arc<T>, String> {
    let mut of = of.lock().unwrap_or_else(PoisonError::into_inner);
    let file = source.path().as_ref();
    if let Some((before, found)) = of.get(file)
        && before.text() == source.text()
    {
        return Ok(found.clone());
    }
    let found = Arc::new(read(file, source.text())?);
    of.insert(file.to_owned(), (source.clone(), found.clone()));
    Ok(found)
}

impl Documents {
    /// Keeps what every file gave, too, for whoever reads the project again and again.
    #[must_use]
    pub fn for_an_editor() -> Self {
        Self { units: Some(Mutex::default()), ..Self::default() }
    }

    /// What the files gave before.
    pub(crate) fn units(&self) -> Option<MutexGuard<'_, Kept>> {
        Some(self.units.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the built-in phrases and those of `team`.
    pub fn vocabulary(&self, team: Option<&Source>, out: &mut Vec<Diagnostic>) -> Vocabulary {
        let Some(team) = team else { return Vocabulary::read(None, out) };
        let mut kept = self.vocabulary.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, vocabulary, found)) =
            kept.as_ref().filter(|(source, ..)| source.text() == team.text())
        {
            out.extend(found.iter().cloned());
            return vocabulary.clone();
        }
        let mut found = Vec::new();
        let vocabulary = Vocabulary::read(Some(team), &mut found);
        out.extend(found.iter().cloned());
        *kept = Some((team.clone(), vocabulary.clone(), found));
        vocabulary
    }

    /// Reads an OpenAPI document.
    ///
    /// # Errors
    /// A sentence on why the text is none.
    pub fn openapi(&self, text: &Source) -> Result<Arc<openapi::Document>, String> {
        kept(&self.openapi, text, openapi::Document::parse)
    }

    /// What the documents say of requests, tools and tables; `source` is the topology's text. The services' own
    /// documents have been read into `names` before.
    pub fn contracts(
        &self,
        (topology, source): (&Topology, &Source),
        (texts, names): (&Texts, &Names),
        out: &mut Vec<Diagnostic>,
    ) -> Contracts {
        let services =
            names.documents.iter().map(|(service, document)| (service.clone(), self.contract(document)));
        let mut contracts = Contracts { services: services.collect(), ..Contracts::default() };
        for Document { file, span, about } in &topology.documents {
            let complaint = match about {
                About::Tables(_) => {
                    let folder = format!("{file}/");
                    let files = texts.iter().filter(|text| text.path().starts_with(&folder));
                    let sql = files.filter(|text| text.path().ends_with(".sql"));
                    let found: Vec<String> = sql.flat_map(|text| tables(text.text())).collect();
                    let none = found.is_empty().then(|| "no SQL file there creates a table".to_owned());
                    contracts.tables.extend(found);
                    none
                }
                About::Tools => match texts.get(file).map(|text| kept(&self.tools, text, Tools::read)) {
                    None => {
                        let known = texts.iter().map(|text| text.path().as_ref());
                        let help = suggest(file, known.filter(|path| path.ends_with(".json")));
                        let message = format!("there is no `{file}`");
                        out.push(Diagnostic::new(Code::BadSchema, source, *span, message).maybe_help(help));
                        None
                    }
                    Some(Ok(tools)) => {
                        contracts.tools = Some(tools);
                        None
                    }
                    Some(Err(why)) => Some(why),
                },
            };
            if let Some(complaint) = complaint {
                let message = format!("`{file}` cannot be used: {complaint}");
                out.push(Diagnostic::new(Code::BadSchema, source, *span, message));
            }
        }
        contracts
    }

    fn contract(&self, document: &Arc<openapi::Document>) -> Arc<Contract> {
        let mut contracts = self.contracts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = contracts.get(document.path()).filter(|found| found.is_of(document)) {
            return found.clone();
        }
        let found = Arc::new(Contract::of(document.clone()));
        contracts.insert(document.path().to_owned(), found.clone());
        found
    }
}
