//! `logs`: lines a service wrote in this lane.

use drillyard_spec::drill::Logs;
use drillyard_spec::pattern::compare;
use drillyard_spec::template::{Path, fill_value};
use regex::Regex;
use serde_json::{Value, json};

use crate::action::http::text_of;
use crate::action::{Done, Scene};

/// Most lines an answer shows; the last ones.
const SHOWN: usize = 20;

/// Looks for lines. The answer has the `count` of those that fit, the last of them as `lines`, and as `entries` those
/// that are JSON objects.
#[must_use]
pub fn perform(wanted: &Logs, scene: &Scene<'_>) -> Done {
    let mut what = json!({ "logs": wanted.service });
    let filter = match Filter::fill(wanted, scene) {
        Ok(filter) => filter,
        Err(reason) => return Done { what, answer: Err(reason) },
    };
    if let Some(pattern) = &filter.pattern {
        what["match"] = json!(pattern.as_str());
    }
    if !filter.members.is_empty() {
        what["fields"] =
            filter.members.iter().map(|(_, name, pattern)| ((*name).clone(), pattern.clone())).collect();
    }
    let answer = match scene.lane.log_of(&wanted.service) {
        Some(Ok(text)) => Ok(filter.look(&text)),
        Some(Err(error)) => Err(format!("the log of `{}` cannot be read: {error}", wanted.service)),
        None => Err(format!("`{}` has no log in this lane", wanted.service)),
    };
    Done { what, answer }
}

struct Filter<'a> {
    pattern: Option<Regex>,
    members: Vec<(&'a Path, &'a String, Value)>,
}

impl<'a> Filter<'a> {
    fn fill(wanted: &'a Logs, scene: &Scene<'_>) -> Result<Self, String> {
        let pattern = match &wanted.pattern {
            Some(pattern) => Some(Regex::new(&text_of(pattern, scene)?).map_err(|error| error.to_string())?),
            None => None,
        };
        let members = wanted.fields.iter();
        let members = members.map(|(path, name, value)| Ok((path, name, fill_value(value, scene.names)?)));
        Ok(Self { pattern, members: members.collect::<Result<_, String>>()? })
    }

    fn look(&self, text: &str) -> Value {
        let mut count = 0_usize;
        let (mut lines, mut entries) = (Vec::new(), Vec::new());
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let entry = serde_json::from_str::<Value>(line).ok().filter(Value::is_object);
            if !self.fits(line, entry.as_ref()) {
                continue;
            }
            count += 1;
            lines.push(line);
            entries.extend(entry);
        }
        let lines = &lines[lines.len().saturating_sub(SHOWN)..];
        let entries = &entries[entries.len().saturating_sub(SHOWN)..];
        json!({ "count": count, "lines": lines, "entries": entries })
    }

    fn fits(&self, line: &str, entry: Option<&Value>) -> bool {
        let member = |(path, _, pattern): &(&Path, &String, Value)| {
            entry.is_some_and(|entry| compare(pattern, path.get(entry), "").is_empty())
        };
        self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(line)) && self.members.iter().all(member)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_by_pattern_and_by_member() {
        let text = "{\"level\":\"ERROR\",\"fields\":{\"n\":3}}\nplain error\n\n{\"level\":\"INFO\"}\n";
        let path = Path::parse("level").unwrap();
        let name = "level".to_owned();
        let by = |pattern: Option<&str>, level: Option<Value>| {
            let members = level.into_iter().map(|level| (&path, &name, level)).collect();
            Filter { pattern: pattern.map(|p| Regex::new(p).unwrap()), members }.look(text)
        };
        assert_eq!(by(None, None)["count"], 3);
        assert_eq!(by(Some("(?i)error"), None)["count"], 2);
        assert_eq!(by(None, Some(json!("ERROR")))["entries"][0]["fields"]["n"], 3);
        assert_eq!(by(Some("plain"), Some(json!("ERROR")))["count"], 0);
        assert_eq!(by(None, Some(json!("#absent")))["count"], 0);
    }
}
