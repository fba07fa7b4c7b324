//! What an invoice is made of.

use crate::schema::whole_number;
use serde::Serialize;
use serde_json::Value;

/// One line; serialises in wire order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// What is charged for.
    pub description: String,
    /// How many.
    pub quantity: i64,
    /// Price of one, in cents.
    pub unit_price_cents: i64,
    /// Price of all, in cents.
    pub amount_cents: i64,
}

impl Line {
    /// A line; the amount is quantity times price.
    pub fn new(description: &str, quantity: i64, unit_price_cents: i64) -> Self {
        let amount_cents = quantity.saturating_mul(unit_price_cents);
        Self { description: description.to_owned(), quantity, unit_price_cents, amount_cents }
    }

    /// Reads the lines of a request whose schema is checked already; a quantity that is left out is one.
    pub fn read_all(lines: &Value) -> Vec<Self> {
        let number = |line: &Value, name: &str| line.get(name).and_then(whole_number);
        lines
            .as_array()
            .into_iter()
            .flatten()
            .map(|line| {
                let description = line.get("description").and_then(Value::as_str).unwrap_or_default().trim();
                let price = number(line, "unit_price_cents").unwrap_or_default();
                Self::new(description, number(line, "quantity").unwrap_or(1), price)
            })
            .collect()
    }
}

/// The sum of lines, in cents.
pub fn total(lines: &[Line]) -> i64 {
    lines.iter().fold(0, |sum, line| sum.saturating_add(line.amount_cents))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lines_are_multiplied_and_summed() {
        let lines = Line::read_all(&json!([
            { "description": " Closer ", "quantity": 2, "unit_price_cents": 4500 },
            { "description": "Labour", "unit_price_cents": 12_000.0 },
        ]));
        assert_eq!(lines[0], Line::new("Closer", 2, 4500));
        assert_eq!((lines[1].quantity, total(&lines)), (1, 21_000));
    }
}
