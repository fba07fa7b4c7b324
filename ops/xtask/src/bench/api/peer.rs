//! What PostgreSQL alone does with the statements that the API sends: they are taken from the server's statement log
//! while the API serves two rounds of the same traffic, and given to pgbench as a script.
//!
//! What differs between the two rounds (ids, keys, hashes) is made anew for every transaction; everything else stays.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::load;
use super::stage::{Api, Database};
use super::usage;
use super::work::{Client, FIRST, SEEDED};

/// How often two rounds are compared before the statements are said to differ: work in the background of the API may
/// fall into one of them.
const ATTEMPTS: usize = 5;

/// More than the API has to the database.
const CONNECTIONS: usize = 200;

/// Tells the runs of this process apart, so that what one makes anew is not what another has made.
static GENERATION: AtomicU32 = AtomicU32::new(0);

/// A statement with its parameters as text; none is null.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Statement {
    sql: String,
    parameters: Vec<Option<String>>,
}

/// A script and how many requests one run of it stands for.
#[derive(Debug)]
pub struct Script {
    path: PathBuf,
    steps: usize,
    tickets: u64,
    /// The statements of one round, for the report.
    pub statements: Vec<String>,
}

/// What pgbench showed.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Requests per second that the transactions stand for.
    pub requests_per_s: f64,
    /// CPU time of all processes of the database per request, in microseconds.
    pub database_us: f64,
}

impl Script {
    /// Records the statements of one kind of traffic.
    ///
    /// # Errors
    /// The API sends other statements from one round to the next.
    pub fn record(
        database: &Database,
        name: &str,
        api: &Api,
        (kind, tickets): (&str, u64),
        client: &mut Client,
    ) -> Result<Self> {
        database.sql(
            "postgres",
            &format!(
                "ALTER DATABASE {name} SET log_statement = 'all';\nSELECT pg_terminate_backend(pid) FROM \
                      pg_stat_activity WHERE datname = '{name}';"
            ),
        )?;
        let recorded = Self::agreeing(database, api, client);
        database.sql(
            "postgres",
            &format!(
                "ALTER DATABASE {name} RESET log_statement;\nSELECT pg_terminate_backend(pid) FROM \
                      pg_stat_activity WHERE datname = '{name}';"
            ),
        )?;
        let (first, second) = recorded.with_context(|| format!("the statements of `{kind}`"))?;
        let mut text = String::from(
            "\\set n :n + 1\n\\set u 100000000000 + :client_id * 1000000000 + :n * 20\n\\set t random(1, :tickets)\n",
        );
        let mut fresh = Fresh::default();
        for (before, after) in first.iter().zip(&second) {
            let types = parameter_types(database, name, after)?;
            text.push_str(&render(before, after, &types, &mut fresh));
            text.push_str(";\n");
        }
        let path = database.folder().join(format!("{kind}-{tickets}.pgbench"));
        fs::write(&path, text)?;
        let statements = second.into_iter().map(|statement| statement.sql).collect();
        Ok(Self { path, steps: client.steps(), tickets, statements })
    }

    /// Two rounds with the same statements.
    fn agreeing(
        database: &Database,
        api: &Api,
        client: &mut Client,
    ) -> Result<(Vec<Statement>, Vec<Statement>)> {
        let mut rounds = Vec::new();
        for _ in 0..ATTEMPTS {
            // Connections that were ended above are found out by the requests that use them.
            let mut works = |_: &usize| {
                client.begin_anew();
                load::once(api.address, client).is_ok()
            };
            (0..CONNECTIONS).find(&mut works).context("the API does not recover")?;
            rounds.clear();
            for _ in 0..2 {
                rounds.push(statements_of(database, || load::once(api.address, client))?);
            }
            let same = |round: &[Statement]| round.iter().map(|s| s.sql.clone()).collect::<Vec<_>>();
            if !rounds[0].is_empty() && same(&rounds[0]) == same(&rounds[1]) {
                let second = rounds.pop().unwrap_or_default();
                return Ok((rounds.pop().unwrap_or_default(), second));
            }
        }
        bail!("differ from one round to the next: {rounds:#?}")
    }

    /// Runs the script for some seconds on so many connections.
    ///
    /// # Errors
    /// pgbench fails.
    pub fn run(&self, database: &Database, name: &str, connections: usize, seconds: u64) -> Result<Pace> {
        let generation = 1_000 + GENERATION.fetch_add(1, Ordering::Relaxed);
        let before = usage::family_us(database.pid())?;
        let mut pgbench = database.program("pgbench", name);
        pgbench.args(["-M", "prepared", "-D", "n=0", "-D"]).arg(format!("tickets={}", self.tickets));
        pgbench.args(["-D", &format!("g={generation}"), "-c", &connections.to_string()]);
        pgbench
            .args(["-j", &connections.min(2).to_string(), "-T", &seconds.to_string(), "-f"])
            .arg(&self.path);
        let output = pgbench.output().context("pgbench")?;
        let text = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() || text.contains("aborted") {
            bail!(
                "pgbench: {}\n{}",
                String::from_utf8_lossy(&output.stderr),
                fs::read_to_string(&self.path)?
            );
        }
        let after = usage::family_us(database.pid())?;
        let transactions = number_after(&text, "number of transactions actually processed: ")?;
        #[expect(clippy::cast_precision_loss, reason = "counts of a few seconds")]
        let (steps, spent) = (self.steps as f64, (after - before) as f64);
        Ok(Pace {
            requests_per_s: number_after(&text, "tps = ")? * steps,
            database_us: spent / (transactions * steps).max(1.0),
        })
    }
}

