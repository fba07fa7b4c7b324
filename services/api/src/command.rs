//! The one pipeline of every command.
//!
//! Parse, identify, take the key, then one transaction: claim the key (a duplicate in flight waits here and then
//! replays), check the schema, lock the ticket, check scope and state, let the command do its work, write the
//! journal with the stored answer, commit. Any failure rolls everything back and stores nothing.

mod body;
mod effect;
mod expected;
mod fields;
mod refused;

use std::sync::Arc;

use axum::body::Body;
use axum::http::request::Parts;
use dispatch_domain::outbox::{self, Message};
use dispatch_domain::{ErrorCode, Refusal, Role, TicketState, Tool, audit, canonical, parse_uuid, schema};
use dispatch_store::idempotency::{self, KeyOwner, StoredAnswer};
use dispatch_store::journal::{self, AnswerDraft, AuditDraft, Journal};
use dispatch_store::outbox::{OUTBOX_KEY_CONSTRAINT, OutboxDraft};
use dispatch_store::tickets::{self, TicketRow};
use dispatch_store::{PgConnection, StoreError, UnitOfWork, violated_constraint};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

pub use effect::{Counted, Effect};
use expected::Expected;
pub use fields::Fields;
use refused::Refused;

use crate::answer::Answer;
use crate::app::App;
use crate::clock;
use crate::config::HttpConfig;
use crate::endpoint::CommandEndpoint;
use crate::evidence_probe::{self, Probes};
use crate::exchange::{Correlation, Trail};
use crate::failure::Failure;
use crate::identity::{self, Actor};

/// A command in its transaction.
#[derive(Debug)]
pub struct Command {
    /// The service.
    pub app: Arc<App>,
    /// The row of the tool table.
    pub tool: &'static Tool,
    /// The caller.
    pub actor: Actor,
    /// Idempotency key.
    pub request_id: Uuid,
    /// The body as received; null counts as an empty object.
    pub request: Value,
    /// Correlation and trace ids.
    pub correlation: Correlation,
    /// Id of the audit event to be written.
    pub audit_id: Uuid,
    /// Server time of the command.
    pub now: OffsetDateTime,
    /// What is known of evidence objects already.
    pub probes: Probes,
    ticket_id: Option<Uuid>,
    path_id: Option<Uuid>,
    expected: Expected,
    ticket: Option<TicketRow>,
    transaction: UnitOfWork,
}

/// Serves a command.
pub async fn serve(
    app: &Arc<App>,
    endpoint: &'static CommandEndpoint,
    parts: &Parts,
    body: Body,
    trail: &mut Trail,
) -> Result<Answer, Failure> {
    let tool = endpoint.tool.tool();
    let request = read_request(parts, body, &app.config.http).await?;
    let actor = identity::resolve(&parts.headers, tool, &app.config.auth, &app.keys, &app.revoked)
        .await
        .map_err(|rejected| {
            trail.caller = rejected.claimed;
            rejected.failure
        })?;
    trail.identified(&actor);
    app.limits.admit(&actor.id)?;
    let request_id = take_key(parts, trail)?;
    let call = Call {
        hash: canonical::hash(&request),
        path: trail.path_id.map_or_else(|| tool.route.to_owned(), |id| tool.endpoint(&id.to_string())),
        path_id: trail.path_id,
        request: if request.is_null() { json!({}) } else { request },
        ticket_id: trail.ticket_id,
        expected: Expected::of_header(&parts.headers)?,
        correlation: trail.correlation.clone(),
        request_id,
        actor,
        tool,
    };
    let probes = evidence_probe::before_transaction(app, endpoint.probing, &call).await?;
    call.execute(app, endpoint, probes).await
}

/// Reads and parses the body of a request.
///
/// # Errors
/// 413 above the limit, 408 when it takes too long, 400 when it is not JSON.
pub async fn read_request(parts: &Parts, body: Body, config: &HttpConfig) -> Result<Value, Failure> {
    Ok(body::parse(&body::read(parts, body, config).await?)?)
}

/// `Idempotency-Key`: required, a UUID in any case.
///
/// # Errors
/// 400 without one, or for anything else.
pub fn take_key(parts: &Parts, trail: &mut Trail) -> Result<Uuid, Refusal> {
    let sent = identity::header(&parts.headers, "idempotency-key").map(|key| key.trim().to_owned());
    let Some(sent) = sent.filter(|key| !key.is_empty()) else {
        return Err(Refusal::new(ErrorCode::MissingIdempotencyKey, "Header 'Idempotency-Key' is required"));
    };
    let key = parse_uuid(&sent).ok_or_else(|| {
        Refusal::new(ErrorCode::InvalidIdempotencyKey, "Header 'Idempotency-Key' must be a valid UUID")
    })?;
    trail.request_id = Some(sent);
    Ok(key)
}

