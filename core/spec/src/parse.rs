//! From YAML text to drills and blocks. Every mistake is reported; what can be read is read on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::code::Code;
use crate::contract::Contracts;
use crate::diagnostic::Diagnostic;
use crate::drill::{Drill, Need, Step};
use crate::fields::{Fields, text, wrong_type};
use crate::node::{self, Kind, Node};
use crate::openapi::Document;
use crate::parse::matrix::Cell;
use crate::source::{Source, Span, Texts};

pub mod action;
pub mod bindings;
pub mod block;
pub mod contract;
mod documented;
pub mod effort;
pub mod expect;
pub mod fault;
pub mod matrix;
pub mod nested;
pub mod observe;
pub mod step;

/// Bound of a drill that does not give its own.
pub const DEFAULT_BUDGET: Duration = Duration::from_secs(60);

/// Names of the topology that drills may refer to.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// Every service.
    pub services: BTreeSet<String>,
    /// Services that are databases.
    pub databases: BTreeSet<String>,
    /// One-shot jobs that can be run in a lane.
    pub jobs: BTreeSet<String>,
    /// Identities for `as:`.
    pub identities: BTreeSet<String>,
    /// Programs that `exec:` may run.
    pub programs: BTreeSet<String>,
    /// The query that counts the work that is left.
    pub drained: Option<String>,
    /// Services of a lane that run as processes of their own for as long as the lane.
    pub processes: BTreeSet<String>,
    /// Services that are object stores.
    pub object_stores: BTreeSet<String>,
    /// Who connects to whom: a service of a lane and what it has the address of.
    pub edges: BTreeSet<(String, String)>,
    /// OpenAPI documents by the service that names one.
    pub documents: BTreeMap<String, Arc<Document>>,
    /// The service whose document has the operations behind the tools.
    pub tool_operations: Option<String>,
    /// What the services say they answer.
    pub contracts: Contracts,
}

/// What a reader of drills may look at.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Every text of the project.
    pub texts: &'a Texts,
    /// Names of the topology.
    pub names: &'a Names,
}

/// Reads one text, collecting what is wrong with it.
pub struct Reader<'a, 'o> {
    /// The text being read.
    pub source: &'a Source,
    /// What it may refer to.
    pub context: Context<'a>,
    /// Where mistakes go.
    pub out: &'o mut Vec<Diagnostic>,
    /// Paths of the blocks being included, outermost first.
    pub including: Vec<String>,
    /// The cell of the matrix being read; nothing where it is not known, as in a block read by itself.
    pub cell: Option<Cell>,
}

