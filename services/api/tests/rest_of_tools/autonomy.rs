//! Pausing automation, and who it stops.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::desk::{
    DOOR_KEYS, SITE, TECHNICIAN, attach, completion, get_as, id, post_as, schedule, start_work, state,
};
use crate::raise;

const PAUSE: &str = "/ops/autonomy/pause";
const ROLLBACK: &str = "/ops/autonomy/rollback";

fn incident() -> Value {
    json!({ "scope_type": "INCIDENT", "incident_type": " door_wont_latch ", "reason": "template under review" })
}

#[tokio::test]
async fn the_most_specific_switch_decides_paused_or_not() {
    let service = raise().await;
    let path = start_work(&service, "Door_Wont_Latch").await;
    attach(&service, &path, &DOOR_KEYS).await;
    let ticket = id(&path);

    let paused = service.post("dispatcher", PAUSE, &incident()).await;
    assert_eq!(paused.status, 200, "{}", paused.text);
    let members: Vec<&String> = paused.body.as_object().unwrap().keys().collect();
    assert_eq!(members, ["action", "scope", "previous_is_paused", "current_is_paused", "history_id"]);
    assert_eq!(
        (&paused.body["action"], &paused.body["previous_is_paused"]),
        (&json!("pause"), &json!(false))
    );
    assert_eq!(paused.body["scope"]["incident_type"], "DOOR_WONT_LATCH");
    assert_eq!(paused.body["scope"].as_object().unwrap().len(), 14);

    let candidate = format!("{path}/closeout/candidate");
    for complete in [candidate.clone(), format!("{path}/tech/complete")] {
        let refused = service.refuses("technician", &complete, &completion(), "AUTONOMY_DISABLED").await;
        let error = &refused.body["error"];
        assert_eq!(
            (&error["scope_type"], &error["scope_id"]),
            (&json!("INCIDENT"), &json!("DOOR_WONT_LATCH"))
        );
        assert_eq!(
            (&error["dimension"], &error["reason"]),
            (&json!("policy"), &json!("template under review"))
        );
        assert_eq!(
            (&error["ticket_id"], &error["incident_type"]),
            (&json!(ticket), &json!("Door_Wont_Latch"))
        );
    }
    let replay = service.get(&format!("/ops/autonomy/replay/{ticket}")).await;
    assert_eq!(
        replay.body["decision"],
        json!({
            "scope_type": "INCIDENT", "incident_type": "DOOR_WONT_LATCH", "ticket_id": null, "is_paused": true,
            "reason": "template under review",
        })
    );
    assert_eq!(replay.body["history"][0]["action"], "pause");

    let one = json!({ "scope_type": "TICKET", "ticket_id": ticket.to_uppercase() });
    assert_eq!(service.post("dispatcher", PAUSE, &one).await.status, 200);
    let lifted = service.post("dispatcher", ROLLBACK, &one).await;
    assert_eq!(
        (&lifted.body["previous_is_paused"], &lifted.body["current_is_paused"]),
        (&json!(true), &json!(false))
    );
    let replay = service.get(&format!("/ops/autonomy/replay/{ticket}")).await;
    assert_eq!(
        (&replay.body["decision"]["scope_type"], &replay.body["decision"]["is_paused"]),
        (&json!("TICKET"), &json!(false))
    );
    let actions: Vec<&str> = replay.body["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions, ["rollback", "pause", "pause"]);
    let link = json!({
        "scope_type": "TICKET", "incident_type": null, "ticket_id": ticket, "is_paused": false, "reason": null,
        "actor_role": null, "created_at": null, "updated_at": null,
    });
    assert_eq!((&replay.body["chain"][0], replay.body["chain"].as_array().unwrap().len()), (&link, 2));
    service.moves("technician", &candidate, &completion(), "COMPLETED_PENDING_VERIFICATION").await;
}

#[tokio::test]
async fn the_state_shows_every_switch_and_decides_only_for_a_ticket() {
    let service = raise().await;
    let path = schedule(&service).await;
    assert_eq!(service.post("dispatcher", PAUSE, &json!({})).await.body["scope"]["scope_type"], "GLOBAL");
    service.post("dispatcher", PAUSE, &incident()).await;
    let bare = service.get("/ops/autonomy/state?incident_type=door_wont_latch").await;
    assert_eq!((&bare.body["decision"], &bare.body["chain"]), (&Value::Null, &json!([])));
    assert_eq!(bare.body["query"], json!({ "ticket_id": null, "incident_type": "DOOR_WONT_LATCH" }));
    let scopes: Vec<&Value> =
        bare.body["controls"].as_array().unwrap().iter().map(|control| &control["scope_type"]).collect();
    assert_eq!(scopes, ["INCIDENT", "GLOBAL"]);
    let own = service.get(&format!("/ops/autonomy/state?ticket_id={}", id(&path))).await;
    assert_eq!(own.body["decision"]["scope_type"], "INCIDENT");
    let other = format!("/ops/autonomy/state?ticket_id={}&incident_type=AUTO_OPERATOR_FAULT", id(&path));
    assert_eq!(service.get(&other).await.body["decision"]["scope_type"], "GLOBAL");
    let nobody = "00000000-0000-4000-8000-000000000001";
    for (query, status, code) in [
        ("/ops/autonomy/state?ticket_id=x".to_owned(), 400, "INVALID_TICKET_ID"),
        (format!("/ops/autonomy/state?ticket_id={nobody}"), 404, "TICKET_NOT_FOUND"),
        (format!("/ops/autonomy/replay/{nobody}"), 404, "TICKET_NOT_FOUND"),
        ("/ops/autonomy/replay/x".to_owned(), 404, "NOT_FOUND"),
    ] {
        let answer = service.get(&query).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{query}");
    }
    assert_eq!(get_as(&service, "qa", "/ops/autonomy/state").await.code(), "FORBIDDEN");
}

#[tokio::test]
async fn switches_are_shaped_scoped_and_made_once() {
    let service = raise().await;
    let path = schedule(&service).await;
    for body in [
        json!({ "scope_type": "INCIDENT" }),
        json!({ "incident_type": "X" }),
        json!({ "scope_type": "TICKET", "ticket_id": id(&path), "incident_type": "X" }),
        json!({ "surprise": 1 }),
        json!([]),
    ] {
        let refused = service.refuses("dispatcher", PAUSE, &body, "INVALID_REQUEST").await;
        let errors = refused.body["error"]["validation_errors"].as_array().unwrap();
        assert_eq!(
            (errors.len(), &errors[0]["message"], &errors[0]["path"]),
            (1, &json!("Expected union value"), &json!(""))
        );
    }
    let blank = json!({ "scope_type": "INCIDENT", "incident_type": " " });
    service.refuses("dispatcher", PAUSE, &blank, "INVALID_REQUEST").await;
    let nobody = json!({ "scope_type": "TICKET", "ticket_id": "00000000-0000-4000-8000-000000000001" });
    assert_eq!(service.refuses("dispatcher", PAUSE, &nobody, "TICKET_NOT_FOUND").await.status, 404);
    let one = json!({ "scope_type": "TICKET", "ticket_id": id(&path) });
    let foreign = [("x-actor-id", "d"), ("x-actor-role", "dispatcher"), ("x-account-scope", SITE)];
    assert_eq!(post_as(&service, &foreign, PAUSE, &one).await.code(), "FORBIDDEN_SCOPE");
    service.refuses("technician", PAUSE, &json!({}), "FORBIDDEN").await;
    assert_eq!(service.count("SELECT count(*) FROM autonomy_control_history").await, 0);

    // First pauses of one scope, all at once, each with its own key.
    let body = incident();
    let answers = join_all((0..8).map(|_| service.post("dispatcher", PAUSE, &body))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    let firsts = answers.iter().filter(|answer| answer.body["previous_is_paused"] == false).count();
    assert_eq!(firsts, 1, "exactly one found no switch");
    assert_eq!(service.count("SELECT count(*) FROM autonomy_control_state").await, 1);
    assert_eq!(service.count("SELECT count(*) FROM autonomy_control_history").await, 8);
    let audited = "SELECT count(*) FROM audit_events WHERE tool_name = 'ops.autonomy.pause' AND ticket_id IS NULL \
                   AND before_state IS NULL AND after_state IS NULL AND payload ? 'control_history_id'";
    assert_eq!(service.count(audited).await, 8);
}

#[tokio::test]
async fn a_pause_stops_machines_from_dispatching_and_lets_dispatchers() {
    let service = raise().await;
    let path = schedule(&service).await;
    service.post("dispatcher", PAUSE, &json!({ "reason": "storm" })).await;
    let dispatch = format!("{path}/assignment/dispatch");
    let order = json!({ "tech_id": TECHNICIAN });
    for machine in ["SERVICE", "AGENT"] {
        let headers = [("x-actor-id", "auto"), ("x-actor-role", "dispatcher"), ("x-actor-type", machine)];
        let refused = post_as(&service, &headers, &dispatch, &order).await;
        assert_eq!((refused.status, refused.code()), (409, "AUTONOMY_DISABLED"), "{}", refused.text);
        assert_eq!(
            (&refused.body["error"]["scope_id"], &refused.body["error"]["reason"]),
            (&json!("GLOBAL"), &json!("storm"))
        );
    }
    assert_eq!(state(&service, &path).await, "SCHEDULED");
    service.moves("dispatcher", &dispatch, &order, "DISPATCHED").await;
    service.post("dispatcher", ROLLBACK, &json!({})).await;
    let next = schedule(&service).await;
    let headers = [("x-actor-id", "auto"), ("x-actor-role", "dispatcher"), ("x-actor-type", "SERVICE")];
    let answer = post_as(&service, &headers, &format!("{next}/assignment/dispatch"), &order).await;
    assert_eq!(answer.state(), "DISPATCHED", "{}", answer.text);
}

#[tokio::test]
async fn the_job_packet_mirrors_a_pause_once_the_gate_has_nothing_to_say() {
    let service = raise().await;
    let path = start_work(&service, "DOOR_WONT_LATCH").await;
    let read = format!("/ux/technician/job-packet/{}", id(&path));
    service.post("dispatcher", PAUSE, &incident()).await;
    let code = |packet: &Value, action: &str| -> Value {
        let actions = packet["packet"]["actions"].as_array().unwrap();
        actions.iter().find(|entry| entry["action_id"] == action).unwrap()["policy_error"]["code"].clone()
    };
    let packet = service.get(&read).await.body;
    assert_eq!(code(&packet, "complete_work"), "CLOSEOUT_REQUIREMENTS_INCOMPLETE");
    // A completion that was reopened leaves the gate ready while the ticket is in progress.
    attach(&service, &path, &DOOR_KEYS).await;
    service.post("dispatcher", ROLLBACK, &incident()).await;
    service
        .moves(
            "technician",
            &format!("{path}/tech/complete"),
            &completion(),
            "COMPLETED_PENDING_VERIFICATION",
        )
        .await;
    let verify = json!({ "timestamp": "2026-12-05T11:00:00Z", "result": "PASS" });
    service.moves("qa", &format!("{path}/qa/verify"), &verify, "VERIFIED").await;
    let reopen = json!({ "reason": "squeaks" });
    service.moves("qa", &format!("{path}/closeout/reopen-after-verification"), &reopen, "IN_PROGRESS").await;
    assert_eq!(code(&service.get(&read).await.body, "complete_work"), Value::Null);
    service.post("dispatcher", PAUSE, &incident()).await;
    let packet = service.get(&read).await.body;
    assert_eq!(code(&packet, "complete_work"), "AUTONOMY_DISABLED");
    assert_eq!(code(&packet, "add_evidence"), Value::Null);
}
