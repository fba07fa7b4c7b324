//! The rules of the house, as tests.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
#![expect(clippy::disallowed_methods, reason = "asks cargo and git about the project")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Crate to the crates of this workspace it depends on, dev-dependencies included.
fn edges() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap();
    let ours: BTreeSet<&str> = packages.iter().map(|package| package["name"].as_str().unwrap()).collect();
    let dependencies = |package: &Value| {
        let names = package["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .map(|d| d["name"].as_str().unwrap().to_owned());
        names.filter(|name| ours.contains(name.as_str())).collect()
    };
    packages.iter().map(|p| (p["name"].as_str().unwrap().to_owned(), dependencies(p))).collect()
}

#[test]
fn crates_know_only_whom_they_may() {
    let allowed: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("drillyard-spec", &[][..]),
        ("drillyard-engine", &["drillyard-spec"][..]),
        ("drillyard-report", &["drillyard-spec", "drillyard-engine"][..]),
        ("drillyard", &["drillyard-spec", "drillyard-engine", "drillyard-report"][..]),
        ("drillyard-suite", &["drillyard"][..]),
        ("dispatch-domain", &[][..]),
        ("dispatch-store", &["dispatch-domain"][..]),
        ("dispatch-testbed", &["dispatch-store"][..]),
        ("dispatch-probe", &[][..]),
        ("dispatch-api", &["dispatch-domain", "dispatch-store", "dispatch-probe", "dispatch-testbed"][..]),
        ("dispatch-worker", &["dispatch-domain", "dispatch-store", "dispatch-probe", "dispatch-testbed"][..]),
        ("dispatch-gateway", &["dispatch-domain", "dispatch-probe", "dispatch-testbed"][..]),
        ("dispatch-doubles", &["dispatch-probe"][..]),
        ("dispatch-objects", &["dispatch-probe"][..]),
        ("xtask", &[][..]),
    ]);
    for (package, known) in edges() {
        let allowed =
            allowed.get(package.as_str()).unwrap_or_else(|| panic!("{package} has no row in this table"));
        for other in known {
            assert!(allowed.contains(&other.as_str()), "{package} must not know {other}");
        }
    }
}

/// Tracked and untracked files of the project, without what git ignores.
fn files() -> Vec<PathBuf> {
    let list = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .unwrap();
    let text = String::from_utf8(list.stdout).unwrap();
    let files: Vec<PathBuf> =
        text.lines().map(PathBuf::from).filter(|file| root().join(file).is_file()).collect();
    assert!(files.len() > 50, "git lists the project's files");
    files
}

fn is_test(file: &Path) -> bool {
    file.components().any(|part| part.as_os_str() == "tests")
        || file.file_stem().is_some_and(|stem| stem == "tests")
}

#[test]
fn no_source_file_is_longer_than_500_lines_and_none_is_called_mod() {
    for file in files().into_iter().filter(|file| file.extension().is_some_and(|e| e == "rs")) {
        assert!(
            file.file_name().is_some_and(|name| name != "mod.rs"),
            "{}: name it after its module",
            file.display()
        );
        let lines = fs::read_to_string(root().join(&file)).unwrap().lines().count();
        assert!(
            is_test(&file) || lines <= 500,
            "{} has {lines} lines; the design is asking for something",
            file.display()
        );
    }
}

#[test]
fn no_drawer_for_everything() {
    let drawers = ["util", "utils", "helpers", "common", "manager", "misc"];
    for file in files().into_iter().filter(|file| file.extension().is_some_and(|e| e == "rs")) {
        let stem = file.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(!drawers.contains(&stem.as_str()), "{}: give it the name of its one duty", file.display());
    }
}

#[test]
fn nothing_names_a_machine() {
    // Written apart so that this file does not find itself.
    let needles = [["/wo", "rk/"].concat(), ["/ro", "ot/"].concat()];
    for file in files() {
        let Ok(text) = fs::read_to_string(root().join(&file)) else { continue };
        for needle in &needles {
            let found = text.lines().position(|line| line.contains(needle.as_str()));
            assert!(
                found.is_none(),
                "{}:{} names a path of one machine",
                file.display(),
                found.unwrap_or(0) + 1
            );
        }
    }
}

#[test]
fn the_readme_is_short_and_says_why_each_dependency_is_there() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.lines().count() <= 200, "the README has {} lines", readme.lines().count());
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let table = manifest.split("[workspace.dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
    let names = table.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name.trim());
    for name in names.filter(|name| {
        !name.starts_with('#') && !name.starts_with("drillyard") && !name.starts_with("dispatch-")
    }) {
        assert!(readme.contains(&format!("`{name}`")), "README.md does not say why `{name}` is a dependency");
    }
}

#[test]
fn every_dependency_of_the_workspace_is_used_by_a_crate() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let table = manifest.split("[workspace.dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
    let members: String = files()
        .into_iter()
        .filter(|file| file.file_name().is_some_and(|name| name == "Cargo.toml"))
        .map(|file| {
            let text = fs::read_to_string(root().join(&file)).unwrap();
            text.split("[workspace.dependencies]").next().unwrap_or_default().to_owned()
        })
        .collect();
    for name in table.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name.trim()) {
        assert!(members.contains(&format!("\n{name} = {{ workspace = true")), "nothing uses `{name}`");
    }
}

#[test]
fn every_room_has_a_readme() {
    for package in metadata()["packages"].as_array().unwrap() {
        let folder = Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap().to_owned();
        if folder != root() && package["name"] != "xtask" {
            assert!(folder.join("README.md").is_file(), "{} has no README.md", folder.display());
        }
    }
}
