//! UUID syntax as every endpoint reads it.

use uuid::Uuid;

/// Reads 8-4-4-4-12 hexadecimal digits in either case, without a version or variant check.
///
/// Braces, the `urn:uuid:` prefix and the undashed form are refused, unlike in [`Uuid::parse_str`].
pub fn parse_uuid(text: &str) -> Option<Uuid> {
    // Of the forms the parser knows, only the dashed one has 36 characters.
    if text.len() == 36 { Uuid::try_parse(text).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_dashed_form_is_an_id() {
        assert!(parse_uuid("00000000-0000-0000-0000-0000000000A1").is_some());
        for text in ["", "000000000000000000000000000000a1", "{00000000-0000-0000-0000-0000000000a1}"] {
            assert!(parse_uuid(text).is_none(), "{text}");
        }
        assert!(parse_uuid("00000000-0000-0000-0000-00000000000g").is_none());
        assert!(parse_uuid("0000000000000-0000-0000-0000-00000a1").is_none());
    }
}
