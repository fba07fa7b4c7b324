//! What the binary can be told to do.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use dispatch_domain::alert::{RULES, SEVERITY};
use dispatch_store::{AppliedMigration, audit_chain};
use serde_json::{Value, json};

use crate::config::{self, Config, Environment};
use crate::request_log::life_cycle;
use crate::{bootstrap, clock, openapi, serve, stored_answers};

const USAGE: &str = "\
usage: dispatch-api [serve]     serve on a database that is migrated already
       dispatch-api migrate     bring the schema up to date, print one JSON line
       dispatch-api seed        bring the schema up to date and seed the demo fixtures
       dispatch-api bootstrap [--out FILE]
                                prepare a stack around a running API and write the evidence
       dispatch-api purge       forget stored answers older than DISPATCH_IDEMPOTENCY_TTL_DAYS (default 30)
       dispatch-api verify-audit
                                recompute the links of the audit trail; exit code 1 when it is not as it was written
       dispatch-api openapi     print the OpenAPI document
       dispatch-api config      print the reference page of variables
       dispatch-api alert-rules print the alert rules as JSON, with the text of their runbooks' signal sections
       dispatch-api reference   print states, transitions, tools, error codes and alert rules
       dispatch-api transition-rule
                                print the SQL of the rule that the state history is held to
       dispatch-api --version   print the version";

/// Runs the verb named by the arguments; none means `serve`.
pub fn run(arguments: Vec<String>) -> ExitCode {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        [] | ["serve"] => conclude("dispatch-api failed to start", configured(serve::run)),
        ["purge"] => conclude("purge failed", configured(purge)),
        ["verify-audit"] => conclude("the audit trail could not be vouched for", configured(verify_audit)),
        ["migrate"] => conclude("migration failed", configured(migrate)),
        ["seed"] => prepare(|environment| async move { bootstrap::seed(&environment).await }),
        ["bootstrap"] => prepare(|environment| async move { bootstrap::run(&environment, None).await }),
        ["bootstrap", "--out", file] => {
            let file = PathBuf::from(file);
            prepare(|environment| async move { bootstrap::run(&environment, Some(file)).await })
        }
        ["config"] => say(config::page().trim_end()),
        ["alert-rules"] => say(&alert_rules()),
        ["reference"] => say(dispatch_domain::reference::page().trim_end()),
        ["transition-rule"] => say(dispatch_domain::transition::constraint_sql().trim_end()),
        ["openapi"] => say(openapi::text().trim_end()),
        ["--version" | "-V"] => say(&format!("dispatch-api {}", env!("CARGO_PKG_VERSION"))),
        ["--help" | "-h" | "help"] => say(USAGE),
        _ => {
            life_cycle(
                true,
                json!({ "message": "unknown arguments", "arguments": arguments, "usage": USAGE }),
            );
            ExitCode::from(2)
        }
    }
}

/// Reads the configuration and runs with it.
fn configured<F>(run: impl FnOnce(Config) -> F) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>>,
{
    let config = Config::from_environment(&Environment::of_process())?;
    serve::block_on(run(config))
}

/// Prepares a stack; it reports by itself and needs less of the environment than serving does.
fn prepare<F>(run: impl FnOnce(Environment) -> F) -> ExitCode
where
    F: Future<Output = ExitCode>,
{
    let environment = Environment::of_process();
    match serve::block_on(async { Ok(run(environment).await) }) {
        Ok(code) => code,
        Err(error) => conclude("preparation failed", Err(error)),
    }
}

async fn migrate(config: Config) -> anyhow::Result<()> {
    let pool = serve::connect(&config).await?;
    let migrations = dispatch_store::migrate(&pool).await?;
    let applied = migrations.iter().filter(|migration| !migration.already_applied).count();
    let migrations: Vec<Value> = migrations.iter().map(document).collect();
    life_cycle(
        false,
        json!({ "message": "schema is up to date", "applied": applied, "migrations": migrations }),
    );
    pool.close().await;
    Ok(())
}

async fn purge(config: Config) -> anyhow::Result<()> {
    let pool = serve::connect(&config).await?;
    let days = match config.idempotency_ttl_days {
        0 => stored_answers::DEFAULT_TTL_DAYS,
        days => days,
    };
    let deleted = stored_answers::purge(&pool, days).await?;
    life_cycle(
        false,
        json!({ "message": "stored answers forgotten", "deleted": deleted, "older_than_days": days }),
    );
    pool.close().await;
    Ok(())
}

fn alert_rules() -> String {
    let rules: Vec<Value> = RULES
        .iter()
        .map(|rule| {
            json!({
                "code": rule.code,
                "severity": SEVERITY,
                "meaning": rule.meaning,
                "signal_name": rule.signal_name,
                "counted": rule.counted(),
                "threshold_variable": rule.threshold_variable,
                "default_threshold": rule.default_threshold,
                "runbook": rule.runbook,
                "signal_text": rule.signal_text(),
            })
        })
        .collect();
    format!("{:#}", Value::Array(rules))
}

/// Most broken places that are printed.
const SHOWN: i64 = 100;

async fn verify_audit(config: Config) -> anyhow::Result<()> {
    let pool = serve::connect(&config).await?;
    let mut connection = pool.acquire().await?;
    // A large trail takes longer than any request would be allowed to.
    audit_chain::lift_limits(&mut connection).await?;
    let facts = audit_chain::inspect(&mut connection, None).await?;
    let broken = match facts.broken {
        0 => Vec::new(),
        _ => audit_chain::broken(&mut connection, None, SHOWN).await?,
    };
    life_cycle(
        facts.broken > 0,
        json!({
            "message": if facts.broken == 0 { "audit trail is as it was written" } else { "audit trail was altered" },
            "chains": facts.chains,
            "events": facts.events,
            "broken": facts.broken,
            "anchor": facts.anchor,
            "first": broken.iter().map(crate::endpoint::audit_chain::link).collect::<Vec<_>>(),
        }),
    );
    connection.close_on_drop();
    drop(connection);
    pool.close().await;
    anyhow::ensure!(
        facts.broken == 0,
        "{} of {} events are not as they were written",
        facts.broken,
        facts.events
    );
    Ok(())
}

fn document(migration: &AppliedMigration) -> Value {
    json!({
        "version": migration.version,
        "name": migration.name,
        "checksum": migration.checksum,
        "applied_at": clock::text(migration.applied_at),
        "already_applied": migration.already_applied,
    })
}

fn conclude(what: &str, outcome: anyhow::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            life_cycle(true, json!({ "message": what, "error": format!("{error:#}") }));
            ExitCode::FAILURE
        }
    }
}

fn say(text: &str) -> ExitCode {
    match writeln!(std::io::stdout().lock(), "{text}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
