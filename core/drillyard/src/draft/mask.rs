//! What must not get from a recording into a file that is committed.

use std::sync::LazyLock;

use regex::Regex;

/// What stands where a secret was.
pub const MASKED: &str = "CHANGE-ME";

static SECRET_NAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)(^|[_\-.])(pass(word|wd|phrase)?|secret|token|api[_\-]?key|apikey|authorization|auth|credentials?|session(id)?|cookie|csrf|xsrf|otp|pin|ssn|cvc|cvv|card[_\-]?number)($|[_\-.])",
    )
    .ok()
});

/// Three parts of base64url, as of a signed token.
static TOKEN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"eyJ[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]*").ok());

/// Whether a member, parameter or header of that name holds a secret.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    // `accessToken` is `access_token` to a reader.
    let mut spaced = String::new();
    let mut before = ' ';
    for c in name.chars() {
        if c.is_ascii_uppercase() && before.is_ascii_lowercase() {
            spaced.push('_');
        }
        spaced.push(c);
        before = c;
    }
    SECRET_NAME.as_ref().is_some_and(|pattern| pattern.is_match(&spaced))
}

/// Whether a value gives itself away as a secret.
#[must_use]
pub fn is_secret_value(value: &str) -> bool {
    TOKEN.as_ref().is_some_and(|pattern| pattern.is_match(value))
        || ["sk_live_", "sk_test_", "ghp_", "AKIA"].iter().any(|mark| value.starts_with(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_of_secrets_are_known() {
        for name in [
            "password",
            "accessToken",
            "X-Api-Key",
            "client_secret",
            "Authorization",
            "sessionId",
            "db_password",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["author", "pinned", "state", "passenger"] {
            assert!(!is_secret_name(name), "{name}");
        }
        assert!(is_secret_value("Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln"));
        assert!(!is_secret_value("00000000-0000-4000-8000-000000000000"));
    }
}
