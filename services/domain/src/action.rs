//! Action descriptors: what a screen may offer for a ticket, decided by the same table that enforces it.

use crate::refusal::Refusal;
use crate::role::Role;
use crate::state::TicketState;
use crate::tool::ToolName;
use serde_json::{Map, Value, json};

/// Actions of a queue row in the dispatcher's cockpit, in order: screen id and tool.
pub const COCKPIT_ACTIONS: &[(&str, ToolName)] = &[
    ("schedule_propose", ToolName::SchedulePropose),
    ("schedule_confirm", ToolName::ScheduleConfirm),
    ("dispatch_assignment", ToolName::AssignmentDispatch),
    ("hold_schedule", ToolName::ScheduleHold),
    ("release_schedule", ToolName::ScheduleRelease),
    ("rollback_schedule", ToolName::ScheduleRollback),
    ("open_timeline", ToolName::TicketTimeline),
    ("open_technician_packet", ToolName::TechJobPacket),
    ("force_hold", ToolName::DispatchForceHold),
    ("force_unassign", ToolName::DispatchForceUnassign),
    ("manual_bypass", ToolName::DispatchManualBypass),
    ("reopen_after_verification", ToolName::ReopenAfterVerification),
    ("evidence_exception", ToolName::CloseoutEvidenceException),
    ("ticket_close", ToolName::TicketClose),
    ("ticket_force_close", ToolName::TicketForceClose),
    ("ticket_cancel", ToolName::TicketCancel),
];

/// Actions of a technician's job packet, in order: screen id and tool.
pub const PACKET_ACTIONS: &[(&str, ToolName)] = &[
    ("check_in", ToolName::TechCheckIn),
    ("add_evidence", ToolName::CloseoutAddEvidence),
    ("request_change", ToolName::TechRequestChange),
    ("candidate", ToolName::CloseoutCandidate),
    ("complete_work", ToolName::TechComplete),
    ("open_timeline", ToolName::TicketTimeline),
    ("open_evidence", ToolName::CloseoutListEvidence),
];

/// Who looks at which ticket.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The viewer's role.
    pub role: Role,
    /// Ticket id to fill into endpoints.
    pub ticket_id: &'a str,
    /// The ticket's state.
    pub state: TicketState,
}

impl View<'_> {
    /// Describes one action. First match disables it: the role, the state, then `blocked` (what the view adds, such
    /// as the closeout gate).
    pub fn describe(&self, action_id: &str, name: ToolName, blocked: Option<&Refusal>) -> Value {
        let tool = name.tool();
        let refusal = if !tool.allows(self.role) {
            Some(Refusal::role(tool, self.role))
        } else if !tool.accepts(self.state) {
            Some(Refusal::state(tool, self.state))
        } else {
            blocked.cloned()
        };
        json!({
            "action_id": action_id,
            "tool_name": name,
            "endpoint": tool.endpoint(self.ticket_id),
            "method": tool.method,
            "mutating": tool.is_mutating(),
            "enabled": refusal.is_none(),
            "policy_error": refusal.as_ref().map(policy_error),
        })
    }

    /// Describes a whole list of actions; `blocked` may add a refusal per tool.
    pub fn describe_all(
        &self,
        actions: &[(&str, ToolName)],
        blocked: impl Fn(ToolName) -> Option<Refusal>,
    ) -> Vec<Value> {
        actions.iter().map(|(id, name)| self.describe(id, *name, blocked(*name).as_ref())).collect()
    }
}

/// `{code, message, dimension, details…}` as a disabled action shows it.
fn policy_error(refusal: &Refusal) -> Value {
    let mut error = Map::new();
    error.insert("code".to_owned(), refusal.code.as_str().into());
    error.insert("message".to_owned(), refusal.message.as_str().into());
    if let Some(policy) = refusal.policy_error() {
        error.insert("dimension".to_owned(), policy["dimension"].clone());
    }
    for (name, value) in refusal.details.iter().filter(|(name, _)| *name != "policy_error") {
        error.entry(name.clone()).or_insert_with(|| value.clone());
    }
    Value::Object(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIEW: View<'static> =
        View { role: Role::Dispatcher, ticket_id: "t", state: TicketState::Scheduled };

    #[test]
    fn sixteen_cockpit_and_seven_packet_actions_without_recommendation() {
        assert_eq!((COCKPIT_ACTIONS.len(), PACKET_ACTIONS.len()), (16, 7));
        let all = COCKPIT_ACTIONS.iter().chain(PACKET_ACTIONS);
        assert!(all.into_iter().all(|(_, name)| *name != ToolName::AssignmentRecommend));
    }

    #[test]
    fn an_allowed_action_is_enabled_without_an_error() {
        let action = VIEW.describe("dispatch_assignment", ToolName::AssignmentDispatch, None);
        assert_eq!(
            serde_json::to_string(&action).unwrap(),
            r#"{"action_id":"dispatch_assignment","tool_name":"assignment.dispatch","endpoint":"/tickets/t/assignment/dispatch","method":"POST","mutating":true,"enabled":true,"policy_error":null}"#
        );
    }

    #[test]
    fn role_beats_state_beats_what_the_view_adds() {
        let blocked = Refusal::new(crate::ErrorCode::AutonomyDisabled, "paused");
        let agent = View { role: Role::Agent, ..VIEW };
        let action = agent.describe("x", ToolName::ScheduleConfirm, Some(&blocked));
        assert_eq!(action["policy_error"]["code"], "FORBIDDEN");
        assert_eq!(action["policy_error"]["dimension"], "role");
        assert_eq!(action["policy_error"]["actor_role"], "agent");
        let state = VIEW.describe("x", ToolName::ScheduleConfirm, Some(&blocked));
        assert_eq!(state["policy_error"]["from_state"], "SCHEDULED");
        let working = View { state: TicketState::InProgress, ..VIEW };
        let action = working.describe("x", ToolName::TechComplete, Some(&blocked));
        assert_eq!(
            action["policy_error"],
            json!({ "code": "AUTONOMY_DISABLED", "message": "paused", "dimension": "policy" })
        );
        assert_eq!(action["enabled"], false);
    }
}
