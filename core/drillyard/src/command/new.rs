//! `new`: a drill or a feature to begin with, that passes the check.

use std::path::{Path, PathBuf};

use drillyard_spec::project::Project;
use drillyard_spec::topology::Topology;

use crate::command::{Common, complain, print};
use crate::draft::request::Wanted;
use crate::draft::{self, Draft, DraftError};
use crate::exit;
use crate::render::{self, Style};
use crate::root::{Loaded, Root};

/// What was asked for.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Name of the drill or feature.
    pub name: String,
    /// A feature instead of a drill.
    pub feature: bool,
    /// A runbook, relative to the project's root or to here.
    pub runbook: Option<PathBuf>,
    /// A curl command.
    pub curl: Option<String>,
    /// A recording of traffic.
    pub har: Option<PathBuf>,
    /// The service of hosts that belong to none.
    pub service: Option<String>,
    /// Who acts.
    pub identity: Option<String>,
}

/// Writes the file; refuses to overwrite one.
#[must_use]
pub fn run(common: &Common, asked: &Asked) -> u8 {
    let (root, loaded) = match common.load() {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    match write(common, (&root, loaded), asked) {
        Ok((path, remarks)) => {
            print(&format!("{path} is written; `drillyard check` finds nothing wrong with it"));
            remarks.iter().for_each(|remark| print(&format!("  {remark}")));
            exit::PASSED
        }
        Err(text) => complain(exit::TEXT_WRONG, &text),
    }
}

fn write(
    common: &Common,
    (root, loaded): (&Root, Loaded),
    asked: &Asked,
) -> Result<(String, Vec<String>), String> {
    let part = |part: &str| {
        !part.is_empty()
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'))
    };
    let name = asked.name.trim_end_matches(".yaml").trim_end_matches(".feature");
    let name = name.strip_prefix("drills/").or_else(|| name.strip_prefix("features/")).unwrap_or(name);
    if !name.split('/').all(part) {
        return Err(format!(
            "`{name}` is no name; small letters, digits, `-` and `_`, with `/` between folders"
        ));
    }
    let path = if asked.feature { format!("features/{name}.feature") } else { format!("drills/{name}.yaml") };
    let file = root.path().join(&path);
    if file.exists() {
        return Err(format!("{path} is there already and is not overwritten; choose another name"));
    }
    let Some(topology) = &loaded.project.topology else {
        let style = Style::Human { color: common.color() };
        return Err(render::render(&loaded.project.diagnostics, &loaded.texts, style));
    };
    known(topology, asked)?;
    let drafted = draft_of(root, topology, name, asked).map_err(|error| error.to_string())?;
    let text = if asked.feature { draft::feature::text(&drafted) } else { Ok(drafted.drill()) };
    let text = text.map_err(|error| error.to_string())?;
    let mut texts = loaded.texts.clone();
    texts.insert(&path, &text);
    if let (Some(runbook), Some(given)) = (&drafted.runbook, &asked.runbook) {
        let text = read(root, given).map_err(|error| error.to_string())?.1;
        texts.insert(runbook, &text);
    }
    let mistakes: Vec<_> =
        Project::read(&texts).diagnostics.into_iter().filter(|one| *one.place.file == *path).collect();
    if !mistakes.is_empty() {
        let said = render::render(&mistakes, &texts, Style::Human { color: common.color() });
        return Err(format!(
            "{said}\n{path} would not pass the check and is not written; the text was:\n\n{text}"
        ));
    }
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    create(&file, &text).map_err(|error| format!("{path}: {error}"))?;
    Ok((path, drafted.remarks))
}

/// Writes a file that is not there; another one may have come between.
fn create(file: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    std::fs::OpenOptions::new().write(true).create_new(true).open(file)?.write_all(text.as_bytes())
}

fn known(topology: &Topology, asked: &Asked) -> Result<(), String> {
    use drillyard_spec::diagnostic::suggest;
    if let Some(service) = asked.service.as_deref().filter(|service| topology.service(service).is_none()) {
        let names = topology.services.iter().map(|service| service.name.as_str());
        return Err(format!(
            "the topology has no service `{service}`; {}",
            suggest(service, names).unwrap_or_default()
        ));
    }
    if let Some(identity) = asked.identity.as_deref().filter(|name| !topology.identities.contains_key(*name))
    {
        let names = topology.identities.keys().map(String::as_str);
        return Err(format!(
            "the topology has no identity `{identity}`; {}",
            suggest(identity, names).unwrap_or_default()
        ));
    }
    Ok(())
}

fn draft_of(root: &Root, topology: &Topology, name: &str, asked: &Asked) -> Result<Draft, DraftError> {
    let wanted =
        || Wanted { topology, service: asked.service.as_deref(), identity: asked.identity.as_deref() };
    if let Some(runbook) = &asked.runbook {
        let (path, text) = read(root, runbook)?;
        return draft::runbook::draft(name, &path, &text);
    }
    if let Some(command) = &asked.curl {
        return draft::curl::draft(name, command, wanted());
    }
    if let Some(har) = &asked.har {
        let text = std::fs::read_to_string(har)
            .map_err(|error| DraftError::Unreadable(format!("{}: {error}", har.display())))?;
        return draft::har::draft(name, &text, wanted());
    }
    draft::blank(name, topology)
}

/// A file of the project and its path in it.
fn read(root: &Root, given: &Path) -> Result<(String, String), DraftError> {
    let wrong = |why: String| DraftError::Unreadable(format!("{}: {why}", given.display()));
    let here = given.canonicalize().or_else(|_| root.path().join(given).canonicalize());
    let here = here.map_err(|error| wrong(error.to_string()))?;
    let inside = here.strip_prefix(root.path()).map_err(|_| wrong("is not in the project".to_owned()))?;
    let text = std::fs::read_to_string(&here).map_err(|error| wrong(error.to_string()))?;
    Ok((inside.to_string_lossy().replace('\\', "/"), text))
}
