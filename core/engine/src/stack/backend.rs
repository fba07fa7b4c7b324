//! What a stack is made of.

use std::fmt;
use std::str::FromStr;

/// What a stack is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Backend {
    /// Processes of this machine.
    #[default]
    Process,
    /// Containers of a Docker engine.
    Container,
    /// A system that is up already and belongs to somebody else.
    Attached,
}

/// The word is no backend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no backend; there are `process`, `container` and `attached`")]
pub struct NoBackend(pub String);

impl Backend {
    /// Its word, as in `when: { backend: … }` and `--backend`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Container => "container",
            Self::Attached => "attached",
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Backend {
    type Err = NoBackend;

    fn from_str(word: &str) -> Result<Self, NoBackend> {
        let all = [Self::Process, Self::Container, Self::Attached];
        all.into_iter().find(|backend| backend.as_str() == word).ok_or_else(|| NoBackend(word.to_owned()))
    }
}
