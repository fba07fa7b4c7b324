//! `POST /tickets/{ticketId}/force-close`: closes without verification; the evidence still has to be complete.

use dispatch_domain::vocabulary::ForceCloseApprover;
use dispatch_domain::{ErrorCode, Refusal, Role, ToolName};

use super::{Endpoint, Probing};
use crate::closeout::{self, Overrides};
use crate::command::{Command, Counted, Effect, Fields};
use crate::failure::Failure;

/// The endpoint.
pub const ENDPOINT: Endpoint =
    Endpoint::judging(ToolName::TicketForceClose, Probing::Stored, |command| Box::pin(run(command)));

/// Shortest override code, in UTF-16 units after trimming.
const CODE_LENGTH: usize = 5;

/// Shortest override reason, in UTF-16 units after trimming.
const REASON_LENGTH: usize = 20;

async fn run(command: &mut Command) -> Result<Effect, Failure> {
    let fields = command.fields();
    let code = long_enough(fields, "override_code", CODE_LENGTH)?;
    let reason = long_enough(fields, "override_reason", REASON_LENGTH)?;
    let approver = approver(fields, command.actor.role)?;
    let overrides = Overrides {
        closeout_override_code: None,
        override_code: Some(code.clone()),
        approver_role: Some(approver.as_str().to_owned()),
        override_reason: Some(reason.clone()),
        policy_override: true,
    };
    let actor_id = command.actor.id.clone();
    Ok(closeout::end(command, Some(reason), overrides)
        .await?
        .with("override_code", code.as_str())
        .with("approver_role", approver.as_str())
        .with("invoice_reversal", false)
        .with("override_actor_id", actor_id)
        .counted(Counted::OverrideClose { code }))
}

fn long_enough(fields: Fields<'_>, name: &str, min_length: usize) -> Result<String, Refusal> {
    let text = fields.raw_text(name).unwrap_or_default().trim();
    if text.encode_utf16().count() >= min_length {
        return Ok(text.to_owned());
    }
    Err(Refusal::new(
        ErrorCode::InvalidRequest,
        format!("Field '{name}' must have at least {min_length} characters"),
    )
    .with("field", name)
    .with("min_length", min_length))
}

/// The approver named in the request has to be the caller's own role, spelled exactly.
fn approver(fields: Fields<'_>, role: Role) -> Result<ForceCloseApprover, Refusal> {
    let named = fields.raw_text("approver_role").unwrap_or_default();
    let approver: ForceCloseApprover = named.parse().map_err(|_| {
        Refusal::new(ErrorCode::InvalidRequest, "Field 'approver_role' is invalid")
            .with("approver_role", named)
    })?;
    if approver.as_str() == role.as_str() {
        return Ok(approver);
    }
    Err(Refusal::new(ErrorCode::Forbidden, "Approver role does not match the actor's role")
        .with("approver_role", approver.as_str())
        .with("actor_role", role.as_str()))
}
