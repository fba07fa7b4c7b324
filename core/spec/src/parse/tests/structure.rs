//! Matrix, conditions, loops, branches, undo steps, needs.

use super::*;
use crate::drill::Action;

fn all(text: &str) -> (Vec<Drill>, Vec<Diagnostic>) {
    read_all(&[], text)
}

const CHECK: &str = "- http: { get: dispatch-api/x }\n  expect: { status: 200 }\n";

#[test]
fn every_cell_of_a_matrix_is_a_unit_of_its_own_name() {
    let text = format!(
        "{HEAD}matrix: {{ of: [dispatch-api, sms], n: [1, 2] }}\nsteps:\n- http: {{ get: \"${{matrix.of}}/x\", query: {{ n: \"${{matrix.n}}\" }} }}\n  expect: {{ status: 200 }}\n"
    );
    let (drills, out) = all(&text);
    assert_eq!(out, []);
    let ids: Vec<&str> = drills.iter().map(|drill| drill.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "drills/x: of=dispatch-api, n=1",
            "drills/x: of=dispatch-api, n=2",
            "drills/x: of=sms, n=1",
            "drills/x: of=sms, n=2"
        ]
    );
    // The cell's values are bound first, for blocks.
    let Action::Http(http) = &drills[3].steps[1].action else { panic!("{:?}", drills[3].steps) };
    assert_eq!(http.target.service, "sms");
    assert_eq!(http.query[0].1, 2);
    let (_, out) = all(&text.replace("[dispatch-api, sms]", "[dispatch-api, smsx]"));
    assert!(out.iter().any(|d| d.code == Code::UnknownService), "{out:?}");
}

#[test]
fn a_matrix_without_a_cell_is_refused() {
    for matrix in [
        "{}",
        "{ fault: [] }",
        "{ fault: }",
        "{ fault: [kill, kill] }",
        "{ backend: [a] }",
        "{ \"a b\": [a] }",
    ] {
        let (drills, out) = all(&format!("{HEAD}matrix: {matrix}\nsteps:\n{CHECK}"));
        assert_eq!(
            (drills.len(), out.len(), out[0].code, out[0].place.line),
            (0, 1, Code::NoCell, 3),
            "{matrix}: {out:?}"
        );
    }
    let (drills, out) = all(&format!(
        "{HEAD}matrix: {{ a: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], b: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], c: [1, 2, 3, 4] }}\nsteps:\n{CHECK}"
    ));
    assert!(drills.is_empty());
    assert_eq!(out[0].code, Code::NoCell);
}

#[test]
fn steps_belong_to_cells_and_backends() {
    let text = format!(
        "{HEAD}matrix: {{ fault: [kill, stop, none] }}\nsteps:\n{CHECK}- when: {{ fault: [kill, stop] }}\n  note: bad\n- when: {{ backend: process }}\n  note: here\n"
    );
    let (drills, out) = all(&text);
    assert_eq!(out, []);
    assert_eq!(drills.iter().map(|drill| drill.steps.len()).collect::<Vec<_>>(), [4, 4, 3]);
    assert_eq!(drills[2].steps[2].backends, ["process"]);
}

#[test]
fn a_condition_that_is_never_true_is_refused() {
    let (_, out) = all(&format!(
        "{HEAD}matrix: {{ fault: [kill] }}\nsteps:\n{CHECK}- when: {{ fault: kil }}\n  note: n\n"
    ));
    assert_eq!((out[0].code, out[0].place.line), (Code::NeverTrue, 7));
    assert_eq!(out[0].help.as_deref(), Some("did you mean `kill`?"));
    for condition in ["{ fault: kill }", "{ backend: proces }", "{}", "{ backend: [] }"] {
        let found = with_steps(&format!("{CHECK}- when: {condition}\n  note: n\n"));
        assert_eq!(found, [(Code::NeverTrue, 6)], "{condition}");
    }
    // A cell without a check is no better than a drill without one.
    let (_, out) = all(&format!(
        "{HEAD}matrix: {{ fault: [kill, stop] }}\nsteps:\n- when: {{ fault: kill }}\n  http: {{ get: dispatch-api/x }}\n  expect: {{ status: 200 }}\n- note: n\n"
    ));
    assert_eq!(out.iter().map(|d| d.code).collect::<Vec<_>>(), [Code::NoChecks]);
}

