//! `check`, as whoever makes a mistake meets it.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::project::{GOOD, Project};

const HEAD: &str = "title: T\nsteps:\n- sql: { query: select 1 as n }\n  expect: { rows: [{ n: 1 }] }\n";

/// What `check` says of one more step, as JSON lines.
fn of_step(project: &Project, step: &str) -> Vec<Value> {
    project.write("drills/x.yaml", &format!("drill: x\n{HEAD}{step}"));
    of(project)
}

fn of(project: &Project) -> Vec<Value> {
    let (code, text) = project.run(&["check", "--format", "json"]);
    let found: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(code != 0, !found.is_empty(), "{text}");
    found
}

#[track_caller]
fn says(found: &[Value], code: &str, words: &str) {
    let fits = |one: &Value| one["code"] == code && one.to_string().contains(words);
    assert!(found.iter().any(fits), "no {code} with `{words}` in {found:#?}");
}

#[test]
fn all_mistakes_of_all_files_come_at_once_with_place_second_label_and_the_way_out() {
    let project = Project::new("all");
    project.write("drills/a.yaml", &GOOD.replace("drill: good", "drill: a").replace("expect:", "expcet:"));
    project.write("drills/b.yaml", &GOOD.replace("drill: good", "drill: b\ntitle: Twice"));
    project.write("features/f.feature", "Feature: F\n  Scenario: S\n    Givn I get \"shop/up\"\n    Then the status is 200\n  Scenario: S\n    When I get \"shop/up\"\n    Then the status is 200\n");
    let found = of(&project);
    let at = |file: &str, code: &str| {
        let one = found.iter().find(|one| one["place"]["file"] == file && one["code"] == code);
        one.unwrap_or_else(|| panic!("no {code} in {file}: {found:#?}"))
    };
    let misspelt = at("drills/a.yaml", "DY010");
    assert_eq!((&misspelt["place"]["line"], &misspelt["place"]["column"]), (&6.into(), &3.into()));
    assert_eq!(misspelt["help"], "did you mean `expect`?");
    let twice = at("drills/b.yaml", "DY003");
    assert_eq!(twice["related"][0]["text"], "first written here");
    assert_eq!(twice["related"][0]["place"]["line"], 2);
    says(&found, "DY071", "did you mean `Given`?");
    let (code, text) = project.run(&["check", "--format", "github"]);
    assert_eq!(code, 2);
    assert!(text.contains("::error file=drills/a.yaml,line=6,col=3"), "{text}");
    let (_, text) = project.run(&["check"]);
    for part in
        ["expcet", "did you mean `expect`?", "first written here", "mistakes; `drillyard explain CODE`"]
    {
        assert!(text.contains(part), "`{part}` is missing in\n{text}");
    }
}

#[test]
fn every_code_is_explained() {
    let project = Project::new("codes");
    let (code, list) = project.run(&["explain"]);
    assert_eq!(code, 0);
    let codes: Vec<&str> = list
        .lines()
        .filter_map(|line| line.split(' ').next())
        .filter(|word| word.starts_with("DY"))
        .collect();
    assert!(codes.len() > 40, "{list}");
    for one in codes {
        let (code, text) = project.run(&["explain", one]);
        assert!(code == 0 && text.starts_with(one) && text.lines().count() > 2, "{text}");
    }
    for (what, words) in [("latency", "needs delay"), ("#uuid", "hexadecimal"), ("http", "status")] {
        let (code, text) = project.run(&["explain", what]);
        assert!(code == 0 && text.contains(words), "{text}");
    }
}

#[test]
fn hostile_files_are_refused_quickly() {
    let project = Project::new("hostile");
    let bomb: String = (1..9).fold("a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned(), |text, at| {
        let before = at - 1;
        let many = vec![format!("*a{before}"); 9].join(", ");
        format!("{text}a{at}: &a{at} [{many}]\n")
    });
    project.write("drills/bomb.yaml", &bomb);
    project.write("drills/deep.yaml", &"[".repeat(100_000));
    project.write("drills/steps/one.yaml", "block: one\nsteps:\n- use: steps/two\n");
    project.write("drills/steps/two.yaml", "block: two\nsteps:\n- use: steps/one\n");
    project.write(
        "drills/out.yaml",
        &format!("drill: out\nrunbook: ../../etc/passwd\n{HEAD}- use: ../secret\n"),
    );
    std::fs::write(project.dir.join("drills/latin.yaml"), b"drill: latin\ntitle: caf\xe9\n").unwrap();
    let begun = Instant::now();
    let found = of(&project);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    says(&found, "DY001", "drills/bomb.yaml");
    says(&found, "DY001", "drills/deep.yaml");
    says(&found, "DY051", "steps/one");
    says(&found, "DY052", "../../etc/passwd");
    says(&found, "DY052", "../secret");
    says(&found, "DY004", "drills/latin.yaml");
}

