//! `POST /ops/autonomy/pause`: automation stops, everywhere, for an incident type or for one ticket.

use dispatch_domain::ToolName;
use dispatch_domain::vocabulary::AutonomyAction;

use super::Endpoint;
use crate::autonomy_switch::switch;

/// The endpoint.
pub const ENDPOINT: Endpoint =
    Endpoint::command(ToolName::OpsAutonomyPause, |command| Box::pin(switch(command, AutonomyAction::Pause)));
