//! MCP over streamable HTTP and over the standard streams, spoken by hand: what clients of any make will see.

#![expect(clippy::unwrap_used, reason = "a broken test world should end the test")]

mod http;
mod stdio;
#[allow(dead_code, reason = "other test binaries use the rest of it")]
#[path = "../support/world.rs"]
mod world;
