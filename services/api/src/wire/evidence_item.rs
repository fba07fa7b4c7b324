//! The evidence item.

use dispatch_store::evidence::EvidenceRow;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::clock;

/// One item; twelve members.
#[derive(Debug, Serialize)]
pub struct EvidenceDocument<'a> {
    id: Uuid,
    ticket_id: Uuid,
    kind: &'a str,
    uri: &'a str,
    checksum: Option<&'a str>,
    is_immutable: bool,
    immutable_reason: Option<&'a str>,
    immutable_by: Option<&'a str>,
    immutable_at: Option<String>,
    metadata: &'a Value,
    created_by: Option<&'a str>,
    created_at: String,
}

impl<'a> EvidenceDocument<'a> {
    /// The document of a row.
    pub fn of(row: &'a EvidenceRow) -> Self {
        Self {
            id: row.id,
            ticket_id: row.ticket_id,
            kind: &row.kind,
            uri: &row.uri,
            checksum: row.checksum.as_deref(),
            is_immutable: row.is_immutable,
            immutable_reason: row.immutable_reason.as_deref(),
            immutable_by: row.immutable_by.as_deref(),
            immutable_at: row.immutable_at.map(clock::text),
            metadata: &row.metadata,
            created_by: row.created_by.as_deref(),
            created_at: clock::text(row.created_at),
        }
    }
}

/// The documents of rows.
pub fn documents(rows: &[EvidenceRow]) -> Vec<EvidenceDocument<'_>> {
    rows.iter().map(EvidenceDocument::of).collect()
}
