//! Everything that is written from the domain's tables and from the catalog of the drill language, in one go.
//!
//! The programs print what they know; this only puts it where it belongs. So a row of a table is changed in one place,
//! and nothing that repeats it is edited by hand.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// A file that is what a program prints.
struct Printed {
    file: &'static str,
    program: &'static str,
    arguments: &'static [&'static str],
}

const PRINTED: [Printed; 5] = [
    Printed { file: "services/api/openapi.json", program: "dispatch-api", arguments: &["openapi"] },
    Printed { file: "services/api/CONFIG.md", program: "dispatch-api", arguments: &["config"] },
    Printed { file: "services/domain/REFERENCE.md", program: "dispatch-api", arguments: &["reference"] },
    Printed { file: "services/gateway/manifest.json", program: "dispatch-gateway", arguments: &["manifest"] },
    Printed { file: "core/spec/REFERENCE.md", program: "drillyard", arguments: &["explain", "reference"] },
];

/// Folder of the migrations.
const MIGRATIONS: &str = "services/store/migrations";

/// First line of a migration that carries the transition rule.
const RULE_HEADER: &str = "-- Generated from the domain's transition table; a test keeps the two equal.\n";

/// Name of such a migration, after its number.
const RULE_NAME: &str = "transition_rule.sql";

/// Folder of the runbooks.
const RUNBOOKS: &str = "ops/runbooks";

/// Around the part of a runbook that is written here.
const SIGNAL_BEGIN: &str = "<!-- signal: written by `cargo xtask generate` -->";
/// See [`SIGNAL_BEGIN`].
const SIGNAL_END: &str = "<!-- end of signal -->";

/// A file and the text that it should hold.
struct Wanted {
    path: PathBuf,
    text: String,
}

/// Writes what is out of date, or with `check` only names it.
///
/// # Errors
/// A program cannot be built or run, or with `check` a file is out of date.
pub fn run(root: &Path, check: bool) -> Result<()> {
    build(root)?;
    let mut stale = Vec::new();
    for Wanted { path, text } in wanted(root)? {
        let file = root.join(&path);
        if fs::read_to_string(&file).is_ok_and(|held| held == text) {
            continue;
        }
        if !check {
            fs::write(&file, text).with_context(|| path.display().to_string())?;
        }
        stale.push(path.display().to_string());
    }
    match (stale.is_empty(), check) {
        (true, _) => note("everything that is generated is up to date"),
        (false, false) => stale.iter().for_each(|file| note(&format!("written: {file}"))),
        (false, true) => bail!("out of date: {}; `cargo xtask generate` writes them", stale.join(", ")),
    }
    Ok(())
}

fn wanted(root: &Path) -> Result<Vec<Wanted>> {
    let mut all = Vec::new();
    for Printed { file, program, arguments } in PRINTED {
        all.push(Wanted { path: PathBuf::from(file), text: printed(root, program, arguments)? });
    }
    all.extend(transition_rule(root)?);
    all.extend(signals(root)?);
    Ok(all)
}

/// A new migration when the rule is another one than the latest migration has set. What is applied somewhere is never
/// changed.
fn transition_rule(root: &Path) -> Result<Option<Wanted>> {
    let rule = format!("{RULE_HEADER}{}", printed(root, "dispatch-api", &["transition-rule"])?);
    let mut migrations: Vec<PathBuf> =
        fs::read_dir(root.join(MIGRATIONS))?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    migrations.sort();
    let latest = migrations.iter().rev().find_map(|path| {
        let text = fs::read_to_string(path).ok()?;
        text.starts_with(RULE_HEADER).then_some(text)
    });
    if latest.as_ref() == Some(&rule) {
        return Ok(None);
    }
    let number = |path: &PathBuf| path.file_name()?.to_str()?.split_once('_')?.0.parse::<u32>().ok();
    let last = migrations.iter().filter_map(number).max().context("there are migrations")?;
    let path = Path::new(MIGRATIONS).join(format!("{:04}_{RULE_NAME}", last + 1));
    Ok(Some(Wanted { path, text: rule }))
}

/// The signal sections of the runbooks that have a place for one.
fn signals(root: &Path) -> Result<Vec<Wanted>> {
    let rules: Value = serde_json::from_str(&printed(root, "dispatch-api", &["alert-rules"])?)?;
    let mut all = Vec::new();
    for signal in rules.as_array().context("alert rules are a list")? {
        let (Some(runbook), Some(text)) = (signal["runbook"].as_str(), signal["signal_text"].as_str()) else {
            bail!("a signal has a runbook and a text");
        };
        // Clients know runbooks by another path; the file's name is the same.
        let name = Path::new(runbook).file_name().context("a runbook has a file name")?;
        let path = Path::new(RUNBOOKS).join(name);
        let held =
            fs::read_to_string(root.join(&path)).with_context(|| format!("runbook {}", path.display()))?;
        let parts = held.split_once(SIGNAL_BEGIN).and_then(|(before, rest)| {
            let (_, after) = rest.split_once(SIGNAL_END)?;
            Some((before, after))
        });
        let Some((before, after)) = parts else {
            bail!("{}: no place for the signal ({SIGNAL_BEGIN} … {SIGNAL_END})", path.display());
        };
        let text = format!("{before}{SIGNAL_BEGIN}\n{}\n{SIGNAL_END}{after}", text.trim());
        all.push(Wanted { path, text });
    }
    Ok(all)
}

#[expect(clippy::disallowed_methods, reason = "builds the programs that print")]
fn build(root: &Path) -> Result<()> {
    let mut cargo = Command::new("cargo");
    // Build scripts that look at what the calling cargo sets (ring's does) would be run again, and everything above
    // them built twice.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let prefixes = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"];
        if text == "CARGO" || prefixes.iter().any(|prefix| text.starts_with(prefix)) {
            cargo.env_remove(&name);
        }
    }
    let built = cargo
        .args(["build", "--quiet", "--workspace", "--bins"])
        .current_dir(root)
        .status()
        .context("cargo build")?;
    if built.success() { Ok(()) } else { bail!("the programs cannot be built") }
}

#[expect(clippy::disallowed_methods, reason = "the programs print what is generated")]
fn printed(root: &Path, program: &str, arguments: &[&str]) -> Result<String> {
    // The programs stand beside this one.
    let folder = std::env::current_exe()?.parent().context("a program stands in a folder")?.to_owned();
    let output = Command::new(folder.join(program))
        .args(arguments)
        .current_dir(root)
        .output()
        .context(program.to_owned())?;
    if !output.status.success() {
        bail!("{program} {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    String::from_utf8(output.stdout).context("text is UTF-8")
}

#[expect(clippy::print_stdout, reason = "the face of the command")]
fn note(text: &str) {
    println!("{text}");
}
