//! `double`: a third party faked over the wire. Every double has the control endpoints `GET /calls`, `GET /messages`,
//! `POST` and `DELETE /script`, and `POST /reset`.

use drillyard_spec::drill::{Double, DoubleOperation};
use drillyard_spec::template::fill_value;
use serde_json::{Value, json};

use crate::action::http::{Prepared, send};
use crate::action::{Done, Scene};

/// Scripts or reads the double. The answer has the `status`, and `items` with their `count`: calls, messages, or the
/// answers it was given.
pub async fn perform(double: &Double, scene: &Scene<'_>) -> Done {
    let (verb, method, path) = match &double.operation {
        DoubleOperation::Script(answers) if answers.as_array().is_some_and(Vec::is_empty) => {
            ("script", "DELETE", "/script")
        }
        DoubleOperation::Script(_) => ("script", "POST", "/script"),
        DoubleOperation::Calls => ("calls", "GET", "/calls"),
        DoubleOperation::Messages => ("messages", "GET", "/messages"),
        DoubleOperation::Reset => ("reset", "POST", "/reset"),
    };
    let mut what = json!({ "double": double.service, "verb": verb });
    let answers = match &double.operation {
        DoubleOperation::Script(answers) => match fill_value(answers, scene.names) {
            Ok(answers) => Some(answers),
            Err(reason) => return Done { what, answer: Err(reason) },
        },
        _ => None,
    };
    if let Some(answers) = &answers {
        what["answers"] = answers.clone();
    }
    let prepared = Prepared {
        method,
        service: double.service.clone(),
        path: path.to_owned(),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: answers
            .as_ref()
            .filter(|_| method == "POST")
            .map(|answers| json!({ "answers": answers }).to_string()),
        shown_body: Value::Null,
    };
    let answer = send(&prepared, scene).await.map(|answer| {
        let items = match answers {
            Some(answers) => answers,
            None => answer["body"].get(verb).cloned().unwrap_or_else(|| json!([])),
        };
        let count = items.as_array().map_or(0, Vec::len);
        json!({ "status": answer["status"], "count": count, "items": items })
    });
    Done { what, answer }
}
