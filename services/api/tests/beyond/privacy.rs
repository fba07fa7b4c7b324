//! What a customer sees.

use serde_json::{Value, json};

use crate::desk::{ACCOUNT, SITE};
use crate::raise;

fn intake() -> Value {
    json!({
        "account_id": ACCOUNT, "site_id": SITE, "summary": "Door", "incident_type": "DOOR_WONT_LATCH",
        "customer_name": "Ann", "contact_phone": "+1 555 010 1234", "contact_email": "ann@example.com",
        "priority": "URGENT", "identity_confidence": 95, "classification_confidence": 95,
        "sop_handoff_acknowledged": true,
    })
}

#[tokio::test]
async fn customers_see_everything_by_default_and_a_projection_where_configured() {
    for (settings, projected) in [(&[][..], false), (&[("DISPATCH_CUSTOMER_PROJECTION", "1")][..], true)] {
        let api = raise(settings).await;
        let ticket = api.moves("agent", "/tickets/intake", &intake(), "READY_TO_SCHEDULE").await;
        let path = format!("/tickets/{}", ticket.body["id"].as_str().unwrap());
        let seen = api.get_as("customer", &path).await.body;
        assert_eq!(seen.as_object().unwrap().len(), 26);
        assert_eq!(seen["customer_phone"].is_null(), projected);
        assert_eq!(seen["identity_signature"].is_null(), projected);
        let listed = api.get_as("customer", "/tickets").await.body["tickets"][0].clone();
        assert_eq!(listed, seen);
        let event = api.get_as("customer", &format!("{path}/timeline")).await.body["events"][0].clone();
        assert_eq!(event.as_object().unwrap().len(), 13);
        assert_eq!(event["payload"].get("request").is_none(), projected);
        assert_eq!(event["actor_id"], if projected { "agent" } else { "actor-1" });
        let dispatcher = api.get(&path).await.body;
        assert_eq!(dispatcher["customer_phone"], "15550101234");
    }
}
