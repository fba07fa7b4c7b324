//! `GET /events`: state changes of tickets as server-sent events, from a place on or from now.
//!
//! A client that comes back with `Last-Event-ID` misses nothing and sees nothing twice. A stream ends by itself after
//! a while, so that a caller who is no longer believed does not listen for ever.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use dispatch_domain::{ErrorCode, Refusal, Scope, ToolName, parse_uuid};
use dispatch_store::StoreError;
use dispatch_store::ticket_events::{self, StreamPlace, TicketEventRow};
use futures::stream::unfold;
use serde_json::json;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::{Instant, MissedTickBehavior, interval};
use uuid::Uuid;

use super::{Endpoint, View, ticket_list};
use crate::answer::Answer;
use crate::app::App;
use crate::clock;
use crate::failure::Failure;
use crate::read::ReadCall;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint::view(
    ToolName::TicketTimeline,
    View { route: "/events", roles: ticket_list::READERS, query: &["ticket_id", "last_event_id"] },
    |call| Box::pin(run(call)),
);

/// From one look at the history to the next.
const PACE: Duration = Duration::from_millis(250);

/// Silence after which a comment is sent, so that nothing on the way takes the connection for dead.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How long one stream lasts.
const LIFETIME: Duration = Duration::from_secs(1800);

/// Events read at once.
const BATCH: i64 = 200;

async fn run(call: &ReadCall) -> Result<Answer, Failure> {
    call.actor.scope.check_not_empty()?;
    let ticket_id = call
        .parameter("ticket_id")
        .map(|text| {
            let message = "Query parameter 'ticket_id' must be a valid UUID";
            parse_uuid(text).ok_or_else(|| Refusal::new(ErrorCode::InvalidQuery, message))
        })
        .transpose()?;
    let asked = call.last_event_id.as_deref().or(call.parameter("last_event_id"));
    let place = match asked.map(str::trim).filter(|text| !text.is_empty()) {
        Some(text) => read_place(text)?,
        None => ticket_events::end(&mut *call.connection().await?).await?,
    };
    let (sender, receiver) = channel(16);
    let listener = Listener {
        app: Arc::clone(&call.app),
        scope: call.actor.scope.clone(),
        names_actors: !call.projects(),
        ticket_id,
        place,
        sender,
    };
    tokio::spawn(listener.run());
    Ok(Answer::stream("text/event-stream", Body::from_stream(bytes(receiver))))
}

fn bytes(receiver: Receiver<String>) -> impl futures::Stream<Item = Result<Bytes, std::convert::Infallible>> {
    unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|text| (Ok(Bytes::from(text)), receiver))
    })
}

/// `<txid>-<seq>`, as events carry it; `0-0` is the beginning.
fn read_place(text: &str) -> Result<StreamPlace, Refusal> {
    let number = |text: &str| text.parse::<i64>().ok().filter(|number| *number >= 0);
    text.split_once('-')
        .and_then(|(txid, seq)| Some(StreamPlace { txid: number(txid)?, seq: number(seq)? }))
        .ok_or_else(|| {
            let message = "Last-Event-ID is not one that this service has given out; 0-0 starts over";
            Refusal::new(ErrorCode::InvalidQuery, message)
        })
}

/// One caller who listens.
struct Listener {
    app: Arc<App>,
    scope: Scope,
    names_actors: bool,
    ticket_id: Option<Uuid>,
    place: StreamPlace,
    sender: Sender<String>,
}

impl Listener {
    /// Looks again and again until the caller is gone, the time is over or the service stops.
    async fn run(mut self) {
        let mut beat = interval(PACE);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (end, mut said) = (Instant::now() + LIFETIME, Instant::now());
        if self.sender.send(format!("retry: 1000\nid: {}\n\n", id(self.place))).await.is_err() {
            return;
        }
        loop {
            tokio::select! {
                _ = beat.tick() => {}
                () = self.app.stop.cancelled() => return,
                () = self.sender.closed() => return,
            }
            if Instant::now() >= end {
                return;
            }
            let text = match self.look().await {
                Ok(text) => text,
                // The client comes back by itself, and to where it was.
                Err(_) => return,
            };
            let text = match text {
                Some(text) => text,
                None if said.elapsed() >= HEARTBEAT => ": still here\n\n".to_owned(),
                None => continue,
            };
            said = Instant::now();
            if self.sender.send(text).await.is_err() {
                return;
            }
        }
    }

    /// What has happened since the last look; a place alone when none of it is for this caller.
    async fn look(&mut self) -> Result<Option<String>, StoreError> {
        let rows = {
            let mut connection = self.app.pool.acquire().await?;
            ticket_events::after(&mut connection, self.place, BATCH).await?
        };
        let Some(last) = rows.last() else { return Ok(None) };
        let (before, place) = (self.place, last.place());
        self.place = place;
        let shown: Vec<&TicketEventRow> = rows.iter().filter(|row| self.concerns(row)).collect();
        let mut text: String = shown.iter().map(|row| self.written(row)).collect();
        if shown.last().map_or(before, |row| row.place()) != place {
            text.push_str(&format!("id: {}\n\n", id(place)));
        }
        Ok(Some(text))
    }

    fn concerns(&self, row: &TicketEventRow) -> bool {
        self.ticket_id.is_none_or(|id| id == row.ticket_id)
            && self.scope.check(row.account_id, row.site_id).is_ok()
    }

    fn written(&self, row: &TicketEventRow) -> String {
        let data = json!({
            "event_id": id(row.place()),
            "event_type": row.event_type,
            "ticket_id": row.ticket_id,
            "account_id": row.account_id,
            "site_id": row.site_id,
            "from_state": row.from_state,
            "to_state": row.to_state,
            "ticket_seq": row.ticket_seq,
            "audit_event_id": row.audit_event_id,
            "tool_name": row.tool_name,
            "actor_type": row.actor_type,
            "actor_id": self.names_actors.then_some(&row.actor_id),
            "actor_role": row.actor_role,
            "correlation_id": self.names_actors.then_some(&row.correlation_id),
            "occurred_at": clock::text(row.occurred_at),
        });
        format!("id: {}\nevent: {}\ndata: {data}\n\n", id(row.place()), row.event_type)
    }
}

fn id(place: StreamPlace) -> String {
    format!("{}-{}", place.txid, place.seq)
}

#[cfg(test)]
mod tests {
    use super::{id, read_place};

    #[test]
    fn a_place_is_read_back_as_it_was_given_out() {
        assert_eq!(id(read_place("742-19").unwrap()), "742-19");
        for bad in ["", "742", "-1-2", "742-x", "a-1"] {
            assert!(read_place(bad).is_err(), "{bad}");
        }
    }
}
