//! `POST /tickets/{ticketId}/approval/decide`: yes sends the ticket back to where it asked and raises what it may cost,
//! no sends it back to triage.

use dispatch_domain::vocabulary::{ApprovalDecision, ApprovalStatus};
use dispatch_domain::{ErrorCode, Refusal, TicketState, ToolName};
use dispatch_store::approvals::{self, ApprovalRow};
use serde_json::Value;

use super::Endpoint;
use crate::approval_ledger;
use crate::command::{Command, Effect};
use crate::failure::Failure;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint::command(ToolName::ApprovalDecide, |command| Box::pin(run(command)));

async fn run(command: &mut Command) -> Result<Effect, Failure> {
    let mut ticket = command.ticket()?;
    let fields = command.fields();
    let approval_id = fields.uuid("approval_id")?;
    let decision: ApprovalDecision = fields.word("decision")?;
    let notes = fields.optional_text("notes")?.map(str::to_owned);
    let approval = approvals::lock(command.db(), ticket.id, approval_id)
        .await?
        .ok_or_else(|| Refusal::new(ErrorCode::ApprovalNotFound, "Approval not found"))?;
    if approval.status != ApprovalStatus::Pending.as_str() {
        return Err(Refusal::new(ErrorCode::ApprovalNotPending, "Approval was decided before").into());
    }
    approval_ledger::check_four_eyes(command, &approval)?;
    let target = match decision {
        ApprovalDecision::Approved => return_state(&approval)?,
        ApprovalDecision::Denied => TicketState::Triaged,
    };
    let decided_by = command.actor.id.clone();
    approvals::decide(command.db(), approval.id, decision.as_str(), &decided_by, notes.as_deref()).await?;
    let cancelled =
        approvals::cancel_pending(command.db(), ticket.id, Some(approval.id), &decided_by).await?;
    let nte_before = ticket.nte_cents;
    if decision == ApprovalDecision::Approved {
        ticket.nte_cents = approval_ledger::raised(&ticket, &approval)?;
    }
    approval_ledger::record(command, &ticket, nte_before, Some(approval.id)).await?;
    let before = ticket.state;
    ticket.state = target;
    let ticket = command.save(&ticket).await?;
    let cancelled: Vec<String> = cancelled.iter().map(ToString::to_string).collect();
    Ok(Effect::ticket(200, &ticket)
        .moved(&[before, ticket.state])
        .with("nte_before_cents", nte_before)
        .with("nte_after_cents", ticket.nte_cents)
        .with_any("cancelled_approvals", cancelled)
        .with("approval_id", approval.id.to_string())
        .with("decision", decision.as_str())
        .with("target_state", target.as_str())
        .with("notes", notes))
}

/// Where the asking command wants the ticket to go on; scheduling unless it says otherwise.
fn return_state(approval: &ApprovalRow) -> Result<TicketState, Refusal> {
    let wanted =
        approval.evidence.get("return_state").and_then(Value::as_str).map(|text| text.trim().to_uppercase());
    let wanted = wanted.filter(|text| !text.is_empty());
    match wanted.as_deref().map_or(Ok(TicketState::ReadyToSchedule), str::parse) {
        Ok(state @ (TicketState::ReadyToSchedule | TicketState::InProgress)) => Ok(state),
        _ => Err(Refusal::new(
            ErrorCode::InvalidApprovalTargetState,
            "Approval names a state it cannot return to",
        )
        .with("return_state", wanted)),
    }
}
