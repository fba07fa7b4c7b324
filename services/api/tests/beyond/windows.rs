//! Windows that are refused only where that is configured.

use serde_json::{Value, json};

use crate::desk::{SITE, TECHNICIAN, create, schedule, triage};
use crate::raise;
use dispatch_testbed::Api;

async fn ready(api: &Api) -> String {
    let path = create(api).await;
    let ready = triage("URGENT", "DOOR_WONT_LATCH", "READY_TO_SCHEDULE");
    api.moves("dispatcher", &format!("{path}/triage"), &ready, "READY_TO_SCHEDULE").await;
    path
}

fn options(windows: &[(&str, &str)]) -> Value {
    json!({ "options": windows.iter().map(|(start, end)| json!({ "start": start, "end": end })).collect::<Vec<_>>() })
}

const PAST: (&str, &str) = ("2020-01-06T10:00:00Z", "2020-01-06T12:00:00Z");
const LATER: (&str, &str) = ("2036-12-05T20:00:00Z", "2036-12-05T22:00:00Z");
const LATER_STILL: (&str, &str) = ("2036-12-05T21:00:00Z", "2036-12-05T23:00:00Z");

#[tokio::test]
async fn past_and_overlapping_windows_are_accepted_by_default() {
    let api = raise(&[]).await;
    let path = ready(&api).await;
    let both = options(&[PAST, LATER, LATER_STILL]);
    api.moves("agent", &format!("{path}/schedule/propose"), &both, "SCHEDULE_PROPOSED").await;
}

#[tokio::test]
async fn past_and_overlapping_windows_are_refused_when_configured() {
    let api =
        raise(&[("DISPATCH_SCHEDULE_REFUSE_PAST", "1"), ("DISPATCH_SCHEDULE_REFUSE_OVERLAP", "1")]).await;
    let path = ready(&api).await;
    let propose = format!("{path}/schedule/propose");
    for (windows, reason, field) in [
        (options(&[LATER, PAST]), "IN_THE_PAST", "options[1]"),
        (options(&[LATER, LATER_STILL]), "OVERLAP", "options[1]"),
    ] {
        let refused = api.refuses("agent", &propose, &windows, "SCHEDULE_WINDOW_REFUSED").await;
        let error = &refused.body["error"];
        assert_eq!((refused.status, &error["reason"], &error["field"]), (409, &json!(reason), &json!(field)));
        assert_eq!(error["policy_error"]["dimension"], "scheduling");
    }
    api.moves("agent", &propose, &options(&[LATER]), "SCHEDULE_PROPOSED").await;
    let past = json!({ "start": PAST.0, "end": PAST.1 });
    api.refuses("dispatcher", &format!("{path}/schedule/confirm"), &past, "SCHEDULE_WINDOW_REFUSED").await;
}

#[tokio::test]
async fn a_technician_is_not_sent_to_two_places_at_once_when_configured() {
    let api = raise(&[("DISPATCH_SCHEDULE_REFUSE_OVERLAP", "1")]).await;
    let (first, second) = (schedule(&api).await, schedule(&api).await);
    let order = json!({ "tech_id": TECHNICIAN });
    api.moves("dispatcher", &format!("{first}/assignment/dispatch"), &order, "DISPATCHED").await;
    let dispatch = format!("{second}/assignment/dispatch");
    let refused = api.refuses("dispatcher", &dispatch, &order, "SCHEDULE_WINDOW_REFUSED").await;
    let conflicting = refused.body["error"]["conflicting_ticket_id"].as_str().unwrap();
    assert!(first.ends_with(conflicting));
    let order = json!({ "tech_id": dispatch_testbed::SECOND_TECHNICIAN });
    api.moves("dispatcher", &dispatch, &order, "DISPATCHED").await;
}

#[tokio::test]
async fn windows_outside_the_sites_hours_are_refused_when_configured() {
    let api = raise(&[("DISPATCH_SCHEDULE_SITE_HOURS", "1")]).await;
    let path = ready(&api).await;
    let propose = format!("{path}/schedule/propose");
    // 2036-12-05 is a Friday; the site is in California, eight hours behind in winter.
    let hours = json!({ "hours": { "fri": [{ "start": "08:00", "end": "14:30" }] } });
    assert_eq!(api.post("dispatcher", &format!("/sites/{SITE}"), &hours).await.status, 200);
    let refused = api.refuses("agent", &propose, &options(&[LATER_STILL]), "SCHEDULE_WINDOW_REFUSED").await;
    assert_eq!(refused.body["error"]["reason"], "OUTSIDE_SITE_HOURS");
    api.moves("agent", &propose, &options(&[LATER]), "SCHEDULE_PROPOSED").await;
}
