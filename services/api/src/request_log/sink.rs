//! The background writer of the three files.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval};

use super::{Line, SinkPaths, life_cycle};
use crate::metrics::Metrics;

/// How often counters that change without a record are written; records write them at once.
const METRICS_EVERY: Duration = Duration::from_secs(1);

/// Most records that are written together.
const BATCH: usize = 256;

/// What the request path hands over.
#[derive(Debug)]
pub(super) enum Entry {
    /// One request record.
    Log(Line),
    /// One alert answer, a line without its end.
    Alerts(String),
    /// Answer when everything before this is on disk.
    Flush(oneshot::Sender<()>),
    /// End the writer.
    Close,
}

/// Writes entries until [`Entry::Close`] or until every sender is gone.
///
/// Whatever waits is written together: the log file, then the metrics file, then the lines of the requests. The
/// metrics file is written at the start and at the end as well.
pub(super) async fn run(paths: SinkPaths, metrics: Metrics, mut entries: mpsc::Receiver<Entry>) {
    for path in [&paths.log, &paths.metrics, &paths.alerts].into_iter().flatten() {
        create_parent(path).await;
    }
    write_metrics(paths.metrics.as_deref(), &metrics).await;
    let mut tick = interval(METRICS_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut dirty = false;
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        tokio::select! {
            received = entries.recv_many(&mut batch, BATCH) => {
                let is_last = received == 0 || write(&paths, &metrics, &mut batch).await;
                if is_last {
                    break;
                }
                dirty = false;
            }
            () = metrics.changed(), if !dirty => dirty = true,
            _ = tick.tick(), if dirty => {
                write_metrics(paths.metrics.as_deref(), &metrics).await;
                dirty = false;
            }
        }
    }
    write_metrics(paths.metrics.as_deref(), &metrics).await;
}

/// Writes what was received together; whether it was the last.
async fn write(paths: &SinkPaths, metrics: &Metrics, batch: &mut Vec<Entry>) -> bool {
    let (mut log, mut alerts) = (String::new(), String::new());
    let (mut lines, mut waiting, mut is_last) = (Vec::new(), Vec::new(), false);
    for entry in batch.drain(..) {
        match entry {
            Entry::Log(line) => {
                log.push_str(&line.text);
                log.push('\n');
                lines.push(line);
            }
            Entry::Alerts(line) => {
                alerts.push_str(&line);
                alerts.push('\n');
            }
            Entry::Flush(done) => waiting.push(done),
            Entry::Close => is_last = true,
        }
    }
    append(paths.log.as_deref(), "log", &log).await;
    append(paths.alerts.as_deref(), "alerts", &alerts).await;
    write_metrics(paths.metrics.as_deref(), metrics).await;
    for line in lines {
        line.emit();
    }
    for done in waiting {
        // Ignored: whoever asked may have gone away meanwhile.
        let _ = done.send(());
    }
    is_last
}

async fn create_parent(path: &Path) {
    if let Some(parent) = path.parent()
        && let Err(error) = tokio::fs::create_dir_all(parent).await
    {
        complain("folder", path, &error);
    }
}

async fn append(path: Option<&Path>, sink: &str, lines: &str) {
    let Some(path) = path.filter(|_| !lines.is_empty()) else { return };
    let written = async {
        // Opened anew each time, so that a rotated or deleted file comes back by itself.
        let mut file = tokio::fs::OpenOptions::new().create(true).append(true).open(path).await?;
        file.write_all(lines.as_bytes()).await?;
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
