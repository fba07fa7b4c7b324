//! What evidence is bound to: the source, the texts and the machine.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use drillyard_spec::parse::sha256_hex;
use drillyard_spec::source::Texts;
use serde_json::{Value, json};

use crate::select::Task;

/// Facts of a run by name: `commit`, `dirty`, `texts`, `topology_sha256`, `tool`, `host`.
#[must_use]
pub fn gather(root: &Path, texts: &Texts, tasks: &[Task]) -> BTreeMap<String, Value> {
    let mut facts = BTreeMap::new();
    let mut put = |name: &str, value: Value| facts.insert(name.to_owned(), value);
    // A project need not be a git repository; then there is no commit to bind to, and the evidence says so.
    let commit = git(root, &["rev-parse", "HEAD"]);
    let changes = git(root, &["status", "--porcelain"]);
    put("commit", commit.map_or(Value::Null, Value::String));
    put("dirty", changes.map_or(Value::Null, |list| json!(!list.is_empty())));
    let hashes: BTreeMap<&str, String> =
        texts.iter().map(|s| (s.path().as_ref(), sha256_hex(s.text()))).collect();
    put("texts_sha256", json!(hashes));
    put("units", json!(tasks.iter().map(|task| task.drill().id.clone()).collect::<Vec<_>>()));
    put("tool", json!(format!("drillyard {}", env!("CARGO_PKG_VERSION"))));
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    put("host", json!({ "os": std::env::consts::OS, "arch": std::env::consts::ARCH, "cores": cores }));
    facts
}

#[expect(
    clippy::disallowed_methods,
    reason = "asks git about the source; nothing of the stack is started here"
)]
fn git(root: &Path, args: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(root).args(args).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
