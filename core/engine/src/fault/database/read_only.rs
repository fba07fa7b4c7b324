//! `read-only`: as a standby, or a primary that is out of room.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::{AtWork, connect, execute, goodbye, name, terminate_others};
use crate::fault::Witness;
use crate::stack::Lane;
use crate::stack::undo::Undo;

/// A setting of the lane's database, which sessions get when they begin; so all others are ended.
pub struct ReadOnlyDatabase {
    service: String,
    /// Where in the server's log the fault begins.
    from: u64,
    /// Where it ends.
    until: Option<u64>,
}

impl ReadOnlyDatabase {
    /// The lane's database.
    pub fn new(service: &str) -> Self {
        Self { service: service.to_owned(), from: 0, until: None }
    }

    async fn set(&self, lane: &Lane, change: &str) -> Result<(), String> {
        let database = lane.database().ok_or("the lane has no database")?;
        let mut connection = connect(&self.service, lane).await?;
        execute(&mut connection, &format!("alter database {} {change}", name(database))).await?;
        terminate_others(&mut connection).await?;
        goodbye(connection).await;
        Ok(())
    }

    /// Refusals that the server has logged for this database while the fault was at work.
    fn refusals(&self, lane: &Lane) -> std::io::Result<u64> {
        let (Some(path), Some(database)) = (lane.database_log(), lane.database()) else { return Ok(0) };
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(self.from))?;
        let mut bytes = Vec::new();
        let length = self.until.map_or(u64::MAX, |until| until.saturating_sub(self.from));
        file.take(length).read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        let ours = format!(" {database} ERROR:");
        let refused =
            text.lines().filter(|line| line.contains(&ours) && line.contains("read-only transaction"));
        Ok(u64::try_from(refused.count()).unwrap_or(0))
    }
}

fn length(lane: &Lane) -> u64 {
    lane.database_log().and_then(|path| std::fs::metadata(path).ok()).map_or(0, |meta| meta.len())
}

impl AtWork for ReadOnlyDatabase {
    fn undo(&self, lane: &Lane) -> Undo {
        Undo::Setting { database: lane.database().unwrap_or_default().to_owned() }
    }

    fn inject<'a>(&'a mut self, lane: &'a Lane) -> BoxFuture<'a, Result<(), String>> {
        async move {
            self.from = length(lane);
            self.set(lane, "set default_transaction_read_only = on").await
        }
        .boxed()
    }

    fn witness<'a>(&'a self, lane: &'a Lane) -> BoxFuture<'a, Result<Witness, String>> {
        async move {
            let seen = self.refusals(lane).map_err(|error| format!("the server's log: {error}"))?;
            Ok(Witness { seen, bytes: 0, detail: format!("{seen} statements were refused as read-only") })
        }
        .boxed()
    }

    fn heal<'a>(&'a mut self, lane: &'a Lane) -> BoxFuture<'a, Result<(), String>> {
        async move {
            self.set(lane, "reset default_transaction_read_only").await?;
            self.until = Some(length(lane));
            Ok(())
        }
        .boxed()
    }
}
