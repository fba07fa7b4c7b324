//! Reading the members of a request whose schema is already checked; null counts as absent.

use std::str::FromStr;

use dispatch_domain::schedule::{InvalidWindow, Window, parse_instant};
use dispatch_domain::{FieldCode, parse_uuid};
use serde_json::{Map, Value};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::failure::Failure;

/// The members of a request.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    members: Option<&'a Map<String, Value>>,
}

impl<'a> Fields<'a> {
    /// The members of a JSON value; anything but an object has none.
    pub fn of(request: &'a Value) -> Self {
        Self { members: request.as_object() }
    }

    /// A member that is there and not null.
    pub fn get(&self, name: &str) -> Option<&'a Value> {
        self.members?.get(name).filter(|value| !value.is_null())
    }

    /// Text as sent, untrimmed.
    pub fn raw_text(&self, name: &str) -> Option<&'a str> {
        self.get(name).and_then(Value::as_str)
    }

    /// Trimmed text that is not blank.
    ///
    /// # Errors
    /// 400 naming the field.
    pub fn text(&self, name: &str) -> Result<&'a str, Failure> {
        self.raw_text(name).map(str::trim).filter(|text| !text.is_empty()).ok_or_else(|| {
            let code = if self.get(name).is_some() { FieldCode::Blank } else { FieldCode::Required };
            Failure::field(name, code, format!("Field '{name}' is required"))
        })
    }

    /// Trimmed text that is not blank, if it is there at all.
    ///
    /// # Errors
    /// 400 naming the field when it is there and blank.
    pub fn optional_text(&self, name: &str) -> Result<Option<&'a str>, Failure> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => {
                value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(Some).ok_or_else(|| {
                    let message = format!("Field '{name}' must be a non-empty string when provided");
                    Failure::field(name, FieldCode::Blank, message)
                })
            }
        }
    }

    /// A UUID.
    ///
    /// # Errors
    /// 400 naming the field.
    pub fn uuid(&self, name: &str) -> Result<Uuid, Failure> {
        self.optional_uuid(name)?.ok_or_else(|| missing(name))
    }

    /// A UUID, if it is there at all.
    ///
    /// # Errors
    /// 400 naming the field.
    pub fn optional_uuid(&self, name: &str) -> Result<Option<Uuid>, Failure> {
        self.get(name)
            .map(|value| {
                value.as_str().and_then(parse_uuid).ok_or_else(|| {
                    Failure::field(name, FieldCode::Format, format!("Field '{name}' must be a valid UUID"))
                })
            })
            .transpose()
    }

    /// A word of a closed list, exactly as spelled there.
    ///
    /// # Errors
    /// 400 naming the field.
    pub fn word<T: FromStr>(&self, name: &str) -> Result<T, Failure> {
        self.optional_word(name)?.ok_or_else(|| missing(name))
    }

    /// A word of a closed list, if it is there at all.
    ///
    /// # Errors
    /// 400 naming the field.
    pub fn optional_word<T: FromStr>(&self, name: &str) -> Result<Option<T>, Failure> {
        self.get(name)
            .map(|value| {
                value.as_str().and_then(|text| text.parse().ok()).ok_or_else(|| {
                    Failure::field(name, FieldCode::NotOneOf, format!("Field '{name}' is invalid"))
                })
            })
            .transpose()
    }

    /// True or false, if it is there at all.
    ///
    /// # Errors
    /// 400 naming the field.
    pub fn optional_bool(&self, name: &str) -> Result<Option<bool>, Failure> {
        self.get(name)
            .map(|value| {
                value.as_bool().ok_or_else(|| {
                    Failure::field(name, FieldCode::Type, format!("Field '{name}' is invalid"))
                })
            })
            .transpose()
    }

    /// An amount in cents, if it is there at all: an integer from 0 to the largest a double holds exactly.
    ///
    /// # Errors
    /// 400 naming the field.
    pub fn optional_cents(&self, name: &str) -> Result<Option<i64>, Failure> {
        const LARGEST: f64 = 9_007_199_254_740_991.0;
        self.get(name)
            .map(|value| match value.as_f64() {
                #[expect(clippy::cast_possible_truncation, reason = "checked by the guard")]
                Some(cents) if cents.fract() == 0.0 && (0.0..=LARGEST).contains(&cents) => Ok(cents as i64),
                _ => {
                    let message = format!("Field '{name}' must be an integer from 0 to 9007199254740991");
                    Err(Failure::field(name, FieldCode::Invalid, message))
                }
            })
            .transpose()
    }

    /// A date-time.
    ///
    /// # Errors
    /// 400 naming the field.
    pub fn instant(&self, name: &str) -> Result<OffsetDateTime, Failure> {
        self.raw_text(name).and_then(|text| parse_instant(text).ok()).ok_or_else(|| instant_failure(name))
    }

    /// Trimmed texts, none of them blank; absent counts as empty.
    ///
    /// # Errors
    /// 400 naming the element.
    pub fn texts(&self, name: &str) -> Result<Vec<String>, Failure> {
        let Some(value) = self.get(name) else { return Ok(Vec::new()) };
        let items = value.as_array().ok_or_else(|| {
            Failure::field(name, FieldCode::Type, format!("Field '{name}' must be an array"))
        })?;
        items
            .iter()
            .enumerate()
            .map(|(index, item)| {
                item.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned).ok_or_else(
                    || {
                        let field = format!("{name}[{index}]");
                        let message = format!("Field '{field}' must be a non-empty string");
                        Failure::field(&field, FieldCode::Blank, message)
                    },
                )
            })
            .collect()
    }

    /// A window that goes forward. `field` names it in messages, with a dot behind when it is a member;
    /// `reversed` is the message when it does not.
    ///
    /// # Errors
    /// 400 naming what is wrong.
    pub fn window(value: &Value, field: &str, reversed: &str) -> Result<Window, Failure> {
        Window::from_json(value).map_err(|error| match error {
            InvalidWindow::Start => instant_failure(&format!("{field}start")),
            InvalidWindow::End => instant_failure(&format!("{field}end")),
            InvalidWindow::Reversed => {
                Failure::field(&format!("{field}end"), FieldCode::Reversed, reversed.to_owned())
            }
        })
    }

    /// A number, if it is there at all; the schema has checked its range.
    pub fn optional_number(&self, name: &str) -> Option<f64> {
        self.get(name).and_then(Value::as_f64)
    }
}

fn missing(name: &str) -> Failure {
    Failure::field(name, FieldCode::Required, format!("Field '{name}' is required"))
}

fn instant_failure(field: &str) -> Failure {
    Failure::field(field, FieldCode::Format, format!("Field '{field}' must be ISO date-time"))
}
