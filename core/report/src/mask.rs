//! Secret values never leave a run: every writer replaces them, and a scan looks again before a bundle is closed.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::Value;

/// The shortest value that is masked, in bytes. Anything shorter would also hide ordinary words and numbers, and what
/// is left of the evidence would give the value away by what is missing.
pub const SHORTEST: usize = 8;

/// Why a value cannot be kept secret.
#[derive(Debug, thiserror::Error)]
pub enum MaskError {
    /// The value is too short to be told from ordinary text.
    #[error(
        "the secret `{name}` is shorter than {SHORTEST} bytes and cannot be masked; give it a longer value"
    )]
    TooShort {
        /// Name of the secret.
        name: String,
    },
}

/// The secret values of a run by name; cheap to clone, and all clones learn of an added value.
#[derive(Debug, Clone, Default)]
pub struct Masker {
    known: Arc<RwLock<Known>>,
}

/// Values by how they begin: learning one more costs the same however many there are, and looking for all of them
/// costs one look-up per byte at most.
#[derive(Debug, Default)]
struct Known {
    by_start: HashMap<[u8; SHORTEST], Vec<Secret>>,
    /// Length of the longest spelling, in bytes.
    longest: usize,
}

#[derive(Debug)]
struct Secret {
    spelling: Vec<u8>,
    placeholder: String,
}

impl Masker {
    /// A masker that knows `secrets`, as name and value.
    ///
    /// # Errors
    ///
    /// A value that is too short to be masked.
    pub fn new<'a>(secrets: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, MaskError> {
        let masker = Self::default();
        masker.extend(secrets)?;
        Ok(masker)
    }

    /// Learns of one more secret, from now on, in every clone.
    ///
    /// # Errors
    ///
    /// A value that is too short to be masked.
    pub fn add(&self, name: &str, value: &str) -> Result<(), MaskError> {
        self.extend([(name, value)])
    }

    /// Learns of several secrets at once.
    ///
    /// # Errors
    ///
    /// A value that is too short to be masked; none of the values is learnt then.
    pub fn extend<'a>(&self, secrets: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<(), MaskError> {
        let secrets: Vec<_> = secrets.into_iter().collect();
        if let Some((name, _)) = secrets.iter().find(|(_, value)| value.len() < SHORTEST) {
            return Err(MaskError::TooShort { name: (*name).to_owned() });
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        for (name, value) in secrets {
            for spelling in spellings(value) {
                known.learn(spelling, name);
            }
        }
        Ok(())
    }

    /// `text` with every known value replaced by `***NAME***`.
    #[must_use]
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.bytes(text.as_bytes()) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            // Spellings and placeholders are whole UTF-8 texts, so nothing is lost here.
            Cow::Owned(masked) => Cow::Owned(String::from_utf8_lossy(&masked).into_owned()),
        }
    }

    /// The same for bytes that need not be UTF-8, such as a service's log.
    #[must_use]
    pub fn bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let (mut masked, mut copied) = (Vec::new(), 0);
        while let Some((start, secret)) = known.next(bytes, copied) {
            masked.extend_from_slice(&bytes[copied..start]);
            masked.extend_from_slice(secret.placeholder.as_bytes());
            copied = start + secret.spelling.len();
        }
        if copied == 0 {
            return Cow::Borrowed(bytes);
        }
        masked.extend_from_slice(&bytes[copied..]);
        Cow::Owned(masked)
    }

    /// The same for every text and every member name of a document.
    #[must_use]
    pub fn value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => match self.text(&text) {
                Cow::Borrowed(_) => Value::String(text),
                Cow::Owned(masked) => Value::String(masked),
            },
            Value::Array(items) => Value::Array(items.into_iter().map(|item| self.value(item)).collect()),
            Value::Object(members) => Value::Object(
                members
                    .into_iter()
                    .map(|(name, member)| (self.text(&name).into_owned(), self.value(member)))
                    .collect(),
            ),
            Value::Null | Value::Bool(_) | Value::Number(_) => value,
        }
    }

    /// The placeholder of the first known value in `bytes`.
    #[must_use]
    pub fn find(&self, bytes: &[u8]) -> Option<String> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.next(bytes, 0).map(|(_, secret)| secret.placeholder.clone())
    }

    /// The placeholder of the first known value in a file, which is read in pieces.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn find_in_file(&self, path: &Path) -> io::Result<Option<String>> {
        let Some(overlap) = self.longest().checked_sub(1) else { return Ok(None) };
        let mut file = File::open(path)?;
        let mut window = Vec::with_capacity(overlap + 64 * 1024);
        loop {
            let keep = window.len().min(overlap);
            window.drain(..window.len() - keep);
            let read = file.by_ref().take(64 * 1024).read_to_end(&mut window)?;
            if let Some(placeholder) = self.find(&window) {
                return Ok(Some(placeholder));
            }
            if read == 0 {
                return Ok(None);
            }
        }
    }

    /// Length of the longest spelling of a known value, in bytes.
    pub(crate) fn longest(&self) -> usize {
        self.known.read().unwrap_or_else(PoisonError::into_inner).longest
    }
}

impl Known {
    fn learn(&mut self, spelling: Vec<u8>, name: &str) {
        let Some(start) = spelling.first_chunk() else { return };
        self.longest = self.longest.max(spelling.len());
        let secrets = self.by_start.entry(*start).or_default();
        if secrets.iter().any(|known| known.spelling == spelling) {
            return;
        }
        secrets.push(Secret { spelling, placeholder: format!("***{name}***") });
        // The longest first, or a secret that begins like another would leave the other's end in the open.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.spelling.len()));
    }

    /// The first known value at or after `from`, and where it begins.
    fn next(&self, bytes: &[u8], from: usize) -> Option<(usize, &Secret)> {
        if self.by_start.is_empty() {
            return None;
        }
        (from..bytes.len()).find_map(|at| {
            let rest = &bytes[at..];
            let secrets = self.by_start.get(rest.first_chunk::<SHORTEST>()?)?;
            secrets.iter().find(|secret| rest.starts_with(&secret.spelling)).map(|secret| (at, secret))
        })
    }
}

/// The value as it is, as it stands inside a JSON text, and as it stands in a URL.
fn spellings(value: &str) -> Vec<Vec<u8>> {
    let quoted = Value::String(value.to_owned()).to_string();
    let inner = quoted.get(1..quoted.len() - 1).unwrap_or(value);
    let mut spellings =
        vec![value.as_bytes().to_vec(), inner.as_bytes().to_vec(), percent_encoded(value).into_bytes()];
    spellings.sort();
    spellings.dedup();
    spellings
}

fn percent_encoded(value: &str) -> String {
    value.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
        text
    })
}
