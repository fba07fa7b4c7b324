//! What is peculiar to one lane, in words that are the same on every lane and backend.

use serde_json::Value;

use crate::stack::Lane;

/// Replaces addresses of services by their names, and names of the lane by placeholders, in every text of a value.
#[must_use]
pub fn portable(value: &Value, lane: &Lane) -> Value {
    let mut words = lane.all_addresses();
    if let Some(objects) = lane.objects() {
        words.push((objects.bucket.clone(), "[lane.bucket]".to_owned()));
    }
    words.extend(lane.database().map(|database| (database.to_owned(), "[lane.database]".to_owned())));
    words.push((lane.name().to_owned(), "[lane.name]".to_owned()));
    // The longest first: a bucket's name contains the lane's.
    words.sort_by_key(|(peculiar, _)| std::cmp::Reverse(peculiar.len()));
    replace(value, &words)
}

fn replace(value: &Value, words: &[(String, String)]) -> Value {
    match value {
        Value::String(text) => Value::String(
            words.iter().fold(text.clone(), |text, (peculiar, general)| text.replace(peculiar, general)),
        ),
        Value::Array(items) => Value::Array(items.iter().map(|item| replace(item, words)).collect()),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(key, member)| (key.clone(), replace(member, words))).collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::replace;

    #[test]
    fn peculiar_words_are_replaced_in_every_text_and_nowhere_else() {
        let words = [
            ("lane-3-x".to_owned(), "[lane.bucket]".to_owned()),
            ("127.0.0.1:81".to_owned(), "api".to_owned()),
        ];
        let value = json!({ "uri": "s3://lane-3-x/a", "n": 3, "list": ["http://127.0.0.1:81/readyz"] });
        assert_eq!(
            replace(&value, &words),
            json!({ "uri": "s3://[lane.bucket]/a", "n": 3, "list": ["http://api/readyz"] })
        );
    }
}
