//! Reading single tickets together: requests that arrive while a query is under way share the next one.
//!
//! A query for one row costs the database and the service mostly what any exchange costs. Under load many requests for
//! one ticket each are under way at any moment; the reader asks for all of them at once, and a lone request is asked
//! for at once and alone. Every ticket is read after it was asked for, so nobody sees an older state than before.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::PgConnection;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::connections::Connections;
use crate::pool::is_connection_lost;
use crate::tickets::{self, TicketRow};

/// Most tickets of one query.
const TOGETHER: usize = 64;

/// Requests that wait for a query before askers wait themselves.
const QUEUE: usize = 1_024;

/// Queries under way at the same time.
const READERS: usize = 2;

/// What an asker gets: the row if there is one, or the error that the query ended with.
type Found = Result<Option<TicketRow>, Arc<sqlx::Error>>;

#[derive(Debug)]
struct Question {
    id: Uuid,
    answer: oneshot::Sender<Found>,
}

/// Asks for tickets; clones share the queries.
#[derive(Debug, Clone)]
pub struct TicketReader {
    questions: mpsc::Sender<Question>,
}

impl TicketReader {
    /// Starts the readers; they end when the last clone is gone. Needs a tokio runtime.
    #[must_use]
    pub fn start(connections: &Connections) -> Self {
        let (questions, waiting) = mpsc::channel(QUEUE);
        let waiting = Arc::new(tokio::sync::Mutex::new(waiting));
        for _ in 0..READERS {
            tokio::spawn(read(connections.clone(), Arc::clone(&waiting)));
        }
        Self { questions }
    }

    /// Reads one ticket.
    ///
    /// # Errors
    /// When the database does not answer; everyone who shared the query gets the same error.
    pub async fn find(&self, id: Uuid) -> Found {
        let (answer, found) = oneshot::channel();
        let closed = |()| Arc::new(sqlx::Error::PoolClosed);
        self.questions.send(Question { id, answer }).await.map_err(|_| closed(()))?;
        found.await.map_err(|_| closed(()))?
    }
}

async fn read(connections: Connections, waiting: Arc<tokio::sync::Mutex<mpsc::Receiver<Question>>>) {
    let mut questions = Vec::with_capacity(TOGETHER);
    loop {
        // Held while waiting only, so that the other reader takes what comes while this one's query is under way.
        if waiting.lock().await.recv_many(&mut questions, TOGETHER).await == 0 {
            return;
        }
        answer(&connections, &mut questions).await;
    }
}

async fn answer(connections: &Connections, questions: &mut Vec<Question>) {
    // Whoever has gone away is not asked for.
    questions.retain(|question| !question.answer.is_closed());
    if questions.is_empty() {
        return;
    }
    let mut ids: Vec<Uuid> = questions.iter().map(|question| question.id).collect();
    ids.sort_unstable();
    ids.dedup();
    match find_all(connections, &ids).await {
        Ok(rows) => {
            let rows: HashMap<Uuid, TicketRow> = rows.into_iter().map(|row| (row.id, row)).collect();
            for Question { id, answer } in questions.drain(..) {
                // Ignored: whoever asked may have gone away meanwhile.
                let _ = answer.send(Ok(rows.get(&id).cloned()));
            }
        }
        Err(error) => {
            let error = Arc::new(error);
            for Question { answer, .. } in questions.drain(..) {
                let _ = answer.send(Err(Arc::clone(&error)));
            }
        }
    }
}

/// Reads on a connection that works; those that turn out to be dead are thrown away.
async fn find_all(connections: &Connections, ids: &[Uuid]) -> Result<Vec<TicketRow>, sqlx::Error> {
    let mut left = connections.pool().size();
    loop {
        let mut connection = connections.borrow().await?;
        match one_or_many(&mut connection, ids).await {
            Ok(rows) => {
                connection.give_back();
                return Ok(rows);
            }
            Err(error) if left > 0 && is_connection_lost(&error) => {
                left -= 1;
                connection.throw_away();
            }
            Err(error) => return Err(error),
        }
    }
}

async fn one_or_many(db: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<TicketRow>, sqlx::Error> {
    match ids {
        [id] => Ok(tickets::find(db, *id).await?.into_iter().collect()),
        ids => tickets::find_all(db, ids).await,
    }
}
