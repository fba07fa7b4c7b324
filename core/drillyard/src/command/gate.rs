//! `gate`, `packet` and `sign-off`: whether a candidate may go, on bundles alone.

use std::fs;
use std::path::{Path, PathBuf};

use drillyard_engine::verdict::exit::GATE_REFUSED;
use drillyard_report::gate::sign_off::{self, SignOff};
use drillyard_report::gate::{self, Case, Decision, Evidence, Gate, Standing, packet};
use drillyard_report::verify::Trust;
use drillyard_spec::source::{Source, Texts};
use jiff::Timestamp;
use serde_json::Value;

use crate::command::{Common, complain, print};
use crate::exit;
use crate::harness::signer;
use crate::render::{self, Style};

/// What is to be decided.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// The gate's file.
    pub gate: PathBuf,
    /// Bundles, or folders of bundles.
    pub evidence: Vec<PathBuf>,
    /// The last accepted bundle.
    pub baseline: Option<PathBuf>,
    /// Commit of the candidate.
    pub commit: Option<String>,
    /// The moment of the decision; nothing means now.
    pub at: Option<String>,
    /// Folder of the packet, with its sign-offs.
    pub packet: Option<PathBuf>,
    /// The key that must have signed bundles and sign-offs.
    pub public_key: Option<PathBuf>,
}

/// Decides and says why: 0 for a pass or a warning, 6 otherwise.
#[must_use]
pub fn run(common: &Common, asked: &Asked) -> u8 {
    match decided(common, asked) {
        Ok((decision, _)) => {
            show(&decision);
            code(&decision)
        }
        Err(code) => code,
    }
}

/// Decides and writes the packet; the exit code is that of the decision.
#[must_use]
pub fn packet(common: &Common, asked: &Asked) -> u8 {
    let (decision, dir) = match decided(common, asked) {
        Ok(both) => both,
        Err(code) => return code,
    };
    let json = match packet::json(&decision) {
        Ok(json) => json,
        Err(error) => return complain(exit::INTERNAL, &error.to_string()),
    };
    let files = [
        (packet::JSON, json),
        ("packet.md", packet::markdown(&decision)),
        ("packet.html", packet::html(&decision)),
    ];
    let written = fs::create_dir_all(&dir)
        .and_then(|()| files.iter().try_for_each(|(name, text)| fs::write(dir.join(name), text)));
    if let Err(error) = written {
        return complain(exit::INTERNAL, &format!("{}: {error}", dir.display()));
    }
    show(&decision);
    print(&format!("packet: {}", dir.display()));
    code(&decision)
}

fn code(decision: &Decision) -> u8 {
    if decision.answer.lets_through() { exit::PASSED } else { GATE_REFUSED }
}

fn show(decision: &Decision) {
    for row in &decision.matrix {
        print(&format!("{:<12}  {}  [{}]  {}", row.answer.as_str(), row.unit, row.backend, row.note));
    }
    for one in &decision.reasons {
        print(&format!("{}: {}: {}: {}", one.answer.as_str(), one.code, one.subject, one.text));
    }
    print(&format!("gate {}: {}", decision.gate, decision.answer.as_str()));
}

fn decided(common: &Common, asked: &Asked) -> Result<(Decision, PathBuf), u8> {
    let gate = read(common, &asked.gate)?;
    let trust = super::verify::trust(asked.public_key.as_deref())?;
    let at = match asked.at.as_deref().map(str::parse).transpose() {
        Ok(at) => at.unwrap_or_else(Timestamp::now),
        Err(_) => {
            return Err(complain(exit::TEXT_WRONG, "`--at` is a moment such as `2026-12-01T00:00:00Z`"));
        }
    };
    let evidence: Vec<Evidence> =
        bundles(&asked.evidence)?.iter().map(|dir| Evidence::read(dir, &trust)).collect();
    let baseline = asked.baseline.as_deref().map(|dir| Evidence::read(dir, &trust));
    let dir = match &asked.packet {
        Some(dir) => dir.clone(),
        None => common.root()?.state().join("packets").join(&gate.name),
    };
    let sign_offs = sign_offs(common, &dir, &trust)?;
    let case = Case {
        evidence: &evidence,
        baseline: baseline.as_ref(),
        commit: asked.commit.clone(),
        at,
        sign_offs: &sign_offs,
    };
    Ok((gate::decide(&gate, &case), dir))
}

