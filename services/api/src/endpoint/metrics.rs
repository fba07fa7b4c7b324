//! `GET /metrics`: JSON as dashboards know it, Prometheus text for scrapers.

use futures::FutureExt;

use super::Endpoint;
use crate::answer::Answer;
use crate::app::App;
use crate::open::OpenCall;

/// Content type of the text face.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The endpoint.
pub const ENDPOINT: Endpoint =
    Endpoint::open("/metrics", |app, call| async { Ok(answer(app, call).await) }.boxed());

async fn answer(app: &App, call: &OpenCall) -> Answer {
    // Whoever reads the counters here may compare them with the file.
    app.log.flush().await;
    if wants_text(call) {
        Answer::text(200, EXPOSITION, app.metrics.prometheus())
    } else {
        Answer::json(200, &app.metrics.json_snapshot())
    }
}

/// Text for `?format=prometheus`, or for a caller that accepts plain text and not JSON by name.
fn wants_text(call: &OpenCall) -> bool {
    let accept = call.header("accept").unwrap_or_default().to_ascii_lowercase();
    call.asks_for("format", "prometheus")
        || (accept.contains("text/plain") && !accept.contains("application/json"))
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue};

    use super::*;

    fn call(accept: &'static str, query: &str) -> OpenCall {
        let headers = HeaderMap::from_iter([(axum::http::header::ACCEPT, HeaderValue::from_static(accept))]);
        OpenCall { headers, query: query.to_owned() }
    }

    #[test]
    fn scrapers_get_text_and_everybody_else_json() {
        assert!(wants_text(&call("*/*", "format=prometheus")));
        assert!(wants_text(&call(
            "application/openmetrics-text,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            ""
        )));
        assert!(!wants_text(&call("application/json, text/plain, */*", "")));
        assert!(!wants_text(&call("*/*", "format=json")));
    }
}
