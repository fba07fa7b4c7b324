//! A disk of a lane's database's own, which is full: a tablespace on a small file system in memory.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::Server;
use super::server::{literal, name};
use crate::stack::error::{StackError, io_error};
use crate::stack::mounts;

/// Room beside the database that its move and its sessions take, before the disk is filled.
const SPARE: u64 = 32 << 20;
/// Bytes that are written at once to fill the disk.
const CHUNK: usize = 64 << 10;

/// Where the full disk of a database is.
#[must_use]
pub fn folder(server: &Server, database: &str) -> PathBuf {
    server.folder().join(format!("full-{database}"))
}

impl Server {
    /// Moves a database to a disk of its own and fills that, but for `left` bytes.
    ///
    /// # Errors
    /// When the runner is not root, or PostgreSQL refuses.
    pub async fn fill_disk(&self, database: &str, left: u64) -> Result<(), StackError> {
        let folder = folder(self, database);
        let bytes = self.size_of(database).await?.saturating_add(SPARE);
        fs::create_dir_all(&folder).map_err(io_error(format!("making {}", folder.display())))?;
        mounts::mount_memory(&folder, bytes, self.user())
            .map_err(io_error(format!("making a disk of its own for {database}")))?;
        let space = format!("full_{database}");
        let place = literal(&folder.display().to_string());
        let create = format!("CREATE TABLESPACE {} LOCATION {place}", name(&space));
        self.execute("making a tablespace", &create).await?;
        self.move_to(database, &space).await?;
        fill(&ballast(&folder), left).map_err(io_error(format!("filling {}", folder.display())))
    }

    /// Moves a database back and removes the disk. May be repeated.
    ///
    /// # Errors
    /// When PostgreSQL or the system refuses.
    pub async fn free_disk(&self, database: &str) -> Result<(), StackError> {
        let folder = folder(self, database);
        if !folder.exists() {
            return Ok(());
        }
        let _ = fs::remove_file(ballast(&folder));
        self.move_to(database, "pg_default").await?;
        let drop = format!("DROP TABLESPACE IF EXISTS {}", name(&format!("full_{database}")));
        self.execute("dropping the tablespace", &drop).await?;
        mounts::unmount(&folder).map_err(io_error(format!("unmounting {}", folder.display())))?;
        fs::remove_dir_all(&folder).map_err(io_error(format!("removing {}", folder.display())))
    }

    /// A database can only be moved while nobody is connected to it.
    async fn move_to(&self, database: &str, space: &str) -> Result<(), StackError> {
        let (doing, named) = (format!("moving the database {database}"), name(database));
        self.execute(&doing, &format!("ALTER DATABASE {named} WITH ALLOW_CONNECTIONS false")).await?;
        let end = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}",
            literal(database)
        );
        let moved = match self.execute(&doing, &end).await {
            Ok(()) => {
                self.execute(&doing, &format!("ALTER DATABASE {named} SET TABLESPACE {}", name(space))).await
            }
            Err(error) => Err(error),
        };
        // Whatever became of the move, the services may connect again.
        self.execute(&doing, &format!("ALTER DATABASE {named} WITH ALLOW_CONNECTIONS true")).await.and(moved)
    }
}

fn ballast(folder: &Path) -> PathBuf {
    folder.join("ballast")
}

/// Writes until nothing more fits, then leaves `left` bytes.
fn fill(file: &Path, left: u64) -> io::Result<()> {
    let mut ballast = OpenOptions::new().create(true).append(true).open(file)?;
    let mut chunk = vec![0_u8; CHUNK];
    while !chunk.is_empty() {
        match ballast.write(&chunk) {
            Ok(0) => chunk.truncate(chunk.len() / 2),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::StorageFull => chunk.truncate(chunk.len() / 2),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let length = ballast.metadata()?.len();
    ballast.set_len(length.saturating_sub(left))
}
