//! `job`: a one-shot job of the topology, run in the lane.

use serde_json::{Value, json};

use crate::action::{Done, Scene};

/// Runs the job to its end. The answer has `exit`, the lines of its `output`, and `json`: the last JSON object it printed.
pub async fn perform(name: &str, scene: &Scene<'_>) -> Done {
    let what = json!({ "job": name });
    let answer = match scene.lane.run_job(name).await {
        Ok(outcome) => Ok(json!({
            "exit": outcome.exit,
            "output": outcome.output.lines().collect::<Vec<_>>(),
            "json": last_document(&outcome.output),
        })),
        Err(error) => Err(error.full()),
    };
    Done { what, answer }
}

/// The last JSON object of an output, on one line or spread over several.
pub fn last_document(output: &str) -> Value {
    let lines: Vec<&str> = output.lines().collect();
    (0..lines.len())
        .rev()
        .filter(|start| lines[*start].starts_with('{'))
        .find_map(|start| {
            let text = lines[start..].join("\n");
            serde_json::Deserializer::from_str(&text).into_iter::<Value>().next()?.ok()
        })
        .unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_document_is_found_on_one_line_and_over_several() {
        assert_eq!(last_document("a\n{\"n\":1}\nend\n"), json!({ "n": 1 }));
        assert_eq!(last_document("a\n{\n  \"n\": 2\n}\nend\n"), json!({ "n": 2 }));
        assert_eq!(last_document("none\n"), Value::Null);
    }
}
