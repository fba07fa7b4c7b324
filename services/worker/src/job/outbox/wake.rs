//! Hears of commits that queued a message, so that a message does not wait for the next look.

use std::sync::Arc;

use dispatch_store::StoreError;
use dispatch_store::outbox_queue;
use serde_json::json;
use tokio::sync::Notify;

use crate::context::Context;
use crate::log::Level;

/// Wakes the delivery on every commit until the worker is told to end; a lost connection is made anew after the
/// poll interval, and polling carries the work meanwhile.
pub(super) async fn listen(context: Context, wake: Arc<Notify>) {
    let never = Notify::new();
    let mut said = None;
    while !context.stop.is_cancelled() {
        let Err(error) = hear(&context, &wake).await else { return };
        let text = error.to_string();
        if said.as_deref() != Some(text.as_str()) {
            context.log.event(Level::Warn, "worker.listener_lost", json!({ "error": text }));
            said = Some(text);
        }
        context.pause(context.config.outbox.poll, &never).await;
    }
}

/// Returns when the worker is told to end.
async fn hear(context: &Context, wake: &Notify) -> Result<(), StoreError> {
    let mut listener = tokio::select! {
        () = context.stop.cancelled() => return Ok(()),
        listener = async { outbox_queue::listen(context.pool().await?).await } => listener?,
    };
    loop {
        // What was committed while nobody listened was not announced, so one look is due now.
        wake.notify_one();
        tokio::select! {
            () = context.stop.cancelled() => return Ok(()),
            // None: the connection was lost and is back; announcements may be lost with it.
            heard = listener.try_recv() => if heard?.is_some() { context.stats.notified() },
        }
    }
}
