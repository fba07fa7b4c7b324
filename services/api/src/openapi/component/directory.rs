//! The directory, invoices, completions, links and the stream of events.

use dispatch_domain::{ActorType, TicketState};
use serde_json::{Value, json};

use super::shape::{closed, flag, free, instant, integer, is, list, or_null, text, uuid, word};

pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    let page =
        |name: &'static str, of: &str| closed(&[(name, list(is(of))), ("next_cursor", or_null(text()))]);
    let of_ticket = |name: &'static str, of: &str| closed(&[("ticket_id", uuid()), (name, list(is(of)))]);
    vec![
        ("Account", closed(&[("id", uuid()), ("name", text()), ("created_at", instant())])),
        ("AccountPage", page("accounts", "Account")),
        ("Site", site()),
        ("SitePage", page("sites", "Site")),
        ("Technician", technician()),
        ("TechnicianPage", page("technicians", "Technician")),
        ("RevokedToken", closed(&[("jti", text()), ("expires_at", instant()), ("revoked", flag())])),
        ("Invoice", invoice()),
        ("InvoiceList", of_ticket("invoices", "Invoice")),
        ("Completion", completion()),
        ("CompletionList", of_ticket("completions", "Completion")),
        ("AuditChain", audit_chain()),
        ("UploadLink", upload_link()),
        ("TicketEvent", ticket_event()),
    ]
}

fn number() -> Value {
    json!({ "type": "number" })
}

fn site() -> Value {
    closed(&[
        ("id", uuid()),
        ("account_id", uuid()),
        ("name", text()),
        ("address1", text()),
        ("address2", or_null(text())),
        ("city", text()),
        ("region", or_null(text())),
        ("postal_code", or_null(text())),
        ("country", text()),
        ("timezone", text()),
        ("locale", or_null(text())),
        ("access_instructions", or_null(text())),
        ("hours", free()),
        ("latitude", or_null(number())),
        ("longitude", or_null(number())),
        ("created_at", instant()),
    ])
}

fn technician() -> Value {
    let span = closed(&[("weekday", integer()), ("start", text()), ("end", text())]);
    closed(&[
        ("id", uuid()),
        ("name", text()),
        ("active", flag()),
        ("home_region", or_null(text())),
        ("skills", list(text())),
        ("regions", list(text())),
        ("availability", list(span)),
        ("timezone", or_null(text())),
        ("rating", or_null(number())),
        ("latitude", or_null(number())),
        ("longitude", or_null(number())),
        ("created_at", instant()),
    ])
}

fn invoice() -> Value {
    let line = closed(&[
        ("description", text()),
        ("quantity", integer()),
        ("unit_price_cents", integer()),
        ("amount_cents", integer()),
    ]);
    closed(&[
        ("id", uuid()),
        ("number", text()),
        ("status", word(&["ISSUED", "VOID"])),
        ("currency", text()),
        ("lines", list(line)),
        ("total_cents", integer()),
        ("issued_by", text()),
        ("issued_at", instant()),
        ("voided_by", or_null(text())),
        ("voided_at", or_null(instant())),
        ("void_reason", or_null(text())),
    ])
}

fn completion() -> Value {
    closed(&[
        ("attempt", integer()),
        ("actor_id", text()),
        ("actor_role", or_null(text())),
        ("tool_name", text()),
        ("checklist", free()),
        ("no_signature_reason", or_null(text())),
        ("evidence_refs", json!({ "type": "array" })),
        ("outcome", word(&["ACCEPTED", "REFUSED", "VERIFIED", "REJECTED"])),
        ("requirement_code", or_null(text())),
        ("judged_by", or_null(text())),
        ("judged_at", or_null(instant())),
        ("judge_notes", or_null(text())),
        ("created_at", instant()),
    ])
}

fn audit_chain() -> Value {
    let link = closed(&[
        ("ticket_id", or_null(uuid())),
        ("event_id", uuid()),
        ("ticket_seq", or_null(integer())),
        ("kind", word(&["ALTERED", "UNLINKED", "GAP"])),
    ]);
    closed(&[
        ("ticket_id", uuid()),
        ("intact", flag()),
        ("events", integer()),
        ("head", or_null(text())),
        ("broken", list(link)),
    ])
}

fn upload_link() -> Value {
    closed(&[
        ("ticket_id", uuid()),
        ("method", word(&["PUT"])),
        ("upload_url", text()),
        ("headers", json!({ "type": "object", "additionalProperties": { "type": "string" } })),
        ("uri", text()),
        ("expires_at", instant()),
    ])
}

fn ticket_event() -> Value {
    closed(&[
        ("event_id", text()),
        ("event_type", word(&["ticket.created", "ticket.state_changed"])),
        ("ticket_id", uuid()),
        ("account_id", uuid()),
        ("site_id", uuid()),
        ("from_state", or_null(word(TicketState::ALL))),
        ("to_state", word(TicketState::ALL)),
        ("ticket_seq", or_null(integer())),
        ("audit_event_id", uuid()),
        ("tool_name", text()),
        ("actor_type", word(ActorType::ALL)),
        ("actor_id", or_null(text())),
        ("actor_role", or_null(text())),
        ("correlation_id", or_null(text())),
        ("occurred_at", instant()),
    ])
}
