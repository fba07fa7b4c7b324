#![doc = include_str!("../README.md")]

pub mod action;
pub mod bindings;
pub mod clock;
pub mod event;
pub mod fault;
pub mod judge;
pub mod portable;
pub mod run;
pub mod session;
pub mod stack;
pub mod verdict;
