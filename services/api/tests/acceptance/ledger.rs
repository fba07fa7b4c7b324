//! Every line of the acceptance list is met by something that exists.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Lines per section.
const SECTIONS: [(char, usize); 13] = [
    ('A', 4),
    ('B', 8),
    ('C', 5),
    ('D', 13),
    ('E', 7),
    ('F', 16),
    ('G', 3),
    ('H', 9),
    ('I', 15),
    ('J', 5),
    ('K', 4),
    ('L', 4),
    ('M', 8),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// `<file>::<function>` for the tests of the services; a test binary's folder or file and every module count as a file.
fn tests() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in
        files(&root().join("services")).iter().filter(|file| file.extension().is_some_and(|e| e == "rs"))
    {
        let text = fs::read_to_string(file).unwrap();
        let place = file.strip_prefix(root().join("services")).unwrap().with_extension("");
        let mut is_test = false;
        for line in text.lines().map(str::trim) {
            if line.starts_with("#[tokio::test") || line == "#[test]" {
                is_test = true;
            } else if is_test && line.contains("fn ") {
                let name = line.split("fn ").nth(1).unwrap().split('(').next().unwrap();
                found.insert(format!("{}::{name}", place.display()));
                is_test = false;
            }
        }
    }
    assert!(found.len() > 100, "the services have tests");
    found
}

#[test]
fn every_line_of_the_list_is_met_once_by_something_that_exists() {
    let text = fs::read_to_string(root().join("snapshots/ledger/acceptance.csv")).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("line,kind,name,note"));
    let rows: Vec<[&str; 4]> =
        lines.map(|line| line.splitn(4, ',').collect::<Vec<_>>().try_into().unwrap()).collect();
    let wanted: Vec<String> = SECTIONS
        .into_iter()
        .flat_map(|(section, lines)| (1..=lines).map(move |line| format!("{section}{line}")))
        .collect();
    assert_eq!(rows.iter().map(|row| row[0]).collect::<Vec<_>>(), wanted);
    let tests = tests();
    let features: String =
        files(&root().join("features")).iter().map(|file| fs::read_to_string(file).unwrap() + "\n").collect();
    for [line, kind, name, _] in rows {
        let exists = match kind {
            "test" => tests.contains(name),
            "drill" => root().join(format!("drills/{name}.yaml")).is_file(),
            "scenario" => features.lines().any(|line| line.trim() == format!("Scenario: {name}")),
            other => panic!("{line}: {other} is neither test, drill nor scenario"),
        };
        assert!(exists, "{line}: there is no {kind} {name}");
    }
}
