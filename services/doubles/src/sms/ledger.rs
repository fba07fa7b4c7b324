//! What arrived, what went out, and what will be answered next.

use std::collections::VecDeque;

use axum::http::StatusCode;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::script::Answer;

/// A message as the caller sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) to: String,
    pub(super) body: String,
    pub(super) message_key: String,
}

#[derive(Debug)]
struct Call {
    at: OffsetDateTime,
    message: Message,
    /// None while the answer is still owed.
    status: Option<StatusCode>,
}

#[derive(Debug)]
struct Delivered {
    at: OffsetDateTime,
    id: String,
    message: Message,
}

/// Everything the provider remembers; numbers start at 1.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    calls: Vec<Call>,
    delivered: Vec<Delivered>,
    script: VecDeque<Answer>,
    /// Resets so far.
    epoch: u64,
}

/// Which call, since which reset.
#[derive(Clone, Copy, Debug)]
pub(super) struct CallNumber {
    index: usize,
    epoch: u64,
}

impl Ledger {
    /// The scripted answer for this call, or the plain one.
    pub(super) fn next_answer(&mut self) -> Answer {
        let Some(answer) = self.script.front_mut() else { return Answer::default() };
        answer.times -= 1;
        let current = answer.clone();
        if answer.times == 0 {
            self.script.pop_front();
        }
        current
    }

    pub(super) fn set_script(&mut self, answers: Vec<Answer>) {
        self.script = answers.into();
    }

    /// Remembers a call at its arrival; the number is for [`Ledger::answered`].
    pub(super) fn arrived(&mut self, message: Message) -> CallNumber {
        self.calls.push(Call { at: OffsetDateTime::now_utc(), message, status: None });
        CallNumber { index: self.calls.len() - 1, epoch: self.epoch }
    }

    /// Remembers how a call was answered; a call from before a reset is forgotten.
    pub(super) fn answered(&mut self, number: CallNumber, status: StatusCode) {
        if number.epoch == self.epoch
            && let Some(call) = self.calls.get_mut(number.index)
        {
            call.status = Some(status);
        }
    }

    /// Forgets everything.
    pub(super) fn reset(&mut self) {
        *self = Self { epoch: self.epoch + 1, ..Self::default() };
    }

    /// The provider's id of the message; the same key gives the id it was given first.
    ///
    /// # Errors
    /// When the key was used for another message.
    pub(super) fn deliver(&mut self, message: &Message) -> Result<String, &'static str> {
        let earlier = self.delivered.iter().find(|known| known.message.message_key == message.message_key);
        match earlier {
            Some(known) if known.message == *message => Ok(known.id.clone()),
            Some(_) => Err("this `message_key` was used for another message"),
            None => {
                let id = format!("sms-{:06}", self.delivered.len() + 1);
                let at = OffsetDateTime::now_utc();
                self.delivered.push(Delivered { at, id: id.clone(), message: message.clone() });
                Ok(id)
            }
        }
    }

    pub(super) fn calls(&self) -> Value {
        let calls = self.calls.iter().enumerate().map(|(index, call)| {
            json!({
                "n": index + 1,
                "at": written(call.at),
                "to": call.message.to,
                "body": call.message.body,
                "message_key": call.message.message_key,
                "status": call.status.map(|status| status.as_u16()),
            })
        });
        json!({ "calls": calls.collect::<Vec<_>>() })
    }

    pub(super) fn messages(&self) -> Value {
        let messages = self.delivered.iter().map(|delivered| {
            json!({
                "provider_message_id": delivered.id,
                "at": written(delivered.at),
                "to": delivered.message.to,
                "body": delivered.message.body,
                "message_key": delivered.message.message_key,
            })
        });
        json!({ "messages": messages.collect::<Vec<_>>() })
    }
}

fn written(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).expect("a present UTC time is within the years that RFC 3339 can write")
}
