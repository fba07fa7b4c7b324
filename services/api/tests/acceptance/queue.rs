//! Section I: the queue, recommendations, dispatch and holds.

use dispatch_testbed::{ACCOUNT, SECOND_TECHNICIAN, SITE, TECHNICIAN};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::commands::hold;
use crate::desk::{Desk, bypass, id, path_of, triage, window};

const WAITING: &str = "PENDING_CUSTOMER_CONFIRMATION";

fn order() -> Value {
    json!({ "tech_id": TECHNICIAN })
}

async fn dispatch(desk: &Desk, path: &str, body: &Value) -> dispatch_testbed::Answer {
    desk.post_token(
        "dispatcher",
        &format!("{path}/assignment/dispatch"),
        body,
        &[("idempotency-key", Uuid::new_v4().to_string().as_str()), ("x-correlation-id", "queue-story")],
    )
    .await
}

async fn recommend(desk: &Desk, path: &str, key: Uuid) -> dispatch_testbed::Answer {
    let body = json!({ "service_type": "DOOR_WONT_LATCH", "recommendation_limit": 5 });
    desk.post_with("dispatcher", &format!("{path}/assignment/recommend"), &body, key).await
}

/// A SCHEDULED ticket of a site whose visit began so many minutes ago.
async fn scheduled(desk: &Desk, site: &str, priority: &str, minutes: i32) -> String {
    let body = json!({ "account_id": ACCOUNT, "site_id": site, "summary": "Door" });
    let path = path_of(&desk.moves("dispatcher", "/tickets", &body, "NEW").await);
    let ready = triage(priority, "DOOR_WONT_LATCH", "READY_TO_SCHEDULE");
    desk.moves("dispatcher", &format!("{path}/triage"), &ready, "READY_TO_SCHEDULE").await;
    let options = json!({ "options": [window()] });
    desk.moves("dispatcher", &format!("{path}/schedule/propose"), &options, "SCHEDULE_PROPOSED").await;
    desk.moves("dispatcher", &format!("{path}/schedule/confirm"), &window(), "SCHEDULED").await;
    // Half a minute later, so that a minute does not turn while the test runs.
    let start = format!("now() - interval '{minutes} minutes' + interval '30 seconds'");
    desk.database
        .execute(&format!(
            "UPDATE tickets SET scheduled_start = {start}, scheduled_end = {start} + interval '1 hour' \
             WHERE id = '{}'",
            id(&path)
        ))
        .await;
    path
}

#[tokio::test]
async fn the_queue_shows_first_what_cannot_wait() {
    let desk = Desk::open().await;
    let texas = "00000000-0000-0000-0000-0000000000aa";
    desk.database
        .execute(&format!(
            "INSERT INTO sites (id, account_id, name, address1, city, region, postal_code) \
             VALUES ('{texas}', '{ACCOUNT}', 'South', '1 Road', 'Austin', 'TX', '73301')"
        ))
        .await;
    let healthy = scheduled(&desk, SITE, "URGENT", 0).await;
    let routine = scheduled(&desk, SITE, "ROUTINE", 1400).await;
    let south = scheduled(&desk, texas, "URGENT", 200).await;
    let older = scheduled(&desk, SITE, "URGENT", 200).await;
    let newer = scheduled(&desk, SITE, "URGENT", 200).await;
    let breach = scheduled(&desk, SITE, "URGENT", 300).await;
    let cockpit = desk.get("/ux/dispatcher/cockpit?state=SCHEDULED").await;
    let queue = cockpit.body["queue"].as_array().unwrap();
    let ids: Vec<&str> = queue.iter().map(|row| row["ticket_id"].as_str().unwrap()).collect();
    let wanted = [&breach, &newer, &older, &south, &routine, &healthy];
    assert_eq!(ids, wanted.map(|path| id(path)), "{queue:#?}");
    let told = |member: &str| -> Vec<Value> { queue.iter().map(|row| row[member].clone()).collect() };
    assert_eq!(told("sla_status"), ["breach", "warning", "warning", "warning", "warning", "healthy"]);
    assert_eq!(told("sla_timer_remaining_minutes")[1..5], [40, 40, 40, 40]);
    assert_eq!(told("region_weight"), [190, 190, 190, 740, 190, 190]);
}

#[tokio::test]
async fn a_triaged_ticket_is_not_dispatched_without_a_mode() {
    let desk = Desk::open().await;
    let path = desk.triaged("DOOR_WONT_LATCH").await;
    let before = desk.transitions().await;
    let refused = dispatch(&desk, &path, &order()).await;
    refused.expect(409, "ASSIGNMENT_BYPASS_DENIED");
    let error = &refused.body["error"];
    assert_eq!(
        (&error["from_state"], &error["to_state"], &error["correlation_id"]),
        (&json!("TRIAGED"), &json!("DISPATCHED"), &json!("queue-story"))
    );
    assert_eq!(desk.transitions().await, before);
}

