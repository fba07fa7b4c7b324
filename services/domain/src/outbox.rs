//! Messages written with a command and sent later: ids, keys and payloads.

use crate::canonical;
use crate::schedule::Window;
use crate::state::TicketState;
use crate::vocabulary::DispatchMode;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// What a message is about.
pub const AGGREGATE_TYPE: &str = "ticket";

/// Recipient of a message whose ticket has no phone number.
pub const UNKNOWN_RECIPIENT: &str = "UNKNOWN_RECIPIENT";

wire_enum! {
    /// Which event a message announces.
    enum EventType as "outbox event type" {
        ScheduleConfirm = "schedule.confirm.sms",
        AssignmentDispatch = "assignment.dispatch.sms",
    }
}

/// One message of a committed command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Event announced.
    pub event: EventType,
    /// Ticket id as it appears in keys and text.
    pub ticket_id: String,
    /// `<ticket>:<event>:<hash of the components>`.
    pub state_transition_id: String,
    /// `<ticket>:<event>:<state transition id>`; unique per row.
    pub idempotency_key: String,
    body: String,
}

/// What distinguishes one dispatch of a ticket from another.
#[derive(Clone, Copy, Debug)]
pub struct Dispatch {
    /// State before.
    pub from_state: TicketState,
    /// Mode as requested.
    pub mode: Option<DispatchMode>,
    /// Technician.
    pub tech_id: Uuid,
    /// Provider, if any.
    pub provider_id: Option<Uuid>,
    /// The ticket's version after the command. It keeps a second dispatch of the same technician apart from the
    /// first; rows written before it was part of the key have none.
    pub ticket_version: Option<i64>,
}

impl Dispatch {
    /// The members that are hashed, `ticket_id` and `event_type` apart.
    fn components(&self) -> Map<String, Value> {
        let bypass = self.mode == Some(DispatchMode::EmergencyBypass);
        let mut members = Map::new();
        members.insert("from_state".to_owned(), self.from_state.as_str().into());
        members.insert("to_state".to_owned(), TicketState::Dispatched.as_str().into());
        members.insert("dispatch_mode".to_owned(), self.mode.map(DispatchMode::as_str).into());
        members.insert("tech_id".to_owned(), self.tech_id.to_string().into());
        members.insert("provider_id".to_owned(), self.provider_id.map(|id| id.to_string()).into());
        let staged = bypass && self.from_state == TicketState::Triaged;
        members.insert("requires_ready_to_schedule_stage".to_owned(), staged.into());
        if let Some(version) = self.ticket_version {
            members.insert("ticket_version".to_owned(), version.into());
        }
        members
    }
}

impl Message {
    /// The message of a confirmed window. The key formula is published, so the ticket's version is not part of it.
    pub fn confirm(ticket_id: &str, from_state: TicketState, window: Window) -> Self {
        let span = window.to_json();
        let mut members = Map::new();
        members.insert("from_state".to_owned(), from_state.as_str().into());
        members.insert("to_state".to_owned(), TicketState::Scheduled.as_str().into());
        members.insert("scheduled_start".to_owned(), span["start"].clone());
        members.insert("scheduled_end".to_owned(), span["end"].clone());
        let (start, end) = (text(&span["start"]), text(&span["end"]));
        let body = format!("Ticket {ticket_id} has been confirmed for {start} to {end}.");
        Self::build(EventType::ScheduleConfirm, ticket_id, members, body)
    }

    /// The message of a dispatched technician.
    pub fn dispatch(ticket_id: &str, dispatch: &Dispatch) -> Self {
        let body = format!("Technician {} assigned for ticket {ticket_id}.", dispatch.tech_id);
        Self::build(EventType::AssignmentDispatch, ticket_id, dispatch.components(), body)
    }

    fn build(event: EventType, ticket_id: &str, mut components: Map<String, Value>, body: String) -> Self {
        components.insert("ticket_id".to_owned(), ticket_id.into());
        components.insert("event_type".to_owned(), event.as_str().into());
        let hash = canonical::hash(&Value::Object(components));
        let state_transition_id = format!("{ticket_id}:{event}:{hash}");
        let idempotency_key = format!("{ticket_id}:{event}:{state_transition_id}");
        Self { event, ticket_id: ticket_id.to_owned(), state_transition_id, idempotency_key, body }
    }

    /// The same message in other words; keys and ids stay.
    #[must_use]
    pub fn worded(mut self, body: String) -> Self {
        self.body = body;
        self
    }

    /// The stored payload. `customer_phone` is the recipient; `audit_event_id` is what the wire calls `transition_id`.
    pub fn payload(&self, customer_phone: Option<&str>, audit_event_id: Uuid) -> Value {
        let to = customer_phone.map(str::trim).filter(|phone| !phone.is_empty()).unwrap_or(UNKNOWN_RECIPIENT);
        json!({
            "channel": "SMS",
            "to": to,
            "body": self.body,
            "state_transition_id": self.state_transition_id,
            "transition_id": audit_event_id.to_string(),
            "event_type": self.event,
            "aggregate_type": AGGREGATE_TYPE,
            "aggregate_id": self.ticket_id,
            "payload": {
                "reason": format!("{} message generated by dispatch API", self.event),
                "state_transition_id": self.state_transition_id,
                "transition_id": audit_event_id.to_string(),
            },
            "message_key": self.idempotency_key,
        })
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const TICKET: &str = "67825320-fb9a-4ff6-bf44-11c43e7273d9";

    fn again(version: Option<i64>) -> Message {
        let dispatch = Dispatch {
            from_state: TicketState::Scheduled,
            mode: Some(DispatchMode::Standard),
            tech_id: Uuid::from_u128(0xc1),
            provider_id: Some(Uuid::from_u128(0xc7)),
            ticket_version: version,
        };
        Message::dispatch(TICKET, &dispatch)
    }

    #[test]
    fn confirm_key_follows_the_published_formula() {
        let window =
            Window { start: datetime!(2026-12-05 10:00:00 UTC), end: datetime!(2026-12-05 11:00:00 UTC) };
        let message = Message::confirm(TICKET, TicketState::ScheduleProposed, window);
        let hash = "b1586eb04145e23e086b26934b15eb0a8dcc843a46897bb23bbcfaad3be3cf7e";
        let event = "schedule.confirm.sms";
        assert_eq!(message.idempotency_key, format!("{TICKET}:{event}:{TICKET}:{event}:{hash}"));
        let payload = message.payload(Some(" 15550101234 "), Uuid::nil());
        assert_eq!(payload["to"], "15550101234");
        assert_eq!(payload["message_key"], message.idempotency_key);
        assert_eq!(
            payload["body"],
            format!(
                "Ticket {TICKET} has been confirmed for 2026-12-05T10:00:00.000Z to 2026-12-05T11:00:00.000Z."
            )
        );
    }

    #[test]
    fn dispatch_without_a_version_hashes_as_older_rows_do() {
        let hash = "2bb539d321fce5b341432d5b2174eb1ee27bfc27a0c0be91b3b307e17e7e439e";
        assert!(again(None).state_transition_id.ends_with(hash));
    }

    #[test]
    fn dispatching_the_same_technician_again_gives_another_key() {
        assert_ne!(again(Some(4)).idempotency_key, again(Some(6)).idempotency_key);
        assert_eq!(again(Some(4)), again(Some(4)));
    }

    #[test]
    fn a_ticket_without_a_phone_has_an_unknown_recipient() {
        assert_eq!(again(Some(4)).payload(Some(" "), Uuid::nil())["to"], UNKNOWN_RECIPIENT);
    }
}
