//! Writing drills: what the command gives to whoever begins one, plans one, works on one, and edits one.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
#![expect(clippy::disallowed_methods, reason = "the command is a process")]

mod checking;
mod drafts;
mod editor;
mod person;
mod planning;
mod project;
mod running;
mod watching;
