//! The service everything is measured against: it answers every request with `{"ok":true}`, and counts them.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};

/// Serves on `port` until whoever started it is gone.
///
/// # Errors
/// The port is taken.
pub fn run(port: u16) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port)).with_context(|| format!("port {port}"))?;
    let (served, parent) = (Arc::new(AtomicU64::new(0)), std::os::unix::process::parent_id());
    thread::spawn(move || {
        #[expect(clippy::disallowed_methods, reason = "nothing tells a process that its parent has ended")]
        while std::os::unix::process::parent_id() == parent {
            thread::sleep(Duration::from_millis(100));
        }
        std::process::exit(0);
    });
    for stream in listener.incoming() {
        let served = served.clone();
        let stream = stream?;
        // A client that breaks off ends its own connection only.
        thread::spawn(move || drop(answer(&stream, &served)));
    }
    Ok(())
}

fn answer(stream: &TcpStream, served: &AtomicU64) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut lines, mut out) = (BufReader::new(stream), stream);
    loop {
        let (mut first, mut line) = (String::new(), String::new());
        if lines.read_line(&mut first)? == 0 {
            return Ok(());
        }
        while lines.read_line(&mut line)? > 2 {
            line.clear();
        }
        let body = if first.starts_with("GET /count ") {
            served.load(Ordering::Relaxed).to_string()
        } else {
            served.fetch_add(1, Ordering::Relaxed);
            r#"{"ok":true,"n":1}"#.to_owned()
        };
        let length = body.len();
        let text = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        out.write_all(text.as_bytes())?;
    }
}
