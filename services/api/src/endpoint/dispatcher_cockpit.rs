//! `GET /ux/dispatcher/cockpit`: the queue, and one ticket in detail.

use std::sync::Arc;

use axum::body::Bytes;
use dispatch_domain::{ErrorCode, Refusal, ToolName, sla};
use dispatch_store::cockpit::QueueRow;
use dispatch_store::page::{Page, Place};
use dispatch_store::{PgConnection, audit, cockpit as queue, evidence, tickets};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Endpoint;
use crate::answer::Answer;
use crate::clock;
use crate::cockpit::{Filters, Queue, Standing, write_queue};
use crate::failure::Failure;
use crate::page;
use crate::read::ReadCall;
use crate::wire::{TicketDocument, TimelineDocument};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint::read(ToolName::DispatcherCockpit, |call| Box::pin(run(call)));

async fn run(call: &ReadCall) -> Result<Answer, Failure> {
    call.actor.scope.check_not_empty()?;
    let filters = Filters::read(&call.query)?;
    let asked = page::asked(&call.query)?;
    let page = asked.unwrap_or(Page { limit: page::MOST, after: None });
    let selected = match filters.ticket_id {
        Some(id) => {
            let mut connection = call.connection().await?;
            let selected = select(call, &mut connection, id).await?;
            connection.give_back();
            selected
        }
        None => Value::Null,
    };
    let applied = filters.applied();
    let queue = read_queue(call, filters, page, &applied).await?;
    let head = json!({
        "generated_at": clock::text(queue.now),
        "actor": call.actor_document(),
        "filters_applied": applied,
    })
    .to_string();
    // The queue is most of the answer and is written once for everyone who waits for it.
    let mut body = head.strip_suffix('}').unwrap_or(&head).to_owned();
    body.push_str(",\"queue\":");
    let mut tail = format!(",\"selected_ticket\":{selected}");
    if asked.is_some() {
        tail.push_str(",\"next_cursor\":");
        tail.push_str(&json!(queue.next).to_string());
    }
    tail.push('}');
    Ok(Answer { rest: vec![queue.text.clone(), Bytes::from(tail)], ..Answer::raw_json(200, body) })
}

/// Reads the queue together with everyone who asks for the same: the same filters and page within the same scope and
/// with the same role, which decides what the rows offer.
async fn read_queue(
    call: &ReadCall,
    filters: Filters,
    page: Page,
    applied: &Value,
) -> Result<Arc<Queue>, Failure> {
    let (app, role) = (Arc::clone(&call.app), call.actor.role);
    let filter = filters.within(&call.actor.scope);
    let key = format!(
        "{role} {page:?} {:?} {:?} {applied}",
        filter.account_scope.as_deref(),
        filter.site_scope.as_deref()
    );
    let asked = Arc::new((app, filters, filter));
    let read = move || {
        let asked = Arc::clone(&asked);
        async move {
            let (app, filters, filter) = &*asked;
            let now = clock::now();
            let mut connection = app.connections.borrow().await?;
            let bands = filters.bands(now);
            let mut rows = queue::queue(&mut connection, filter, &bands, &page::and_one(&page)).await?;
            connection.give_back();
            let next = page::cut(&mut rows, &page, place);
            let mut rows: Vec<Standing> = rows
                .into_iter()
                .map(|row| Standing::of(row, now))
                .filter(|standing| filters.shows(standing.status()))
                .collect();
            rows.sort_by_cached_key(Standing::order);
            let mut text = String::new();
            write_queue(&mut text, &rows, role);
            Ok(Queue { now, text: Bytes::from(text), next })
        }
    };
    Ok(call.app.queues.get(key, read).await?)
}

/// Pages follow each other by deadline; within a page the finer order of the queue holds.
fn place(row: &QueueRow) -> Place {
    let start = row.scheduled_start.unwrap_or(row.created_at);
    Place { at: sla::standing(row.priority, start, start).deadline_at, id: row.ticket_id }
}

/// The selected ticket need not be in the queue, but it has to be in the caller's scope.
async fn select(call: &ReadCall, db: &mut PgConnection, id: Uuid) -> Result<Value, Failure> {
    let ticket = tickets::find(db, id).await?.ok_or_else(Refusal::ticket_not_found)?;
    let scope = &call.actor.scope;
    if !scope.accounts.allows(ticket.account_id) || !scope.sites.allows(ticket.site_id) {
        return Err(Refusal::new(ErrorCode::ForbiddenScope, "Selected ticket is outside the actor's scope")
            .with("scope_field", "ticket_id")
            .with("target_id", id.to_string())
            .into());
    }
    let events = audit::timeline(db, id).await?;
    let total_items = evidence::count(db, id).await?;
    Ok(json!({
        "ticket": TicketDocument::of(&ticket),
        "timeline": TimelineDocument::of(id, &events),
        "evidence_summary": { "total_items": total_items },
    }))
}
