//! `POST /tickets/{ticketId}/closeout/evidence-exception`: puts on record why evidence is not as it should be.
//!
//! Where waivers are configured the gate lets what `evidence_refs` names pass (evidence keys, item ids, URIs) until the
//! exception expires; otherwise it is a record and nothing more.

use dispatch_domain::ToolName;
use dispatch_store::tickets::TicketRow;
use dispatch_store::waivers::{self, WaiverDraft};
use serde_json::json;
use time::{Duration, OffsetDateTime};

use super::Endpoint;
use crate::clock;
use crate::command::{Command, Effect};
use crate::failure::Failure;
use crate::wire::TicketDocument;

/// The endpoint.
pub const ENDPOINT: Endpoint =
    Endpoint::command(ToolName::CloseoutEvidenceException, |command| Box::pin(run(command)));

async fn run(command: &mut Command) -> Result<Effect, Failure> {
    let ticket = command.ticket()?;
    let fields = command.fields();
    let reason = fields.text("exception_reason")?;
    let refs = fields.texts("evidence_refs")?;
    let (reason, refs) = (reason.to_owned(), refs.clone());
    let expires_at = match fields.get("expires_at") {
        None => None,
        Some(_) => Some(fields.instant("expires_at")?),
    };
    let waived_until = waive(command, &ticket, &reason, &refs, expires_at).await?;
    let expires_at = expires_at.map(clock::text);
    let body = json!({
        "ticket": TicketDocument::of(&ticket),
        "expires_at": expires_at,
        "evidence_refs": refs,
        "exception_reason": reason,
    });
    let effect = Effect::answer(200, &body).at(&ticket);
    let effect = match waived_until {
        Some(until) => effect.with("waived", refs.clone()).with("waiver_expires_at", clock::text(until)),
        None => effect,
    };
    Ok(effect.with("exception_reason", reason).with("expires_at", expires_at).with("evidence_refs", refs))
}

/// Grants the exception as a waiver, where that is configured; returns until when it counts.
async fn waive(
    command: &mut Command,
    ticket: &TicketRow,
    reason: &str,
    refs: &[String],
    expires_at: Option<OffsetDateTime>,
) -> Result<Option<OffsetDateTime>, Failure> {
    let hours = command.app.config.policy.waiver_hours;
    if hours == 0 || refs.is_empty() {
        return Ok(None);
    }
    let longest = command.now + Duration::hours(hours.into());
    let until = expires_at.map_or(longest, |asked| asked.min(longest));
    let granted_by = command.actor.id.clone();
    let draft = WaiverDraft {
        ticket_id: ticket.id,
        waived: refs,
        reason,
        granted_by: &granted_by,
        granted_role: command.actor.role.as_str(),
        request_id: command.request_id,
        expires_at: until,
    };
    waivers::insert(command.db(), &draft).await?;
    Ok(Some(until))
}
