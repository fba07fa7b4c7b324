//! The dispatcher's queue: reading the filters, ordering the rows, writing them out once for everyone who waits.

mod actions;
mod filter;
mod row;
mod shared;

pub use filter::{Filters, listed};
pub use row::{Standing, write_queue};
pub use shared::{Queue, SharedQueues};
