//! Faults of the lane's own database. The server itself is shared by all lanes of a run, so stopping or crashing it is
//! no fault of one lane; what a service sees of a crash, its sessions ending, is `terminate-backends`.

use drillyard_spec::fault::DatabaseFault;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::AtWork;
use crate::stack::Lane;

mod lock;
mod read_only;
mod terminate;

/// The kinds of this family.
pub fn of(service: &str, fault: &DatabaseFault) -> Box<dyn AtWork> {
    match fault {
        DatabaseFault::TerminateBackends => Box::new(terminate::TerminatedBackends::new(service)),
        DatabaseFault::LockTable(table) => Box::new(lock::LockedTable::new(service, table, None)),
        DatabaseFault::SlowTable { table, delay } => {
            Box::new(lock::LockedTable::new(service, table, Some(*delay)))
        }
        DatabaseFault::ReadOnly => Box::new(read_only::ReadOnlyDatabase::new(service)),
    }
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
