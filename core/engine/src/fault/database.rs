//! Faults of the lane's own database. The server is shared by all lanes of a run, but for those of a drill that stops,
//! crashes or starves it: their lane has one of its own, whose commits reach the disk.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};

use drillyard_spec::fault::DatabaseFault;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::AtWork;
use crate::stack::Lane;

mod disk;
mod lock;
mod read_only;
mod server;
mod starve;
mod terminate;

/// The kinds of this family.
pub fn of(service: &str, fault: &DatabaseFault) -> Box<dyn AtWork> {
    match fault {
        DatabaseFault::TerminateBackends => Box::new(terminate::TerminatedBackends::new(service)),
        DatabaseFault::LockTable(table) => Box::new(lock::LockedTable::new(service, table, None)),
        DatabaseFault::SlowTable { table, delay } => {
            Box::new(lock::LockedTable::new(service, table, Some(*delay)))
        }
        DatabaseFault::DiskFull { left } => Box::new(disk::FullDisk::new(*left)),
        DatabaseFault::PoolStarvation => Box::new(starve::Starvation::new(service)),
        DatabaseFault::Stop => Box::new(server::EndedServer::stopped(service)),
        DatabaseFault::Crash => Box::new(server::EndedServer::crashed(service)),
        DatabaseFault::ReadOnly => Box::new(read_only::ReadOnlyDatabase::new(service)),
    }
}

/// A part of the server's log: what was written while a fault was at work.
#[derive(Debug, Default)]
struct ServerLog {
    from: u64,
    until: Option<u64>,
}

impl ServerLog {
    fn begin(&mut self, lane: &Lane) {
        self.from = length(lane);
    }

    fn end(&mut self, lane: &Lane) {
        self.until = Some(length(lane));
    }

    /// How many lines are wanted.
    fn lines(&self, lane: &Lane, wanted: impl Fn(&str) -> bool) -> Result<u64, String> {
        let count = || {
            let Some(path) = lane.database_log() else { return Ok(0) };
            let mut file = File::open(path)?;
            file.seek(SeekFrom::Start(self.from))?;
            let mut bytes = Vec::new();
            let length = self.until.map_or(u64::MAX, |until| until.saturating_sub(self.from));
            file.take(length).read_to_end(&mut bytes)?;
            let text = String::from_utf8_lossy(&bytes);
            Ok(u64::try_from(text.lines().filter(|line| wanted(line)).count()).unwrap_or(0))
        };
        count().map_err(|error: std::io::Error| format!("the server's log: {error}"))
    }

    /// How many lines are wanted of errors in the lane's database; the server may be other lanes' as well.
    fn lines_of_lane(&self, lane: &Lane, wanted: impl Fn(&str) -> bool) -> Result<u64, String> {
        let Some(database) = lane.database() else { return Ok(0) };
        let ours = format!(" {database} ERROR:");
        self.lines(lane, |line| line.contains(&ours) && wanted(line))
    }
}

fn length(lane: &Lane) -> u64 {
    lane.database_log().and_then(|path| std::fs::metadata(path).ok()).map_or(0, |meta| meta.len())
}

/// Sessions of everybody but the one that asks.
const OTHERS: &str = "from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() \
                      and backend_type = 'client backend'";

async fn connect(service: &str, lane: &Lane) -> Result<PgConnection, String> {
    let url =
        lane.database_url(service).ok_or_else(|| format!("`{service}` has no database in this lane"))?;
    let mut connection = PgConnection::connect(&url).await.map_err(|e| format!("cannot connect: {e}"))?;
    // The fault may have made the database read-only, or its locks slow, for everybody including us.
    execute(&mut connection, "set default_transaction_read_only = off; set lock_timeout = '5s'").await?;
    Ok(connection)
}

/// Runs statements; names in them are quoted by [`name`].
async fn execute(connection: &mut PgConnection, statements: &str) -> Result<(), String> {
    let done = sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(connection).await;
    done.map(drop).map_err(|e| format!("{statements}: {e}"))
}

/// Ends the sessions of everybody else; gives how many there were.
async fn terminate_others(connection: &mut PgConnection) -> Result<u64, String> {
    let statement = format!("select count(*) filter (where pg_terminate_backend(pid)) {OTHERS}");
    let ended: i64 = sqlx::query_scalar(AssertSqlSafe(statement))
        .fetch_one(connection)
        .await
        .map_err(|e| format!("ending sessions: {e}"))?;
    Ok(u64::try_from(ended).unwrap_or(0))
}

async fn goodbye(connection: PgConnection) {
    // Everything was said; a server that does not hear the goodbye ends the session by itself.
    let _ = connection.close().await;
}

/// The name of a table, with its schema or without, each part quoted.
fn name(text: &str) -> String {
    text.split('.').map(|part| format!("\"{}\"", part.replace('"', "\"\""))).collect::<Vec<_>>().join(".")
}
