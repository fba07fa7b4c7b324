//! `POST /tickets/{ticketId}/closeout/evidence-exception`: puts on record why evidence is not as it should be.
//!
//! It does not relax the closeout gate.

use dispatch_domain::ToolName;
use serde_json::json;

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
    let expires_at = match fields.get("expires_at") {
        None => None,
        Some(_) => Some(clock::text(fields.instant("expires_at")?)),
    };
    let body = json!({
        "ticket": TicketDocument::of(&ticket),
        "expires_at": expires_at,
        "evidence_refs": refs,
        "exception_reason": reason,
    });
    Ok(Effect::answer(200, &body)
        .at(&ticket)
        .with("exception_reason", reason)
        .with("expires_at", expires_at)
        .with("evidence_refs", refs))
}
