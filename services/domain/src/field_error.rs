//! What is wrong with one member of a request, in words that a program can act on.

use serde::Serialize;

wire_enum! {
    /// Why a member is refused.
    enum FieldCode as "field code" {
        Required = "REQUIRED",
        Type = "TYPE",
        Format = "FORMAT",
        TooShort = "TOO_SHORT",
        TooLong = "TOO_LONG",
        TooSmall = "TOO_SMALL",
        TooLarge = "TOO_LARGE",
        TooFew = "TOO_FEW",
        NotOneOf = "NOT_ONE_OF",
        Blank = "BLANK",
        Reversed = "REVERSED",
        NotFound = "NOT_FOUND",
        Mismatch = "MISMATCH",
        Taken = "TAKEN",
        Invalid = "INVALID",
    }
}

/// One member of a request that is refused; serialises as an entry of `error.fields`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Where: `options[0].start`; empty for the request itself.
    pub field: String,
    /// Why.
    pub code: FieldCode,
    /// The same for a person.
    pub message: String,
}

/// A JSON pointer as people write it: `/options/0/start` is `options[0].start`.
pub fn dotted(pointer: &str) -> String {
    pointer.split('/').skip(1).fold(String::new(), |path, part| {
        let part = part.replace("~1", "/").replace("~0", "~");
        match (path.is_empty(), part.parse::<usize>()) {
            (_, Ok(index)) => format!("{path}[{index}]"),
            (true, Err(_)) => part,
            (false, Err(_)) => format!("{path}.{part}"),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::dotted;

    #[test]
    fn pointers_are_written_as_people_do() {
        for (pointer, expected) in
            [("", ""), ("/summary", "summary"), ("/options/0/start", "options[0].start"), ("/a~1b", "a/b")]
        {
            assert_eq!(dotted(pointer), expected);
        }
    }
}
