//! What services write: one file each, read back by window and by tail.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Most bytes of one service that a window gives.
const WINDOW_BYTES: u64 = 64 * 1024;
/// Most bytes of one service that a search looks through.
const WHOLE_BYTES: u64 = 8 << 20;
/// Most lines of one service that a window gives.
const WINDOW_LINES: usize = 80;
/// Most lines that a message about a dead service gives.
const TAIL_LINES: usize = 12;
/// Longest line that is shown whole.
const LINE_CHARS: usize = 2_000;

/// A moment in the logs of a lane.
#[derive(Debug, Clone, Default)]
pub struct LogMark {
    lengths: BTreeMap<String, u64>,
}

/// The log files of a lane by service.
#[derive(Debug, Clone, Default)]
pub struct Logs {
    files: BTreeMap<String, PathBuf>,
}

impl Logs {
    /// Adds a service's file.
    pub fn add(&mut self, service: &str, file: PathBuf) {
        self.files.insert(service.to_owned(), file);
    }

    /// The present moment.
    #[must_use]
    pub fn mark(&self) -> LogMark {
        let lengths = self.files.iter().map(|(service, file)| (service.clone(), length(file)));
        LogMark { lengths: lengths.collect() }
    }

    /// Everything a service wrote, at most the last 8 MiB; nothing when it has no log.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn whole(&self, service: &str) -> Option<io::Result<String>> {
        self.files.get(service).map(|file| {
            let mut file = File::open(file)?;
            let end = file.metadata()?.len();
            file.seek(SeekFrom::Start(end.saturating_sub(WHOLE_BYTES)))?;
            let mut bytes = Vec::new();
            file.take(WHOLE_BYTES).read_to_end(&mut bytes)?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        })
    }

    /// Lines written since `mark`, as `service | line`, grouped by service; of a long window the last lines.
    #[must_use]
    pub fn since(&self, mark: &LogMark) -> Vec<String> {
        let mut window = Vec::new();
        for (service, file) in &self.files {
            let from = mark.lengths.get(service).copied().unwrap_or(0);
            let Ok(text) = read_from(file, from) else { continue };
            let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
            let skipped = lines.len().saturating_sub(WINDOW_LINES);
            if skipped > 0 {
                window.push(format!("{service} | … {skipped} lines before"));
            }
            window.extend(lines[skipped..].iter().map(|line| format!("{service} | {}", cut(line))));
        }
        window
    }
}

/// The last lines of a text.
#[must_use]
pub fn tail_of(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].iter().map(|line| cut(line)).collect()
}

/// Length of a file, zero when it is not there.
#[must_use]
pub fn length(file: &Path) -> u64 {
    std::fs::metadata(file).map_or(0, |meta| meta.len())
}

/// The text from an offset on, at most the last 64 KiB of it.
///
/// # Errors
/// When the file cannot be read.
pub fn read_from(file: &Path, from: u64) -> io::Result<String> {
    let mut file = File::open(file)?;
    let end = file.metadata()?.len();
    file.seek(SeekFrom::Start(from.max(end.saturating_sub(WINDOW_BYTES)).min(end)))?;
    let mut bytes = Vec::new();
    file.take(WINDOW_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(LINE_CHARS) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_holds_what_was_written_since_the_mark() {
        let folder = std::env::temp_dir().join(format!("drillyard-logs-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("api.log");
        std::fs::write(&file, "before\n").unwrap();
        let mut logs = Logs::default();
        logs.add("api", file.clone());
        let mark = logs.mark();
        assert!(logs.since(&mark).is_empty());
        let many: String = (0..100).map(|n| format!("line {n}\n")).collect();
        std::fs::write(&file, format!("before\n{many}")).unwrap();
        let window = logs.since(&mark);
        assert_eq!(window.first().map(String::as_str), Some("api | … 20 lines before"));
        assert_eq!(window.last().map(String::as_str), Some("api | line 99"));
        assert_eq!(tail_of(&many).last().map(String::as_str), Some("line 99"));
        assert_eq!(tail_of(&many).len(), TAIL_LINES);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
