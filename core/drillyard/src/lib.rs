#![doc = include_str!("../README.md")]

pub mod command;
pub mod desk;
pub mod draft;
pub mod exit;
pub mod facts;
pub mod harness;
pub mod interrupt;
pub mod lsp;
mod memory;
pub mod pace;
pub mod recorder;
pub mod render;
pub mod root;
pub mod scenario;
pub mod schedule;
pub mod select;
pub mod snapshots;
pub mod suite;
mod target;
pub mod until;
