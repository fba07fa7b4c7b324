//! A tool call as an operator types it: `ticket.create {"account_id": …}` or `ticket_get ticket_id=…`.

use dispatch_domain::{schema, tool};
use serde_json::{Map, Value};

/// A tool and its arguments; whether such a tool exists is the toolbox's to say.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// Tool name as typed, in either spelling.
    pub tool: String,
    /// Arguments, always an object.
    pub args: Map<String, Value>,
}

/// Why a line is no command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    /// Nothing was typed.
    #[error("type a tool's name, for example dispatcher_cockpit")]
    Empty,
    /// The braces after the name are not a JSON object.
    #[error("the arguments are not a JSON object: {0}")]
    Json(String),
    /// A word without `=`.
    #[error("'{0}' is not key=value; write key=value, or one JSON object after the name")]
    Pair(String),
    /// A quote that is never closed.
    #[error("a quote is not closed")]
    Quote,
    /// `a=1 a.b=2`: a key that is both a value and an object.
    #[error("'{0}' is given twice, or once as a value and once as an object")]
    Twice(String),
}

/// Reads one line: the tool's name, then nothing, one JSON object, or `key=value` pairs. A key with dots nests
/// (`payload.reason=storm`), quotes hold blanks, and a value is JSON where it reads as such and the tool does not want
/// a string.
///
/// # Errors
/// [`Mistake`], in words for whoever typed the line.
pub fn parse(line: &str) -> Result<Command, Mistake> {
    let line = line.trim().trim_start_matches('/');
    let split = line.find(|letter: char| letter.is_whitespace() || letter == '{').unwrap_or(line.len());
    let (name, rest) = (line[..split].to_owned(), line[split..].trim());
    if name.is_empty() {
        return Err(Mistake::Empty);
    }
    let args = if rest.starts_with('{') {
        serde_json::from_str(rest).map_err(|error| Mistake::Json(error.to_string()))?
    } else {
        pairs(&name, rest)?
    };
    Ok(Command { tool: name, args })
}

fn pairs(tool: &str, text: &str) -> Result<Map<String, Value>, Mistake> {
    let mut args = Map::new();
    for word in words(text)? {
        let (key, value) = match word.text.split_once('=') {
            Some((key, value)) if !key.is_empty() => (key, value),
            _ => return Err(Mistake::Pair(word.text)),
        };
        let literal = word.quoted || wants_text(tool, key);
        let parsed = if literal { None } else { serde_json::from_str(value).ok() };
        let value = parsed.unwrap_or_else(|| Value::String(value.to_owned()));
        place(&mut args, key, value).ok_or_else(|| Mistake::Twice(key.to_owned()))?;
    }
    Ok(args)
}

/// Sets a value under a dotted key; none if something else is there.
fn place(args: &mut Map<String, Value>, key: &str, value: Value) -> Option<()> {
    match key.split_once('.') {
        None => args.insert(key.to_owned(), value).is_none().then_some(()),
        Some((first, rest)) => {
            let inner = args.entry(first.to_owned()).or_insert_with(|| Value::Object(Map::new()));
            place(inner.as_object_mut()?, rest, value)
        }
    }
}

/// Whether the tool's schema says that this member is a string, so that `summary=12` stays a text.
fn wants_text(tool: &str, key: &str) -> bool {
    let key = key.strip_prefix("payload.").unwrap_or(key);
    let schema = tool::by_name(tool).and_then(|tool| schema::payload_schema(tool.name));
    let Some(kind) = schema.map(|schema| &schema["properties"][key]["type"]) else { return false };
    kind == "string" || kind.as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "string"))
}

struct Word {
    text: String,
    quoted: bool,
}

/// Splits at blanks outside quotes; a backslash in double quotes takes the next character as it is.
fn words(text: &str) -> Result<Vec<Word>, Mistake> {
    let mut words: Vec<Word> = Vec::new();
    let mut word: Option<Word> = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter.is_whitespace() {
            words.extend(word.take());
            continue;
        }
        let current = word.get_or_insert_with(|| Word { text: String::new(), quoted: false });
        let at_value = current.text.ends_with('=') || current.text.is_empty();
        if matches!(letter, '"' | '\'') && at_value {
            current.quoted = true;
            quoted(letter, &mut letters, &mut current.text)?;
        } else {
            current.text.push(letter);
        }
    }
    words.extend(word);
    Ok(words)
}

fn quoted(quote: char, letters: &mut std::str::Chars<'_>, into: &mut String) -> Result<(), Mistake> {
    loop {
        match letters.next().ok_or(Mistake::Quote)? {
            letter if letter == quote => return Ok(()),
            '\\' if quote == '"' => into.push(letters.next().ok_or(Mistake::Quote)?),
            letter => into.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(line: &str) -> (String, Value) {
        let command = parse(line).unwrap();
        (command.tool, Value::Object(command.args))
    }

    #[test]
    fn a_bare_name_in_either_spelling_is_a_call_without_arguments() {
        assert_eq!(read(" dispatcher_cockpit "), ("dispatcher_cockpit".to_owned(), json!({})));
        assert_eq!(read("/dispatcher.cockpit").0, "dispatcher.cockpit");
    }

    #[test]
    fn json_may_follow_with_or_without_a_blank_and_over_several_lines() {
        for line in ["ticket.get {\"ticket_id\": \"t\"}", "ticket.get{\"ticket_id\":\n\"t\"}"] {
            assert_eq!(read(line), ("ticket.get".to_owned(), json!({ "ticket_id": "t" })));
        }
    }

    #[test]
    fn pairs_nest_quote_and_keep_texts_that_look_like_numbers() {
        let line =
            "ticket.create summary=12 nte_cents=500 description='a b' payload.x.y=true asset=\"q \\\" r\"";
        let expected = json!({
            "summary": "12", "nte_cents": 500, "description": "a b", "payload": { "x": { "y": true } }, "asset": "q \" r"
        });
        assert_eq!(read(line).1, expected);
        assert_eq!(read("dispatcher_cockpit state=[\"NEW\"]").1, json!({ "state": ["NEW"] }));
    }

    #[test]
    fn mistakes_say_what_to_write() {
        assert_eq!(parse("  "), Err(Mistake::Empty));
        assert_eq!(parse("{}"), Err(Mistake::Empty));
        assert!(matches!(parse("ticket.get {nope"), Err(Mistake::Json(_))));
        assert!(matches!(parse("ticket.get {} x"), Err(Mistake::Json(_))));
        assert_eq!(parse("ticket.get t"), Err(Mistake::Pair("t".to_owned())));
        assert_eq!(parse("ticket.get a='b"), Err(Mistake::Quote));
        assert_eq!(parse("ticket.get a=1 a.b=2"), Err(Mistake::Twice("a.b".to_owned())));
    }
}
