//! `POST /tickets/{ticketId}/schedule/hold`: freezes the schedule until the customer has confirmed.

use dispatch_domain::vocabulary::HoldReason;
use dispatch_domain::{ErrorCode, Refusal, TicketState, ToolName};
use dispatch_store::holds::{self, HOLD_KEY_CONSTRAINT, HoldDraft};
use dispatch_store::violated_constraint;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Endpoint;
use crate::command::{Command, Effect, Fields};
use crate::failure::Failure;
use crate::schedule_rules;
use crate::wire::TicketDocument;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint::command(ToolName::ScheduleHold, |command| Box::pin(run(command)));

const REVERSED: &str = "Field 'confirmation_window.end' must be after confirmation_window.start";

async fn run(command: &mut Command) -> Result<Effect, Failure> {
    let mut ticket = command.ticket()?;
    let fields = command.fields();
    let reason: HoldReason = fields.word("hold_reason")?;
    let window = fields.get("confirmation_window").unwrap_or(&Value::Null);
    let window = Fields::window(window, "confirmation_window.", REVERSED)?;
    schedule_rules::check_not_over(command, window, "confirmation_window")?;
    let window = window.to_json();
    let hold_id = Uuid::new_v4();
    let notes = json!({ "hold_reason": reason, "hold_sequence_id": hold_id, "confirmation_window": window });
    let (requested_by, correlation_id) = (command.actor.id.clone(), command.correlation.id.clone());
    let before = ticket.state;
    let draft = HoldDraft {
        hold_id,
        ticket_id: ticket.id,
        requested_by: &requested_by,
        request_id: command.request_id,
        correlation_id: &correlation_id,
        reason: reason.as_str(),
        state: before,
        scheduled_start: ticket.scheduled_start,
        scheduled_end: ticket.scheduled_end,
        notes: &notes,
    };
    let snapshot_id = holds::insert(command.db(), &draft).await.map_err(|error| {
        if violated_constraint(&error) == Some(HOLD_KEY_CONSTRAINT) {
            let message = "Idempotency-Key was used on this ticket by another actor";
            return Failure::from(Refusal::new(ErrorCode::IdempotencyPayloadMismatch, message));
        }
        error.into()
    })?;
    ticket.state = TicketState::PendingCustomerConfirmation;
    let ticket = command.save(&ticket).await?;
    let body = json!({
        "ticket": TicketDocument::of(&ticket),
        "hold_id": hold_id,
        "snapshot_id": snapshot_id,
        "hold_state": before,
        "confirmation_window": window,
    });
    Ok(Effect::answer(201, &body)
        .at(&ticket)
        .moved(&[before, ticket.state])
        .with("hold_snapshot_id", snapshot_id.to_string())
        .with("hold_sequence_id", hold_id.to_string())
        .with("hold_state", before.as_str())
        .with("hold_reason", reason.as_str())
        .with("confirmation_window", window))
}
