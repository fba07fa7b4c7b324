//! `POST /outbox/replay`: a message that was given up is tried again.

use dispatch_domain::vocabulary::OutboxStatus;
use dispatch_domain::{ErrorCode, Refusal, ToolName, parse_uuid};
use dispatch_store::{outbox, tickets};
use serde_json::json;

use super::Endpoint;
use crate::command::{Command, Effect};
use crate::failure::Failure;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint::command(ToolName::OutboxReplay, |command| Box::pin(run(command)));

async fn run(command: &mut Command) -> Result<Effect, Failure> {
    let id = command.fields().uuid("outbox_id")?;
    let message = outbox::lock(command.db(), id).await?.ok_or_else(|| {
        Refusal::new(ErrorCode::OutboxNotFound, "Outbox message not found").with("outbox_id", id.to_string())
    })?;
    if message.status != OutboxStatus::DeadLetter.as_str() {
        return Err(Refusal::new(ErrorCode::OutboxReplayInvalidState, "Only a dead letter can be replayed")
            .with("outbox_id", id.to_string())
            .with("outbox_status", message.status)
            .into());
    }
    outbox::requeue(command.db(), id).await?;
    let body = json!({
        "id": id,
        "status": OutboxStatus::Pending,
        "aggregate_type": message.aggregate_type,
        "aggregate_id": message.aggregate_id,
    });
    let effect = Effect::answer(200, &body);
    // Rows may be about something that is no ticket, or no longer one.
    let ticket = match parse_uuid(&message.aggregate_id) {
        Some(ticket_id) => tickets::find(command.db(), ticket_id).await?,
        None => None,
    };
    Ok(match ticket {
        Some(ticket) => effect.at(&ticket).stateless(),
        None => effect,
    })
}
