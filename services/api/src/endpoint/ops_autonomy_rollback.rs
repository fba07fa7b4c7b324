//! `POST /ops/autonomy/rollback`: automation may go on in the same scope.

use dispatch_domain::ToolName;
use dispatch_domain::vocabulary::AutonomyAction;

use super::Endpoint;
use crate::autonomy_switch::switch;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint::command(ToolName::OpsAutonomyRollback, |command| {
    Box::pin(switch(command, AutonomyAction::Rollback))
});
