//! `POST /tickets/{ticketId}/triage`: priority, incident type and where the ticket goes next.

use dispatch_domain::intake::DEFAULT_SOP_PROMPT;
use dispatch_domain::transition::derived_names;
use dispatch_domain::vocabulary::TriageOutcome;
use dispatch_domain::{ErrorCode, Refusal, TicketState, ToolName};
use dispatch_store::approvals::{self, NewApproval};
use dispatch_store::tickets::TicketRow;
use serde_json::json;
use uuid::Uuid;

use super::Endpoint;
use crate::approval_ledger;
use crate::command::{Command, Effect, Fields};
use crate::failure::Failure;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint::command(ToolName::TicketTriage, |command| Box::pin(run(command)));

async fn run(command: &mut Command) -> Result<Effect, Failure> {
    let mut ticket = command.ticket()?;
    let (before, nte_before) = (ticket.state, ticket.nte_cents);
    let fields = command.fields();
    ticket.priority = fields.word("priority")?;
    ticket.incident_type = Some(fields.text("incident_type")?.to_owned());
    if let Some(cents) = fields.optional_cents("nte_cents")? {
        ticket.nte_cents = cents;
    }
    fields.optional_text("approval_reason")?;
    fields.optional_cents("approval_amount_delta_cents")?;
    let acknowledged = fields.optional_bool("sop_handoff_acknowledged")?.unwrap_or(false);
    let target = target(fields)?.state();
    if target == before {
        return Err(not_requested(before).into());
    }
    if target == TicketState::ReadyToSchedule {
        check_intake(command, &ticket, acknowledged)?;
        ticket.sop_handoff_acknowledged = true;
        ticket.sop_handoff_required = false;
    }
    let mut asked = None;
    if target == TicketState::ApprovalRequired {
        asked = Some(ask_for_approval(command).await?);
    }
    approval_ledger::record(command, &ticket, nte_before, None).await?;
    ticket.state = target;
    let ticket = command.save(&ticket).await?;
    let effect = Effect::ticket(200, &ticket)
        .with("workflow_outcome", target.as_str())
        .with_some("approval_id", asked.map(|id| id.to_string()));
    if before == TicketState::Triaged || target == TicketState::Triaged {
        return Ok(effect.moved(&[before, target]));
    }
    let path = [before, TicketState::Triaged, target];
    Ok(effect.with("derived_transitions", derived_names(&path)).moved(&path))
}

/// `workflow_outcome` before `requires_approval` before `ready_to_schedule` before TRIAGED.
fn target(fields: Fields<'_>) -> Result<TriageOutcome, Failure> {
    if let Some(outcome) = fields.optional_word("workflow_outcome")? {
        return Ok(outcome);
    }
    let approval = fields.optional_bool("requires_approval")?.unwrap_or(false);
    let ready = fields.optional_bool("ready_to_schedule")?.unwrap_or(false);
    Ok(match (approval, ready) {
        (true, _) => TriageOutcome::ApprovalRequired,
        (false, true) => TriageOutcome::ReadyToSchedule,
        (false, false) => TriageOutcome::Triaged,
    })
}

fn not_requested(state: TicketState) -> Refusal {
    let mut refusal = Refusal::state(ToolName::TicketTriage.tool(), state);
    "No state transition was requested: the ticket is already TRIAGED".clone_into(&mut refusal.message);
    refusal
}

async fn ask_for_approval(command: &mut Command) -> Result<Uuid, Failure> {
    let ticket_id = command.ticket()?.id;
    let fields = command.fields();
    let reason = fields.optional_text("approval_reason")?.unwrap_or("TRIAGE_REQUIRES_APPROVAL").to_owned();
    let amount_delta_cents = fields.optional_cents("approval_amount_delta_cents")?;
    let requested_by = command.actor.id.clone();
    let evidence = json!({
        "source": "ticket.triage",
        "return_state": TicketState::ReadyToSchedule,
    });
    let new = NewApproval {
        ticket_id,
        requested_by: &requested_by,
        approval_type: "NTE_INCREASE",
        amount_delta_cents,
        reason: &reason,
        evidence: &evidence,
    };
    // A ticket waits for one decision at a time.
    approvals::cancel_pending(command.db(), ticket_id, None, &requested_by).await?;
    Ok(approvals::insert(command.db(), &new).await?.id)
}

/// A ticket from blind intake may only be scheduled when it is known well enough and the hand-off is acknowledged.
fn check_intake(command: &Command, ticket: &TicketRow, acknowledged: bool) -> Result<(), Refusal> {
    let Some(signature) = &ticket.identity_signature else { return Ok(()) };
    let thresholds = command.app.config.intake;
    let correlation = command.correlation.id.as_str();
    let identity = ticket.identity_confidence.unwrap_or(0);
    if identity < thresholds.identity_threshold {
        return Err(Refusal::new(
            ErrorCode::LowIdentityConfidence,
            "Identity confidence is below the threshold",
        )
        .with("evidence", "identity_confidence_below_threshold")
        .with("identity_confidence", identity)
        .with("identity_threshold", thresholds.identity_threshold)
        .with("correlation_id", correlation));
    }
    let classification = ticket.classification_confidence.unwrap_or(0);
    if classification < thresholds.classification_threshold {
        let message = "Classification confidence is below the threshold";
        return Err(Refusal::new(ErrorCode::LowClassificationConfidence, message)
            .with("evidence", "classification_confidence_below_threshold")
            .with("classification_confidence", classification)
            .with("classification_threshold", thresholds.classification_threshold)
            .with("correlation_id", correlation));
    }
    if ticket.sop_handoff_required && !acknowledged && !ticket.sop_handoff_acknowledged {
        return Err(Refusal::new(
            ErrorCode::SopHandoffRequired,
            "SOP handoff must be acknowledged before scheduling",
        )
        .with("evidence", "sop_handoff_acknowledgment_missing")
        .with("sop_handoff_prompt", DEFAULT_SOP_PROMPT)
        .with("identity_signature", signature.as_str())
        .with("correlation_id", correlation));
    }
    Ok(())
}
