//! The report formats: one file per format and this list. A report is a function of a finished bundle.

pub mod console;
mod difference;
mod explain;
pub mod github;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
mod words;

use std::io::Write;
use std::path::Path;

use crate::history::History;
use crate::journal::JournalError;

/// Why a report cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The bundle cannot be read.
    #[error("the bundle cannot be read")]
    Bundle(#[from] JournalError),
    /// The report cannot be written as JSON.
    #[error("the report cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    /// The report cannot be written as XML.
    #[error("the report cannot be written as XML")]
    Junit(#[from] quick_junit::SerializeError),
    /// The report cannot be written as text.
    #[error("the report cannot be written as text")]
    Text(#[from] std::io::Error),
}

/// A report format.
#[derive(Debug)]
pub struct Format {
    /// Name on the command line.
    pub name: &'static str,
    /// What it is for, in a line.
    pub about: &'static str,
    /// Name of its file.
    pub file: &'static str,
    /// Whether every bundle holds this report under `reports/`.
    pub in_bundle: bool,
    /// Writes the report, from the outline of a run and the folder of its bundle.
    pub(crate) render: fn(&History, &Path, &mut dyn Write) -> Result<(), ReportError>,
}

/// Every format.
pub static FORMATS: &[Format] =
    &[console::FORMAT, github::FORMAT, html::FORMAT, json::FORMAT, junit::FORMAT, markdown::FORMAT];

/// The format of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

/// Makes the report of a bundle, also of one whose run was interrupted.
///
/// # Errors
///
/// The journal cannot be read, or a text of it cannot be expressed in the format.
pub fn report(bundle: &Path, format: &Format) -> Result<String, ReportError> {
    let mut text = Vec::new();
    (format.render)(&History::outline(bundle)?, bundle, &mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
