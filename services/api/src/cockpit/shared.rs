//! Queues that several people look at: whoever asks for one while it is being read shares the next one.
//!
//! A control room has one queue open on many screens. It is read and written out once for all who wait for it, always
//! after they asked, so nobody sees an older one than if it had been read for them alone.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use dispatch_store::StoreError;
use time::OffsetDateTime;
use tokio::sync::oneshot;

/// A queue as it was read.
#[derive(Debug)]
pub struct Queue {
    /// The moment it was read at.
    pub now: OffsetDateTime,
    /// Its rows as a JSON array.
    pub text: Bytes,
    /// Where the next page begins.
    pub next: Option<String>,
}

/// What everyone who waited gets.
pub type Seen = Result<Arc<Queue>, Arc<StoreError>>;

type Askers = Vec<oneshot::Sender<Seen>>;

/// Who waits for which queue. A queue with an entry, even an empty one, is being read.
#[derive(Debug, Clone, Default)]
pub struct SharedQueues {
    waiting: Arc<Mutex<HashMap<String, Askers>>>,
}

impl SharedQueues {
    /// Reads the queue that `key` names. Equal keys have to mean equal queues: the key holds whatever the reading
    /// depends on, the reader's scope and role included.
    ///
    /// # Errors
    /// What the reading ended with.
    pub async fn get<F, R>(&self, key: String, read: F) -> Seen
    where
        F: Fn() -> R + Send + 'static,
        R: Future<Output = Result<Queue, StoreError>> + Send + 'static,
    {
        let (answer, seen) = oneshot::channel();
        let unread = match self.lock().entry(key.clone()) {
            Entry::Occupied(mut entry) => {
                entry.get_mut().push(answer);
                false
            }
            Entry::Vacant(entry) => {
                entry.insert(vec![answer]);
                true
            }
        };
        if unread {
            // A task of its own, because whoever asked first may go away before the others.
            tokio::spawn(Reading { queues: self.clone(), key }.keep_reading(read));
        }
        seen.await.unwrap_or_else(|_| Err(Arc::new(StoreError::WorkerCrashed)))
    }

    /// Nothing that is done under the lock can panic half way.
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Askers>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One queue that is being read; its entry goes with it, however it ends.
struct Reading {
    queues: SharedQueues,
    key: String,
}

impl Reading {
    /// Reads until nobody waits any more.
    async fn keep_reading<F, R>(self, read: F)
    where
        F: Fn() -> R,
        R: Future<Output = Result<Queue, StoreError>>,
    {
        while let Some(askers) = self.next_askers() {
            let seen = read().await.map(Arc::new).map_err(Arc::new);
            for asker in askers {
                // Ignored: whoever asked may have gone away meanwhile.
                let _ = asker.send(seen.clone());
            }
        }
    }

    /// Everyone who waits now. With nobody the entry is gone, so that the next one to ask starts anew.
    fn next_askers(&self) -> Option<Askers> {
        let mut waiting = self.queues.lock();
        let mut askers = std::mem::take(waiting.get_mut(&self.key)?);
        askers.retain(|asker| !asker.is_closed());
        if askers.is_empty() {
            waiting.remove(&self.key);
            return None;
        }
        Some(askers)
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        // After a defect in the reading: whoever waits learns of it by the answer that is dropped.
        if std::thread::panicking() {
            self.queues.lock().remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::body::Bytes;
    use dispatch_store::StoreError;
    use time::OffsetDateTime;
    use tokio::sync::Semaphore;

    use super::{Queue, SharedQueues};

    fn queue(text: String) -> Queue {
        Queue { now: OffsetDateTime::UNIX_EPOCH, text: Bytes::from(text), next: None }
    }

    #[tokio::test]
    async fn whoever_asks_while_a_queue_is_read_shares_the_next_reading_and_never_the_running_one() {
        let (queues, gate, count) =
            (SharedQueues::default(), Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
        let ask = || {
            let (queues, gate, count) = (queues.clone(), Arc::clone(&gate), Arc::clone(&count));
            tokio::spawn(async move {
                let read = move || {
                    let (gate, count) = (Arc::clone(&gate), Arc::clone(&count));
                    async move {
                        let number = count.fetch_add(1, Ordering::SeqCst);
                        gate.acquire().await.unwrap().forget();
                        Ok(queue(number.to_string()))
                    }
                };
                queues.get("same".to_owned(), read).await.unwrap().text.clone()
            })
        };
        let first = ask();
        while count.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        let others = [ask(), ask(), ask()];
        while queues.lock()["same"].len() < 3 {
            tokio::task::yield_now().await;
        }
        gate.add_permits(2);
        assert_eq!(first.await.unwrap(), "0");
        for other in others {
            assert_eq!(other.await.unwrap(), "1");
        }
        while !queues.lock().is_empty() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_failure_is_everyones_and_a_defect_leaves_nothing_behind() {
        let queues = SharedQueues::default();
        let failed = queues.get("a".to_owned(), || async { Err(StoreError::PoolTimedOut) }).await;
        assert!(matches!(*failed.unwrap_err(), StoreError::PoolTimedOut));
        let broken = queues.get("b".to_owned(), || async { panic!("a defect") }).await;
        assert!(matches!(*broken.unwrap_err(), StoreError::WorkerCrashed));
        let mended = queues.get("b".to_owned(), || async { Ok(queue("[]".to_owned())) }).await;
        assert_eq!(mended.unwrap().text, "[]");
    }
}