/// A command before its transaction.
#[derive(Debug)]
pub struct Call {
    pub(crate) tool: &'static Tool,
    pub(crate) actor: Actor,
    pub(crate) request_id: Uuid,
    pub(crate) request: Value,
    pub(crate) ticket_id: Option<Uuid>,
    path_id: Option<Uuid>,
    expected: Expected,
    correlation: Correlation,
    hash: String,
    /// Concrete path with the id in lower case.
    path: String,
}

impl Call {
    /// The key and whose it is.
    pub(crate) fn key(&self) -> KeyOwner<'_> {
        KeyOwner { actor_id: &self.actor.id, endpoint: self.tool.route, request_id: self.request_id }
    }

    async fn execute(
        self,
        app: &Arc<App>,
        endpoint: &'static CommandEndpoint,
        probes: Probes,
    ) -> Result<Answer, Failure> {
        let mut transaction = app.connections.begin().await?;
        let Some(record_id) =
            idempotency::claim(&mut transaction, self.key(), &self.hash, &self.path).await?
        else {
            return self.replay(transaction).await;
        };
        let mut command = Command {
            app: Arc::clone(app),
            audit_id: Uuid::now_v7(),
            now: clock::now(),
            ticket: None,
            tool: self.tool,
            actor: self.actor,
            request_id: self.request_id,
            request: self.request,
            ticket_id: self.ticket_id,
            path_id: self.path_id,
            expected: self.expected,
            correlation: self.correlation,
            probes,
            transaction,
        };
        match command.perform(endpoint, record_id).await {
            Ok(effect) => command.commit(effect).await,
            Err(failure) => {
                let refused = command.roll_back().await;
                refused.record(&failure).await;
                Err(failure)
            }
        }
    }

    /// Answers from the record, if it is for the same content and path and still within the caller's scope.
    async fn replay(&self, mut transaction: UnitOfWork) -> Result<Answer, Failure> {
        let stored = idempotency::find(&mut transaction, self.key()).await?;
        transaction.rollback().await?;
        let stored = stored.ok_or_else(|| Failure::internal("a claimed idempotency record has vanished"))?;
        self.check_same(&stored)?;
        if let (Some(account), Some(site)) = (stored.account_id, stored.site_id) {
            self.actor.scope.check(account, site)?;
        }
        let status = u16::try_from(stored.response_code).unwrap_or(200);
        Ok(Answer { replayed: true, ..Answer::raw_json(status, stored.response_text) })
    }

    fn check_same(&self, stored: &StoredAnswer) -> Result<(), Refusal> {
        let same_path = stored.resource_path.as_ref().is_none_or(|path| *path == self.path);
        if stored.request_hash == self.hash && same_path {
            return Ok(());
        }
        let what = if same_path { "payload" } else { "ticket" };
        Err(Refusal::new(
            ErrorCode::IdempotencyPayloadMismatch,
            format!("Idempotency-Key was used before with a different {what}"),
        ))
    }
}

impl Command {
    /// The transaction's connection.
    pub fn db(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }

