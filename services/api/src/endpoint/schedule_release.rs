//! `POST /tickets/{ticketId}/schedule/release`: the customer has confirmed; the held schedule counts again.

use dispatch_domain::ToolName;

use super::Endpoint;
use crate::command::{Command, Effect};
use crate::failure::Failure;
use crate::held_schedule::{Exit, restore};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint::command(ToolName::ScheduleRelease, |command| Box::pin(run(command)));

async fn run(command: &mut Command) -> Result<Effect, Failure> {
    let confirmation = command.fields().uuid("customer_confirmation_id")?;
    restore(command, Exit::Release, confirmation, None).await
}
