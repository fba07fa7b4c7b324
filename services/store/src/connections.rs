//! Connections at hand: taken from the pool once, then lent and given back without asking the database each time.
//!
//! The pool itself pings a connection whenever it comes back, which would be a round trip more for every request. Here
//! only a borrower that breaks off in the middle of its work (its caller has gone away) takes that road.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::{Connection, Executor, PgConnection, PgPool, Postgres};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::pool::{RESTED, Waiting, is_connection_lost};

/// Of so many connections one goes back to the pool, for everything that is no request.
const SHARE_LEFT: u32 = 5;

/// After so long a connection goes back to the pool, which replaces it when it is too old.
const KEPT: Duration = Duration::from_secs(600);

/// The connections of a process that serves requests; clones share them.
#[derive(Debug, Clone)]
pub struct Connections {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    pool: PgPool,
    permits: Arc<Semaphore>,
    /// How many rest here at most.
    room: usize,
    resting: Mutex<Vec<Resting>>,
}

#[derive(Debug)]
struct Resting {
    connection: PoolConnection<Postgres>,
    taken: Instant,
    since: Instant,
}

impl Connections {
    /// Lends the connections of a pool.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        let most = pool.options().get_max_connections();
        let room = most.saturating_sub((most / SHARE_LEFT).max(1)) as usize;
        let permits = Arc::new(Semaphore::new(most as usize));
        Self { shared: Arc::new(Shared { pool, permits, room, resting: Mutex::default() }) }
    }

    /// The pool that the connections come from.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.shared.pool
    }

    /// Connections that wait here to be lent.
    #[must_use]
    pub fn resting(&self) -> usize {
        self.shared.lock().len()
    }

    /// Borrows a connection.
    ///
    /// # Errors
    /// When none is free in time, or a new one cannot be made.
    pub async fn borrow(&self) -> Result<Borrowed, sqlx::Error> {
        let waiting = Waiting::begin();
        let patience = self.shared.pool.options().get_acquire_timeout();
        let permit = tokio::time::timeout(patience, Arc::clone(&self.shared.permits).acquire_owned());
        let permit = permit.await.map_err(|_| sqlx::Error::PoolTimedOut)?;
        let permit = permit.map_err(|_| sqlx::Error::PoolClosed)?;
        let rested = loop {
            let Some(mut resting) = self.shared.lock().pop() else { break None };
            if resting.since.elapsed() < RESTED || resting.connection.ping().await.is_ok() {
                break Some((resting.connection, resting.taken));
            }
            // Taken out of the pool instead of given back: it has died in its sleep.
            resting.connection.close_on_drop();
        };
        let (connection, taken) = match rested {
            Some(rested) => rested,
            None => (self.shared.pool.acquire().await?, Instant::now()),
        };
        waiting.end();
        Ok(Borrowed { connection: Some(connection), taken, permit, home: Arc::clone(&self.shared) })
    }

    /// Begins a transaction; connections that died meanwhile are thrown away and another one is tried.
    ///
    /// # Errors
    /// When no connection can be had, or when the database refuses.
    pub async fn begin(&self) -> Result<UnitOfWork, sqlx::Error> {
        let mut left = self.shared.pool.size();
        loop {
            // Made before the transaction is, so that one that is broken off there is undone as well.
            let mut unit = UnitOfWork { borrowed: Some(self.borrow().await?) };
            match unit.execute("BEGIN").await {
                Ok(_) => return Ok(unit),
                Err(error) if left > 0 && is_connection_lost(&error) => {
                    left -= 1;
                    unit.throw_away();
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Lends nothing any more and lets the pool have its connections back.
    pub fn close(&self) {
        self.shared.permits.close();
        self.shared.lock().clear();
    }
}

impl Shared {
    /// Nothing that is done under the lock can panic half way.
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Resting>> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection on loan. Dropped without [`Borrowed::give_back`] it goes to the pool, which makes sure that it can be
/// used again.
#[derive(Debug)]
pub struct Borrowed {
    connection: Option<PoolConnection<Postgres>>,
    taken: Instant,
    permit: OwnedSemaphorePermit,
    home: Arc<Shared>,
}

impl Borrowed {
    /// Gives the connection back. Its last statement has been answered to the end, and no transaction is open.
    pub fn give_back(mut self) {
        let Some(connection) = self.connection.take() else { return };
        let (taken, since) = (self.taken, Instant::now());
        if taken.elapsed() > KEPT {
            return;
        }
        let mut resting = self.home.lock();
        // A closed lender keeps nothing, or the pool would wait for it.
        if resting.len() < self.home.room && !self.home.permits.is_closed() {
            resting.push(Resting { connection, taken, since });
        }
        drop(resting);
        drop(self.permit);
    }

    /// Takes the connection out of the pool: it is of no use any more.
    pub fn throw_away(mut self) {
        if let Some(mut connection) = self.connection.take() {
            connection.close_on_drop();
        }
    }
}

impl Deref for Borrowed {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.connection.as_deref().expect("there is a connection until it is given back")
    }
}

impl DerefMut for Borrowed {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.connection.as_deref_mut().expect("there is a connection until it is given back")
    }
}

/// A transaction on a borrowed connection. Dropped unfinished it is rolled back in the background.
#[derive(Debug)]
pub struct UnitOfWork {
    borrowed: Option<Borrowed>,
}

impl UnitOfWork {
    /// Makes everything that was done durable.
    ///
    /// # Errors
    /// When the database does not confirm it; whether it was done is not known then.
    pub async fn commit(self) -> Result<(), sqlx::Error> {
        self.end("COMMIT").await
    }

    /// Undoes everything that was done.
    ///
    /// # Errors
    /// When the connection is gone, which undoes it as well.
    pub async fn rollback(self) -> Result<(), sqlx::Error> {
        self.end("ROLLBACK").await
    }

    async fn end(mut self, statement: &'static str) -> Result<(), sqlx::Error> {
        let outcome = self.execute(statement).await;
        match (self.borrowed.take(), outcome) {
            (Some(borrowed), Ok(_)) => {
                borrowed.give_back();
                Ok(())
            }
            (Some(borrowed), Err(error)) => {
                borrowed.throw_away();
                Err(error)
            }
            (None, outcome) => outcome.map(|_| ()),
        }
    }

    fn throw_away(mut self) {
        if let Some(borrowed) = self.borrowed.take() {
            borrowed.throw_away();
        }
    }
}

impl Deref for UnitOfWork {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.borrowed.as_deref().expect("there is a connection until the transaction ends")
    }
}

impl DerefMut for UnitOfWork {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.borrowed.as_deref_mut().expect("there is a connection until the transaction ends")
    }
}

impl Drop for UnitOfWork {
    fn drop(&mut self) {
        let Some(mut borrowed) = self.borrowed.take() else { return };
        // Waits for the answer that the caller did not wait for, so it cannot be done here.
        tokio::spawn(async move {
            match borrowed.execute("ROLLBACK").await {
                Ok(_) => borrowed.give_back(),
                Err(_) => borrowed.throw_away(),
            }
        });
    }
}
