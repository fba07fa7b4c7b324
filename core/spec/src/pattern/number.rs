//! Numbers compared by value and without rounding.

use std::cmp::Ordering;

use serde_json::Number;

/// The order of two numbers, whichever of them is whole.
#[must_use]
pub fn order(left: &Number, right: &Number) -> Ordering {
    match (whole(left), whole(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        (Some(left), None) => mixed(left, fraction(right)),
        (None, Some(right)) => mixed(right, fraction(left)).reverse(),
        (None, None) => fraction(left).total_cmp(&fraction(right)),
    }
}

fn whole(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

/// JSON has neither infinity nor not-a-number, so every number that is not whole is one of these.
fn fraction(number: &Number) -> f64 {
    number.as_f64().unwrap_or_default()
}

/// A whole number against one with a fraction. Whole numbers of JSON lie within 2^64, far inside the range in which the
/// floor of a float is exact as an `i128`.
fn mixed(whole: i128, fraction: f64) -> Ordering {
    const LIMIT: f64 = 1e20;
    if fraction > LIMIT {
        return Ordering::Less;
    }
    if fraction < -LIMIT {
        return Ordering::Greater;
    }
    let floor = fraction.floor();
    #[expect(clippy::cast_possible_truncation, reason = "the range was checked just now")]
    let below = floor as i128;
    match whole.cmp(&below) {
        Ordering::Equal if fraction > floor => Ordering::Less,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(left: &serde_json::Value, right: &serde_json::Value) -> Ordering {
        order(left.as_number().unwrap(), right.as_number().unwrap())
    }

    #[test]
    fn whole_numbers_and_fractions_are_ordered_by_value() {
        assert_eq!(of(&json!(1), &json!(1.0)), Ordering::Equal);
        assert_eq!(of(&json!(1), &json!(1.5)), Ordering::Less);
        assert_eq!(of(&json!(-1), &json!(-1.5)), Ordering::Greater);
        assert_eq!(of(&json!(1e300), &json!(u64::MAX)), Ordering::Greater);
        assert_eq!(of(&json!(u64::MAX), &json!(i64::MIN)), Ordering::Greater);
    }
}
