//! `verify`: recomputes a bundle.

use std::path::{Path, PathBuf};

use drillyard_report::sign::PublicKey;
use drillyard_report::verify::{Trust, verify_with};

use crate::command::{Common, complain, print};
use crate::exit;

/// The folder of the bundle that is meant: the given one, or the latest.
///
/// # Errors
/// The exit code, when there is none.
pub fn bundle_dir(common: &Common, given: Option<&Path>) -> Result<PathBuf, u8> {
    let dir = match given {
        Some(dir) => dir.to_owned(),
        None => common.root()?.runs().join(drillyard_report::bundle::LATEST),
    };
    if dir.is_dir() {
        return Ok(dir);
    }
    Err(complain(
        exit::NOTHING_PROVED,
        &format!("there is no bundle at {}; `drillyard run` leaves one", dir.display()),
    ))
}

/// The key at `path` as the one that must have signed.
///
/// # Errors
/// The exit code, when there is no such key.
pub fn trust(path: Option<&Path>) -> Result<Trust, u8> {
    let key = path.map(PublicKey::load).transpose();
    key.map(|key| Trust { key }).map_err(|error| complain(exit::TEXT_WRONG, &error.to_string()))
}

/// Verifies a bundle: 0 when every digest, record, verdict and signature agrees, 8 otherwise.
#[must_use]
pub fn run(common: &Common, given: Option<&Path>, public_key: Option<&Path>) -> u8 {
    let trust = match trust(public_key) {
        Ok(trust) => trust,
        Err(code) => return code,
    };
    let dir = match bundle_dir(common, given) {
        Ok(dir) => dir,
        Err(code) => return code,
    };
    match verify_with(&dir, &trust) {
        Ok(verified) => {
            print(&format!("{}: {verified}", dir.display()));
            exit::PASSED
        }
        Err(problems) => {
            for problem in &problems {
                complain(exit::TAMPERED, &format!("{problem}"));
            }
            complain(exit::TAMPERED, &format!("{}: not as it was written", dir.display()))
        }
    }
}
