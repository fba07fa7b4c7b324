//! What an approval does to the amount a ticket may cost, and who may decide it.

use dispatch_domain::{ErrorCode, Refusal};
use dispatch_store::approvals::{self, ApprovalRow, NteChange};
use dispatch_store::tickets::TicketRow;
use uuid::Uuid;

use crate::command::Command;
use crate::failure::Failure;

/// Largest amount that every client can represent.
const LARGEST: i64 = 9_007_199_254_740_991;

/// Enters a changed amount of the ticket into the ledger; an unchanged one is no entry.
///
/// # Errors
/// When the database refuses the row.
pub async fn record(
    command: &mut Command,
    ticket: &TicketRow,
    before_cents: i64,
    approval_id: Option<Uuid>,
) -> Result<(), Failure> {
    if ticket.nte_cents == before_cents {
        return Ok(());
    }
    let actor_id = command.actor.id.clone();
    let change = NteChange {
        ticket_id: ticket.id,
        approval_id,
        tool_name: command.tool.name.as_str(),
        before_cents,
        after_cents: ticket.nte_cents,
        actor_id: &actor_id,
        request_id: command.request_id,
    };
    Ok(approvals::record_nte(command.db(), &change).await?)
}

/// The ticket's amount with the approved one on top.
///
/// # Errors
/// 409 when nobody could represent the sum.
pub fn raised(ticket: &TicketRow, approval: &ApprovalRow) -> Result<i64, Refusal> {
    let sum = ticket.nte_cents.checked_add(approval.amount_delta_cents.unwrap_or(0));
    sum.filter(|sum| *sum <= LARGEST).ok_or_else(|| {
        Refusal::new(
            ErrorCode::InvalidRequest,
            "The approved amount makes the not-to-exceed amount too large",
        )
    })
}

/// Where it is configured, who asked may not decide.
///
/// # Errors
/// 403 for the requester.
pub fn check_four_eyes(command: &Command, approval: &ApprovalRow) -> Result<(), Refusal> {
    if !command.app.config.policy.four_eyes || approval.requested_by != command.actor.id {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::FourEyesRequired, "Somebody else has to decide what this actor asked for")
        .with("approval_id", approval.id.to_string())
        .with("requested_by", approval.requested_by.as_str()))
}
