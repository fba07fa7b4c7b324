//! The words of messages.

use serde_json::json;

use crate::desk::{SITE, TECHNICIAN, id, schedule};
use crate::raise;

const BODIES: &str = "SELECT payload ->> 'body' FROM dispatch_outbox ORDER BY created_at";

#[tokio::test]
async fn without_templates_the_original_words_are_sent() {
    let api = raise(&[]).await;
    let path = schedule(&api).await;
    let expected = format!(
        "Ticket {} has been confirmed for 2036-12-05T10:00:00.000Z to 2036-12-05T12:00:00.000Z.",
        id(&path)
    );
    assert_eq!(api.database.texts(BODIES).await, [expected]);
}

#[tokio::test]
async fn a_template_of_the_account_and_locale_speaks_in_local_time() {
    let api = raise(&[]).await;
    api.database
        .execute(
            "INSERT INTO message_templates (account_id, locale, event_type, body) \
             SELECT a.id, l, e, coalesce(l, 'any') || ': {technician} {start} - {end} ({timezone}) {site}' \
             FROM accounts a, unnest(ARRAY['de', NULL]) l, \
                 unnest(ARRAY['schedule.confirm.sms', 'assignment.dispatch.sms']) e",
        )
        .await;
    let path = schedule(&api).await;
    let locale = json!({ "locale": "DE" });
    assert_eq!(api.post("dispatcher", &format!("/sites/{SITE}"), &locale).await.status, 200);
    let order = json!({ "tech_id": TECHNICIAN });
    api.moves("dispatcher", &format!("{path}/assignment/dispatch"), &order, "DISPATCHED").await;
    let window = "2036-12-05 02:00 - 2036-12-05 04:00 (America/Los_Angeles) Demo Site North";
    assert_eq!(
        api.database.texts(BODIES).await,
        [format!("any:  {window}"), format!("de: Demo Technician {window}")]
    );
}

#[tokio::test]
async fn a_time_zone_that_nobody_knows_counts_as_utc() {
    let api = raise(&[]).await;
    api.database
        .execute(
            "UPDATE sites SET timezone = 'Nowhere/Land'; \
             INSERT INTO message_templates (event_type, body) VALUES ('schedule.confirm.sms', '{start} {timezone}')",
        )
        .await;
    schedule(&api).await;
    assert_eq!(api.database.texts(BODIES).await, ["2036-12-05 10:00 UTC"]);
}
