//! The machine's PostgreSQL: found, prepared once, copied and started for a run, cloned for a lane.

pub mod full_disk;
pub mod install;
pub mod server;
pub mod template;

pub use install::Install;
pub use server::Server;
