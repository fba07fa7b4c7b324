//! Section L: what the two views offer.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::commands::served;
use crate::desk::{Desk, id, item};

fn action<'a>(actions: &'a Value, wanted: &str) -> &'a Value {
    let found = actions.as_array().unwrap().iter().find(|action| action["action_id"] == wanted);
    found.unwrap_or_else(|| panic!("no {wanted} in {actions:#}"))
}

#[tokio::test]
async fn the_cockpits_actions_are_the_tools_and_say_why_not() {
    let desk = Desk::open().await;
    let path = desk.reach("IN_PROGRESS").await;
    let cockpit = desk.get(&format!("/ux/dispatcher/cockpit?ticket_id={}", id(&path))).await;
    assert_eq!(cockpit.status, 200, "{}", cockpit.text);
    let actions = &cockpit.body["queue"][0]["actions"];
    let tools = served(&desk).await;
    let mut posts = 0;
    for offered in actions.as_array().unwrap() {
        assert_ne!(offered["tool_name"], "assignment.recommend");
        assert_eq!(offered["mutating"], json!(offered["method"] != "GET"));
        if offered["method"] == "POST" {
            let served = tools.iter().find(|(_, tool)| offered["tool_name"] == *tool).unwrap();
            assert_eq!(offered["endpoint"], json!(served.0.replace("{ticketId}", id(&path))));
            posts += 1;
        }
    }
    assert_eq!(posts, 14);
    for (name, endpoint) in [
        ("open_timeline", format!("{path}/timeline")),
        ("open_technician_packet", format!("/ux/technician/job-packet/{}", id(&path))),
    ] {
        let open = action(actions, name);
        assert_eq!((&open["endpoint"], &open["method"]), (&json!(endpoint), &json!("GET")));
        assert_eq!((&open["enabled"], &open["policy_error"]), (&json!(true), &Value::Null));
    }
    let propose = action(actions, "schedule_propose");
    assert_eq!(propose["enabled"], false);
    assert_eq!(
        (&propose["policy_error"]["code"], &propose["policy_error"]["dimension"]),
        (&json!("INVALID_STATE_TRANSITION"), &json!("state"))
    );
    let selected = &cockpit.body["selected_ticket"];
    assert_eq!(selected["ticket"]["id"], json!(id(&path)));
    let timeline = desk.get(&format!("{path}/timeline")).await;
    assert_eq!(selected["timeline"], timeline.body);
}

#[tokio::test]
async fn a_packet_says_what_a_risky_job_still_needs() {
    let desk = Desk::open().await;
    let path = desk.reach_with("IN_PROGRESS", "CANNOT_SECURE_ENTRY").await;
    let added =
        desk.post("technician", &format!("{path}/evidence"), &item("photo_before_security_risk")).await;
    assert_eq!(added.status, 201);
    let answer = desk.get_as("technician", &format!("/ux/technician/job-packet/{}", id(&path))).await;
    let packet = &answer.body["packet"];
    let gate = &packet["closeout_gate"];
    assert_eq!(
        (&gate["ready"], &gate["code"]),
        (&json!(false), &json!("MISSING_SIGNATURE_CONFIRMATION")),
        "{gate}"
    );
    // Finishing is the technician's; a candidate may be the agent's as well, so both are shown here.
    for name in ["complete_work", "candidate"] {
        let offered = action(&packet["actions"], name);
        assert_eq!(offered["enabled"], false, "{name}");
        let error = &offered["policy_error"];
        assert_eq!(
            (&error["code"], &error["dimension"], &error["requirement_code"]),
            (
                &json!("CLOSEOUT_REQUIREMENTS_INCOMPLETE"),
                &json!("evidence"),
                &json!("MISSING_SIGNATURE_CONFIRMATION")
            )
        );
    }
    assert_eq!(action(&packet["actions"], "request_change")["enabled"], true);
}

#[tokio::test]
async fn a_packet_out_of_scope_is_refused() {
    let desk = Desk::open().await;
    let path = desk.create().await;
    let elsewhere = Uuid::new_v4().to_string();
    let headers =
        [("x-actor-id", "t"), ("x-actor-role", "technician"), ("x-account-scope", elsewhere.as_str())];
    let refused = desk.get_with(&format!("/ux/technician/job-packet/{}", id(&path)), &headers).await;
    refused.expect(403, "FORBIDDEN_SCOPE");
    assert_eq!(refused.body["error"]["policy_error"]["dimension"], "scope");
}