fn number_after(text: &str, label: &str) -> Result<f64> {
    let (_, tail) =
        text.split_once(label).with_context(|| format!("pgbench did not say `{label}`: {text}"))?;
    let digits: String = tail.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    Ok(digits.parse()?)
}

/// The statements that the API sends while `run` runs.
fn statements_of(database: &Database, run: impl FnOnce() -> Result<()>) -> Result<Vec<Statement>> {
    let (_, offset) = database.log_since(0)?;
    run()?;
    // The log is written by another process; a notice of ours that has come through says that all before it has.
    let mark = format!("mark {offset}");
    database.sql("postgres", &format!("DO $$BEGIN RAISE LOG '{mark}'; END$$;"))?;
    let records = loop {
        let (records, _) = database.log_since(offset)?;
        if let Some(end) = records.iter().position(|record| record["message"] == mark.as_str()) {
            break records.into_iter().take(end);
        }
        std::thread::yield_now();
    };
    Ok(records
        .filter(|record| record["application_name"] == "dispatch-api")
        .filter_map(|r| read(&r))
        .collect())
}

/// A statement from its record; none for a record of another kind.
fn read(record: &Value) -> Option<Statement> {
    let message = record["message"].as_str()?;
    if let Some(sql) = message.strip_prefix("statement: ") {
        return Some(Statement { sql: sql.to_owned(), parameters: Vec::new() });
    }
    let (_, sql) = message.strip_prefix("execute ")?.split_once(": ")?;
    let detail = record["detail"].as_str().and_then(|text| text.strip_prefix("parameters: "));
    Some(Statement { sql: sql.to_owned(), parameters: parameters(detail.unwrap_or_default()) })
}

/// Reads `$1 = 'it''s', $2 = NULL`.
fn parameters(text: &str) -> Vec<Option<String>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, tail)) = rest.split_once(" = ") {
        let Some(quoted) = tail.strip_prefix('\'') else {
            found.push(None);
            rest = tail;
            continue;
        };
        let mut value = String::new();
        rest = quoted;
        while let Some((piece, tail)) = rest.split_once('\'') {
            value.push_str(piece);
            rest = tail;
            // Two quotes in a row stand for one.
            let Some(tail) = rest.strip_prefix('\'') else { break };
            value.push('\'');
            rest = tail;
        }
        found.push(Some(value));
    }
    found
}

/// The types that the server finds for a statement's parameters; text where it cannot tell.
fn parameter_types(database: &Database, name: &str, statement: &Statement) -> Result<Vec<String>> {
    if statement.parameters.is_empty() {
        return Ok(Vec::new());
    }
    let asked = database.sql(
        name,
        &format!(
            "PREPARE asked AS {};\nSELECT unnest(parameter_types)::text FROM pg_prepared_statements \
             WHERE name = 'asked';",
            statement.sql
        ),
    )?;
    Ok(asked.lines().map(str::to_owned).collect())
}

/// What is made anew for every transaction, by its value in the second round.
#[derive(Default)]
struct Fresh(BTreeMap<String, usize>);

impl Fresh {
    /// The expression that stands for a value which differs from round to round; none if it may stay as it is.
    fn expression(&mut self, before: &str, after: &str, kind: &str) -> Option<String> {
        if before == after {
            return None;
        }
        if after.strip_prefix(SEEDED).is_some_and(|number| number.starts_with('1')) {
            return Some(format!("('{SEEDED}' || ({FIRST} + :t::bigint))"));
        }
        let uuid = is_uuid(after);
        // Documents and moments may repeat; keys, paths and digests may not.
        if !uuid && (kind != "text" || after.starts_with(['{', '['])) {
            return None;
        }
        let count = self.0.len();
        let number = *self.0.entry(after.to_owned()).or_insert(count);
        let unique = format!("(:u::bigint + {number})");
        Some(if uuid {
            format!("('00000000-0000-7000-' || :g::text || '-' || {unique})")
        } else {
            // As long as it was.
            let kept: String = after.chars().take(after.chars().count().saturating_sub(17)).collect();
            format!("({} || :g::text || '-' || {unique})", literal(&kept))
        })
    }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// The statement with values in the place of its parameters.
fn render(before: &Statement, after: &Statement, types: &[String], fresh: &mut Fresh) -> String {
    let values: Vec<String> = after
        .parameters
        .iter()
        .enumerate()
        .map(|(index, value)| {
            let kind = types.get(index).map_or("text", String::as_str);
            let Some(value) = value else { return format!("NULL::{kind}") };
            let other = before.parameters.get(index).and_then(Option::as_deref).unwrap_or(value);
            let text = fresh.expression(other, value, kind).unwrap_or_else(|| literal(value));
            format!("{text}::{kind}")
        })
        .collect();
    let mut out = String::with_capacity(after.sql.len() * 2);
    let mut rest = after.sql.as_str();
    while let Some((left, right)) = rest.split_once('$') {
        let digits = right.len() - right.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let value =
            right[..digits].parse::<usize>().ok().and_then(|number| values.get(number.wrapping_sub(1)));
        out.push_str(left);
        match value {
            Some(value) => out.push_str(value),
            None => {
                out.push('$');
                out.push_str(&right[..digits]);
            }
        }
        rest = &right[digits..];
    }
    out.push_str(rest);
    out
}

/// A literal in which pgbench finds no variable.
fn literal(value: &str) -> String {
    let mut out = String::from("E'");
    for character in value.chars() {
        match character {
            '\'' => out.push_str("''"),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            ':' => out.push_str("\\x3a"),
            other => out.push(other),
        }
    }
    // Writing to a String cannot fail.
    let _ = write!(out, "'");
    out
}