#[test]
fn names_in_templates_are_bound_and_have_what_is_asked_of_them() {
    let project = Project::new("names");
    let found = of_step(&project, "- note: \"${nobody}\"\n");
    says(&found, "DY042", "`nobody` is not bound");
    let bind = "- let: { order: { id: 5, lines: [1] }, count: 3 }\n";
    says(&of_step(&project, &format!("{bind}- note: \"${{order.di}}\"\n")), "DY043", "did you mean `id`?");
    says(&of_step(&project, &format!("{bind}- note: \"${{count.id}}\"\n")), "DY043", "has no members");
    says(&of_step(&project, &format!("{bind}- note: \"${{order.lines[1]}}\"\n")), "DY043", "1 elements");
    says(
        &of_step(
            &project,
            &format!("{bind}- each: {{ of: \"${{count}}\", as: x, steps: [{{ note: a }}] }}\n"),
        ),
        "DY012",
        "is no list",
    );
    says(&of_step(&project, &format!("{bind}- note: \"${{order\"\n")), "DY043", "not closed");
    assert_eq!(
        of_step(&project, &format!("{bind}- note: \"${{order.id}} ${{order.lines[-1]}} ${{count}}\"\n")),
        [] as [Value; 0]
    );
}

#[test]
fn requests_and_tool_calls_are_held_against_what_the_services_say() {
    let project = Project::new("contract");
    let post = |rest: &str| format!("- http: {{ post: shop/orders, {rest} }}\n  expect: {{ status: 201 }}\n");
    assert_eq!(of_step(&project, &post("body: { item: a door, count: 2 }")), [] as [Value; 0]);
    assert_eq!(
        of_step(&project, &post("body: { item: \"${run.seed}\", count: \"${run.seed}\" }")),
        [] as [Value; 0]
    );
    says(&of_step(&project, &post("body: { itm: a door }")), "DY111", "did you mean `item`?");
    says(&of_step(&project, &post("body: { count: 1 }")), "DY111", "lacks the member `item`");
    says(&of_step(&project, &post("body: { item: a, count: two }")), "DY111", "integer is asked for");
    says(&of_step(&project, "- http: { post: shop/orders }\n"), "DY111", "needs a body");
    says(&of_step(&project, "- http: { post: shop/ordres, body: {} }\n"), "DY110", "did you mean `/orders`?");
    says(&of_step(&project, "- http: { get: shop/orders }\n"), "DY110", "it has POST");
    says(&of_step(&project, "- tool: { call: order.creat }\n"), "DY110", "did you mean `order.create`?");
    says(&of_step(&project, "- tool: { call: order_create, itme: x }\n"), "DY111", "did you mean `item`?");
    says(
        &of_step(&project, "- fault: { lock-table: postgres, table: ordres }\n"),
        "DY042",
        "did you mean `orders`?",
    );
    // What is expected to be refused may be wrong on purpose.
    for step in [
        "- http: { post: shop/orders, body: { itm: 1 } }\n  expect: { status: 400 }\n",
        "- http: { get: shop/nothing }\n  expect: { status: 404 }\n",
        "- tool: { call: nothing }\n  expect: { ok: false }\n",
    ] {
        assert_eq!(of_step(&project, step), [] as [Value; 0], "{step}");
    }
}

#[test]
fn keys_that_a_step_would_ignore_are_refused() {
    let project = Project::new("ignored");
    project.write("drills/steps/say.yaml", "block: say\nsteps:\n- note: hello\n");
    says(
        &of_step(&project, "- use: steps/say\n  expect: { status: 200 }\n"),
        "DY010",
        "`expect` has no meaning",
    );
    says(&of_step(&project, "- note: hello\n  with: { a: 1 }\n"), "DY010", "`with` has no meaning");
}

#[test]
fn backgrounds_rules_outlines_tables_and_tags_of_features_are_understood() {
    let project = Project::new("gherkin");
    let text = "@all\nFeature: F\n  Background:\n    Given name stands for \"value\"\n\n  Rule: One rule\n    Background:\n      When I get \"shop/up\"\n\n    @one\n    Scenario: S\n      Then the answer has:\n        | path    | value |\n        | $.state | UP    |\n\n  @two\n  Scenario Outline: At <path>\n    When I get \"<path>\"\n    Then the status is <status>\n\n    Examples:\n      | path    | status |\n      | shop/up | 200    |\n      | shop/a  | 404    |\n";
    project.write("features/f.feature", text);
    assert_eq!(of(&project), [] as [Value; 0]);
    let listed = |tag: &str| project.run(&["list", "--tag", tag]).1.lines().count();
    assert_eq!((listed("all"), listed("one"), listed("two"), listed("all and not one")), (3, 1, 2, 2));
    project.write("features/f.feature", &text.replace("| $.state | UP    |", "| $.state |"));
    says(&of(&project), "DY078", "this row has 1 cells, the first has 2");
}
