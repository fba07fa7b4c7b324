//! Waiting for a condition, with a bound.

use std::time::{Duration, Instant};

/// Longest wait for anything; far more than needed, so that a busy machine does not fail a test.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Asks again and again until there is something, and panics with the last excuse when there never is.
pub async fn eventually<T>(mut ask: impl AsyncFnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + PATIENCE;
    let mut pace = tokio::time::interval(Duration::from_millis(10));
    loop {
        pace.tick().await;
        match ask().await {
            Ok(found) => return found,
            Err(excuse) => assert!(Instant::now() < deadline, "{excuse}"),
        }
    }
}

/// The same for a thread that may block.
pub(crate) fn eventually_blocking<T>(mut ask: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match ask() {
            Ok(found) => return found,
            Err(excuse) => assert!(Instant::now() < deadline, "{excuse}"),
        }
        #[expect(clippy::disallowed_methods, reason = "the pace of a bounded wait")]
        std::thread::sleep(Duration::from_millis(5));
    }
}
