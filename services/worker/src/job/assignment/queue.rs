//! The queue as the cockpit shows it.

use serde_json::Value;
use uuid::Uuid;

/// A ticket that is scheduled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its id.
    pub ticket: Uuid,
    /// Its incident type, or `DEFAULT`.
    pub service_type: String,
    /// Its technician, if it has one.
    pub assigned: Option<String>,
    /// When it last changed, as the API writes it; names this stay in the queue.
    pub changed_at: String,
}

/// The scheduled tickets of a cockpit answer in its order. Rows without a ticket id, and of other states, are left out.
pub fn read(answer: &Value) -> Vec<Waiting> {
    let rows = answer["queue"].as_array().map(Vec::as_slice).unwrap_or_default();
    rows.iter().filter(|row| row["state"] == "SCHEDULED").filter_map(waiting).collect()
}

fn waiting(row: &Value) -> Option<Waiting> {
    let text = |name: &str| row[name].as_str().map(str::trim).filter(|text| !text.is_empty());
    Some(Waiting {
        ticket: text("ticket_id")?.parse().ok()?,
        service_type: text("incident_type").unwrap_or("DEFAULT").to_owned(),
        assigned: text("assigned_tech").map(str::to_owned),
        changed_at: text("last_update_at").unwrap_or_default().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_scheduled_rows_with_an_id_are_taken() {
        let id = "7f6a2b2c-8f1e-4f2b-b3a1-222222222222";
        let answer = json!({ "queue": [
            { "ticket_id": id, "state": "SCHEDULED", "incident_type": null, "assigned_tech": null, "last_update_at": "t1" },
            { "ticket_id": " ", "state": "SCHEDULED" },
            { "ticket_id": id, "state": "DISPATCHED" },
            { "ticket_id": id, "state": "SCHEDULED", "incident_type": "DOOR_WONT_LATCH", "assigned_tech": "x" },
        ] });
        let queue = read(&answer);
        assert_eq!(queue.len(), 2);
        assert_eq!((queue[0].service_type.as_str(), &queue[0].assigned), ("DEFAULT", &None));
        assert_eq!(queue[1].assigned.as_deref(), Some("x"));
        assert!(read(&json!({ "queue": "none" })).is_empty());
    }
}
