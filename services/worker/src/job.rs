//! The jobs: one file each, and the one list.

use std::future::Future;
use std::pin::Pin;

use crate::context::Context;

pub mod assignment;
pub mod outbox;
pub mod outbox_retention;

/// A job that runs until the worker is told to end.
pub struct Job {
    /// Name in events.
    pub name: &'static str,
    /// Runs it; returns once `stop` is cancelled and work in progress is finished.
    pub run: fn(Context) -> Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// Every job.
pub const JOBS: [Job; 3] = [
    Job { name: "assignment", run: |context| Box::pin(assignment::run(context)) },
    Job { name: "outbox", run: |context| Box::pin(outbox::run(context)) },
    Job { name: "outbox-retention", run: |context| Box::pin(outbox_retention::run(context)) },
];
