//! Moments of what services logged, from the logs in the bundle.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use jiff::Timestamp;
use serde::Deserialize;

use crate::bundle;

/// How much of a log is looked at, in bytes.
const MOST: u64 = 4 << 20;

/// How many moments a whole page shows.
const ON_A_PAGE: usize = 4_000;

/// A line with its moment.
#[derive(Debug)]
pub(super) struct Moment {
    pub(super) at: Timestamp,
    pub(super) service: String,
    pub(super) level: Level,
    pub(super) text: String,
}

/// How grave a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Plain,
    Warning,
    Error,
}

/// The members of a JSON log line that say when, how grave and what.
#[derive(Debug, Deserialize)]
struct Line {
    #[serde(alias = "timestamp", alias = "time")]
    ts: Option<Timestamp>,
    level: Option<String>,
    message: Option<String>,
    event: Option<String>,
}

/// The logs of a bundle, with what may still be shown of them.
#[derive(Debug)]
pub(super) struct Logs<'a> {
    dir: &'a Path,
    left: usize,
}

impl<'a> Logs<'a> {
    pub(super) fn new(dir: &'a Path) -> Self {
        Self { dir, left: ON_A_PAGE }
    }

    /// At most `most` moments of a lane's services, and how many lines it wrote. A line that carries no moment of its
    /// own is counted and not placed.
    pub(super) fn of_lane(&mut self, lane: &str, most: usize) -> (Vec<Moment>, u64) {
        let folder = self.dir.join("logs").join(lane);
        let (mut moments, mut lines) = (Vec::new(), 0);
        for name in bundle::list(&folder).unwrap_or_default() {
            let service = name.trim_end_matches(".log").to_owned();
            let Ok(file) = File::open(folder.join(&name)) else { continue };
            for line in BufReader::new(file.take(MOST)).split(b'\n').map_while(Result::ok) {
                lines += 1;
                if moments.len() < most.min(self.left) {
                    moments.extend(read(&line, &service));
                }
            }
        }
        self.left -= moments.len();
        (moments, lines)
    }
}

fn read(line: &[u8], service: &str) -> Option<Moment> {
    let line: Line = serde_json::from_slice(line).ok()?;
    let level = match line.level.as_deref().unwrap_or_default().to_ascii_lowercase().as_str() {
        "warn" | "warning" => Level::Warning,
        "error" | "fatal" => Level::Error,
        _ => Level::Plain,
    };
    let text = line.event.or(line.message)?;
    Some(Moment { at: line.ts?, service: service.to_owned(), level, text: text.chars().take(120).collect() })
}
