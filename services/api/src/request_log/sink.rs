//! The background writer of the three files.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval};

use super::{SinkPaths, life_cycle};
use crate::metrics::Metrics;

/// How often the metrics file is rewritten at most; reads of alerts and metrics flush it at once.
const METRICS_EVERY: Duration = Duration::from_secs(1);

/// What the request path hands over.
#[derive(Debug)]
pub(super) enum Entry {
    /// One request record, a line without its end.
    Log(String),
    /// One alert answer, a line without its end.
    Alerts(String),
    /// Answer when everything before this is on disk.
    Flush(oneshot::Sender<()>),
    /// End the writer.
    Close,
}

/// Writes entries until [`Entry::Close`] or until every sender is gone; the metrics file is written at the
/// start, at most once per second after changes, on every flush, and at the end.
pub(super) async fn run(paths: SinkPaths, metrics: Metrics, mut entries: mpsc::Receiver<Entry>) {
    for path in [&paths.log, &paths.metrics, &paths.alerts].into_iter().flatten() {
        create_parent(path).await;
    }
    write_metrics(paths.metrics.as_deref(), &metrics).await;
    let mut tick = interval(METRICS_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut dirty = false;
    loop {
        tokio::select! {
            entry = entries.recv() => match entry {
                Some(Entry::Log(line)) => append(paths.log.as_deref(), "log", &line).await,
                Some(Entry::Alerts(line)) => append(paths.alerts.as_deref(), "alerts", &line).await,
                Some(Entry::Flush(done)) => {
                    write_metrics(paths.metrics.as_deref(), &metrics).await;
                    dirty = false;
                    // Ignored: whoever asked may have gone away meanwhile.
                    let _ = done.send(());
                }
                Some(Entry::Close) | None => break,
            },
            () = metrics.changed(), if !dirty => dirty = true,
            _ = tick.tick(), if dirty => {
                write_metrics(paths.metrics.as_deref(), &metrics).await;
                dirty = false;
            }
        }
    }
    write_metrics(paths.metrics.as_deref(), &metrics).await;
}

async fn create_parent(path: &Path) {
    if let Some(parent) = path.parent()
        && let Err(error) = tokio::fs::create_dir_all(parent).await
    {
        complain("folder", path, &error);
    }
}

async fn append(path: Option<&Path>, sink: &str, line: &str) {
    let Some(path) = path else { return };
    let written = async {
        // Opened anew per line, so that a rotated or deleted file comes back by itself.
        let mut file = tokio::fs::OpenOptions::new().create(true).append(true).open(path).await?;
        file.write_all(format!("{line}\n").as_bytes()).await?;
        file.flush().await
    };
    if let Err(error) = written.await {
        complain(sink, path, &error);
    }
}

/// Two steps, so that a reader sees either the old snapshot or the new one and never a half.
async fn write_metrics(path: Option<&Path>, metrics: &Metrics) {
    let Some(path) = path else { return };
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let temporary = PathBuf::from(temporary);
    let snapshot = metrics.json_snapshot();
    let text = format!("{snapshot:#}\n");
    let written = async {
        tokio::fs::write(&temporary, text).await?;
        tokio::fs::rename(&temporary, path).await
    };
    if let Err(error) = written.await {
        complain("metrics", path, &error);
    }
}

fn complain(sink: &str, path: &Path, error: &std::io::Error) {
    life_cycle(
        true,
        json!({
            "message": "sink could not be written",
            "sink": sink,
            "path": path.display().to_string(),
            "error": error.to_string(),
        }),
    );
}
