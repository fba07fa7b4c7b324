#![doc = include_str!("../README.md")]

pub mod code;
pub mod diagnostic;
pub mod drill;
pub mod feature;
pub mod fields;
pub mod node;
pub mod parse;
pub mod pattern;
pub mod phrase;
pub mod project;
pub mod runbook;
pub mod source;
pub mod template;
pub mod topology;
