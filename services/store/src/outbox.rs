//! What a command leaves in the outbox. Delivery is the queue's business.

use serde_json::Value;
use uuid::Uuid;

/// A message that becomes due when the command commits.
#[derive(Debug, Clone)]
pub struct OutboxDraft {
    /// Row id.
    pub id: Uuid,
    /// `ticket`.
    pub aggregate_type: &'static str,
    /// Ticket id, lower case.
    pub aggregate_id: String,
    /// `schedule.confirm.sms` or `assignment.dispatch.sms`.
    pub event_type: &'static str,
    /// What the worker needs to send it.
    pub payload: Value,
    /// Unique over the whole table.
    pub idempotency_key: String,
}

/// Name of the constraint that keeps a message from being queued twice.
pub const OUTBOX_KEY_CONSTRAINT: &str = "dispatch_outbox_idempotency_key_key";
