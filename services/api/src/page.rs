//! Pages of lists: `limit`, `cursor` and `next_cursor`. Without either parameter a list answers as it did before it
//! had pages.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dispatch_domain::{ErrorCode, Refusal, parse_uuid};
use dispatch_store::page::{Page, Place};
use time::OffsetDateTime;

/// Most rows of a page.
pub const MOST: i64 = 200;

/// Rows of a page when only a cursor is given.
const USUAL: i64 = 50;

/// The page asked for; none when neither parameter is there.
///
/// # Errors
/// `INVALID_QUERY` for a limit outside 1 to 200, or a cursor that was not made here.
pub fn asked(query: &[(String, String)]) -> Result<Option<Page>, Refusal> {
    let value =
        |name: &str| query.iter().rev().find(|(given, _)| given == name).map(|(_, value)| value.as_str());
    let (limit, cursor) = (value("limit"), value("cursor"));
    if limit.is_none() && cursor.is_none() {
        return Ok(None);
    }
    let limit = match limit {
        None => USUAL,
        Some(text) => text
            .parse()
            .ok()
            .filter(|limit| (1..=MOST).contains(limit))
            .ok_or_else(|| invalid("limit", "must be a whole number from 1 to 200"))?,
    };
    let after = cursor
        .map(|text| {
            decode(text).ok_or_else(|| invalid("cursor", "is not one that this service has given out"))
        })
        .transpose()?;
    Ok(Some(Page { limit, after }))
}

/// The page asked for, or the first one of the usual length.
///
/// # Errors
/// As [`asked`].
pub fn asked_or_first(query: &[(String, String)]) -> Result<Page, Refusal> {
    Ok(asked(query)?.unwrap_or(Page { limit: USUAL, after: None }))
}

/// The page with one row more, which tells whether another page follows.
pub fn and_one(page: &Page) -> Page {
    Page { limit: page.limit + 1, after: page.after }
}

/// Cuts the extra row off; the cursor of the next page if there is one.
pub fn cut<T>(rows: &mut Vec<T>, page: &Page, place: impl Fn(&T) -> Place) -> Option<String> {
    let limit = usize::try_from(page.limit).unwrap_or_default();
    if rows.len() <= limit {
        return None;
    }
    rows.truncate(limit);
    rows.last().map(|row| encode(place(row)))
}

/// Microseconds since 1970 and the id, in a form that nobody is tempted to write by hand.
fn encode(place: Place) -> String {
    let micros = place.at.unix_timestamp_nanos().div_euclid(1000);
    URL_SAFE_NO_PAD.encode(format!("{micros}.{}", place.id))
}

fn decode(text: &str) -> Option<Place> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    let (micros, id) = text.split_once('.')?;
    let nanos = micros.parse::<i64>().ok().map(i128::from)?.checked_mul(1000)?;
    let at = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?;
    // Years that the database's clock cannot hold were never given out.
    (1900..=9999).contains(&at.year()).then_some(())?;
    Some(Place { at, id: parse_uuid(id)? })
}

fn invalid(name: &str, what: &str) -> Refusal {
    Refusal::new(ErrorCode::InvalidQuery, format!("Query parameter '{name}' {what}"))
}

#[cfg(test)]
mod tests {
    use dispatch_store::page::{Page, Place};
    use time::macros::datetime;
    use uuid::Uuid;

    use super::{asked, cut, decode, encode};

    fn query(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_cursor_is_read_back_as_it_was_made() {
        let place = Place { at: datetime!(2026-12-05 10:00:00.123456 UTC), id: Uuid::from_u128(7) };
        assert_eq!(decode(&encode(place)), Some(place));
        for bad in ["", "x", "MTIz", "OTIyMzM3MjAzNjg1NDc3NTgwNy4w"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }

    #[test]
    fn without_parameters_there_is_no_page_and_limits_are_kept() {
        assert!(asked(&query(&[("state", "NEW")])).unwrap().is_none());
        assert_eq!(asked(&query(&[("limit", "200")])).unwrap().unwrap().limit, 200);
        for bad in ["0", "201", "-1", "ten", ""] {
            assert!(asked(&query(&[("limit", bad)])).is_err(), "{bad}");
        }
        assert!(asked(&query(&[("cursor", "?")])).is_err());
    }

    #[test]
    fn one_row_more_than_asked_for_means_another_page() {
        let page = Page { limit: 2, after: None };
        let place = |n: &u128| Place { at: datetime!(2026-12-05 10:00 UTC), id: Uuid::from_u128(*n) };
        let mut rows = vec![1, 2, 3];
        let next = cut(&mut rows, &page, place).unwrap();
        assert_eq!((rows.as_slice(), decode(&next).unwrap().id), (&[1, 2][..], Uuid::from_u128(2)));
        assert_eq!(cut(&mut rows, &page, place), None);
    }
}