    /// The members of the request.
    pub fn fields(&self) -> Fields<'_> {
        Fields::of(&self.request)
    }

    /// The locked ticket. Every tool with accepted states has one when its command runs.
    ///
    /// # Errors
    /// An accident when the tool has no ticket: a mistake in the endpoint.
    pub fn ticket(&self) -> Result<TicketRow, Failure> {
        self.ticket.clone().ok_or_else(|| Failure::internal("command has no locked ticket"))
    }

    /// Locks the path's ticket and checks the caller's scope and the version that the caller expects.
    ///
    /// # Errors
    /// 404 for an unknown ticket, 403 outside the scope, 409 for another version.
    pub async fn lock_ticket(&mut self) -> Result<TicketRow, Failure> {
        let id = self.ticket_id.ok_or_else(|| Failure::internal("route has no ticket"))?;
        let ticket = tickets::lock(&mut self.transaction, id).await?.ok_or_else(Refusal::ticket_not_found)?;
        self.actor.scope.check(ticket.account_id, ticket.site_id)?;
        self.check_assigned(&ticket)?;
        self.expected.check(self.fields(), ticket.version)?;
        Ok(ticket)
    }

    /// The id in the path of a command that is not about a ticket.
    ///
    /// # Errors
    /// An accident when the route has none: a mistake in the endpoint.
    pub fn path_id(&self) -> Result<Uuid, Failure> {
        self.path_id.ok_or_else(|| Failure::internal("route has no id"))
    }

    /// Where it is configured, a technician acts on the own tickets only.
    fn check_assigned(&self, ticket: &TicketRow) -> Result<(), Refusal> {
        let own = || ticket.assigned_tech_id.is_some_and(|id| parse_uuid(&self.actor.id) == Some(id));
        if !self.app.config.policy.must_be_assigned || self.actor.role != Role::Technician || own() {
            return Ok(());
        }
        Err(Refusal::new(ErrorCode::NotAssigned, "The ticket is not assigned to this technician")
            .with("assigned_tech_id", ticket.assigned_tech_id.map(|id| id.to_string())))
    }

    /// Writes the ticket back and returns it as it now stands.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn save(&mut self, ticket: &TicketRow) -> Result<TicketRow, Failure> {
        Ok(tickets::save(&mut self.transaction, ticket).await?)
    }

    /// The queue row of a message of this command.
    pub fn draft(&self, message: &Message, customer_phone: Option<&str>) -> OutboxDraft {
        OutboxDraft {
            id: Uuid::now_v7(),
            aggregate_type: outbox::AGGREGATE_TYPE,
            aggregate_id: message.ticket_id.clone(),
            event_type: message.event.as_str(),
            payload: message.payload(customer_phone, self.audit_id),
            idempotency_key: message.idempotency_key.clone(),
        }
    }

    async fn perform(
        &mut self,
        endpoint: &'static CommandEndpoint,
        record_id: Uuid,
    ) -> Result<Effect, Failure> {
        self.check_schema()?;
        if let Some(states) = self.tool.accepted_states {
            let ticket = self.lock_ticket().await?;
            self.check_state(&ticket, states)?;
            self.ticket = Some(ticket);
        }
        let effect = (endpoint.run)(self).await?;
        self.write_journal(&effect, record_id).await?;
        Ok(effect)
    }

    fn check_schema(&self) -> Result<(), Refusal> {
        let errors = schema::validate(self.tool.name, &self.request);
        if errors.is_empty() {
            return Ok(());
        }
        Err(Refusal::new(ErrorCode::InvalidRequest, "Request payload violates dispatch contract")
            .with("tool_name", self.tool.name.as_str())
            .with("validation_errors", json!(errors))
            .with("fields", json!(schema::fields(&errors))))
    }

    fn check_state(&self, ticket: &TicketRow, states: &[TicketState]) -> Result<(), Refusal> {
        if states.contains(&ticket.state) { Ok(()) } else { Err(Refusal::state(self.tool, ticket.state)) }
    }

    async fn write_journal(&mut self, effect: &Effect, record_id: Uuid) -> Result<(), Failure> {
        let mut members = Map::new();
        members.insert("endpoint".to_owned(), self.tool.route.into());
        members.insert("requested_at".to_owned(), clock::text(self.now).into());
        members.insert("request".to_owned(), self.request.clone());
        members.extend(effect.audit.clone());
        let payload = audit::payload(&members);
        let journal = Journal {
            audit: AuditDraft {
                id: self.audit_id,
                ticket_id: effect.place.map(|place| place.ticket_id),
                actor_type: self.actor.actor_type,
                actor_id: &self.actor.id,
                actor_role: self.actor.role.as_str(),
                tool_name: self.tool.name.as_str(),
                request_id: self.request_id,
                correlation_id: &self.correlation.id,
                trace_id: self.correlation.trace.trace_id.as_deref(),
                before_state: effect.before,
                after_state: effect.after,
                payload: &payload,
            },
            transitions: &effect.transitions,
            outbox: effect.message.as_ref(),
            answer: AnswerDraft {
                record_id,
                status: effect.status,
                body: &effect.body,
                account_id: effect.scope.map(|(account, _)| account),
                site_id: effect.scope.map(|(_, site)| site),
            },
        };
        journal::write(&mut self.transaction, &journal).await.map_err(journal_failure)
    }

    /// Explicit, so that locks are gone before the answer is; a dead connection has none.
    async fn roll_back(self) -> Refused {
        let refused = Refused {
            app: self.app,
            tool: self.tool,
            actor: self.actor,
            request_id: self.request_id,
            request: self.request,
            ticket_id: self.ticket_id,
        };
        let _ = self.transaction.rollback().await;
        refused
    }

    async fn commit(self, effect: Effect) -> Result<Answer, Failure> {
        self.transaction.commit().await?;
        for (from, to) in &effect.transitions {
            self.app.metrics.transition(*from, *to);
        }
        match &effect.counted {
            Some(Counted::Dispatch { with_snapshot }) => self.app.metrics.dispatch_assignment(*with_snapshot),
            Some(Counted::OverrideClose { code }) => self.app.metrics.override_close(code),
            None => {}
        }
        Ok(Answer::raw_json(effect.status, effect.body))
    }
}

fn journal_failure(error: StoreError) -> Failure {
    if violated_constraint(&error) == Some(OUTBOX_KEY_CONSTRAINT) {
        return Failure::outbox(error.to_string());
    }
    error.into()
}
