//! One-shot jobs: run to their end, with what they wrote.

use std::process::ExitStatus;
use std::time::Duration;

use drillyard_spec::topology::Service;

use super::error::StackError;
use super::process::Process;
use super::start::Starter;

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobOutcome {
    /// Exit code; nothing when a signal ended it.
    pub exit: Option<i32>,
    /// What it wrote on both streams, at most the last 64 KiB.
    pub output: String,
    /// How long it took.
    pub took: Duration,
}

/// Waits for the end of a job, at most its `start_timeout`.
///
/// # Errors
/// When it does not end in time; it is ended by force then.
pub async fn ended(service: &Service, process: &Process) -> Result<ExitStatus, StackError> {
    if let Some(status) = process.wait(service.start_timeout).await {
        return Ok(status);
    }
    process.end_by_force().await;
    Err(StackError::NotReady {
        service: service.name.clone(),
        waited: service.start_timeout,
        probe: "the job has not ended".to_owned(),
        last_lines: process.last_lines(),
    })
}

impl Starter<'_> {
    /// Runs a job, whatever its exit code.
    ///
    /// # Errors
    /// When it cannot be started or does not end in time.
    pub async fn run_job(&self, service: &Service) -> Result<JobOutcome, StackError> {
        let process = self.spawn(service).await?;
        let status = ended(service, &process).await?;
        // A container would stay, and keep its name from the next.
        process.end_by_force().await;
        Ok(JobOutcome { exit: status.code(), output: process.output(), took: process.age() })
    }
}
