//! The acceptance list of the API, one file per section, with the API as a process on a real database.
//!
//! `snapshots/ledger/acceptance.csv` says which test, drill or scenario meets which line.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod authorisation;
mod autonomy;
mod commands;
mod desk;
mod evidence;
mod idempotency;
mod intake;
mod ledger;
mod life_cycle;
mod observability;
mod outbox;
mod queue;
mod schema;
mod templates;
mod timeline;
mod views;
