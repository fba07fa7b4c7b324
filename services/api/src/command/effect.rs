//! What a command did: its answer, its audit members, its state changes and its message.

use dispatch_domain::TicketState;
use dispatch_store::outbox::OutboxDraft;
use dispatch_store::tickets::TicketRow;
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::wire::TicketDocument;

/// What the audit event belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// The ticket.
    pub ticket_id: Uuid,
}

/// What is counted beside requests and transitions, after the commit.
#[derive(Debug, Clone)]
pub enum Counted {
    /// A technician was dispatched.
    Dispatch {
        /// A ranking was named.
        with_snapshot: bool,
    },
    /// A ticket was closed by an override.
    OverrideClose {
        /// The override code.
        code: String,
    },
}

/// The outcome of a command, before it is written.
#[derive(Debug)]
pub struct Effect {
    pub(super) status: u16,
    pub(super) body: String,
    pub(super) place: Option<Place>,
    /// Account and site whose scope a replay of the answer needs.
    pub(super) scope: Option<(Uuid, Uuid)>,
    pub(super) before: Option<TicketState>,
    pub(super) after: Option<TicketState>,
    pub(super) transitions: Vec<(Option<TicketState>, TicketState)>,
    pub(super) audit: Map<String, Value>,
    pub(super) message: Option<OutboxDraft>,
    pub(super) counted: Option<Counted>,
}

impl Effect {
    /// An answer without a ticket.
    pub fn answer(status: u16, body: &impl Serialize) -> Self {
        Self {
            status,
            // Our documents have string keys and finite numbers only, so this cannot fail.
            body: serde_json::to_string(body).expect("documents are serializable"),
            place: None,
            scope: None,
            before: None,
            after: None,
            transitions: Vec::new(),
            audit: Map::new(),
            message: None,
            counted: None,
        }
    }

    /// The answer of most commands: the ticket as it now stands.
    pub fn ticket(status: u16, ticket: &TicketRow) -> Self {
        Self::answer(status, &TicketDocument::of(ticket)).at(ticket)
    }

    /// Belongs to the ticket, whose state stays as it is unless said otherwise.
    #[must_use]
    pub fn at(mut self, ticket: &TicketRow) -> Self {
        self.place = Some(Place { ticket_id: ticket.id });
        self.before = Some(ticket.state);
        self.after = Some(ticket.state);
        self.within(ticket.account_id, ticket.site_id)
    }

    /// The answer is for callers with this account and site in their scope, replays included.
    #[must_use]
    pub fn within(mut self, account_id: Uuid, site_id: Uuid) -> Self {
        self.scope = Some((account_id, site_id));
        self
    }

    /// The ticket came into being in this state.
    #[must_use]
    pub fn created(mut self, state: TicketState) -> Self {
        self.before = None;
        self.after = Some(state);
        self.transitions = vec![(None, state)];
        self
    }

    /// The ticket went from the first state through all others to the last.
    #[must_use]
    pub fn moved(mut self, path: &[TicketState]) -> Self {
        self.before = path.first().copied();
        self.after = path.last().copied();
        self.transitions = path.windows(2).map(|step| (Some(step[0]), step[1])).collect();
        self
    }

    /// The event has no ticket states although it belongs to a ticket.
    #[must_use]
    pub fn stateless(mut self) -> Self {
        self.before = None;
        self.after = None;
        self
    }

    /// Adds a member to the audit payload.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.audit.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a member to the audit payload when there is something to say.
    #[must_use]
    pub fn with_some(self, name: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Adds a list to the audit payload when it holds anything.
    #[must_use]
    pub fn with_any(self, name: &str, values: Vec<String>) -> Self {
        if values.is_empty() { self } else { self.with(name, values) }
    }

    /// Leaves a message to be sent after the commit.
    #[must_use]
    pub fn message(mut self, draft: OutboxDraft) -> Self {
        self.message = Some(draft);
        self
    }

    /// Counts something of its own after the commit.
    #[must_use]
    pub fn counted(mut self, counted: Counted) -> Self {
        self.counted = Some(counted);
        self
    }
}
