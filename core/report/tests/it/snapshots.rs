//! Accepted texts: compare, review, accept.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use drillyard_engine::event::SnapshotResult;
use drillyard_report::snapshot::{
    Candidate, Mode, SnapshotError, accept, compare, pending, reject, unreferenced,
};

const FILE: &str = "snapshots/drills/a/timeline.snap";

fn candidate(text: &str) -> Candidate<'_> {
    Candidate { file: FILE, text, source: "drills/a.yaml", title: "A title: with a colon" }
}

fn root_with(text: &str) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a folder");
    compare(root.path(), &candidate(text), Mode::Verify).expect("it compares");
    accept(root.path(), FILE).expect("it is accepted");
    root
}

fn exists(root: &Path, file: &str) -> bool {
    root.join(file).exists()
}

#[test]
fn a_first_text_waits_beside_and_matches_once_accepted() {
    let root = tempfile::tempdir().expect("a folder");
    let new = compare(root.path(), &candidate("a: 1\nb: 2\n"), Mode::Verify).expect("it compares");
    assert_eq!(new, SnapshotResult::New);
    assert!(!exists(root.path(), FILE));
    let waiting = pending(root.path()).expect("it lists");
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].file, FILE);
    assert_eq!(waiting[0].source.as_deref(), Some("drills/a.yaml"));
    assert_eq!(waiting[0].title.as_deref(), Some("A title: with a colon"));
    assert!(waiting[0].diff.contains("+a: 1\n+b: 2\n"), "{}", waiting[0].diff);
    accept(root.path(), FILE).expect("it is accepted");
    assert_eq!(
        fs::read_to_string(root.path().join(FILE)).expect("the file"),
        "---\nsource: drills/a.yaml\ndescription: 'A title: with a colon'\n---\na: 1\nb: 2\n"
    );
    let again = compare(root.path(), &candidate("a: 1\nb: 2\n"), Mode::Ci).expect("it compares");
    assert_eq!(again, SnapshotResult::Matched);
    assert!(pending(root.path()).expect("it lists").is_empty());
}

#[test]
fn a_different_text_gives_a_diff_and_never_touches_the_accepted_file() {
    let root = root_with("a: 1\nb: 2");
    let before = fs::read(root.path().join(FILE)).expect("the file");
    let different = compare(root.path(), &candidate("a: 1\nb: 3"), Mode::Verify).expect("it compares");
    let diff = "--- accepted\n+++ new\n@@ -1,2 +1,2 @@\n a: 1\n-b: 2\n+b: 3\n";
    assert_eq!(different, SnapshotResult::Different(diff.to_owned()));
    assert_eq!(fs::read(root.path().join(FILE)).expect("the file"), before);
    assert_eq!(pending(root.path()).expect("it lists")[0].diff, diff);
    reject(root.path(), FILE).expect("it is dropped");
    assert_eq!(fs::read(root.path().join(FILE)).expect("the file"), before);
    assert!(pending(root.path()).expect("it lists").is_empty());
}

#[test]
fn a_text_that_matches_again_withdraws_what_waited() {
    let root = root_with("a: 1");
    compare(root.path(), &candidate("a: 2"), Mode::Verify).expect("it compares");
    assert_eq!(pending(root.path()).expect("it lists").len(), 1);
    compare(root.path(), &candidate("a: 1\n\n"), Mode::Verify).expect("it compares");
    assert!(pending(root.path()).expect("it lists").is_empty());
}

#[test]
fn a_build_machine_writes_nothing() {
    let root = tempfile::tempdir().expect("a folder");
    assert_eq!(compare(root.path(), &candidate("a"), Mode::Ci).expect("it compares"), SnapshotResult::New);
    assert_eq!(fs::read_dir(root.path()).expect("the folder").count(), 0);
    let root = root_with("a");
    assert!(matches!(compare(root.path(), &candidate("b"), Mode::Ci), Ok(SnapshotResult::Different(_))));
    assert!(pending(root.path()).expect("it lists").is_empty());
}

#[test]
fn there_is_nothing_to_accept_or_reject_without_a_new_text() {
    let root = root_with("a");
    assert!(matches!(accept(root.path(), FILE), Err(SnapshotError::NothingPending { .. })));
    assert!(matches!(reject(root.path(), FILE), Err(SnapshotError::NothingPending { .. })));
}

#[test]
fn paths_outside_the_folder_of_snapshots_are_refused() {
    let root = tempfile::tempdir().expect("a folder");
    for file in [
        "snapshots/../x.snap",
        "/etc/x.snap",
        "drills/x.snap",
        "snapshots/x.txt",
        "snapshots/.snap",
        "snapshots/a/.snap",
    ] {
        let refused = compare(root.path(), &Candidate { file, ..candidate("a") }, Mode::Verify);
        assert!(matches!(refused, Err(SnapshotError::Path { .. })), "{file}: {refused:?}");
    }
}

#[test]
fn a_file_that_is_no_text_snapshot_is_refused_and_kept() {
    let root = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(root.path().join("snapshots/drills/a")).expect("a folder");
    for text in ["just text\n", "---\nsnapshot_kind: binary\nextension: png\n---\n", "---\n[\n---\nx\n"] {
        fs::write(root.path().join(FILE), text).expect("it writes");
        let refused = compare(root.path(), &candidate("a"), Mode::Verify);
        assert!(matches!(refused, Err(SnapshotError::NotASnapshot { .. })), "{text}: {refused:?}");
        assert_eq!(fs::read_to_string(root.path().join(FILE)).expect("the file"), text);
    }
}

#[test]
fn a_text_that_begins_with_dashes_survives_the_file() {
    let root = root_with("---\na: 1\n---\nb: 2");
    let again = compare(root.path(), &candidate("---\na: 1\n---\nb: 2"), Mode::Ci).expect("it compares");
    assert_eq!(again, SnapshotResult::Matched);
}

#[test]
fn snapshots_nobody_compared_are_listed() {
    let root = root_with("a");
    for file in ["snapshots/drills/gone/x.snap", "snapshots/ledger/codes.txt", "snapshots/redactions.yaml"] {
        let path = root.path().join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, "x").expect("it writes");
    }
    let used = BTreeSet::from([FILE.to_owned()]);
    assert_eq!(unreferenced(root.path(), &used).expect("it lists"), ["snapshots/drills/gone/x.snap"]);
    assert!(unreferenced(&root.path().join("nowhere"), &used).expect("it lists").is_empty());
}
