//! Pretending to send. The message id is the same for every retry of the same message.

use sha2::{Digest, Sha256};

use super::{Receipt, Sending, SmsAdapter, SmsMessage};

pub(super) struct DryRun;

impl SmsAdapter for DryRun {
    fn name(&self) -> &'static str {
        "dry-run"
    }

    fn send<'a>(&'a self, message: &'a SmsMessage) -> Sending<'a> {
        let id = message_id(message);
        let receipt = Receipt { provider_message_id: Some(id), status: "dry-run".to_owned(), dry_run: true };
        Box::pin(async { Ok(receipt) })
    }
}

/// SHA-256, in lower-case hex, of `dry-run:<key>|<to>|<body>`.
fn message_id(message: &SmsMessage) -> String {
    let text = format!("dry-run:{}|{}|{}", message.message_key, message.to, message.body);
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_depends_on_key_recipient_and_text_only() {
        let message = SmsMessage { to: "+1".to_owned(), body: "hi".to_owned(), message_key: "k".to_owned() };
        assert_eq!(message_id(&message), message_id(&message.clone()));
        assert_eq!(message_id(&message).len(), 64);
        assert_ne!(message_id(&message), message_id(&SmsMessage { body: "ho".to_owned(), ..message }));
    }
}
