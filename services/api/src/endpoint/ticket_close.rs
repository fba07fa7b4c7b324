//! `POST /tickets/{ticketId}/close`: the end of a ticket, with a packet of everything that led there.

use dispatch_domain::closeout::Audience;
use dispatch_domain::{TicketState, ToolName};
use dispatch_store::evidence;
use dispatch_store::transitions::TransitionRow;
use serde_json::json;

use super::{Endpoint, Probing};
use crate::closeout::{self, ARTIFACT_TYPE, Closing, Overrides};
use crate::command::{Command, Effect};
use crate::failure::Failure;
use crate::wire::TicketDocument;

/// The endpoint.
pub const ENDPOINT: Endpoint =
    Endpoint::judging(ToolName::TicketClose, Probing::Stored, |command| Box::pin(run(command)));

async fn run(command: &mut Command) -> Result<Effect, Failure> {
    let mut ticket = command.ticket()?;
    let fields = command.fields();
    let reason = fields.optional_text("reason")?.map(str::to_owned);
    let override_code = fields.optional_text("closeout_override_code")?.map(str::to_owned);
    let (completion, request) = closeout::completion(command, &ticket, false, Audience::Close).await?;
    // References named at completion were judged at verification; a close looks at every item.
    let judged = closeout::judge(command, &ticket, &completion, &[], Audience::Close).await?;
    let (actor_id, request_id) = (command.actor.id.clone(), command.request_id);
    let items = evidence::mark_immutable(command.db(), ticket.id, &actor_id, request_id).await?;
    let before = ticket.state;
    ticket.state = TicketState::Closed;
    let ticket = command.save(&ticket).await?;
    let closing = Closing {
        ticket: &ticket,
        close: TransitionRow { from_state: Some(before), to_state: ticket.state, created_at: ticket.updated_at },
        judged: &judged,
        items: &items,
        completion: &completion,
        completion_request: &request,
        reason: reason.as_deref(),
        overrides: Overrides { closeout_override_code: override_code.clone(), ..Overrides::default() },
    };
    let name = closeout::store_packet(command, &closing).await?;
    let body = json!({
        "ticket": TicketDocument::of(&ticket),
        "closeout_packet": { "artifact_type": ARTIFACT_TYPE, "artifact_name": name },
    });
    Ok(Effect::answer(200, &body)
        .at(&ticket)
        .moved(&[before, ticket.state])
        .with("reason", reason)
        .with("policy_override", false)
        .with("closeout_check", json!(judged.passed.evaluation))
        .with("closeout_override_code", override_code)
        .with("immutable_evidence_count", items.len())
        .with("closeout_packet_artifact_type", ARTIFACT_TYPE))
}
