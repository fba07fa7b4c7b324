//! Why a stack or lane could not be raised.

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use drillyard_spec::topology::interpolate::Unset;

/// Why a stack or lane could not be raised. The text says what to do where that is known.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// No PostgreSQL server was found.
    #[error("PostgreSQL was not found (looked in {}). Install it with `apt-get install postgresql` (macOS: `brew install postgresql@17`), or name the folder of `postgres` and `initdb` with --pg-bin", list(.looked))]
    NoPostgres {
        /// Folders that were looked at.
        looked: Vec<PathBuf>,
    },
    /// PostgreSQL could not be prepared or started.
    #[error("PostgreSQL: {doing} failed{}", tail(.last_lines))]
    Postgres {
        /// What was being done.
        doing: String,
        /// The last lines it wrote.
        last_lines: Vec<String>,
    },
    /// A statement of the harness was refused.
    #[error("PostgreSQL: {doing} failed")]
    Database {
        /// What was being done.
        doing: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// The services could not be built.
    #[error("the services could not be built{}", tail(.last_lines))]
    Build {
        /// What cargo wrote.
        last_lines: Vec<String>,
    },
    /// No container engine answers.
    #[error(
        "no container engine answers at {at} ({why}); start Docker, or as root run `ops/images/engine.sh`, which installs and starts one"
    )]
    NoEngine {
        /// Where it was looked for.
        at: String,
        /// Why not.
        why: String,
    },
    /// The container engine refused something.
    #[error("the container engine: {doing} failed: {why}")]
    Engine {
        /// What was being done.
        doing: String,
        /// What it said.
        why: String,
    },
    /// An image is not there.
    #[error(
        "the image `{image}` of `{service}` is not on this machine{why}; `cargo xtask images` builds the images of this project"
    )]
    NoImage {
        /// The service.
        service: String,
        /// Its image.
        image: String,
        /// Why it could not be had from elsewhere.
        why: String,
    },
    /// A service's program does not exist.
    #[error("`{service}`: there is no program `{program}`")]
    NoProgram {
        /// The service.
        service: String,
        /// The program.
        program: String,
    },
    /// A service ended while it was starting.
    #[error("`{service}` {exit} while it was starting{}", tail(.last_lines))]
    Died {
        /// The service.
        service: String,
        /// How it ended, such as "ended with exit code 1".
        exit: String,
        /// The last lines it wrote.
        last_lines: Vec<String>,
    },
    /// A service did not become ready.
    #[error("`{service}` was not ready after {} ms: {probe}{}", .waited.as_millis(), tail(.last_lines))]
    NotReady {
        /// The service.
        service: String,
        /// How long was waited.
        waited: Duration,
        /// What the probe saw last.
        probe: String,
        /// The last lines it wrote.
        last_lines: Vec<String>,
    },
    /// A job that others wait for did not succeed.
    #[error("the job `{service}` {exit}{}", tail(.last_lines))]
    Job {
        /// The job.
        service: String,
        /// How it ended.
        exit: String,
        /// The last lines it wrote.
        last_lines: Vec<String>,
    },
    /// A variable that is required has no value.
    #[error("`{service}`: {source}")]
    Unset {
        /// The service.
        service: String,
        /// The variable.
        source: Unset,
    },
    /// Something was asked for that the topology does not have.
    #[error("{0}")]
    Unknown(String),
    /// The built-in object store failed.
    #[error("the object store: {doing} failed")]
    ObjectStore {
        /// What was being done.
        doing: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The reaper, without which a killed run would leave processes behind, could not be started.
    #[error("the reaper `{}` could not be started; build it with `cargo build --bin drillyard`", .program.display())]
    Reaper {
        /// Its program.
        program: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file or process could not be handled.
    #[error("{doing} failed")]
    Io {
        /// What was being done, with the path.
        doing: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A token could not be signed.
    #[error("the token of `{identity}` could not be signed")]
    Token {
        /// Whose.
        identity: String,
        /// Why.
        #[source]
        source: jsonwebtoken::errors::Error,
    },
}

impl StackError {
    /// The error with its causes, innermost last.
    #[must_use]
    pub fn full(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            // A cause that the message already holds is not said twice.
            let words = error.to_string();
            if !text.contains(&words) {
                let _ = write!(text, ": {words}");
            }
            cause = error.source();
        }
        text
    }
}

/// Adds what was being done to an I/O error.
pub fn io_error(doing: impl Into<String>) -> impl FnOnce(io::Error) -> StackError {
    let doing = doing.into();
    move |source| StackError::Io { doing, source }
}

fn list(folders: &[PathBuf]) -> String {
    folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ")
}

fn tail(lines: &[String]) -> String {
    if lines.is_empty() {
        " (it wrote nothing)".to_owned()
    } else {
        format!(":\n    {}", lines.join("\n    "))
    }
}
