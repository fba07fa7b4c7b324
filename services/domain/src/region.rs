//! Tie-break weight of a site's region in the dispatcher's queue.

/// Weight of a region that is not known.
pub const UNKNOWN_REGION_WEIGHT: u32 = 500;

/// Weight of a region code, 10 to 990; lighter regions come first among equals.
///
/// The code is trimmed and upper-cased, then its UTF-16 units are folded with `seed * 31 + unit` modulo 100000, and
/// the weight is `10 + seed mod 981`. A missing or blank code weighs 500.
pub fn weight(region: Option<&str>) -> u32 {
    let code = region.unwrap_or_default().trim().to_uppercase();
    if code.is_empty() {
        return UNKNOWN_REGION_WEIGHT;
    }
    let seed = code.encode_utf16().fold(0_u32, |seed, unit| (seed * 31 + u32::from(unit)) % 100_000);
    10 + seed % 981
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_regions_keep_their_weight() {
        for (code, expected) in [("CA", 190), ("TX", 740), ("NY", 555), ("AZ", 153), ("", 500)] {
            assert_eq!(weight(Some(code)), expected, "{code}");
        }
        assert_eq!(weight(Some(" ca ")), 190);
        assert_eq!(weight(None), 500);
    }
}
