//! `drained`: how much work is left in the lane.

use drillyard_spec::drill::Drained;
use serde_json::{Value, json};

use crate::action::http::text_of;
use crate::action::{Done, Scene, sql};

/// Asks the database. The answer has `left`, the one number the query gives.
pub async fn perform(wanted: &Drained, scene: &Scene<'_>) -> Done {
    let what = json!({ "drained": wanted.query });
    let answer = async {
        let query = text_of(&wanted.query, scene)?;
        let url = scene.lane.database_url(&wanted.service);
        let url = url.ok_or_else(|| format!("`{}` has no database in this lane", wanted.service))?;
        left(&sql::run(&url, &query, &[], true).await?)
    };
    Done { answer: answer.await, what }
}

fn left(answer: &Value) -> Result<Value, String> {
    let rows = answer["rows"].as_array().map_or(&[][..], Vec::as_slice);
    let only = match rows {
        [Value::Object(row)] if row.len() == 1 => row.values().next().filter(|value| value.is_number()),
        _ => None,
    };
    let number =
        only.ok_or_else(|| format!("the query gives {} rows, and not one row with one number", rows.len()))?;
    Ok(json!({ "left": number }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_gives_one_number_and_nothing_else() {
        assert_eq!(left(&json!({ "rows": [{ "count": 3 }] })).unwrap(), json!({ "left": 3 }));
        for rows in
            [json!([]), json!([{ "a": 1 }, { "a": 2 }]), json!([{ "a": 1, "b": 2 }]), json!([{ "a": "x" }])]
        {
            assert!(left(&json!({ "rows": rows })).is_err(), "{rows}");
        }
    }
}
