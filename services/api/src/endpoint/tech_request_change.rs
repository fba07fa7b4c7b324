//! `POST /tickets/{ticketId}/tech/request-change`: the work on site needs more than was agreed.

use dispatch_domain::vocabulary::{ApprovalStatus, ApprovalType};
use dispatch_domain::{TicketState, ToolName};
use dispatch_store::approvals::{self, NewApproval};
use serde_json::json;

use super::Endpoint;
use crate::clock;
use crate::command::{Command, Effect};
use crate::failure::Failure;
use crate::wire::TicketDocument;

/// The endpoint.
pub const ENDPOINT: Endpoint =
    Endpoint::command(ToolName::TechRequestChange, |command| Box::pin(run(command)));

async fn run(command: &mut Command) -> Result<Effect, Failure> {
    let mut ticket = command.ticket()?;
    let fields = command.fields();
    let approval_type: ApprovalType = fields.word("approval_type")?;
    let reason = fields.text("reason")?.to_owned();
    let amount_delta_cents = fields.optional_cents("amount_delta_cents")?;
    let evidence = json!({
        "source": "tech.request_change",
        "return_state": TicketState::InProgress,
        "evidence_refs": fields.texts("evidence_refs")?,
    });
    let requested_by = command.actor.id.clone();
    let new = NewApproval {
        ticket_id: ticket.id,
        requested_by: &requested_by,
        approval_type: approval_type.as_str(),
        amount_delta_cents,
        reason: &reason,
        evidence: &evidence,
    };
    // A ticket waits for one decision at a time.
    approvals::cancel_pending(command.db(), ticket.id, None, &requested_by).await?;
    let approval = approvals::insert(command.db(), &new).await?;
    let before = ticket.state;
    ticket.state = TicketState::ApprovalRequired;
    let ticket = command.save(&ticket).await?;
    let body = json!({
        "ticket": TicketDocument::of(&ticket),
        "approval": {
            "id": approval.id,
            "status": approval.status,
            "approval_type": approval.approval_type,
            "amount_delta_cents": approval.amount_delta_cents,
            "reason": approval.reason,
            "requested_at": clock::text(approval.requested_at),
        },
    });
    Ok(Effect::answer(200, &body)
        .at(&ticket)
        .moved(&[before, ticket.state])
        .with("approval_id", approval.id.to_string())
        .with("approval_status", ApprovalStatus::Pending.as_str()))
}