#[tokio::test]
async fn an_unknown_technician_is_refused_and_everything_is_counted() {
    let desk = Desk::open().await;
    let path = desk.reach("SCHEDULED").await;
    let unknown = json!({ "tech_id": Uuid::new_v4() });
    dispatch(&desk, &path, &unknown).await.expect(409, "ASSIGNMENT_NOT_FOUND");
    for endpoint in ["propose", "confirm"] {
        let request =
            json!({ "endpoint": format!("/tickets/{{ticketId}}/schedule/{endpoint}"), "status": 200 });
        assert_eq!(desk.counter("requests_total", &request).await, 1, "{endpoint}");
    }
    for (from, to) in [("READY_TO_SCHEDULE", "SCHEDULE_PROPOSED"), ("SCHEDULE_PROPOSED", "SCHEDULED")] {
        let moved = json!({ "from_state": from, "to_state": to });
        assert_eq!(desk.counter("transitions_total", &moved).await, 1, "{from}->{to}");
    }
    assert_eq!(desk.counter("errors_total", &json!({ "code": "ASSIGNMENT_NOT_FOUND" })).await, 1);
}

#[tokio::test]
async fn a_recommendation_is_repeatable_complete_and_ordered() {
    let desk = Desk::open().await;
    let path = desk.reach("SCHEDULED").await;
    let key = Uuid::new_v4();
    let first = recommend(&desk, &path, key).await;
    let replay = recommend(&desk, &path, key).await;
    let other = recommend(&desk, &path, Uuid::new_v4()).await;
    assert_eq!((first.status, &first.text), (201, &replay.text));
    assert_eq!(first.body["recommendations"], other.body["recommendations"]);
    assert_ne!(first.body["snapshot_id"], other.body["snapshot_id"]);
    let list = first.body["recommendations"].as_array().unwrap();
    assert!(list.len() >= 2);
    for entry in list {
        let members: Vec<&String> = entry.as_object().unwrap().keys().collect();
        assert_eq!(members[..4], ["tech_id", "tech_name", "score", "matches"]);
        let matches: Vec<&String> = entry["matches"].as_object().unwrap().keys().collect();
        assert_eq!(matches, ["capability", "zone", "active_load", "distance_bucket"]);
    }
    let place = |entry: &Value| (-entry["score"].as_i64().unwrap(), entry["tech_id"].to_string());
    assert!(list.windows(2).all(|pair| place(&pair[0]) <= place(&pair[1])), "{list:#?}");
}

/// An active technician of a region with one skill.
async fn technician(desk: &Desk, number: u8, skill: &str, region: &str, active: bool) -> String {
    let id = format!("00000000-0000-0000-0000-0000000001{number:02}");
    desk.database
        .execute(&format!(
            "INSERT INTO technicians (id, name, active, home_region) VALUES ('{id}', 'T{number}', {active}, '{region}'); \
             INSERT INTO technician_skills (technician_id, skill) VALUES ('{id}', '{skill}'); \
             INSERT INTO technician_regions (technician_id, region) VALUES ('{id}', '{region}')"
        ))
        .await;
    id
}

#[tokio::test]
async fn a_dispatch_to_the_wrong_person_says_what_is_wrong() {
    let desk = Desk::open().await;
    let unskilled = technician(&desk, 1, "ROOFING", "CA", true).await;
    let far = technician(&desk, 2, "DEFAULT", "TX", true).await;
    let path = desk.reach("SCHEDULED").await;
    let snapshot = recommend(&desk, &path, Uuid::new_v4()).await;
    let recommended = snapshot.body["recommendations"][0]["tech_id"].clone();
    let other = if recommended == TECHNICIAN { SECOND_TECHNICIAN } else { TECHNICIAN };
    let id = &snapshot.body["snapshot_id"];
    let refused =
        dispatch(&desk, &path, &json!({ "tech_id": other, "recommendation_snapshot_id": id })).await;
    refused.expect(409, "ASSIGNMENT_RECOMMENDATION_MISMATCH");
    assert_eq!(&refused.body["error"]["recommendation_snapshot_id"], id);
    assert_eq!(refused.body["error"]["correlation_id"], "queue-story");
    for (tech, code) in [(unskilled, "ASSIGNMENT_CAPABILITY_MISMATCH"), (far, "ASSIGNMENT_ZONE_MISMATCH")] {
        let refused = dispatch(&desk, &path, &json!({ "tech_id": tech })).await;
        refused.expect(409, code);
        assert_eq!(refused.body["error"]["correlation_id"], "queue-story");
    }
}

