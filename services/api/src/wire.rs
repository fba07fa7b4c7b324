//! Rows as documents on the wire: members in contract order, absent values as null.

mod audit_event;
mod autonomy;
mod evidence_item;
mod ticket;

pub use audit_event::{TimelineDocument, events};
pub use autonomy::{ControlDocument, DecisionDocument, switch_chain, switch_history, switches};
pub use evidence_item::{EvidenceDocument, documents};
pub use ticket::TicketDocument;
