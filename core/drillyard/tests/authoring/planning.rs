//! `plan` and `list`: what would run, without running it.

use serde_json::Value;

use crate::project::{GOOD, Project};

const FAULTY: &str = "drill: faulty\ntitle: The shop goes away\nbudget: 20s\nneeds: [good]\nexclusive: [shop]\nenv: { shop: { MODE: slow } }\nsteps:\n\
- fault: { latency: shop -> postgres, delay: 5ms }\n- http: { get: shop/up }\n  expect: { status: 200 }\n  snapshot: up\n";

#[test]
fn a_plan_names_units_lanes_edges_faults_and_bounds_and_starts_nothing() {
    let project = Project::new("plan");
    project.write("drills/good.yaml", GOOD);
    project.write("drills/faulty.yaml", FAULTY);
    let (code, text) =
        project.run(&["plan", "--seed", "7", "--jobs", "2", "--repeat", "3", "--format", "json"]);
    assert_eq!(code, 0, "{text}");
    let plan: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&plan["seed"], &plan["jobs"], &plan["repeat"]), (&7.into(), &2.into(), &3.into()));
    assert_eq!(plan["backend"], "process");
    assert_eq!(plan["shared"][0], "postgres");
    assert_eq!(plan["lane_services"][0], "shop");
    assert_eq!(plan["edges"][0], "shop -> postgres");
    let units = plan["units"].as_array().unwrap();
    assert_eq!(units.len(), 2);
    // The needed drill comes first.
    assert_eq!(units[0]["unit"], "drills/good");
    let faulty = &units[1];
    assert_eq!(faulty["needs"][0], "drills/good");
    assert_eq!(faulty["exclusive"][0], "shop");
    assert_eq!(faulty["proxied_edges"][0], "shop -> postgres");
    assert_eq!(faulty["snapshots"][0], "up");
    assert_eq!(faulty["budget_s"], 20);
    assert_eq!(faulty["env"]["shop"]["MODE"], "slow");
    // (60 s + 20 s) three times, two at a time.
    assert_eq!(plan["budget_s"], 120);
    let (code, text) = project.run(&["plan", "--tag", "quick"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("drills/good  One is one") && !text.contains("drills/faulty  The"), "{text}");
    assert_eq!(project.run(&["plan", "--tag", "not quick and quick"]).0, 3);
    assert_eq!(project.run(&["plan", "--until", "nowhere"]).0, 3);
    assert!(!project.dir.join("target/drillyard/runs").exists(), "something was started");
}

#[test]
fn a_list_is_filtered_by_tag_expressions_and_can_be_a_document() {
    let project = Project::new("list");
    project.write("drills/good.yaml", GOOD);
    project.write("drills/slow.yaml", &GOOD.replace("good", "slow").replace("[quick]", "[quick, slow]"));
    let names = |tag: &str| {
        let (code, text) = project.run(&["list", "--tag", tag, "--json"]);
        assert_eq!(code, 0, "{text}");
        let list: Value = serde_json::from_str(&text).unwrap();
        list.as_array()
            .unwrap()
            .iter()
            .map(|unit| unit["unit"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names("quick and not slow"), ["drills/good"]);
    assert_eq!(names("slow or quick"), ["drills/good", "drills/slow"]);
    let (code, text) = project.run(&["list", "--phrases", "--json"]);
    let phrases: Value = serde_json::from_str(&text).unwrap();
    assert!(code == 0 && phrases.as_array().unwrap().len() > 30);
}