#[tokio::test]
async fn a_dispatch_by_recommendation_is_counted_once() {
    let desk = Desk::open().await;
    let path = desk.reach("SCHEDULED").await;
    let snapshot = recommend(&desk, &path, Uuid::new_v4()).await;
    let order = json!({
        "tech_id": snapshot.body["recommendations"][0]["tech_id"],
        "recommendation_snapshot_id": snapshot.body["snapshot_id"],
    });
    let url = format!("{path}/assignment/dispatch");
    desk.post("customer", &url, &order).await.expect(403, "FORBIDDEN");
    desk.moves("dispatcher", &url, &order, "DISPATCHED").await;
    assert_eq!(desk.counter("dispatch_assignments_with_snapshot_total", &json!({})).await, 1);
    assert_eq!(desk.counter("dispatch_assignments_without_snapshot_total", &json!({})).await, 0);
    let moved = json!({ "from_state": "SCHEDULED", "to_state": "DISPATCHED" });
    assert_eq!(desk.counter("transitions_total", &moved).await, 1);
    let request = json!({ "endpoint": "/tickets/{ticketId}/assignment/dispatch", "status": 200 });
    assert_eq!(desk.counter("requests_total", &request).await, 1);
}

#[tokio::test]
async fn nobody_is_recommended_for_a_new_ticket() {
    let desk = Desk::open().await;
    let path = desk.create().await;
    let refused = recommend(&desk, &path, Uuid::new_v4()).await;
    refused.expect(409, "INVALID_STATE_TRANSITION");
    let error = &refused.body["error"];
    assert_eq!(
        (&error["policy_error"]["dimension"], &error["from_state"], &error["to_state"]),
        (&json!("state"), &json!("NEW"), &Value::Null)
    );
}

#[tokio::test]
async fn a_released_hold_restores_window_and_state() {
    let desk = Desk::open().await;
    let path = desk.reach("SCHEDULED").await;
    let (moves, audits) = (desk.transitions().await, desk.audits().await);
    let held = desk.moves("dispatcher", &format!("{path}/schedule/hold"), &hold(), WAITING).await;
    let body = json!({ "customer_confirmation_id": held.body["hold_id"] });
    let released = desk.moves("dispatcher", &format!("{path}/schedule/release"), &body, "SCHEDULED").await;
    assert_eq!((held.status, released.status), (201, 200));
    for member in ["hold_id", "snapshot_id"] {
        assert_eq!(held.body[member], released.body[member], "{member}");
    }
    assert_eq!(
        (&released.body["restored_state"], &released.body["restored_window"]),
        (&json!("SCHEDULED"), &window())
    );
    assert_eq!((desk.transitions().await, desk.audits().await), (moves + 2, audits + 2));
    for (from, to) in [("SCHEDULED", WAITING), (WAITING, "SCHEDULED")] {
        let moved = json!({ "from_state": from, "to_state": to });
        assert_eq!(desk.counter("transitions_total", &moved).await, 1, "{from}->{to}");
    }
}

#[tokio::test]
async fn a_hold_that_is_rolled_back_leaves_one_move_back() {
    let desk = Desk::open().await;
    let path = desk.reach("SCHEDULED").await;
    let (url, key) = (format!("{path}/schedule/hold"), Uuid::new_v4());
    let held = desk.post_with("dispatcher", &url, &hold(), key).await;
    assert_eq!(desk.post_with("dispatcher", &url, &hold(), key).await.text, held.text);
    let body = json!({ "confirmation_id": held.body["hold_id"], "reason": "customer called" });
    let back = desk.moves("dispatcher", &format!("{path}/schedule/rollback"), &body, "SCHEDULED").await;
    assert_eq!((&back.body["reason"], &back.body["restored_window"]), (&json!("customer called"), &window()));
    let rows = format!(
        "SELECT count(*) FROM ticket_state_transitions WHERE from_state = '{WAITING}' AND to_state = 'SCHEDULED'"
    );
    assert_eq!(desk.count(&rows).await, 1);
}

