//! What this binary is when it is not the tests: two services, one of which asks the other.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;

/// Body of an answer that a limit of bytes cuts.
const LONG: usize = 64 << 10;
/// What `/eat` allocates.
const EATEN: usize = 64 << 20;

fn variable(name: &str) -> String {
    std::env::vars_os()
        .find(|(key, _)| key == name)
        .and_then(|(_, value)| value.into_string().ok())
        .unwrap_or_default()
}

fn listen(answer: impl Fn(&str) -> (u16, String)) -> ExitCode {
    let listener = TcpListener::bind(("127.0.0.1", variable("PORT").parse().unwrap())).unwrap();
    loop {
        let Ok((mut stream, _)) = listener.accept() else {
            std::thread::yield_now();
            continue;
        };
        let mut request = [0; 2048];
        let read = stream.read(&mut request).unwrap_or(0);
        let text = String::from_utf8_lossy(&request[..read]).into_owned();
        let path = text.split_whitespace().nth(1).unwrap_or("/");
        let (status, body) = answer(path);
        let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&Timestamp::now()).unwrap();
        let head = format!(
            "HTTP/1.1 {status} Answer\r\nDate: {date}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
    }
}

/// A service that can be made to eat, burn and talk at length.
pub fn serve() -> ExitCode {
    let mut eaten: Vec<Vec<u8>> = Vec::new();
    let cell = std::cell::RefCell::new(&mut eaten);
    listen(|path| match path {
        "/eat" => {
            cell.borrow_mut().push(vec![1; EATEN]);
            (200, "eaten".to_owned())
        }
        "/burn" => {
            let begun = Instant::now();
            let mut count = 0_u64;
            while begun.elapsed() < Duration::from_millis(300) {
                count = std::hint::black_box(count + 1);
            }
            (200, "burnt".to_owned())
        }
        "/long" => (200, "x".repeat(LONG)),
        _ => (200, format!("hello {}", variable("MOOD"))),
    })
}

/// A service that asks the other one, once for each request.
pub fn relay() -> ExitCode {
    let back = variable("BACK");
    listen(|path| {
        if path == "/readyz" {
            return (200, "ready".to_owned());
        }
        match ask(&back, path) {
            Ok(body) => (200, body),
            Err(error) => (502, error.to_string()),
        }
    })
}

fn ask(back: &str, path: &str) -> std::io::Result<String> {
    let address = back.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_millis(700)))?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: back\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(std::io::ErrorKind::UnexpectedEof)?;
    let wanted = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok()).flatten()
    });
    if wanted.is_some_and(|wanted| wanted != body.len()) || !head.contains(" 200 ") {
        return Err(std::io::ErrorKind::InvalidData.into());
    }
    Ok(body.to_owned())
}
