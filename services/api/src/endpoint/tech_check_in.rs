//! `POST /tickets/{ticketId}/tech/check-in`: the technician is on site and starts.

use dispatch_domain::transition::derived_names;
use dispatch_domain::{TicketState, ToolName};

use super::Endpoint;
use crate::clock;
use crate::command::{Command, Effect};
use crate::failure::Failure;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint::command(ToolName::TechCheckIn, |command| Box::pin(run(command)));

const PATH: [TicketState; 3] = [TicketState::Dispatched, TicketState::OnSite, TicketState::InProgress];

async fn run(command: &mut Command) -> Result<Effect, Failure> {
    let mut ticket = command.ticket()?;
    let arrived_at = command.fields().instant("timestamp")?;
    ticket.state = TicketState::InProgress;
    let ticket = command.save(&ticket).await?;
    Ok(Effect::ticket(200, &ticket)
        .moved(&PATH)
        .with("check_in_timestamp", clock::text(arrived_at))
        .with("derived_transitions", derived_names(&PATH)))
}
