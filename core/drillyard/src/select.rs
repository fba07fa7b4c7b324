//! Which units of a project are meant.

use drillyard_engine::event::UnitKind;
use drillyard_spec::drill::Drill;
use drillyard_spec::feature::Scenario;
use drillyard_spec::project::Project;

/// A drill or scenario to run.
#[derive(Debug, Clone)]
pub enum Task {
    /// A YAML drill.
    Drill(Box<Drill>),
    /// A Gherkin scenario.
    Scenario(Box<Scenario>),
}

impl Task {
    /// The drill, or what the scenario was lowered to.
    #[must_use]
    pub fn drill(&self) -> &Drill {
        match self {
            Self::Drill(drill) => drill,
            Self::Scenario(scenario) => &scenario.drill,
        }
    }

    /// By which door it came in.
    #[must_use]
    pub fn kind(&self) -> UnitKind {
        match self {
            Self::Drill(_) => UnitKind::Drill,
            Self::Scenario(_) => UnitKind::Scenario,
        }
    }
}

/// What a person asked for.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Parts of names or file paths; a unit that has any of them is meant. None means all.
    pub names: Vec<String>,
    /// Tags a unit must have; with a leading `!` or `not `, must not have.
    pub tags: Vec<String>,
}

impl Filter {
    /// Whether a unit is meant.
    #[must_use]
    pub fn means(&self, drill: &Drill) -> bool {
        let named = |name: &String| {
            let name = name.trim_end_matches(".yaml").trim_end_matches(".feature");
            drill.id.contains(name)
        };
        let tagged = |tag: &String| {
            let tag = tag.trim().trim_start_matches('@');
            let refused = tag.strip_prefix('!').or_else(|| tag.strip_prefix("not "));
            let name = refused.unwrap_or(tag).trim().trim_start_matches('@');
            drill.tags.iter().any(|own| own.trim_start_matches('@') == name) != refused.is_some()
        };
        (self.names.is_empty() || self.names.iter().any(named)) && self.tags.iter().all(tagged)
    }
}

/// The units of `project` that `filter` means: drills first, then scenarios, each in order of name.
#[must_use]
pub fn select(project: &Project, filter: &Filter) -> Vec<Task> {
    let drills = project.drills.iter().filter(|d| filter.means(d)).map(|d| Task::Drill(Box::new(d.clone())));
    let scenarios =
        project.scenarios.iter().filter(|s| filter.means(&s.drill)).map(|s| Task::Scenario(Box::new(s.clone())));
    drills.chain(scenarios).collect()
}
