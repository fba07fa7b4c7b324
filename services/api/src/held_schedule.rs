//! Taking a schedule out of the hold again; release and rollback differ in names and codes only.

use dispatch_domain::schedule::Window;
use dispatch_domain::{ErrorCode, Refusal, TicketState};
use dispatch_store::holds::{self, HoldRow};
use dispatch_store::tickets::TicketRow;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::clock;
use crate::command::{Command, Effect};
use crate::failure::Failure;
use crate::wire::TicketDocument;

/// Which of the two commands it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// The customer has confirmed.
    Release,
    /// The hold is given up.
    Rollback,
}

/// Restores state and schedule from the newest hold.
///
/// # Errors
/// 409 without a hold, with the id of another one, or after its confirmation window.
pub async fn restore(
    command: &mut Command,
    exit: Exit,
    confirmation: Uuid,
    reason: Option<String>,
) -> Result<Effect, Failure> {
    let mut ticket = command.ticket()?;
    let hold = holds::latest(command.db(), ticket.id).await?;
    let hold = hold.ok_or_else(|| {
        Refusal::new(ErrorCode::HoldSnapshotMissing, "No hold snapshot for this ticket")
            .with("ticket_id", ticket.id.to_string())
            .with("correlation_id", command.correlation.id.as_str())
    })?;
    check_confirmation(command, exit, &hold, confirmation)?;
    let window = check_fresh(command, exit, &hold)?;
    let before = ticket.state;
    ticket.state = target(command, &hold)?;
    ticket.scheduled_start = hold.scheduled_start;
    ticket.scheduled_end = hold.scheduled_end;
    let ticket = command.save(&ticket).await?;
    let effect = Effect::answer(200, &body(&ticket, &hold, exit, reason.as_deref()))
        .at(&ticket)
        .moved(&[before, ticket.state])
        .with("hold_snapshot_id", hold.id.to_string())
        .with("hold_sequence_id", hold.hold_id.to_string())
        .with("confirmation_window", window)
        .with("restored_state", ticket.state.as_str());
    Ok(if exit == Exit::Rollback { effect.with("reason", reason) } else { effect })
}

fn body(ticket: &TicketRow, hold: &HoldRow, exit: Exit, reason: Option<&str>) -> Value {
    let mut body = Map::new();
    body.insert("ticket".to_owned(), json!(TicketDocument::of(ticket)));
    body.insert("hold_id".to_owned(), json!(hold.hold_id));
    body.insert("snapshot_id".to_owned(), json!(hold.id));
    if exit == Exit::Rollback {
        body.insert("reason".to_owned(), json!(reason));
    }
    body.insert("restored_state".to_owned(), json!(ticket.state));
    let window = json!({
        "start": ticket.scheduled_start.map(clock::text),
        "end": ticket.scheduled_end.map(clock::text),
    });
    body.insert("restored_window".to_owned(), window);
    Value::Object(body)
}

fn refuse(command: &Command, hold: &HoldRow, code: ErrorCode, message: &str) -> Refusal {
    Refusal::new(code, message)
        .with("snapshot_id", hold.id.to_string())
        .with("hold_id", hold.hold_id.to_string())
        .with("correlation_id", command.correlation.id.as_str())
}

fn check_confirmation(
    command: &Command,
    exit: Exit,
    hold: &HoldRow,
    confirmation: Uuid,
) -> Result<(), Refusal> {
    if hold.hold_id == confirmation {
        return Ok(());
    }
    let (code, member) = match exit {
        Exit::Release => (ErrorCode::HoldConfirmationMissing, "confirmation_log"),
        Exit::Rollback => (ErrorCode::ScheduleHoldStateConflict, "confirmation_id"),
    };
    Err(refuse(command, hold, code, "Confirmation does not belong to the current hold")
        .with(member, confirmation.to_string()))
}

/// The hold's confirmation window, if it has not ended; notes that cannot be read count as ended.
fn check_fresh(command: &Command, exit: Exit, hold: &HoldRow) -> Result<Value, Refusal> {
    let stored = hold.notes.get("confirmation_window").cloned().unwrap_or(Value::Null);
    if Window::from_json(&stored).is_ok_and(|window| command.now <= window.end) {
        return Ok(stored);
    }
    let refusal =
        refuse(command, hold, ErrorCode::CustomerConfirmationStale, "The confirmation window has ended");
    Err(if exit == Exit::Release { refusal.with("confirmation_window", stored) } else { refusal })
}

fn target(command: &Command, hold: &HoldRow) -> Result<TicketState, Refusal> {
    match hold.state.parse() {
        Ok(
            state @ (TicketState::ReadyToSchedule | TicketState::ScheduleProposed | TicketState::Scheduled),
        ) => Ok(state),
        _ => {
            Err(refuse(command, hold, ErrorCode::HoldSnapshotMissing, "The hold names no state to return to")
                .with("target_state", hold.state.as_str()))
        }
    }
}
