//! A whole project: its topology, drills, scenarios and vocabulary, read and checked in one pass.

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::drill::{Drill, Step};
use crate::feature::{self, Scenario};
use crate::parse::{self, Context, Names};
use crate::phrase::{VOCABULARY_PATH, Vocabulary};
use crate::runbook;
use crate::source::{Source, Span, Texts};
use crate::target::{self, Target};
use crate::topology::document::Documents;
use crate::topology::{self, Topology};

mod documents;
mod kept;
mod needs;

pub use documents::named as documents_named;
pub(crate) use kept::Kept;
use kept::Units;

/// Where the topology of a project is, unless another is given.
pub const TOPOLOGY_PATH: &str = "ops/compose.yaml";

/// Everything that can be run, and what was wrong.
#[derive(Debug)]
pub struct Project {
    /// The stack, where its file could be read.
    pub topology: Option<Topology>,
    /// Names that drills may refer to.
    pub names: Names,
    /// Drills in path order.
    pub drills: Vec<Drill>,
    /// Scenarios in path order, and in order of writing within a feature.
    pub scenarios: Vec<Scenario>,
    /// Systems that are up already, in path order.
    pub targets: Vec<Target>,
    /// Every sentence features may use.
    pub vocabulary: Vocabulary,
    /// Every mistake, in order of file and line.
    pub diagnostics: Vec<Diagnostic>,
}

impl Project {
    /// Reads all texts of a project.
    #[must_use]
    pub fn read(texts: &Texts) -> Self {
        Self::read_with(texts, &Documents::default())
    }

    /// The same, with documents that were read before.
    #[must_use]
    pub fn read_with(texts: &Texts, kept: &Documents) -> Self {
        let mut out = Vec::new();
        let topology = read_topology(texts, &mut out);
        let mut names = topology.as_ref().map(Topology::names).unwrap_or_default();
        if let (Some(topology), Some(source)) = (&topology, texts.get(TOPOLOGY_PATH)) {
            names.documents = documents::read(texts, (topology, source), kept, &mut out);
            names.contracts = kept.contracts((topology, source), (texts, &names), &mut out);
        }
        let context = Context { texts, names: &names };
        let vocabulary = kept.vocabulary(texts.get(VOCABULARY_PATH), &mut out);
        let mut drills = Vec::new();
        let mut scenarios = Vec::new();
        let mut targets = Vec::new();
        let mut files = 0;
        let mut before = kept.units();
        if let Some(before) = &mut before {
            before.begin(texts);
        }
        for source in texts.iter() {
            let path = source.path().as_ref();
            if path.starts_with(target::FOLDER) && path.ends_with(".yaml") {
                targets.extend(target::parse(source, topology.as_ref(), &mut out));
                continue;
            }
            let drill = path.starts_with("drills/") && path.ends_with(".yaml");
            let feature = path.starts_with("features/") && path.ends_with(".feature");
            if !drill && !feature {
                continue;
            }
            files += 1;
            let read = || {
                let mut units = Units::default();
                if drill {
                    units.drills = parse::drill(source, context, &mut units.found);
                } else {
                    units.scenarios = feature::read(source, &vocabulary, context, &mut units.found);
                }
                units
            };
            let units = match &mut before {
                Some(before) => before.units(source, read),
                None => read(),
            };
            drills.extend(units.drills);
            scenarios.extend(units.scenarios);
            out.extend(units.found);
        }
        if files == 0 {
            let nowhere = Source::new(".", "");
            out.push(Diagnostic::new(
                Code::NoTexts,
                &nowhere,
                Span::default(),
                "there is no drill and no feature here",
            ));
        }
        for drill in &drills {
            check_runbook(texts, drill, &mut out);
        }
        needs::resolve(&mut drills, &mut out);
        out.sort_by(|a, b| (&a.place, a.code).cmp(&(&b.place, b.code)));
        out.dedup();
        Self { topology, names, drills, scenarios, targets, vocabulary, diagnostics: out }
    }
}

fn read_topology(texts: &Texts, out: &mut Vec<Diagnostic>) -> Option<Topology> {
    let Some(source) = texts.get(TOPOLOGY_PATH) else {
        let nowhere = Source::new(TOPOLOGY_PATH, "");
        out.push(
            Diagnostic::new(Code::BadTopology, &nowhere, Span::default(), "there is no topology")
                .help("a project has a Compose file with `x-drillyard` keys at this path"),
        );
        return None;
    };
    topology::parse(source, out)
}

fn check_runbook(texts: &Texts, drill: &Drill, out: &mut Vec<Diagnostic>) {
    for Step { covers, place, .. } in drill.every_step() {
        if let Some(covers) = covers {
            runbook::check_covers(texts, drill.runbook.as_deref(), covers, place, out);
        }
    }
}
