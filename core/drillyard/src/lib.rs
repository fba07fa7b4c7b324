#![doc = include_str!("../README.md")]

pub mod command;
pub mod desk;
pub mod exit;
pub mod facts;
pub mod harness;
pub mod interrupt;
pub mod recorder;
pub mod render;
pub mod root;
pub mod scenario;
pub mod schedule;
pub mod select;
pub mod snapshots;
pub mod suite;
