//! `POST /tickets/{ticketId}/schedule/rollback`: the hold is given up; the held schedule counts again.

use dispatch_domain::ToolName;

use super::Endpoint;
use crate::command::{Command, Effect};
use crate::failure::Failure;
use crate::held_schedule::{Exit, restore};

/// The endpoint.
pub const ENDPOINT: Endpoint =
    Endpoint::command(ToolName::ScheduleRollback, |command| Box::pin(run(command)));

async fn run(command: &mut Command) -> Result<Effect, Failure> {
    let fields = command.fields();
    let confirmation = fields.uuid("confirmation_id")?;
    let reason = fields.optional_text("reason")?.map(str::to_owned);
    restore(command, Exit::Rollback, confirmation, reason).await
}
