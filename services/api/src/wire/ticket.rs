//! The ticket object.

use dispatch_domain::{Priority, TicketState};
use dispatch_store::tickets::TicketRow;
use serde::Serialize;
use uuid::Uuid;

use crate::clock;

/// Twenty-six members, always all present, in this order.
#[derive(Debug, Serialize)]
pub struct TicketDocument<'a> {
    id: Uuid,
    account_id: Uuid,
    site_id: Uuid,
    asset_id: Option<Uuid>,
    state: TicketState,
    priority: Priority,
    incident_type: Option<&'a str>,
    summary: &'a str,
    description: Option<&'a str>,
    customer_name: Option<&'a str>,
    customer_phone: Option<&'a str>,
    customer_email: Option<&'a str>,
    nte_cents: i64,
    scheduled_start: Option<String>,
    scheduled_end: Option<String>,
    identity_signature: Option<&'a str>,
    identity_confidence: i32,
    classification_confidence: i32,
    sop_handoff_required: bool,
    sop_handoff_acknowledged: bool,
    sop_handoff_prompt: Option<&'a str>,
    assigned_provider_id: Option<Uuid>,
    assigned_tech_id: Option<Uuid>,
    version: i64,
    created_at: String,
    updated_at: String,
}

impl<'a> TicketDocument<'a> {
    /// The document as a caller sees it; projected, it holds what a customer may know: nobody's phone or email, and
    /// nothing of how well the customer is believed to be known.
    pub fn shown(row: &'a TicketRow, projected: bool) -> Self {
        if !projected {
            return Self::of(row);
        }
        Self {
            customer_phone: None,
            customer_email: None,
            identity_signature: None,
            identity_confidence: 0,
            classification_confidence: 0,
            sop_handoff_prompt: None,
            ..Self::of(row)
        }
    }

    /// The document of a row. Confidences that were never set read as 0.
    pub fn of(row: &'a TicketRow) -> Self {
        Self {
            id: row.id,
            account_id: row.account_id,
            site_id: row.site_id,
            asset_id: row.asset_id,
            state: row.state,
            priority: row.priority,
            incident_type: row.incident_type.as_deref(),
            summary: &row.summary,
            description: row.description.as_deref(),
            customer_name: row.customer_name.as_deref(),
            customer_phone: row.customer_phone.as_deref(),
            customer_email: row.customer_email.as_deref(),
            nte_cents: row.nte_cents,
            scheduled_start: row.scheduled_start.map(clock::text),
            scheduled_end: row.scheduled_end.map(clock::text),
            identity_signature: row.identity_signature.as_deref(),
            identity_confidence: row.identity_confidence.unwrap_or(0),
            classification_confidence: row.classification_confidence.unwrap_or(0),
            sop_handoff_required: row.sop_handoff_required,
            sop_handoff_acknowledged: row.sop_handoff_acknowledged,
            sop_handoff_prompt: row.sop_handoff_prompt.as_deref(),
            assigned_provider_id: row.assigned_provider_id,
            assigned_tech_id: row.assigned_tech_id,
            version: row.version,
            created_at: clock::text(row.created_at),
            updated_at: clock::text(row.updated_at),
        }
    }
}
