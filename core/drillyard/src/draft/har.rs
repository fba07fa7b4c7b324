//! A recording of traffic (HTTP Archive 1.2) as a drill.

use std::collections::{BTreeMap, BTreeSet};

use drillyard_spec::pattern::is_uuid;
use serde_json::{Map, Value, json};
use url::Url;

use super::request::{Recorded, Wanted, Writer};
use super::{Draft, DraftError, pattern};

/// A request with its answer.
struct Entry {
    request: Recorded,
    status: u64,
    /// The answer, where it is JSON.
    answer: Option<Value>,
}

/// The drill of a recording: each request to a service of the stack becomes a step that expects what was answered.
///
/// # Errors
/// The text is no HAR, or none of its requests goes to a service.
pub fn draft(name: &str, text: &str, wanted: Wanted<'_>) -> Result<Draft, DraftError> {
    let (entries, assets) = entries(text)?;
    let mut writer = Writer::new(wanted);
    let mut skipped: BTreeMap<String, usize> = BTreeMap::new();
    let mut kept = Vec::new();
    for entry in entries {
        match Url::parse(&entry.request.url) {
            Ok(url) if writer.service(&url).is_ok() => kept.push(entry),
            Ok(url) => *skipped.entry(url.host_str().unwrap_or("?").to_owned()).or_default() += 1,
            Err(_) => *skipped.entry("addresses that cannot be read".to_owned()).or_default() += 1,
        }
    }
    let hosts =
        skipped.iter().map(|(host, count)| format!("{count} to {host}")).collect::<Vec<_>>().join(", ");
    if kept.is_empty() {
        let what = if hosts.is_empty() {
            "the recording has no request of a program".to_owned()
        } else {
            format!("no request goes to a service of the topology ({hosts}; --service names one for them)")
        };
        return Err(DraftError::Nothing(what));
    }
    let mut steps = Vec::new();
    for (at, entry) in kept.iter().enumerate() {
        let mut step = writer.step(&entry.request)?;
        step.save = saves(&mut writer, entry, &kept[at + 1..]);
        step.expect = expected(&writer, entry, &step.save);
        steps.push(step);
    }
    let mut remarks = Vec::new();
    if !hosts.is_empty() {
        remarks.push(format!("left out: {hosts}"));
    }
    if assets > 0 {
        remarks.push(format!("left out: {assets} pages, scripts, pictures and preflights"));
    }
    if !writer.vars.is_empty() {
        remarks.push("secrets were left out; bind them under `vars`".to_owned());
    }
    let title = format!("{} recorded requests are answered as they were", steps.len());
    Ok(Draft { name: name.to_owned(), title, vars: writer.vars, steps, remarks, ..Draft::default() })
}

/// Requests of programs, and how many others there are.
fn entries(text: &str) -> Result<(Vec<Entry>, usize), DraftError> {
    let wrong = |why: &str| DraftError::Unreadable(format!("this is no HTTP Archive: {why}"));
    let archive: Value = serde_json::from_str(text).map_err(|error| wrong(&error.to_string()))?;
    let listed = archive
        .pointer("/log/entries")
        .and_then(Value::as_array)
        .ok_or_else(|| wrong("it has no `log.entries`"))?;
    let mut entries = Vec::new();
    let mut assets = 0;
    for entry in listed {
        let (Some(method), Some(url)) = (
            entry.pointer("/request/method").and_then(Value::as_str),
            entry.pointer("/request/url").and_then(Value::as_str),
        ) else {
            return Err(wrong("an entry has no method or no url"));
        };
        let mime = entry.pointer("/response/content/mimeType").and_then(Value::as_str).unwrap_or_default();
        let asset = ["text/html", "text/css", "javascript", "image/", "font", "video/", "audio/", "wasm"];
        if method == "OPTIONS" || asset.iter().any(|kind| mime.contains(kind)) {
            assets += 1;
            continue;
        }
        let status = entry.pointer("/response/status").and_then(Value::as_u64).unwrap_or(0);
        // A request that was cancelled has no answer to expect.
        if status == 0 {
            assets += 1;
            continue;
        }
        let headers = entry.pointer("/request/headers").and_then(Value::as_array);
        let header = |header: &Value| {
            Some((header["name"].as_str()?.to_owned(), header["value"].as_str()?.to_owned()))
        };
        let headers = headers.into_iter().flatten().filter_map(header).collect();
        let body = entry.pointer("/request/postData/text").and_then(Value::as_str).map(str::to_owned);
        let content = entry.pointer("/response/content/text").and_then(Value::as_str);
        let encoded = entry.pointer("/response/content/encoding").is_some();
        let answer = content.filter(|_| !encoded).and_then(|content| serde_json::from_str(content).ok());
        let request = Recorded { method: method.to_uppercase(), url: url.to_owned(), headers, body };
        entries.push(Entry { request, status, answer });
    }
    Ok((entries, assets))
}

