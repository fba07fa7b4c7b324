//! `new`: whatever it writes passes the check, and nothing is overwritten.

use std::process::Command;

use crate::project::Project;

#[track_caller]
fn written(project: &Project, args: &[&str], file: &str, parts: &[&str]) {
    let (code, said) = project.run(args);
    assert_eq!(code, 0, "{said}");
    let text = project.read(file);
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing in\n{text}");
    }
    let (code, said) = project.run(&["check"]);
    assert_eq!(code, 0, "{said}\n{text}");
}

#[test]
fn a_drill_and_a_feature_from_nothing_pass_the_check_and_are_never_overwritten() {
    let project = Project::new("blank");
    written(&project, &["new", "first"], "drills/first.yaml", &["drill: first", "shop/up", "status: 200"]);
    written(
        &project,
        &["new", "shop/second", "--feature"],
        "features/shop/second.feature",
        &["I get \"shop/up\""],
    );
    let before = project.read("drills/first.yaml");
    let (code, said) = project.run(&["new", "first"]);
    assert_eq!((code, said.contains("not overwritten")), (2, true), "{said}");
    assert_eq!(project.read("drills/first.yaml"), before);
    for name in ["../outside", "Big", "a//b", ""] {
        assert_eq!(project.run(&["new", name]).0, 2, "{name}");
    }
}

#[test]
fn a_runbook_becomes_one_step_for_each_of_its_steps() {
    let project = Project::new("runbook");
    project.write(
        "ops/runbooks/late.md",
        "# Orders are late\n\n## Signal\n\nsee it\n\n## Remedy\n\n1. Look at `orders`\n2. Restart\n",
    );
    let parts = [
        "runbook: ops/runbooks/late.md",
        "covers: Signal",
        "covers: Remedy/1",
        "covers: Remedy/2",
        "Look at `orders`",
    ];
    written(&project, &["new", "late", "--runbook", "ops/runbooks/late.md"], "drills/late.yaml", &parts);
    let (code, said) = project.run(&["new", "other", "--runbook", "/etc/hostname"]);
    assert_eq!((code, said.contains("not in the project")), (2, true), "{said}");
}

#[test]
fn a_curl_command_and_a_recording_become_drills_without_their_secrets() {
    let project = Project::new("curl");
    let command = "curl -H 'Authorization: Bearer abc.def.ghi' -d '{\"item\": \"a door\"}' http://localhost:8080/orders";
    let parts = ["as: clerk", "post: shop/orders", "item: a door"];
    written(&project, &["new", "order", "--curl", command], "drills/order.yaml", &parts);
    let har = r#"{"log": {"entries": [{"request": {"method": "GET", "url": "http://shop:8080/up", "headers": [{"name": "X-Api-Key", "value": "k-123456"}]},
        "response": {"status": 200, "content": {"mimeType": "application/json", "text": "{\"state\": \"UP\"}"}}}]}}"#;
    project.write("tour.har", har);
    let file = project.dir.join("tour.har");
    let file = file.to_str().unwrap();
    written(
        &project,
        &["new", "tour", "--har", file],
        "drills/tour.yaml",
        &["get: shop/up", "state: UP", "CHANGE-ME"],
    );
    assert!(!project.read("drills/tour.yaml").contains("k-123456"));
    written(
        &project,
        &["new", "tour", "--feature", "--curl", "curl http://shop:8080/up"],
        "features/tour.feature",
        &["I get \"shop/up\""],
    );
    let (code, said) = project.run(&["new", "x", "--curl", "curl http://elsewhere/"]);
    assert_eq!((code, said.contains("--service")), (2, true), "{said}");
    assert!(!project.dir.join("drills/x.yaml").exists());
}

#[test]
fn a_draft_that_the_service_would_refuse_is_shown_and_not_written() {
    let project = Project::new("refused");
    let (code, said) =
        project.run(&["new", "bad", "--curl", "curl -d '{\"itm\": \"a door\"}' http://shop:8080/orders"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("did you mean `item`?") && said.contains("is not written"), "{said}");
    assert!(!project.dir.join("drills/bad.yaml").exists());
}

#[test]
fn completions_and_schemas_are_printed() {
    let project = Project::new("shells");
    for shell in ["bash", "zsh", "fish"] {
        let (code, text) = project.run(&["completions", shell]);
        assert!(code == 0 && text.contains("drillyard") && text.contains("watch"), "{text}");
    }
    let script = project.run(&["completions", "bash"]).1;
    let bash = Command::new("bash").args(["-n", "-c", &script]).output().unwrap();
    assert!(bash.status.success(), "{}", String::from_utf8_lossy(&bash.stderr));
    for kind in ["drill", "vocabulary", "topology", "gate"] {
        let (code, text) = project.run(&["schema", kind]);
        let schema: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((code, schema["$schema"].as_str()), (0, Some("http://json-schema.org/draft-07/schema#")));
    }
    let (code, said) = project.run(&["schema", "dril"]);
    assert_eq!((code, said.contains("did you mean `drill`?")), (2, true), "{said}");
}
