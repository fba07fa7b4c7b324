//! `POST /tickets`: a new ticket for a site of an account.

use dispatch_domain::{TicketState, ToolName};
use dispatch_store::tickets::{self, NewTicket};
use uuid::Uuid;

use super::Endpoint;
use crate::command::{Command, Effect};
use crate::failure::Failure;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint::command(ToolName::TicketCreate, |command| Box::pin(run(command)));

async fn run(command: &mut Command) -> Result<Effect, Failure> {
    let fields = command.fields();
    fields.optional_text("description")?;
    let new = NewTicket {
        // Time-ordered, so that the index grows at one end.
        id: Uuid::now_v7(),
        account_id: fields.uuid("account_id")?,
        site_id: fields.uuid("site_id")?,
        asset_id: fields.optional_uuid("asset_id")?,
        state: TicketState::New,
        summary: fields.text("summary")?.to_owned(),
        // Stored as sent, white space included.
        description: fields.raw_text("description").map(str::to_owned),
        nte_cents: fields.optional_cents("nte_cents")?.unwrap_or(0),
    };
    command.actor.scope.check(new.account_id, new.site_id)?;
    let Some(ticket) = tickets::insert(command.db(), &new).await? else {
        return Err(Failure::missing(tickets::missing_reference(command.db(), &new).await?));
    };
    Ok(Effect::ticket(201, &ticket).created(ticket.state))
}