#[test]
fn loops_over_nothing_and_lone_branches_are_refused() {
    let step = "{ object: { list: a }, expect: { count: 0 } }";
    for (action, code) in [
        (format!("each: {{ of: [], as: row, steps: [{step}] }}"), Code::EmptyLoop),
        ("each: { of: [1], as: row, steps: [] }".to_owned(), Code::EmptyLoop),
        (format!("each: {{ of: 3, as: row, steps: [{step}] }}"), Code::WrongType),
        (format!("each: {{ of: [1], steps: [{step}] }}"), Code::MissingKey),
        (format!("parallel: [[{step}]]"), Code::EmptyLoop),
        (format!("parallel: [[{step}], []]"), Code::EmptyLoop),
        ("defer: []".to_owned(), Code::EmptyLoop),
        (format!("always: {{ holds: [{step}], during: [] }}"), Code::EmptyLoop),
        (format!("always: {{ holds: [note: n], during: [{step}] }}"), Code::NoChecks),
        (format!("always: {{ holds: [{step}], every: 0s, during: [{step}] }}"), Code::BadDuration),
    ] {
        let found = with_steps(&format!("{CHECK}- {action}\n"));
        assert_eq!(found, [(code, 6)], "{action}");
    }
}

#[test]
fn names_inside_of_loops_and_branches_are_checked() {
    let found = with_steps(&format!(
        "{CHECK}- each:\n    of: [{{ k: a }}]\n    as: row\n    steps:\n    - object: {{ list: \"${{row.k}}${{rwo}}\" }}\n      expect: {{ count: 0 }}\n"
    ));
    assert_eq!(found, [(Code::UnknownName, 10)]);
    let branches = "- parallel:\n  - - let: { a: 1 }\n    - note: \"${a}\"\n  - - note: \"${b}\"\n    - let: { b: 1 }\n- note: \"${a}${b}\"\n";
    assert_eq!(with_steps(&format!("{CHECK}{branches}")), [(Code::UnknownName, 9)]);
    assert_eq!(with_steps(&format!("{CHECK}- defer: {{ note: \"${{gone}}\" }}\n")), [(Code::UnknownName, 6)]);
}

#[test]
fn needs_are_drills_and_no_drill_needs_itself() {
    let read = |a: &str, b: &str| {
        let mut texts = Texts::default();
        texts.insert("drills/a.yaml", &format!("drill: a\ntitle: A\n{a}steps:\n- note: n\n- sql: {{ query: select 1, on: postgres }}\n  expect: {{ row_count: 1 }}\n"));
        texts.insert("drills/b.yaml", &format!("drill: b\ntitle: B\n{b}steps:\n- sql: {{ query: select 1, on: postgres }}\n  expect: {{ row_count: 1 }}\n"));
        texts.insert("ops/compose.yaml", "name: t\nservices:\n  postgres:\n    image: postgres:15\n    environment: { POSTGRES_USER: t, POSTGRES_PASSWORD: t, POSTGRES_DB: t }\n    x-drillyard: { process: { builtin: postgres }, lane_database: D }\n");
        let project = crate::project::Project::read(&texts);
        let codes: Vec<Code> = project.diagnostics.iter().map(|d| d.code).collect();
        (project, codes)
    };
    let (project, codes) = read("needs: [b]\n", "matrix: { n: [1, 2] }\n");
    assert_eq!(codes, [], "{:?}", project.diagnostics);
    let needs: Vec<&str> = project.drills[0].needs.iter().map(|need| need.unit.as_str()).collect();
    assert_eq!(needs, ["drills/b: n=1", "drills/b: n=2"]);
    assert_eq!(read("needs: [c]\n", "").1, [Code::UnknownDrill]);
    assert_eq!(read("needs: [a]\n", "").1, [Code::NeedCycle]);
    assert_eq!(read("needs: [b]\n", "needs: [a]\n").1, [Code::NeedCycle, Code::NeedCycle]);
}

#[test]
fn a_wait_needs_something_to_wait_for_and_time_to_wait() {
    for step in ["stays_for: 1s", "within: 1s"] {
        let found = with_steps(&format!("{CHECK}- http: {{ get: dispatch-api/x }}\n  {step}\n"));
        assert_eq!(found, [(Code::EmptyExpect, 6)], "{step}");
    }
    let found = with_steps("- http: { get: dispatch-api/x }\n  expect: { status: 200 }\n  within: 0s\n");
    assert_eq!(found, [(Code::BadDuration, 6)]);
}
