//! `<service>:<port>` in a value: how one service names another, and what is put there when it runs elsewhere.

/// An address found in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found<'a> {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// The service.
    pub service: &'a str,
    /// The port.
    pub port: u16,
}

/// Every address of a known service in `text`, from left to right.
#[must_use]
pub fn find(text: &str, known: impl Fn(&str) -> bool) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    for (colon, _) in text.match_indices(':') {
        let host_start = text[..colon]
            .char_indices()
            .rev()
            .find(|(_, c)| !is_host(*c))
            .map_or(0, |(at, c)| at + c.len_utf8());
        let service = &text[host_start..colon];
        let digits = &text[colon + 1..];
        let len = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        let followed = digits[len..].starts_with(|c: char| is_host(c));
        match digits[..len].parse() {
            Ok(port) if !followed && known(service) => {
                found.push(Found { start: host_start, end: colon + 1 + len, service, port });
            }
            _ => {}
        }
    }
    found
}

/// `text` with every address of a known service replaced by what `real` gives for it; an address without a
/// replacement stays.
#[must_use]
pub fn rewrite(text: &str, real: impl Fn(&str, u16) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for found in find(text, |name| !name.is_empty()) {
        if let Some(address) = real(found.service, found.port) {
            out.push_str(&text[from..found.start]);
            out.push_str(&address);
            from = found.end;
        }
    }
    out.push_str(&text[from..]);
    out
}

fn is_host(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(text: &str) -> String {
        rewrite(text, |service, port| (service == "api" && port == 80).then(|| "127.0.0.1:4".to_owned()))
    }

    #[test]
    fn addresses_are_replaced_wherever_they_stand() {
        let cases = [
            ("http://api:80/x?next=http://api:80", "http://127.0.0.1:4/x?next=http://127.0.0.1:4"),
            ("postgres://u:80@api:80/db", "postgres://u:80@127.0.0.1:4/db"),
            ("api:80,api:80", "127.0.0.1:4,127.0.0.1:4"),
            ("é:api:80", "é:127.0.0.1:4"),
        ];
        for (text, wanted) in cases {
            assert_eq!(moved(text), wanted);
        }
    }

    #[test]
    fn what_only_looks_like_an_address_stays() {
        for text in [
            "my-api:80",
            "api.local:80",
            "api:800",
            "api:80a",
            "api",
            "api:",
            "xapi:80",
            "api:99999999",
            ":80",
        ] {
            assert_eq!(moved(text), text);
        }
    }
}