/// SHA-256 of a text as lower-case hex.
#[must_use]
pub fn sha256_hex(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads a file under `drills/` that is a drill: one unit, or one for each cell of its matrix. A block gives none;
/// blocks are read where they are used.
pub fn drill(source: &Source, context: Context<'_>, out: &mut Vec<Diagnostic>) -> Vec<Drill> {
    let Some(root) = node::parse(source, out) else { return Vec::new() };
    if root.get("block").is_some() {
        Reader { source, context, out, including: Vec::new(), cell: None }.block_alone(&root);
        return Vec::new();
    }
    let cells = matrix::cells(source, &root, out);
    let mut drills = Vec::new();
    // A mistake is the same in every cell; it is said once.
    let mut found: Vec<Diagnostic> = Vec::new();
    for cell in cells {
        let root = root.filled(&cell.holes());
        let mut here = Vec::new();
        let mut reader = Reader { source, context, out: &mut here, including: Vec::new(), cell: Some(cell) };
        drills.extend(reader.drill(&root));
        found.extend(
            here.into_iter()
                .filter(|d| !found.iter().any(|f| (f.code, f.span) == (d.code, d.span)))
                .collect::<Vec<_>>(),
        );
    }
    out.extend(found);
    drills
}

impl<'a> Reader<'a, '_> {
    fn drill(&mut self, root: &'a Node) -> Option<Drill> {
        let mut fields = Fields::open(self.source, root, "a drill", self.out)?;
        let before = self.out.len();
        let name = fields.require("drill", self.out);
        let title = fields.require("title", self.out).and_then(|n| text(self.source, n, "title", self.out));
        let runbook = self.runbook(&mut fields);
        let tags = fields.texts("tags", self.out).into_iter().map(|(tag, _)| tag).collect();
        let budget = fields.duration("budget", self.out).unwrap_or(DEFAULT_BUDGET);
        let env = fields.take("env").map(|node| self.env(node)).unwrap_or_default();
        let needs = self.needs(&mut fields);
        let exclusive = fields.texts("exclusive", self.out).into_iter().map(|(key, _)| key).collect();
        let cell = self.cell.clone().unwrap_or_default();
        // The matrix itself has been read before the first cell.
        fields.take("matrix");
        let mut steps: Vec<Step> = cell.bind_step(self.source, fields.head()).into_iter().collect();
        steps.extend(fields.take("vars").and_then(|node| self.bind_step(node)));
        if let Some(node) = fields.take("use") {
            steps.extend(self.uses(node));
        }
        let steady = fields.take("steady").map(|node| self.steps(node, "steady")).unwrap_or_default();
        let written = fields.require("steps", self.out);
        let body = written.map(|node| self.steps(node, "steps")).unwrap_or_default();
        if written.is_some() && body.is_empty() && self.out.len() == before {
            let span = written.map_or(fields.span, |n| n.span);
            self.out.push(Diagnostic::new(Code::NoSteps, self.source, span, "the drill has no step"));
        }
        steps.extend(body);
        let finally = fields.take("finally").map(|node| self.steps(node, "finally")).unwrap_or_default();
        let head = fields.head();
        fields.finish(self.out);
        if let Some(node) = name {
            self.check_name(node);
        }
        let drill = Drill {
            id: cell.unit(self.source.path().trim_end_matches(".yaml")),
            title: cell.title(&title?),
            place: self.source.place(head),
            runbook,
            tags,
            budget,
            needs,
            exclusive,
            cell: cell.values,
            env,
            steady,
            steps,
            finally,
            cut: None,
            text_sha256: sha256_hex(self.source.text()),
        };
        self.check_whole(&drill, head);
        Some(drill)
    }

    fn check_name(&mut self, node: &Node) {
        let stem = self.source.path().rsplit('/').next().unwrap_or_default().trim_end_matches(".yaml");
        match text(self.source, node, "drill", self.out) {
            Some(name) if name != stem => self.out.push(
                Diagnostic::new(
                    Code::RepeatedName,
                    self.source,
                    node.span,
                    format!("the drill `{name}` is in a file named `{stem}`"),
                )
                .help("give the drill the name of its file, so that both are found by one name"),
            ),
            _ => {}
        }
    }

    /// Checks that concern a drill as a whole: something is checked, names are bound, step ids are unique.
    pub fn check_whole(&mut self, drill: &Drill, head: Span) {
        if !drill.steps.is_empty() && !drill.every_step().iter().any(|step| step.checked) {
            self.out.push(
                Diagnostic::new(Code::NoChecks, self.source, head, "no step of this drill checks anything")
                    .help("add `expect:` to a step; a drill that cannot fail proves nothing"),
            );
        }
        bindings::check(drill, self.out);
        self.check_faults(drill);
    }

    fn needs(&mut self, fields: &mut Fields<'a>) -> Vec<Need> {
        let names = fields.texts("needs", self.out);
        names.into_iter().map(|(unit, span)| Need { unit, source: self.source.clone(), span }).collect()
    }

    fn runbook(&mut self, fields: &mut Fields<'a>) -> Option<String> {
        let node = fields.take("runbook")?;
        let path = text(self.source, node, "runbook", self.out)?;
        if !self.inside(&path, node.span) {
            return None;
        }
        if self.context.texts.get(&path).is_none() {
            self.out.push(Diagnostic::new(
                Code::MissingRunbook,
                self.source,
                node.span,
                format!("there is no `{path}`"),
            ));
        }
        Some(path)
    }

    /// Whether a path stays inside the project; reports one that does not.
    pub fn inside(&mut self, path: &str, span: Span) -> bool {
        let outside =
            path.starts_with('/') || path.contains('\\') || path.split('/').any(|part| part == "..");
        if outside {
            let message = format!("`{path}` leaves the project");
            self.out.push(Diagnostic::new(Code::OutsideProject, self.source, span, message));
        }
        !outside
    }

    fn env(&mut self, node: &Node) -> BTreeMap<String, BTreeMap<String, String>> {
        let mut env = BTreeMap::new();
        let Kind::Map(services) = &node.kind else {
            self.out.push(wrong_type(self.source, node, "env", "a mapping of service to variables"));
            return env;
        };
        for (service, variables) in services {
            self.known_service(&service.name, service.span);
            let Kind::Map(entries) = &variables.kind else {
                self.out.push(wrong_type(self.source, variables, &service.name, "a mapping of variables"));
                continue;
            };
            let values = entries
                .iter()
                .filter_map(|(key, value)| Some((key.name.clone(), self.scalar(value, &key.name)?)));
            env.insert(service.name.clone(), values.collect());
        }
        env
    }

    /// A scalar as the text an environment variable holds.
    fn scalar(&mut self, node: &Node, name: &str) -> Option<String> {
        match &node.kind {
            Kind::Text(text) => Some(text.clone()),
            Kind::Number(number) => Some(number.to_string()),
            Kind::Bool(value) => Some(value.to_string()),
            Kind::Null | Kind::List(_) | Kind::Map(_) => {
                self.out.push(wrong_type(self.source, node, name, "text, a number or a boolean"));
                None
            }
        }
    }

    /// Reports a service the topology does not have.
    pub fn known_service(&mut self, name: &str, span: Span) -> bool {
        let known = self.context.names.services.contains(name);
        if !known {
            let help =
                crate::diagnostic::suggest(name, self.context.names.services.iter().map(String::as_str));
            let message = format!("the topology has no service `{name}`");
            self.out.push(Diagnostic::new(Code::UnknownService, self.source, span, message).maybe_help(help));
        }
        known
    }
}

#[cfg(test)]
mod tests;