/// What of an answer later requests need: ids that occur in them for the first time here.
fn saves(writer: &mut Writer<'_>, entry: &Entry, later: &[Entry]) -> Vec<(String, String)> {
    let Some(answer) = &entry.answer else { return Vec::new() };
    let mut leaves = Vec::new();
    texts(answer, "body", &mut leaves);
    let mut found = Vec::new();
    for (path, key, value) in leaves {
        let id = is_uuid(&value) || (value.len() >= 8 && key.to_lowercase().ends_with("id"));
        let asked = |entry: &&Entry| holds(&entry.request, &value);
        let before = writer.saved.contains_key(&value) || holds(&entry.request, &value);
        if !id || before || !later.iter().any(|entry| asked(&entry)) {
            continue;
        }
        let name = free_name(&key, &entry.request.url, &writer.saved.values().cloned().collect());
        writer.saved.insert(value, name.clone());
        found.push((name, path));
    }
    found
}

fn holds(request: &Recorded, value: &str) -> bool {
    request.url.contains(value) || request.body.as_deref().is_some_and(|body| body.contains(value))
}

/// `id` of an answer to `POST /tickets` is the `ticket`; any other key names itself.
fn free_name(key: &str, url: &str, taken: &BTreeSet<String>) -> String {
    let resource = Url::parse(url).ok().and_then(|url| {
        let last = url
            .path_segments()?
            .rfind(|segment| segment.chars().all(|c| c.is_ascii_alphabetic() || c == '-'))?
            .to_owned();
        Some(last.trim_end_matches('s').to_owned()).filter(|last| !last.is_empty())
    });
    let plain = |text: &str| {
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect::<String>()
    };
    let base = match (key, resource) {
        ("id", Some(resource)) => plain(&resource),
        _ => plain(key.trim_end_matches("_id").trim_end_matches("Id")),
    };
    let mut name = base.clone();
    let mut count = 2;
    while taken.contains(&name) {
        name = format!("{base}_{count}");
        count += 1;
    }
    name
}

/// Every text of a document: path, last key, value.
fn texts(value: &Value, path: &str, out: &mut Vec<(String, String, String)>) {
    match value {
        Value::String(text) => {
            let key = path.rsplit('.').next().unwrap_or(path).split('[').next().unwrap_or(path);
            out.push((path.to_owned(), key.to_owned(), text.clone()));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| texts(item, &format!("{path}[{at}]"), out));
        }
        Value::Object(members) => {
            let plain = |key: &String| !key.is_empty() && !key.contains(['.', '[', '$']);
            members
                .iter()
                .filter(|(key, _)| plain(key))
                .for_each(|(key, member)| texts(member, &format!("{path}.{key}"), out));
        }
        _ => {}
    }
}

fn expected(writer: &Writer<'_>, entry: &Entry, own: &[(String, String)]) -> Map<String, Value> {
    let mut expect = Map::from_iter([("status".to_owned(), json!(entry.status))]);
    if let Some(answer) = &entry.answer {
        // A name has no value yet while its own answer is judged.
        let bound = |text: &str| {
            writer.saved.get(text).filter(|name| !own.iter().any(|(saved, _)| saved == *name)).cloned()
        };
        expect.insert("body".to_owned(), pattern::of(answer, &bound));
    }
    expect
}
