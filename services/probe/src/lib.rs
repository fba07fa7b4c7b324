#![doc = include_str!("../README.md")]

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

/// Bound for connecting and for the first bytes of the answer; Compose's own health checks stop at about the same.
const BOUND: Duration = Duration::from_secs(2);

/// Answers a command line that begins with `health`, of which the rest is a port and a path (by default `/readyz`);
/// nothing when it is another verb. Exit code 0: answered with 2xx; 1: not; 2: the arguments are wrong.
#[must_use]
pub fn asked(arguments: &[String]) -> Option<ExitCode> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (port, path) = match words.as_slice() {
        ["health", port] => (*port, "/readyz"),
        ["health", port, path] => (*port, *path),
        ["health", ..] => return Some(usage()),
        _ => return None,
    };
    let Ok(port) = port.parse() else { return Some(usage()) };
    Some(match get(port, path) {
        Ok(status) if (200..300).contains(&status) => ExitCode::SUCCESS,
        Ok(status) => not_healthy(&format!("GET {path} answered {status}")),
        Err(error) => not_healthy(&format!("GET {path}: {error}")),
    })
}

fn usage() -> ExitCode {
    complain("usage: health <port> [<path>]");
    ExitCode::from(2)
}

fn not_healthy(why: &str) -> ExitCode {
    complain(why);
    ExitCode::FAILURE
}

fn complain(text: &str) {
    // Ignored: there is nobody left to tell when standard error is closed.
    let _ = writeln!(io::stderr(), "{text}");
}

/// One GET of the loopback address; gives the status.
fn get(port: u16, path: &str) -> io::Result<u16> {
    let mut stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), BOUND)?;
    stream.set_read_timeout(Some(BOUND))?;
    stream.set_write_timeout(Some(BOUND))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")?;
    let mut head = Vec::new();
    let mut piece = [0_u8; 256];
    while !head.contains(&b'\n') && head.len() < 4096 {
        match stream.read(&mut piece)? {
            0 => break,
            read => head.extend_from_slice(&piece[..read]),
        }
    }
    let line = String::from_utf8_lossy(&head);
    let status = line.strip_prefix("HTTP/1.").and_then(|rest| rest.split_whitespace().nth(1)?.parse().ok());
    status.ok_or_else(|| io::Error::other("the answer is not HTTP"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    /// A server that gives one answer; its port.
    fn answering(answer: &'static str) -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0_u8; 512];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(answer.as_bytes());
        });
        port
    }

    fn asked_of(port: u16) -> String {
        format!("{:?}", asked(&words(&format!("health {port} /readyz"))).unwrap())
    }

    #[test]
    fn only_a_good_answer_is_healthy() {
        let (good, bad) = (format!("{:?}", ExitCode::SUCCESS), format!("{:?}", ExitCode::FAILURE));
        assert_eq!(asked_of(answering("HTTP/1.1 204 No Content\r\n\r\n")), good);
        assert_eq!(asked_of(answering("HTTP/1.1 503 Service Unavailable\r\n\r\n")), bad);
        assert_eq!(asked_of(answering("hello\n")), bad);
        assert_eq!(asked_of(answering("")), bad);
    }

    #[test]
    fn other_verbs_are_left_alone_and_wrong_arguments_are_told() {
        assert!(asked(&words("serve 8080")).is_none());
        assert!(asked(&[]).is_none());
        let usage = format!("{:?}", ExitCode::from(2));
        for text in ["health", "health http", "health 1 / x"] {
            assert_eq!(format!("{:?}", asked(&words(text)).unwrap()), usage);
        }
    }
}
