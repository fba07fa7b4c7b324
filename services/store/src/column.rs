//! Reading columns that hold one word of a closed list.

use std::error::Error;
use std::str::FromStr;

use sqlx::Row;
use sqlx::postgres::PgRow;

/// Reads a text column and parses it as `T`.
///
/// # Errors
/// `ColumnDecode` when the database holds a word that the code does not know.
pub(crate) fn word<T>(row: &PgRow, name: &str) -> Result<T, sqlx::Error>
where
    T: FromStr,
    T::Err: Error + Send + Sync + 'static,
{
    parse(name, &row.try_get::<String, _>(name)?)
}

/// Reads a nullable text column and parses it as `T`.
///
/// # Errors
/// As [`word`].
pub(crate) fn optional_word<T>(row: &PgRow, name: &str) -> Result<Option<T>, sqlx::Error>
where
    T: FromStr,
    T::Err: Error + Send + Sync + 'static,
{
    row.try_get::<Option<String>, _>(name)?.map(|text| parse(name, &text)).transpose()
}

fn parse<T>(name: &str, text: &str) -> Result<T, sqlx::Error>
where
    T: FromStr,
    T::Err: Error + Send + Sync + 'static,
{
    T::from_str(text)
        .map_err(|source| sqlx::Error::ColumnDecode { index: name.to_owned(), source: Box::new(source) })
}
