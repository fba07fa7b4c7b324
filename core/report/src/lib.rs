#![doc = include_str!("../README.md")]

pub mod bundle;
mod chain;
pub mod compare;
pub mod format;
pub mod gate;
pub mod grid;
pub mod history;
pub mod journal;
pub mod manifest;
pub mod mask;
pub mod record;
pub mod recovery;
pub mod redact;
pub mod rejudge;
pub mod sign;
pub mod snapshot;
pub mod verify;
