//! Lists in any order: every pattern needs an element of its own.

use serde_json::Value;

use super::compare;

/// What is wrong, nothing when patterns and elements can be paired off. Where several pairings are thinkable the
/// largest one is found, so that a loose pattern never takes the element a strict one needs.
pub fn mismatches(patterns: &[Value], items: &[Value]) -> Vec<String> {
    let fits: Vec<Vec<usize>> = patterns
        .iter()
        .map(|pattern| {
            (0..items.len()).filter(|at| compare(pattern, Some(&items[*at]), "").is_empty()).collect()
        })
        .collect();
    let mut taken: Vec<Option<usize>> = vec![None; items.len()];
    let mut wrong = Vec::new();
    for (index, pattern) in patterns.iter().enumerate() {
        if !place(index, &fits, &mut taken, &mut vec![false; items.len()]) {
            wrong.push(format!("an element of its own like {pattern}"));
        }
    }
    let strangers = taken.iter().zip(items).filter(|(by, _)| by.is_none()).map(|(_, item)| item.to_string());
    wrong.extend(strangers.map(|item| format!("no element like {item}")));
    wrong
}

/// Gives `pattern` an element, moving others along where that helps.
fn place(pattern: usize, fits: &[Vec<usize>], taken: &mut [Option<usize>], seen: &mut Vec<bool>) -> bool {
    for &item in &fits[pattern] {
        if std::mem::replace(&mut seen[item], true) {
            continue;
        }
        if taken[item].is_none_or(|other| place(other, fits, taken, seen)) {
            taken[item] = Some(pattern);
            return true;
        }
    }
    false
}
