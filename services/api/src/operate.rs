//! What operators do to the service itself. No tool of the surface stands for it, but it leaves as much behind as a
//! command does: a key that replays, one transaction, an audit event.

use std::sync::Arc;

use axum::body::Body;
use axum::http::request::Parts;
use dispatch_domain::{ErrorCode, Refusal, audit, canonical};
use dispatch_store::idempotency::{self, KeyOwner};
use dispatch_store::journal::{self, AnswerDraft, AuditDraft, Journal};
use dispatch_store::{PgConnection, Postgres, Transaction};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::answer::Answer;
use crate::app::App;
use crate::clock;
use crate::command::{Fields, read_request, take_key};
use crate::endpoint::OperationEndpoint;
use crate::exchange::{Correlation, Trail};
use crate::failure::Failure;
use crate::identity::{self, Claimed};

/// An operation in its transaction.
#[derive(Debug)]
pub struct Operation {
    /// The caller.
    pub caller: Claimed,
    /// Idempotency key.
    pub request_id: Uuid,
    /// Correlation and trace ids.
    pub correlation: Correlation,
    /// The segment of the path where the route has its placeholder.
    pub subject: String,
    request: Value,
    transaction: Transaction<'static, Postgres>,
}

/// What an operation did.
#[derive(Debug)]
pub struct Done {
    /// The answer's body; its status is 200.
    pub body: Value,
    /// Members of the audit payload.
    pub audit: Map<String, Value>,
    /// What the alerts file is told after the commit.
    pub record: Option<Value>,
}

impl Operation {
    /// The transaction's connection.
    pub fn db(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }

    /// The members of the request.
    pub fn fields(&self) -> Fields<'_> {
        Fields::of(&self.request)
    }
}

/// Serves an operation.
pub async fn serve(
    app: &Arc<App>,
    endpoint: &'static OperationEndpoint,
    parts: &Parts,
    body: Body,
    trail: &mut Trail,
) -> Result<Answer, Failure> {
    trail.tool = Some(endpoint.name);
    let request = read_request(parts, body, &app.config.http).await?;
    let caller =
        identity::resolve_operator(&parts.headers, endpoint.roles, &app.config.auth, &app.keys).await;
    let caller = caller.map_err(|rejected| {
        trail.caller = rejected.claimed;
        rejected.failure
    })?;
    trail.caller = Some(caller.clone());
    app.limits.admit(&caller.id)?;
    let request_id = take_key(parts, trail)?;
    let hash = canonical::hash(&request);
    let owner = KeyOwner { actor_id: &caller.id, endpoint: endpoint.route, request_id };
    let mut transaction = dispatch_store::begin(&app.pool).await?;
    let Some(record_id) = idempotency::claim(&mut transaction, owner, &hash, &trail.path).await? else {
        return replay(transaction, owner, &hash, &trail.path).await;
    };
    let place = endpoint.route.split('/').position(|part| part.starts_with('{')).unwrap_or_default();
    let mut operation = Operation {
        subject: trail.path.split('/').nth(place).unwrap_or_default().to_owned(),
        correlation: trail.correlation.clone(),
        request: if request.is_null() { json!({}) } else { request },
        request_id,
        caller,
        transaction,
    };
    let done = (endpoint.run)(&mut operation).await?;
    let body = done.body.to_string();
    write_journal(&mut operation, endpoint, &done, (record_id, &body)).await?;
    operation.transaction.commit().await?;
    if let Some(record) = &done.record {
        app.log.write_alerts(record);
    }
    Ok(Answer::raw_json(200, body))
}

/// Answers from the record, if it is for the same content and path.
async fn replay(
    mut transaction: Transaction<'static, Postgres>,
    owner: KeyOwner<'_>,
    hash: &str,
    path: &str,
) -> Result<Answer, Failure> {
    let stored = idempotency::find(&mut transaction, owner).await?;
    transaction.rollback().await?;
    let stored = stored.ok_or_else(|| Failure::internal("a claimed idempotency record has vanished"))?;
    if stored.request_hash != hash || stored.resource_path.is_some_and(|stored| stored != path) {
        let message = "Idempotency-Key was used before for something else";
        return Err(Refusal::new(ErrorCode::IdempotencyPayloadMismatch, message).into());
    }
    let status = u16::try_from(stored.response_code).unwrap_or(200);
    Ok(Answer { replayed: true, ..Answer::raw_json(status, stored.response_text) })
}

async fn write_journal(
    operation: &mut Operation,
    endpoint: &OperationEndpoint,
    done: &Done,
    (record_id, body): (Uuid, &str),
) -> Result<(), Failure> {
    let mut members = Map::new();
    members.insert("endpoint".to_owned(), endpoint.route.into());
    members.insert("requested_at".to_owned(), clock::now_text().into());
    members.insert("request".to_owned(), operation.request.clone());
    members.extend(done.audit.clone());
    let payload = audit::payload(&members);
    let journal = Journal {
        audit: AuditDraft {
            id: Uuid::now_v7(),
            ticket_id: None,
            actor_type: operation.caller.actor_type,
            actor_id: &operation.caller.id,
            actor_role: operation.caller.role.as_str(),
            tool_name: endpoint.name,
            request_id: operation.request_id,
            correlation_id: &operation.correlation.id,
            trace_id: operation.correlation.trace.trace_id.as_deref(),
            before_state: None,
            after_state: None,
            payload: &payload,
        },
        transitions: &[],
        outbox: None,
        answer: AnswerDraft { record_id, status: 200, body, account_id: None, site_id: None },
    };
    Ok(journal::write(&mut operation.transaction, &journal).await?)
}
