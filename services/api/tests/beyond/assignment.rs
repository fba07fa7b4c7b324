//! Rankings that explain themselves, and who may act on whose ticket.

use dispatch_testbed::SECOND_TECHNICIAN;
use serde_json::{Value, json};

use crate::desk::{SITE, TECHNICIAN, post_as, schedule, start_work};
use crate::raise;
use dispatch_testbed::Api;

async fn recommend(api: &Api, path: &str) -> Value {
    let body = json!({ "service_type": "DOOR_WONT_LATCH" });
    let answer = api.post("dispatcher", &format!("{path}/assignment/recommend"), &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.body
}

async fn place_technicians(api: &Api) {
    let site = json!({ "latitude": 37.8044, "longitude": -122.2712 });
    assert_eq!(api.post("dispatcher", &format!("/sites/{SITE}"), &site).await.status, 200);
    // Sacramento and across the street.
    for (id, latitude, longitude, rating) in
        [(TECHNICIAN, 38.5816, -121.4944, 2.0), (SECOND_TECHNICIAN, 37.8050, -122.2700, 5.0)]
    {
        let change = json!({ "latitude": latitude, "longitude": longitude, "rating": rating });
        assert_eq!(api.post("dispatcher", &format!("/technicians/{id}"), &change).await.status, 200);
    }
}

#[tokio::test]
async fn the_plain_order_stays_and_the_details_say_what_the_weighted_score_is_made_of() {
    let api = raise(&[]).await;
    place_technicians(&api).await;
    let path = schedule(&api).await;
    let ranking = recommend(&api, &path).await;
    let first = &ranking["recommendations"][0];
    assert_eq!((&first["tech_id"], &first["score"]), (&json!(TECHNICIAN), &json!(1200)));
    let details = &first["details"];
    let distance = details["distance_km"].as_f64().unwrap();
    assert!((100.0..125.0).contains(&distance), "{distance}");
    // The window is from two to four in the night on the technician's clock.
    assert_eq!(details["within_working_hours"], false);
    let points: i64 =
        details["points"].as_object().unwrap().values().map(|value| value.as_i64().unwrap()).sum();
    assert_eq!(details["weighted_score"], points);
    assert_eq!(ranking["expires_at"], json!(null));
}

#[tokio::test]
async fn the_weighted_order_and_the_calendar_count_where_configured() {
    let api = raise(&[("DISPATCH_RECOMMENDATION_WEIGHTED", "1")]).await;
    place_technicians(&api).await;
    let path = schedule(&api).await;
    assert_eq!(recommend(&api, &path).await["recommendations"][0]["tech_id"], SECOND_TECHNICIAN);
    let other = schedule(&api).await;
    let order = json!({ "tech_id": SECOND_TECHNICIAN });
    api.moves("dispatcher", &format!("{other}/assignment/dispatch"), &order, "DISPATCHED").await;
    let ranking = recommend(&api, &path).await;
    assert_eq!(ranking["recommendations"][0]["tech_id"], TECHNICIAN);
    assert_eq!(ranking["recommendations"][1]["details"]["overlapping_tickets"], 1);
}

#[tokio::test]
async fn a_ranking_that_has_run_out_is_not_dispatched_from() {
    let api = raise(&[("DISPATCH_RECOMMENDATION_TTL_MINUTES", "10")]).await;
    let path = schedule(&api).await;
    let ranking = recommend(&api, &path).await;
    assert!(ranking["expires_at"].is_string());
    api.database
        .execute("UPDATE assignment_recommendation_snapshots SET expires_at = now() - interval '1 second'")
        .await;
    let order = json!({ "tech_id": TECHNICIAN, "recommendation_snapshot_id": ranking["snapshot_id"] });
    let dispatch = format!("{path}/assignment/dispatch");
    api.refuses("dispatcher", &dispatch, &order, "ASSIGNMENT_RECOMMENDATION_STALE").await;
    let order = json!({ "tech_id": TECHNICIAN, "recommendation_snapshot_id": recommend(&api, &path).await["snapshot_id"] });
    api.moves("dispatcher", &dispatch, &order, "DISPATCHED").await;
}

#[tokio::test]
async fn another_of_the_ranking_may_be_sent_with_a_reason_where_configured() {
    let strict = raise(&[]).await;
    let path = schedule(&strict).await;
    let snapshot = recommend(&strict, &path).await["snapshot_id"].clone();
    let order = json!({ "tech_id": SECOND_TECHNICIAN, "recommendation_snapshot_id": snapshot, "selection_reason": "knows the site" });
    let dispatch = format!("{path}/assignment/dispatch");
    strict.refuses("dispatcher", &dispatch, &order, "ASSIGNMENT_RECOMMENDATION_MISMATCH").await;

    let open = raise(&[("DISPATCH_RECOMMENDATION_ANY_CANDIDATE", "1")]).await;
    let path = schedule(&open).await;
    let snapshot = recommend(&open, &path).await["snapshot_id"].clone();
    let dispatch = format!("{path}/assignment/dispatch");
    let bare = json!({ "tech_id": SECOND_TECHNICIAN, "recommendation_snapshot_id": snapshot });
    open.refuses("dispatcher", &dispatch, &bare, "ASSIGNMENT_RECOMMENDATION_MISMATCH").await;
    let order = json!({ "tech_id": SECOND_TECHNICIAN, "recommendation_snapshot_id": snapshot, "selection_reason": "knows the site" });
    open.moves("dispatcher", &dispatch, &order, "DISPATCHED").await;
    let events = open.get(&format!("{path}/timeline")).await.body["events"].clone();
    assert_eq!(events.as_array().unwrap().last().unwrap()["payload"]["selection_reason"], "knows the site");
}

#[tokio::test]
async fn a_technician_acts_on_the_own_tickets_only_where_configured() {
    let api = raise(&[("DISPATCH_TECHNICIAN_MUST_BE_ASSIGNED", "1")]).await;
    let path = schedule(&api).await;
    let order = json!({ "tech_id": TECHNICIAN });
    api.moves("dispatcher", &format!("{path}/assignment/dispatch"), &order, "DISPATCHED").await;
    let arrival = json!({ "timestamp": "2026-12-05T10:05:00Z" });
    let check_in = format!("{path}/tech/check-in");
    let refused = api.refuses("technician", &check_in, &arrival, "NOT_ASSIGNED").await;
    assert_eq!((refused.status, &refused.body["error"]["assigned_tech_id"]), (403, &json!(TECHNICIAN)));
    let own = [("x-actor-id", TECHNICIAN), ("x-actor-role", "technician")];
    assert_eq!(post_as(&api, &own, &check_in, &arrival).await.state(), "IN_PROGRESS");
    let item = json!({ "kind": "PHOTO", "uri": "s3://evidence/x" });
    api.refuses("technician", &format!("{path}/evidence"), &item, "NOT_ASSIGNED").await;
    assert_eq!(api.post("dispatcher", &format!("{path}/evidence"), &item).await.status, 201);
}

#[tokio::test]
async fn any_technician_may_act_by_default() {
    let api = raise(&[]).await;
    start_work(&api, "DOOR_WONT_LATCH").await;
}