#[tokio::test]
async fn a_hold_whose_window_is_over_is_stale() {
    let desk = Desk::open().await;
    let path = desk.reach("SCHEDULED").await;
    let mut past = hold();
    past["confirmation_window"] = json!({ "start": "2020-01-01T00:00:00Z", "end": "2020-01-01T01:00:00Z" });
    let held = desk.moves("dispatcher", &format!("{path}/schedule/hold"), &past, WAITING).await;
    let key = Uuid::new_v4().to_string();
    let headers = [("idempotency-key", key.as_str()), ("x-correlation-id", "stale-story")];
    let body = json!({ "customer_confirmation_id": held.body["hold_id"] });
    let refused = desk.post_token("dispatcher", &format!("{path}/schedule/release"), &body, &headers).await;
    refused.expect(409, "CUSTOMER_CONFIRMATION_STALE");
    let error = &refused.body["error"];
    assert_eq!(
        (&error["hold_id"], &error["snapshot_id"], &error["correlation_id"]),
        (&held.body["hold_id"], &held.body["snapshot_id"], &json!("stale-story"))
    );
    assert_eq!(desk.state(&path).await, WAITING);
    assert_eq!(desk.counter("errors_total", &json!({ "code": "CUSTOMER_CONFIRMATION_STALE" })).await, 1);
}

#[tokio::test]
async fn a_triaged_ticket_is_neither_held_nor_released() {
    let desk = Desk::open().await;
    let path = desk.triaged("DOOR_WONT_LATCH").await;
    for (command, body) in [
        ("hold", hold()),
        ("release", json!({ "customer_confirmation_id": Uuid::new_v4() })),
        ("rollback", json!({ "confirmation_id": Uuid::new_v4() })),
    ] {
        let key = Uuid::new_v4().to_string();
        let headers = [("idempotency-key", key.as_str()), ("x-correlation-id", "hold-story")];
        let refused =
            desk.post_token("dispatcher", &format!("{path}/schedule/{command}"), &body, &headers).await;
        refused.expect(409, "INVALID_STATE_TRANSITION");
        assert_eq!(refused.body["error"]["correlation_id"], "hold-story");
    }
}

#[tokio::test]
async fn a_bypass_is_confirmed_and_marked() {
    let desk = Desk::open().await;
    let path = desk.reach("SCHEDULED").await;
    let mut unconfirmed = bypass();
    unconfirmed.as_object_mut().unwrap().shift_remove("dispatch_confirmation");
    let refused = dispatch(&desk, &path, &unconfirmed).await;
    refused.expect(409, "ASSIGNMENT_BYPASS_DENIED");
    let error = &refused.body["error"];
    assert_eq!(
        (&error["policy_error"]["dimension"], &error["required_confirmation"], &error["dispatch_mode"]),
        (&json!("policy"), &json!(true), &json!("EMERGENCY_BYPASS"))
    );
    let (url, key) = (format!("{path}/assignment/dispatch"), Uuid::new_v4());
    let done = desk.post_with("dispatcher", &url, &bypass(), key).await;
    assert_eq!((done.status, done.state()), (200, "DISPATCHED"), "{}", done.text);
    desk.post_with("dispatcher", &url, &bypass(), key).await;
    let marks = "SELECT concat_ws('|', payload -> 'dispatch_validation' ->> 'bypass_used', \
                 payload -> 'dispatch_validation' ->> 'bypass_mode', \
                 payload -> 'dispatch_validation' ->> 'dispatch_confirmation', \
                 payload -> 'dispatch_validation' ->> 'dispatch_rationale') \
                 FROM audit_events WHERE tool_name = 'assignment.dispatch'";
    assert_eq!(desk.database.texts(marks).await, ["true|EMERGENCY_BYPASS|true|someone is locked out"]);
}

#[tokio::test]
async fn a_direct_dispatch_needs_somebody_fit_for_it() {
    let desk = Desk::open().await;
    let path = desk.triaged("DOOR_WONT_LATCH").await;
    let resting = technician(&desk, 1, "DEFAULT", "CA", false).await;
    let unskilled = technician(&desk, 2, "ROOFING", "CA", true).await;
    let far = technician(&desk, 3, "DEFAULT", "TX", true).await;
    for (tech, code) in [
        (resting, "TECH_UNAVAILABLE"),
        (unskilled, "ASSIGNMENT_CAPABILITY_MISMATCH"),
        (far, "ASSIGNMENT_ZONE_MISMATCH"),
    ] {
        let body = json!({ "tech_id": tech, "dispatch_mode": "STANDARD" });
        dispatch(&desk, &path, &body).await.expect(409, code);
    }
    assert_eq!(desk.state(&path).await, "TRIAGED");
    let (url, key) = (format!("{path}/assignment/dispatch"), Uuid::new_v4());
    let good = json!({ "tech_id": TECHNICIAN, "dispatch_mode": "STANDARD" });
    let done = desk.post_with("dispatcher", &url, &good, key).await;
    assert_eq!((done.status, done.state()), (200, "DISPATCHED"), "{}", done.text);
    let moves = desk.transitions().await;
    assert_eq!(desk.post_with("dispatcher", &url, &good, key).await.text, done.text);
    assert_eq!(desk.transitions().await, moves);
}