fn read(common: &Common, path: &Path) -> Result<Gate, u8> {
    let wrong = |text: &str| complain(exit::TEXT_WRONG, text);
    let text = fs::read_to_string(path).map_err(|error| wrong(&format!("{}: {error}", path.display())))?;
    let name = path.to_string_lossy();
    let mut mistakes = Vec::new();
    let gate = gate::read(&Source::new(&name, &text), &mut mistakes);
    gate.ok_or_else(|| {
        let mut texts = Texts::default();
        texts.insert(&name, &text);
        wrong(&render::render(&mistakes, &texts, Style::Human { color: common.color() }))
    })
}

/// Each folder is a bundle, or holds bundles; a link to one of them is not counted again.
fn bundles(given: &[PathBuf]) -> Result<Vec<PathBuf>, u8> {
    let mut found = Vec::new();
    for dir in given {
        let unreadable =
            |error: std::io::Error| complain(exit::NOTHING_PROVED, &format!("{}: {error}", dir.display()));
        let dir = dir.canonicalize().map_err(unreadable)?;
        if dir.join("journal.jsonl").exists() || dir.join("manifest.json").exists() {
            found.push(dir);
            continue;
        }
        for entry in fs::read_dir(&dir).map_err(unreadable)?.flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// The sign-offs of a packet; the key is the pinned one or else the project's own.
fn sign_offs(common: &Common, dir: &Path, trust: &Trust) -> Result<Vec<SignOff>, u8> {
    if !dir.join(sign_off::FILE).exists() {
        return Ok(Vec::new());
    }
    let key = match &trust.key {
        Some(key) => key.clone(),
        None => signer(&common.root()?, None)
            .map_err(|error| complain(exit::TEXT_WRONG, &error.to_string()))?
            .public(),
    };
    sign_off::read(dir, &key).map_err(|error| complain(exit::TAMPERED, &error.to_string()))
}

/// Adds a sign-off to a packet: 0, or 8 when the packet's evidence is not what it was.
#[must_use]
pub fn sign(common: &Common, (role, name): (&str, &str), dir: &Path, key: Option<&Path>) -> u8 {
    match signed(common, (role, name), dir, key) {
        Ok(()) => {
            print(&format!("{name} signed as {role}; `drillyard packet` shows it"));
            exit::PASSED
        }
        Err(code) => code,
    }
}

fn signed(common: &Common, (role, name): (&str, &str), dir: &Path, key: Option<&Path>) -> Result<(), u8> {
    let wrong = |text: &str| complain(exit::TEXT_WRONG, text);
    let text = fs::read_to_string(dir.join(packet::JSON))
        .map_err(|error| wrong(&format!("{}: {error}; `drillyard packet` writes one", dir.display())))?;
    let packet: Value = serde_json::from_str(&text).map_err(|error| wrong(&error.to_string()))?;
    let roles: Vec<&str> = packet["sign_offs"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| one[0]["role"].as_str())
        .collect();
    if !roles.contains(&role) || name.trim().is_empty() {
        return Err(wrong(&format!("a name signs in one of the roles {}", roles.join(", "))));
    }
    let evidence: Vec<Standing> =
        serde_json::from_value(packet["evidence"].clone()).map_err(|error| wrong(&error.to_string()))?;
    for one in &evidence {
        let now = Evidence::read(Path::new(&one.dir), &Trust::default());
        if now.standing() != one || !now.is_whole() {
            return Err(complain(
                exit::TAMPERED,
                &format!("the evidence {} is not what the packet was made from", one.run),
            ));
        }
    }
    let text = |field: &str| packet[field].as_str().unwrap_or_default().to_owned();
    let sign_off = SignOff {
        gate: text("gate"),
        gate_sha256: text("gate_sha256"),
        role: role.to_owned(),
        name: name.trim().to_owned(),
        at: Timestamp::now(),
        evidence,
    };
    let signer = signer(&common.root()?, key).map_err(|error| wrong(&error.to_string()))?;
    sign_off.keep(dir, &signer).map_err(|error| complain(exit::INTERNAL, &error.to_string()))
}
