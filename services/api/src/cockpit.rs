//! The dispatcher's queue: reading the filters, ordering the rows, writing them out.

mod actions;
mod filter;
mod row;

pub use filter::{Filters, listed};
pub use row::{Standing, write_queue};
