//! Rows as documents on the wire: members in contract order, absent values as null.

mod audit_event;
mod evidence_item;
mod ticket;

pub use audit_event::{TimelineDocument, events};
pub use evidence_item::{EvidenceDocument, documents};
pub use ticket::TicketDocument;
