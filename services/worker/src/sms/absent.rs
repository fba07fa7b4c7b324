//! No provider is configured: messages are suppressed, not pretended to be sent.

use super::{Sending, SmsAdapter, SmsError, SmsMessage};

pub(super) struct Absent;

impl SmsAdapter for Absent {
    fn name(&self) -> &'static str {
        "none"
    }

    fn send<'a>(&'a self, _message: &'a SmsMessage) -> Sending<'a> {
        Box::pin(async { Err(SmsError::Suppressed("no_sms_provider")) })
    }
}
