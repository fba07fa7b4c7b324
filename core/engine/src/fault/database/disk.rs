//! `disk-full`: nothing more fits beside the lane's database.

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::{AtWork, ServerLog};
use crate::fault::Witness;
use crate::stack::Lane;
use crate::stack::postgres::full_disk;
use crate::stack::undo::Undo;

/// A database on a disk of its own, which is full.
pub struct FullDisk {
    left: u64,
    log: ServerLog,
}

impl FullDisk {
    /// A disk that is to have so many bytes left.
    pub fn new(left: u64) -> Self {
        Self { left, log: ServerLog::default() }
    }
}

impl AtWork for FullDisk {
    fn undo(&self, lane: &Lane) -> Undo {
        let path = lane.database_server().zip(lane.database());
        let path = path.map(|(server, database)| full_disk::folder(server, database)).unwrap_or_default();
        Undo::Unmount { path }
    }

    fn inject<'a>(&'a mut self, lane: &'a Lane) -> BoxFuture<'a, Result<(), String>> {
        async move {
            let found = lane.database_server().zip(lane.database());
            let (server, database) = found.ok_or("the lane has no database")?;
            self.log.begin(lane);
            server.fill_disk(database, self.left).await.map_err(|error| error.full())
        }
        .boxed()
    }

    fn witness<'a>(&'a self, lane: &'a Lane) -> BoxFuture<'a, Result<Witness, String>> {
        async move {
            let refused = |line: &str| line.contains("No space left on device");
            let seen = self.log.lines_of_lane(lane, refused)?;
            Ok(Witness { seen, bytes: 0, detail: format!("{seen} statements found no room on the disk") })
        }
        .boxed()
    }

    fn heal<'a>(&'a mut self, lane: &'a Lane) -> BoxFuture<'a, Result<(), String>> {
        async move {
            let Some((server, database)) = lane.database_server().zip(lane.database()) else { return Ok(()) };
            server.free_disk(database).await.map_err(|error| error.full())?;
            self.log.end(lane);
            Ok(())
        }
        .boxed()
    }
}
