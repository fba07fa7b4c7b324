//! A runbook as a drill: one step for each of its steps, to be filled in.

use drillyard_spec::runbook::Outline;
use drillyard_spec::source::Source;
use serde_json::json;

use super::{Draft, DraftError, StepDraft};

/// The drill of a runbook. Each step asks a person, so that the drill can be walked through at once and proves nothing
/// by itself; replace a step's `human` by what does it.
///
/// # Errors
/// The runbook has no heading of the second or third level.
pub fn draft(name: &str, path: &str, text: &str) -> Result<Draft, DraftError> {
    let outline = Outline::read(&Source::new(path, text));
    let steps: Vec<StepDraft> = outline
        .steps()
        .into_iter()
        .map(|(covers, ask)| StepDraft {
            covers: Some(covers),
            action: (
                "human".to_owned(),
                json!({ "owner": "on-call", "ask": ask.replace("${", "$${"), "deadline": "5m" }),
            ),
            ..StepDraft::default()
        })
        .collect();
    if steps.is_empty() {
        return Err(DraftError::Nothing(format!("`{path}` has no heading of the second or third level")));
    }
    let heading = text.lines().find_map(|line| line.strip_prefix("# ")).unwrap_or(path).trim();
    let remarks =
        vec![format!("{} steps ask a person; replace each `human` by the action that does it", steps.len())];
    let (title, runbook) = (format!("{heading}, rehearsed"), Some(path.to_owned()));
    Ok(Draft { name: name.to_owned(), title, runbook, steps, remarks, ..Draft::default() })
}
