//! The documents that a topology names.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::code::Code;
use crate::diagnostic::{Diagnostic, suggest};
use crate::openapi::Document;
use crate::project::TOPOLOGY_PATH;
use crate::source::{Source, Texts};
use crate::topology::document::Documents;
use crate::topology::{self, Topology};

/// Paths of the documents that the topology among `texts` names, so that whoever reads the project can fetch them too.
/// One that leads out of the project is left out; reading the project reports it.
#[must_use]
pub fn named(texts: &Texts) -> Vec<String> {
    let topology = texts.get(TOPOLOGY_PATH).and_then(|source| topology::parse(source, &mut Vec::new()));
    let services = topology.iter().flat_map(|topology| &topology.services);
    let paths = services.filter_map(|service| Some(service.openapi.as_ref()?.path.clone()));
    let others =
        topology.iter().flat_map(|topology| &topology.documents).map(|document| document.file.clone());
    paths.chain(others).filter(|path| is_inside(path)).collect()
}

/// Documents by service. One that is missing or cannot be read is a mistake of the topology.
pub(super) fn read(
    texts: &Texts,
    (topology, source): (&Topology, &Source),
    kept: &Documents,
    out: &mut Vec<Diagnostic>,
) -> BTreeMap<String, Arc<Document>> {
    let mut found: BTreeMap<String, Arc<Document>> = BTreeMap::new();
    for service in &topology.services {
        let Some(written) = &service.openapi else { continue };
        let path = written.path.as_str();
        let read = match texts.get(path) {
            _ if !is_inside(path) => Err((Code::OutsideProject, "leaves the project".to_owned())),
            None => Err((Code::BadSchema, "is not there".to_owned())),
            Some(text) => {
                kept.openapi(text).map_err(|why| (Code::BadSchema, format!("cannot be used: {why}")))
            }
        };
        match read {
            Ok(document) => drop(found.insert(service.name.clone(), document)),
            Err((code, why)) => {
                let known =
                    texts.iter().map(|text| text.path().as_ref()).filter(|name| name.ends_with(".json"));
                let message = format!("the OpenAPI document `{path}` {why}");
                out.push(
                    Diagnostic::new(code, source, written.span, message).maybe_help(suggest(path, known)),
                );
            }
        }
    }
    found
}

fn is_inside(path: &str) -> bool {
    !path.starts_with('/') && !path.contains('\\') && path.split('/').all(|part| part != "..")
}
