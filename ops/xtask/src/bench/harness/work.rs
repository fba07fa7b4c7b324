//! Projects of ours for the harness to work on.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

/// A step as the peers' texts have it: one GET, its status and one member of its body.
const STEP: &str =
    "- http: { get: pong/ping }\n  expect: { status: 200, body: { ok: true, \"...\": any } }\n";

/// The topology: one service that all lanes share. It is no child of the runner, so that its work is not in the figures,
/// and has no mark of the run; it ends with the process that holds its place.
fn topology(server: &Path) -> String {
    let server = server.display();
    format!(
        r#"services:
  pong:
    image: pong:1
    environment: {{ PONG_PORT: "8000" }}
    x-drillyard:
      process: {{ program: sh, args: ["-c", "env -i {server} bench serve $$PONG_PORT & exec sleep 1000000"] }}
      scope: shared
      ready: {{ http: /ready }}
      port_env: PONG_PORT
"#
    )
}

fn project(folder: &Path, drills: impl IntoIterator<Item = (String, String)>) -> Result<PathBuf> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder.join("ops"))?;
    fs::create_dir_all(folder.join("drills"))?;
    fs::write(folder.join("ops/compose.yaml"), topology(&std::env::current_exe()?))?;
    for (name, body) in drills {
        let text = format!("drill: {name}\ntitle: A drill of the bench\nbudget: 10m\n{body}");
        fs::write(folder.join(format!("drills/{name}.yaml")), text)?;
    }
    Ok(folder.to_owned())
}

/// `drills` drills with `steps` steps each, all written out.
///
/// # Errors
/// The disk refuses.
pub fn written(folder: &Path, drills: usize, steps: usize) -> Result<PathBuf> {
    let body = format!("steps:\n{}", STEP.repeat(steps));
    project(folder, (0..drills).map(|number| (format!("d{number}"), body.clone())))
}

/// Ten drills whose text has one step, which two loops repeat `inner` times a hundred each.
///
/// # Errors
/// The disk refuses.
pub fn looped(folder: &Path, inner: usize) -> Result<PathBuf> {
    let list = |count: usize| {
        let mut text = String::new();
        for number in 0..count {
            let _ = write!(text, "{number}, ");
        }
        format!("[{}]", text.trim_end_matches(", "))
    };
    let step = STEP.replace('\n', "\n      ");
    let (outer, inner) = (list(10), list(inner));
    let body = format!(
        "steps:\n- each:\n    of: {outer}\n    as: o\n    steps:\n    - each:\n        of: {inner}\n        as: i\n        steps:\n        {}\n",
        step.trim_end().replace('\n', "\n  ")
    );
    project(folder, (0..10).map(|number| (format!("d{number}"), body.clone())))
}
