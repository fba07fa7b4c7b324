//! The target of a run: found by name, its variables filled in from the environment and its file of variables.

use std::collections::BTreeMap;
use std::fs;

use drillyard_engine::stack::{Attached, Backend};
use drillyard_spec::target::{FOLDER, Target};

use crate::command::environment;
use crate::harness::{HarnessError, RunOptions};
use crate::root::{Loaded, Root};

/// The system a run attaches to; nothing on other backends.
///
/// # Errors
/// There is no such target, it is given for another backend, or a variable has no value.
pub fn attach(
    (root, loaded): (&Root, &Loaded),
    options: &RunOptions,
) -> Result<Option<Attached>, HarnessError> {
    let known: Vec<&str> = loaded.project.targets.iter().map(|target| target.name.as_str()).collect();
    let known =
        if known.is_empty() { "there is none".to_owned() } else { format!("there is {}", known.join(", ")) };
    let name = match (options.backend, &options.target) {
        (Backend::Attached, Some(name)) => name,
        (Backend::Attached, None) => {
            let text = format!("the backend `attached` needs a target: `--target NAME`; in {FOLDER} {known}");
            return Err(HarnessError::Target(text));
        }
        (_, _) => return Ok(None),
    };
    let target = loaded.project.targets.iter().find(|target| target.name == *name);
    let target = target
        .ok_or_else(|| HarnessError::Target(format!("there is no target `{name}`; in {FOLDER} {known}")))?;
    let file = variables(root, target)?;
    let value = |name: &str| environment(name).or_else(|| file.get(name).cloned());
    Ok(Some(Attached::resolve(target, &value)?))
}

/// The lines `NAME=value` of the target's file of variables; nothing where the file is not there.
fn variables(root: &Root, target: &Target) -> Result<BTreeMap<String, String>, HarnessError> {
    let Some(name) = &target.env_file else { return Ok(BTreeMap::new()) };
    match fs::read_to_string(root.path().join(name)) {
        Ok(text) => Ok(lines(&text)),
        // Then the environment has to give everything, and what it does not is told by name.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(HarnessError::Target(format!("{name}: {error}"))),
    }
}

fn lines(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.split_once('='));
    pairs
        .map(|(name, value)| (name.trim().to_owned(), value.trim().trim_matches(['"', '\'']).to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn a_file_of_variables_is_read_as_compose_reads_it() {
        let read = lines("# secrets\nA=1\n\nB = \"two words\" \nnothing\nC=x=y\n");
        let pairs: Vec<(&str, &str)> =
            read.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("A", "1"), ("B", "two words"), ("C", "x=y")]);
    }
}
