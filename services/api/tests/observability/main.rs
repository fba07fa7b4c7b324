//! What operators see: counters, log lines, files, alerts, traces, with the API as a process on a real database.
//!
//! Every test has a database of its own, so they run side by side.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod alerts;
mod counters;
mod desk;
mod files;
mod health;
mod operators;
mod traces;
