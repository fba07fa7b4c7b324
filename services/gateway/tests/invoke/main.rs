//! The gateway's boundary, against a small fake of the dispatch API on loopback.

#![expect(clippy::unwrap_used, reason = "a broken test world should end the test")]

mod answers;
mod boundary;
mod identity;
mod shapes;
#[path = "../support/world.rs"]
mod world;
