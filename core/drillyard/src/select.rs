//! Which units of a project are meant.

use std::collections::BTreeSet;

use drillyard_engine::event::UnitKind;
use drillyard_spec::diagnostic::suggest;
use drillyard_spec::drill::Drill;
use drillyard_spec::feature::Scenario;
use drillyard_spec::project::Project;

mod expression;

use expression::Expression;

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
    /// Parts of names or file paths, in which `*` stands for any text; a unit that has any of them is meant. None means all.
    pub names: Vec<String>,
    /// Tag expressions that a unit must all satisfy: `alert and not slow`.
    pub tags: Vec<String>,
}

impl Filter {
    /// Whether everything is meant.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.tags.is_empty()
    }
}

/// A filter that cannot be what was meant.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SelectError {
    /// The expression cannot be read.
    #[error("`{0}` is no tag expression such as `alert and not slow`: {1}")]
    Expression(String, String),
    /// No unit has the name, so a typo would silently prove less than was asked for.
    #[error("no drill and no scenario is called `{0}`; {1}")]
    UnknownName(String, String),
    /// No unit has the tag, so the expression would silently mean nothing, or everything.
    #[error("no drill and no scenario has the tag `{0}`; {1}")]
    UnknownTag(String, String),
}

/// The units of `project` that `filter` means, and those they need: drills first, then scenarios, each in order of name.
///
/// # Errors
/// A tag expression that cannot be read, or a name or a tag that nobody has.
pub fn select(project: &Project, filter: &Filter) -> Result<Vec<Task>, SelectError> {
    let drills = project.drills.iter().map(|drill| Task::Drill(Box::new(drill.clone())));
    let scenarios = project.scenarios.iter().map(|scenario| Task::Scenario(Box::new(scenario.clone())));
    let all: Vec<Task> = drills.chain(scenarios).collect();
    let known: BTreeSet<&str> = all.iter().flat_map(|task| tags_of(task.drill())).collect();
    let expressions = filter
        .tags
        .iter()
        .map(|text| Expression::parse(text, &known))
        .collect::<Result<Vec<_>, SelectError>>()?;
    for name in &filter.names {
        if !all.iter().any(|task| is_called(task.drill(), name)) {
            let ids = all.iter().map(|task| task.drill().id.as_str());
            let hint = suggest(name, ids.map(|id| id.rsplit('/').next().unwrap_or(id)));
            let hint = hint.unwrap_or_else(|| "`drillyard list` shows all".to_owned());
            return Err(SelectError::UnknownName(name.clone(), hint));
        }
    }
    let means = |drill: &Drill| {
        let tags: BTreeSet<&str> = tags_of(drill).collect();
        (filter.names.is_empty() || filter.names.iter().any(|name| is_called(drill, name)))
            && expressions.iter().all(|e| e.holds(&tags))
    };
    let mut wanted: BTreeSet<String> =
        all.iter().map(Task::drill).filter(|drill| means(drill)).map(|drill| drill.id.clone()).collect();
    while let Some(missing) = missing_need(&all, &wanted) {
        wanted.insert(missing);
    }
    Ok(all.into_iter().filter(|task| wanted.contains(&task.drill().id)).collect())
}

/// Whether the parts of `name` between its `*` are in the unit's id, in that order.
fn is_called(drill: &Drill, name: &str) -> bool {
    let mut rest = drill.id.as_str();
    name.trim_end_matches(".yaml").trim_end_matches(".feature").split('*').all(|part| {
        match rest.split_once(part) {
            Some((_, after)) => {
                rest = after;
                true
            }
            None => false,
        }
    })
}

fn tags_of(drill: &Drill) -> impl Iterator<Item = &str> {
    drill.tags.iter().map(|tag| tag.trim_start_matches('@'))
}

fn missing_need(all: &[Task], wanted: &BTreeSet<String>) -> Option<String> {
    let chosen = all.iter().map(Task::drill).filter(|drill| wanted.contains(&drill.id));
    chosen.flat_map(|drill| &drill.needs).map(|need| &need.unit).find(|unit| !wanted.contains(*unit)).cloned()
}

#[cfg(test)]
mod tests;
