//! The words of a message: a configured text filled in, or the service's own.

use dispatch_domain::outbox::Message;
use dispatch_store::message_templates::{self, Subject, TextRow};

use crate::command::Command;
use crate::failure::Failure;

/// The message in the words that are configured for the ticket's account and locale; unchanged when none are.
///
/// # Errors
/// When the database does not answer.
pub async fn worded(command: &mut Command, message: Message, subject: Subject) -> Result<Message, Failure> {
    let text = message_templates::find(command.db(), message.event.as_str(), subject).await?;
    Ok(match text {
        Some(text) => {
            let body = filled(&text, &message.ticket_id);
            message.worded(body)
        }
        None => message,
    })
}

/// Fills the placeholders in one pass, so that a filled-in value is never read as a placeholder. One that nobody
/// knows is left as it is written.
fn filled(text: &TextRow, ticket_id: &str) -> String {
    let value = |name: &str| match name {
        "ticket_id" => Some(ticket_id),
        "site" => Some(text.site.as_str()),
        "account" => Some(text.account.as_str()),
        "timezone" => Some(text.timezone.as_str()),
        "technician" => Some(text.technician.as_deref().unwrap_or_default()),
        "start" => Some(text.start.as_deref().unwrap_or_default()),
        "end" => Some(text.end.as_deref().unwrap_or_default()),
        _ => None,
    };
    let mut out = String::with_capacity(text.body.len() + 64);
    let mut rest = text.body.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        match after.split_once('}').and_then(|(name, behind)| Some((value(name)?, behind))) {
            Some((value, behind)) => {
                out.push_str(value);
                rest = behind;
            }
            None => {
                out.push('{');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::filled;
    use dispatch_store::message_templates::TextRow;

    #[test]
    fn placeholders_are_filled_once_and_unknown_ones_stay() {
        let text = TextRow {
            body:
                "{technician} kommt {start}-{end} ({timezone}) zu {site}, {account}: {ticket_id} {nobody} {"
                    .to_owned(),
            site: "{start}".to_owned(),
            account: "Demo".to_owned(),
            timezone: "Europe/Berlin".to_owned(),
            start: Some("10:00".to_owned()),
            end: Some("12:00".to_owned()),
            technician: None,
        };
        let expected = " kommt 10:00-12:00 (Europe/Berlin) zu {start}, Demo: t1 {nobody} {";
        assert_eq!(filled(&text, "t1"), expected);
    }
}
