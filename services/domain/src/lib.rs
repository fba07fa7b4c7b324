#![doc = include_str!("../README.md")]

#[macro_use]
mod wire;

pub mod action;
pub mod alert;
pub mod assignment;
pub mod audit;
pub mod canonical;
pub mod closeout;
pub mod error_code;
pub mod field_error;
pub mod ids;
pub mod intake;
pub mod invoice;
pub mod object_ref;
pub mod outbox;
pub mod redact;
pub mod reference;
pub mod refusal;
pub mod region;
pub mod role;
pub mod schedule;
pub mod schema;
pub mod scope;
pub mod sla;
pub mod state;
pub mod template;
pub mod tool;
pub mod trace;
pub mod transition;
pub mod vocabulary;

pub use error_code::{Dimension, ErrorCode};
pub use field_error::{FieldCode, FieldError};
pub use ids::parse_uuid;
pub use refusal::Refusal;
pub use role::Role;
pub use scope::Scope;
pub use state::{Phase, TicketState};
pub use tool::{Method, Tool, ToolName};
pub use vocabulary::{ActorType, Priority};
pub use wire::UnknownWord;
