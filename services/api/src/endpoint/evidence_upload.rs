//! `GET /tickets/{ticketId}/evidence/upload-url`: a link to put one object, and the reference to submit afterwards.
//!
//! Nothing is written here: the object counts once its reference is submitted as evidence.

use std::time::Duration;

use dispatch_domain::{ErrorCode, Refusal, Role, ToolName};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Endpoint, View};
use crate::answer::Answer;
use crate::clock;
use crate::failure::Failure;
use crate::read::ReadCall;

/// Whoever may add evidence.
const ROLES: &[Role] = &[Role::Dispatcher, Role::Agent, Role::Technician];

/// Longest file name that is kept of what the caller calls the file.
const NAME_LENGTH: usize = 100;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint::view(
    ToolName::CloseoutAddEvidence,
    View {
        route: "/tickets/{ticketId}/evidence/upload-url",
        roles: ROLES,
        query: &["file_name", "content_type"],
    },
    |call| Box::pin(run(call)),
);

async fn run(call: &ReadCall) -> Result<Answer, Failure> {
    let (connection, ticket) = call.ticket().await?;
    drop(connection);
    let content_type = content_type(call)?;
    let name = file_name(call.parameter("file_name").unwrap_or("object"));
    let schemes = &call.app.config.evidence.schemes;
    let scheme = schemes.iter().find(|scheme| !scheme.starts_with("http"));
    let (true, Some(scheme)) = (call.app.objects.is_configured(), scheme) else {
        let message = "No object store is configured; put the object where you can and submit its reference";
        return Err(Refusal::new(ErrorCode::ResourceNotFound, message).into());
    };
    let key = format!("tickets/{}/{}/{name}", ticket.id, Uuid::now_v7());
    let lifetime = Duration::from_secs(call.app.config.policy.link_seconds);
    let link = call
        .app
        .objects
        .upload_link(scheme, &key, content_type, lifetime)
        .await
        .map_err(|error| Failure::internal(error.to_string()))?;
    let headers: Map<String, Value> =
        link.headers.into_iter().map(|(name, value)| (name, value.into())).collect();
    let body = json!({
        "ticket_id": ticket.id,
        "method": "PUT",
        "upload_url": link.url,
        "headers": headers,
        "uri": link.uri,
        "expires_at": clock::text(call.now + lifetime),
    });
    Ok(Answer::json(200, &body))
}

/// Letters, digits, dots, dashes and underscores of what the caller calls the file.
fn file_name(text: &str) -> String {
    let kept: String = text
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || "._-".contains(letter) { letter } else { '_' })
        .take(NAME_LENGTH)
        .collect();
    // Dots alone would be a folder.
    if kept.chars().all(|letter| letter == '.') { "object".to_owned() } else { kept }
}

fn content_type(call: &ReadCall) -> Result<Option<&str>, Refusal> {
    let usable = |text: &str| {
        text.len() <= 200 && text.contains('/') && text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
    };
    match call.parameter("content_type") {
        Some(text) if !usable(text) => {
            let message = "Query parameter 'content_type' must be a media type, such as image/jpeg";
            Err(Refusal::new(ErrorCode::InvalidQuery, message))
        }
        text => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn a_file_name_cannot_lead_anywhere_else() {
        assert_eq!(file_name("../a b?.jpg"), ".._a_b_.jpg");
        assert_eq!(file_name(".."), "object");
        assert_eq!(file_name(&"x".repeat(300)).len(), 100);
    }
}
