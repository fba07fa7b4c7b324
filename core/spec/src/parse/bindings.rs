//! Every name a drill asks for is bound before it is asked for, and step ids are unique.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::code::Code;
use crate::diagnostic::{Diagnostic, suggest};
use crate::drill::{Action, Drill, Each, NameUse, Step};
use crate::template::{Path, Segment};

/// Names that need no binding.
pub const BUILT_IN: &[&str] = &["fresh.uuid", "lane.name", "lane.bucket", "run.seed"];

/// Names that are bound, each with its value where the text gives it.
type Bound<'a> = BTreeMap<&'a str, Option<&'a Value>>;

/// Reports unbound names, members that a value does not have, and repeated step ids, each place once.
pub fn check(drill: &Drill, out: &mut Vec<Diagnostic>) {
    let mut bound: Bound<'_> = BUILT_IN.iter().map(|name| (*name, None)).collect();
    // The steady state is checked before any step has bound a name.
    walk(&drill.steady, &mut bound, out);
    walk(&drill.steps, &mut bound, out);
    walk(&drill.finally, &mut bound, out);
    let mut ids: BTreeMap<&str, &Step> = BTreeMap::new();
    for step in drill.every_step() {
        let Some(id) = step.id.as_deref() else { continue };
        if let Some(first) = ids.get(id) {
            // Blocks may be laid out twice; only ids of the drill's own text have to be unique.
            if first.place != step.place && first.place.file == step.place.file {
                out.push(repeated_id(id, first, step));
            }
        } else {
            ids.insert(id, step);
        }
    }
}

fn repeated_id(id: &str, first: &Step, step: &Step) -> Diagnostic {
    Diagnostic {
        code: Code::RepeatedName,
        message: format!("two steps have the id `{id}`"),
        place: step.place.clone(),
        span: crate::source::Span::default(),
        help: Some(format!("the first is at {}", first.place)),
        related: Vec::new(),
    }
}

/// What is wrong with the use of a name, if anything.
fn complaint(usage: &NameUse, bound: &Bound<'_>) -> Option<Diagnostic> {
    let Some(known) = bound.get(usage.name.as_str()) else {
        let message = format!("`{}` is not bound here", usage.name);
        let help = suggest(&usage.name, bound.keys().copied());
        return Some(Diagnostic::new(Code::UnknownName, &usage.source, usage.span, message).maybe_help(help));
    };
    let mut value = (*known)?;
    for segment in &usage.path.0 {
        let one = Path(vec![segment.clone()]);
        let Some(inner) = one.get(value) else {
            let (what, members) = match (segment, value) {
                (Segment::Key(key), Value::Object(members)) => {
                    let names = members.keys().map(String::as_str);
                    (format!("no member `{key}`"), suggest(key, names))
                }
                (Segment::Key(key), _) => (format!("no members, so no `{key}`"), None),
                (Segment::Index(at), Value::Array(items)) => {
                    (format!("{} elements, so no [{at}]", items.len()), None)
                }
                (Segment::Index(at), _) => (format!("no elements, so no [{at}]"), None),
            };
            let message = format!("`{}` has {what}", usage.name);
            let wrong = Diagnostic::new(Code::BadTemplate, &usage.source, usage.span, message);
            return Some(wrong.maybe_help(members));
        };
        value = inner;
    }
    None
}

/// The list of a loop, where the text gives another kind of value under that name.
fn no_list(each: &Each, uses: &[NameUse], bound: &Bound<'_>) -> Option<Diagnostic> {
    let usage = uses.iter().find(|usage| usage.whole && each.of.is_string())?;
    let value = usage.path.get((*bound.get(usage.name.as_str())?)?)?;
    let message = format!("`{}` is no list, so nothing can be done with each of it", usage.name);
    (!value.is_array() && !value.as_str().is_some_and(|text| text.contains("${")))
        .then(|| Diagnostic::new(Code::WrongType, &usage.source, usage.span, message))
}

fn is_plain(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.contains("${"),
        Value::Array(items) => items.iter().all(is_plain),
        Value::Object(members) => members.iter().all(|(key, member)| !key.contains("${") && is_plain(member)),
        _ => true,
    }
}

fn walk<'a>(steps: &'a [Step], bound: &mut Bound<'a>, out: &mut Vec<Diagnostic>) {
    for step in steps {
        let mut found: Vec<Diagnostic> =
            step.uses.iter().filter_map(|usage| complaint(usage, bound)).collect();
        if let Action::Each(each) = &step.action {
            found.extend(no_list(each, &step.uses, bound));
        }
        for diagnostic in found {
            if !out.contains(&diagnostic) {
                out.push(diagnostic);
            }
        }
        match &step.action {
            Action::Let(names) => {
                bound.extend(
                    names.iter().map(|(name, value)| (name.as_str(), Some(value).filter(|v| is_plain(v)))),
                );
            }
            Action::Each(each) => {
                bound.insert(&each.name, None);
                walk(&each.steps, bound, out);
            }
            // No branch may count on what another one binds; what comes after may.
            Action::Parallel(branches) => {
                let before = bound.clone();
                for branch in branches {
                    let mut own = before.clone();
                    walk(branch, &mut own, out);
                    bound.extend(own);
                }
            }
            // The looks keep what they save to themselves.
            Action::Always(always) => {
                walk(&always.holds, &mut bound.clone(), out);
                walk(&always.during, bound, out);
            }
            Action::Defer(steps) => walk(steps, &mut bound.clone(), out),
            _ => {}
        }
        bound.extend(step.save.iter().map(|save| (save.name.as_str(), None)));
    }
}
