//! Payloads of the directory: accounts, sites, technicians, and tokens that are no longer believed.

use serde_json::{Value, json};

use super::{Member, flag, instant, object, optional, required, text, texts, uuid};
use crate::tool::ToolName;

/// The members of a tool of the directory.
pub(super) fn members(name: ToolName) -> Option<Vec<Member>> {
    Some(match name {
        ToolName::AccountCreate => vec![required("name", text(1)), optional("id", uuid())],
        ToolName::AccountUpdate => vec![optional("name", text(1))],
        ToolName::SiteCreate => {
            let mut members = vec![
                required("account_id", uuid()),
                required("name", text(1)),
                required("address1", text(1)),
                required("city", text(1)),
                optional("id", uuid()),
            ];
            members.extend(site_rest());
            members
        }
        ToolName::SiteUpdate => {
            let mut members =
                vec![optional("name", text(1)), optional("address1", text(1)), optional("city", text(1))];
            members.extend(site_rest());
            members
        }
        ToolName::TechnicianCreate => {
            let mut members = vec![required("name", text(1)), optional("id", uuid())];
            members.extend(technician_rest());
            members
        }
        ToolName::TechnicianUpdate => {
            let mut members = vec![optional("name", text(1))];
            members.extend(technician_rest());
            members
        }
        ToolName::TokenRevoke => vec![
            required("jti", json!({ "type": "string", "minLength": 1, "maxLength": 512 })),
            required("expires_at", instant()),
            optional("reason", text(1)),
        ],
        _ => return None,
    })
}

fn degrees(most: i32) -> Value {
    json!({ "type": "number", "minimum": -most, "maximum": most })
}

fn site_rest() -> Vec<Member> {
    let span = object(vec![required("start", clock_time()), required("end", clock_time())]);
    let spans = json!({ "type": "array", "items": span });
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let hours = object(days.into_iter().map(|day| optional(day, spans.clone())).collect());
    vec![
        optional("address2", text(0)),
        optional("region", text(0)),
        optional("postal_code", text(0)),
        optional("country", json!({ "type": "string", "pattern": "^[A-Z]{2}$" })),
        optional("timezone", text(1)),
        optional("locale", text(0)),
        optional("access_instructions", text(0)),
        optional("hours", hours),
        optional("latitude", degrees(90)),
        optional("longitude", degrees(180)),
    ]
}

fn technician_rest() -> Vec<Member> {
    let availability = object(vec![
        required("weekday", json!({ "type": "integer", "minimum": 0, "maximum": 6 })),
        required("start", clock_time()),
        required("end", clock_time()),
    ]);
    vec![
        optional("active", flag()),
        optional("home_region", text(0)),
        optional("skills", texts()),
        optional("regions", texts()),
        optional("availability", json!({ "type": "array", "maxItems": 100, "items": availability })),
        optional("timezone", text(1)),
        optional("rating", json!({ "type": "number", "minimum": 0, "maximum": 5 })),
        optional("latitude", degrees(90)),
        optional("longitude", degrees(180)),
    ]
}

/// `08:30`, in 24 hours; `24:00` ends a day.
fn clock_time() -> Value {
    json!({ "type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$" })
}
