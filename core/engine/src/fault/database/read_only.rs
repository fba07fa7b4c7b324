//! `read-only`: as a standby, or a primary that is out of room.

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::{AtWork, ServerLog, connect, execute, goodbye, name, terminate_others};
use crate::fault::Witness;
use crate::stack::Lane;
use crate::stack::undo::Undo;

/// A setting of the lane's database, which sessions get when they begin; so all others are ended.
pub struct ReadOnlyDatabase {
    service: String,
    log: ServerLog,
}

impl ReadOnlyDatabase {
    /// The lane's database.
    pub fn new(service: &str) -> Self {
        Self { service: service.to_owned(), log: ServerLog::default() }
    }

    async fn set(&self, lane: &Lane, change: &str) -> Result<(), String> {
        let database = lane.database().ok_or("the lane has no database")?;
        let mut connection = connect(&self.service, lane).await?;
        execute(&mut connection, &format!("alter database {} {change}", name(database))).await?;
        terminate_others(&mut connection).await?;
        goodbye(connection).await;
        Ok(())
    }
}

impl AtWork for ReadOnlyDatabase {
    fn undo(&self, lane: &Lane) -> Undo {
        Undo::Setting { database: lane.database().unwrap_or_default().to_owned() }
    }

    fn inject<'a>(&'a mut self, lane: &'a Lane) -> BoxFuture<'a, Result<(), String>> {
        async move {
            self.log.begin(lane);
            self.set(lane, "set default_transaction_read_only = on").await
        }
        .boxed()
    }

    fn witness<'a>(&'a self, lane: &'a Lane) -> BoxFuture<'a, Result<Witness, String>> {
        async move {
            let refused = |line: &str| line.contains("read-only transaction");
            let seen = self.log.lines_of_lane(lane, refused)?;
            Ok(Witness { seen, bytes: 0, detail: format!("{seen} statements were refused as read-only") })
        }
        .boxed()
    }

    fn heal<'a>(&'a mut self, lane: &'a Lane) -> BoxFuture<'a, Result<(), String>> {
        async move {
            self.set(lane, "reset default_transaction_read_only").await?;
            self.log.end(lane);
            Ok(())
        }
        .boxed()
    }
}
