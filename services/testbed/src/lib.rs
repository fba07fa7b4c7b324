#![doc = include_str!("../README.md")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answer;
mod api;
mod database;
mod install;
mod object_server;
mod process;
mod server;
mod wait;
mod watchdog;

pub mod token;

pub use answer::{Answer, send};
pub use api::Api;
pub use database::Database;
pub use nix::sys::signal::Signal;
pub use object_server::ObjectServer;
pub use process::{Process, program_beside};
pub use server::Server;
pub use wait::{PATIENCE, eventually};

/// The only account of the demo fixtures.
pub const ACCOUNT: &str = "d3f77db0-5d1a-4f9c-b0ea-111111111111";
/// Its only site.
pub const SITE: &str = "7f6a2b2c-8f1e-4f2b-b3a1-222222222222";
/// An active technician of the site's region with every skill.
pub const TECHNICIAN: &str = "00000000-0000-0000-0000-000000000083";
/// Another one.
pub const SECOND_TECHNICIAN: &str = "00000000-0000-0000-0000-000000000084";
