//! `POST /tickets/{ticketId}/close`: the end of a ticket, with a packet of everything that led there.

use dispatch_domain::ToolName;

use super::{Endpoint, Probing};
use crate::closeout::{self, Overrides};
use crate::command::{Command, Effect};
use crate::failure::Failure;

/// The endpoint.
pub const ENDPOINT: Endpoint =
    Endpoint::judging(ToolName::TicketClose, Probing::Stored, |command| Box::pin(run(command)));

async fn run(command: &mut Command) -> Result<Effect, Failure> {
    let fields = command.fields();
    let reason = fields.optional_text("reason")?.map(str::to_owned);
    let code = fields.optional_text("closeout_override_code")?.map(str::to_owned);
    let overrides = Overrides { closeout_override_code: code.clone(), ..Overrides::default() };
    Ok(closeout::end(command, reason, overrides).await?.with("closeout_override_code", code))
}
