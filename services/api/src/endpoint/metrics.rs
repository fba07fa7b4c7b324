//! `GET /metrics`: JSON as dashboards know it, Prometheus text for scrapers.

use std::time::Duration;

use dispatch_store::{StoreError, alerts, outbox_depth};
use futures::FutureExt;

use super::Endpoint;
use crate::answer::Answer;
use crate::app::App;
use crate::metrics::Gauges;
use crate::open::OpenCall;

/// How long a scrape waits for the database; without it the scrape has everything else.
const PATIENCE: Duration = Duration::from_secs(1);

/// Content type of the text face.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The endpoint.
pub const ENDPOINT: Endpoint =
    Endpoint::operational("/metrics", |app, call| async { Ok(answer(app, call).await) }.boxed());

async fn answer(app: &App, call: &OpenCall) -> Answer {
    // Whoever reads the counters here may compare them with the file.
    app.log.flush().await;
    if wants_text(call) {
        Answer::text(200, EXPOSITION, app.metrics.prometheus(&gauges(app).await))
    } else {
        Answer::json(200, &app.metrics.json_snapshot())
    }
}

/// Measures now.
async fn gauges(app: &App) -> Gauges {
    let mut gauges = Gauges {
        pool_size: app.pool.size(),
        pool_idle: app.pool.num_idle() + app.connections.resting(),
        pool_max: app.config.database.pool_max,
        acquire: Some(dispatch_store::acquire_statistics()),
        sink_dropped: app.log.dropped(),
        sink_waiting: app.log.waiting(),
        ..Gauges::default()
    };
    let read = async {
        let mut connection = dispatch_store::acquire(&app.pool).await?;
        let standing = alerts::list(&mut connection).await?;
        drop(connection);
        Ok::<_, StoreError>((standing, outbox_depth::by_status(&app.pool).await?))
    };
    if let Ok(Ok((standing, outbox))) = tokio::time::timeout(PATIENCE, read).await {
        gauges.alerts = Some(standing.into_iter().map(|row| (row.code, row.state)).collect());
        gauges.outbox = Some(outbox);
    }
    gauges
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
