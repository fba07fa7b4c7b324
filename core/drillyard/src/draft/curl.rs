//! A curl command as a drill.

use serde_json::{Map, json};

use super::request::{Recorded, Wanted, Writer};
use super::{Draft, DraftError};

/// Options with a value that say something about the request.
const WITH_VALUE: &[&str] = &[
    "-X",
    "--request",
    "-H",
    "--header",
    "-d",
    "--data",
    "--data-raw",
    "--data-ascii",
    "--data-binary",
    "--json",
    "--data-urlencode",
    "-u",
    "--user",
    "-b",
    "--cookie",
    "--url",
    "--oauth2-bearer",
];
/// Options with a value that are curl's own business.
const IGNORED_WITH_VALUE: &[&str] = &[
    "-o",
    "--output",
    "-m",
    "--max-time",
    "--connect-timeout",
    "-A",
    "--user-agent",
    "-e",
    "--referer",
    "-w",
    "--write-out",
    "--retry",
    "--cacert",
    "--cert",
    "--key",
    "-x",
    "--proxy",
    "--resolve",
    "-c",
    "--cookie-jar",
];

/// Reads a command as it is copied from a terminal or a browser.
///
/// # Errors
/// It is no curl command, or asks for what a drill cannot send.
pub fn parse(command: &str) -> Result<Recorded, DraftError> {
    let wrong = |text: String| DraftError::Unreadable(text);
    let joined = command.replace("\\\r\n", " ").replace("\\\n", " ");
    let words =
        shlex::split(&joined).ok_or_else(|| wrong("a quote of the command is not closed".to_owned()))?;
    let mut words = words.into_iter().peekable();
    if words.next_if(|word| word == "curl" || word.ends_with("/curl")).is_none() {
        return Err(wrong("a curl command begins with `curl`".to_owned()));
    }
    let mut seen = Seen::default();
    while let Some(word) = words.next() {
        if let Some((name, value)) = attached(&word) {
            seen.option(name, value)?;
        } else if WITH_VALUE.contains(&word.as_str()) {
            let value = words.next().ok_or_else(|| wrong(format!("`{word}` has no value")))?;
            seen.option(&word, &value)?;
        } else if IGNORED_WITH_VALUE.contains(&word.as_str()) {
            let _ = words.next();
        } else if ["-F", "--form", "-T", "--upload-file"].contains(&word.as_str()) {
            return Err(wrong(format!("`{word}` sends files, which a drill's request cannot")));
        } else if let Some(flags) = word.strip_prefix('-') {
            seen.flags(flags);
        } else {
            seen.url = Some(word);
        }
    }
    seen.request()
}

/// `-XPOST` and `--request=POST`.
fn attached(word: &str) -> Option<(&str, &str)> {
    if word.starts_with("--") {
        return word.split_once('=').filter(|(name, _)| WITH_VALUE.contains(name));
    }
    let short = word.get(..2)?;
    let value = word.get(2..).filter(|value| !value.is_empty())?;
    WITH_VALUE.contains(&short).then_some((short, value))
}

#[derive(Default)]
struct Seen {
    method: Option<String>,
    url: Option<String>,
    headers: Vec<(String, String)>,
    data: Vec<String>,
    in_query: bool,
    head: bool,
}

impl Seen {
    fn option(&mut self, name: &str, value: &str) -> Result<(), DraftError> {
        match name {
            "-X" | "--request" => self.method = Some(value.to_uppercase()),
            "--url" => self.url = Some(value.to_owned()),
            "-H" | "--header" => {
                let (name, value) = value.split_once(':').unwrap_or((value.trim_end_matches(';'), ""));
                self.headers.push((name.trim().to_owned(), value.trim().to_owned()));
            }
            "-u" | "--user" | "--oauth2-bearer" => {
                self.headers.push(("authorization".to_owned(), value.to_owned()));
            }
            "-b" | "--cookie" => self.headers.push(("cookie".to_owned(), value.to_owned())),
            _ if value.starts_with('@') && name != "--data-raw" => {
                let text = format!("`{name} {value}` sends a file; put its text into the command");
                return Err(DraftError::Unreadable(text));
            }
            "--json" => {
                self.headers.push(("content-type".to_owned(), "application/json".to_owned()));
                self.data.push(value.to_owned());
            }
            _ => self.data.push(value.to_owned()),
        }
        Ok(())
    }

    fn flags(&mut self, flags: &str) {
        if !flags.starts_with('-') {
            self.in_query |= flags.contains('G');
            self.head |= flags.contains('I');
        }
        self.in_query |= flags == "-get";
        self.head |= flags == "-head";
    }

    fn request(self) -> Result<Recorded, DraftError> {
        let mut url =
            self.url.ok_or_else(|| DraftError::Unreadable("the command has no address".to_owned()))?;
        if !url.contains("://") {
            url = format!("http://{url}");
        }
        let mut body = (!self.data.is_empty()).then(|| self.data.join("&"));
        if let Some(query) = body.take_if(|_| self.in_query) {
            let joint = if url.contains('?') { '&' } else { '?' };
            url = format!("{url}{joint}{query}");
        }
        let implied = match (&body, self.head) {
            (_, true) => "HEAD",
            (Some(_), _) => "POST",
            (None, _) => "GET",
        };
        let method = self.method.unwrap_or_else(|| implied.to_owned());
        let known = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
        if !known.contains(&method.as_str()) {
            return Err(DraftError::Unreadable(format!(
                "a drill cannot send {method}; it knows {}",
                known.join(", ")
            )));
        }
        let mut headers = self.headers;
        let typed = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let json =
            body.as_deref().is_some_and(|body| serde_json::from_str::<serde_json::Value>(body).is_ok());
        if body.is_some() && !typed && !json {
            headers.push(("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
        }
        Ok(Recorded { method, url, headers, body })
    }
}

/// The drill of a command. Success is expected, since the command does not say what came back.
///
/// # Errors
/// As [`parse`], or the host is no service.
pub fn draft(name: &str, command: &str, wanted: Wanted<'_>) -> Result<Draft, DraftError> {
    let request = parse(command)?;
    let mut writer = Writer::new(wanted);
    let mut step = writer.step(&request)?;
    step.expect = Map::from_iter([("status".to_owned(), json!("#2xx"))]);
    let target =
        step.action.1.as_object().and_then(|http| http.values().next()?.as_str()).unwrap_or_default();
    let title = format!("{} {target}", request.method);
    let mut remarks = vec!["say under `expect` what the answer has to be".to_owned()];
    if !writer.vars.is_empty() {
        remarks.push("secrets were left out; bind them under `vars`".to_owned());
    }
    Ok(Draft {
        name: name.to_owned(),
        title,
        vars: writer.vars,
        steps: vec![step],
        remarks,
        ..Draft::default()
    })
}
