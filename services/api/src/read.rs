//! Protected reads: caller, then path, then existence and scope, then the answer.

use std::sync::Arc;

use axum::extract::Query;
use axum::http::request::Parts;
use dispatch_domain::{ErrorCode, Refusal, Role};
use dispatch_store::tickets::{self, TicketRow};
use dispatch_store::{Borrowed, is_connection_lost};
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::answer::Answer;
use crate::app::App;
use crate::clock;
use crate::endpoint::ReadEndpoint;
use crate::exchange::Trail;
use crate::failure::Failure;
use crate::identity::{self, Actor};

/// A read by an identified caller.
#[derive(Debug)]
pub struct ReadCall {
    /// The service.
    pub app: Arc<App>,
    /// The caller.
    pub actor: Actor,
    /// Tool of the endpoint.
    pub tool: &'static str,
    /// The ticket id of the path, when it is a UUID.
    pub ticket_id: Option<Uuid>,
    /// The id of the path, when it is a UUID.
    pub path_id: Option<Uuid>,
    /// `Last-Event-ID`, which a client sends when it takes a stream up again.
    pub last_event_id: Option<String>,
    /// Query parameters, decoded, in order.
    pub query: Vec<(String, String)>,
    /// The request's moment.
    pub now: OffsetDateTime,
}

/// Serves a read.
pub async fn serve(
    app: &Arc<App>,
    endpoint: &'static ReadEndpoint,
    parts: &Parts,
    trail: &mut Trail,
) -> Result<Answer, Failure> {
    let tool = endpoint.effective_tool();
    let actor = identity::resolve(&parts.headers, &tool, &app.config.auth, &app.keys, &app.revoked)
        .await
        .map_err(|rejected| {
            trail.caller = rejected.claimed;
            rejected.failure
        })?;
    trail.identified(&actor);
    app.limits.admit(&actor.id)?;
    let call = ReadCall {
        app: Arc::clone(app),
        actor,
        tool: tool.name.as_str(),
        ticket_id: trail.ticket_id,
        path_id: trail.path_id,
        last_event_id: identity::header(&parts.headers, "last-event-id"),
        query: query(parts)?,
        now: clock::now(),
    };
    (endpoint.run)(&call).await
}

fn query(parts: &Parts) -> Result<Vec<(String, String)>, Refusal> {
    Query::try_from_uri(&parts.uri)
        .map(|Query(pairs)| pairs)
        .map_err(|error| Refusal::new(ErrorCode::InvalidQuery, error.to_string()))
}

impl ReadCall {
    /// The caller as views show it.
    pub fn actor_document(&self) -> Value {
        json!({
            "actor_id": self.actor.id,
            "actor_role": self.actor.role,
            "actor_type": self.actor.actor_type,
            "tool_name": self.tool,
        })
    }

    /// A connection of the pool.
    ///
    /// # Errors
    /// When none can be had.
    pub async fn connection(&self) -> Result<Borrowed, Failure> {
        Ok(self.app.connections.borrow().await?)
    }

    /// The ticket of the path, and the connection it was read on.
    ///
    /// # Errors
    /// 400 for a bad id, 404 for an unknown ticket, 403 outside the caller's scope.
    pub async fn ticket(&self) -> Result<(Borrowed, TicketRow), Failure> {
        let (connection, ticket) = self.find(self.asked_ticket()?).await?;
        Ok((connection, self.within_scope(ticket)?))
    }

    /// The ticket of the path, for an answer that needs nothing else of the database.
    ///
    /// # Errors
    /// As [`ReadCall::ticket`].
    pub async fn only_ticket(&self) -> Result<TicketRow, Failure> {
        let ticket = self.app.tickets.find(self.asked_ticket()?).await?;
        Ok(self.within_scope(ticket)?)
    }

    fn asked_ticket(&self) -> Result<Uuid, Refusal> {
        self.ticket_id.ok_or_else(|| {
            Refusal::new(ErrorCode::InvalidTicketId, "Path parameter 'ticketId' must be a valid UUID")
        })
    }

    fn within_scope(&self, ticket: Option<TicketRow>) -> Result<TicketRow, Refusal> {
        let ticket = ticket.ok_or_else(Refusal::ticket_not_found)?;
        self.actor.scope.check(ticket.account_id, ticket.site_id)?;
        Ok(ticket)
    }

    /// Whether the caller sees a ticket without internal members.
    pub fn projects(&self) -> bool {
        self.app.config.policy.customer_projection && self.actor.role == Role::Customer
    }

    /// The last value of a query parameter, trimmed; blank counts as absent.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let value = self.query.iter().rev().find(|(given, _)| given == name).map(|(_, value)| value.trim());
        value.filter(|value| !value.is_empty())
    }

    /// Reads a ticket; connections that turn out to be dead are thrown away.
    async fn find(&self, id: Uuid) -> Result<(Borrowed, Option<TicketRow>), Failure> {
        let mut left = self.app.pool.size();
        loop {
            let mut connection = self.app.connections.borrow().await?;
            match tickets::find(&mut connection, id).await {
                Ok(ticket) => return Ok((connection, ticket)),
                Err(error) if left > 0 && is_connection_lost(&error) => {
                    left -= 1;
                    connection.throw_away();
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}
