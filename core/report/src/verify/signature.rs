//! Whether the manifest was signed, and by whom.

use std::fs;
use std::io;
use std::path::Path;

use super::problem::Problem;
use super::{Signed, Trust};
use crate::bundle::PUBLIC_KEY;
use crate::chain;
use crate::manifest::{MANIFEST, Manifest, SIGNATURE};
use crate::sign::{Envelope, IN_TOTO, PublicKey, statement};

/// Checks the signature. A bundle that carries a public key was signed, so a missing signature was removed.
pub(super) fn check(dir: &Path, manifest: &Manifest, trust: &Trust, problems: &mut Vec<Problem>) -> Signed {
    let own = manifest.files.iter().any(|file| file.path == PUBLIC_KEY);
    let text = match fs::read_to_string(dir.join(SIGNATURE)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            match &trust.key {
                Some(key) => problems.push(Problem::Unsigned { key: key.id() }),
                None if own => problems.push(Problem::Missing { file: SIGNATURE.to_owned() }),
                None => {}
            }
            return Signed::No;
        }
        Err(error) => {
            problems.push(Problem::unreadable(SIGNATURE, &error));
            return Signed::No;
        }
    };
    let key = match &trust.key {
        Some(key) => key.clone(),
        None if !own => return Signed::Unchecked,
        None => match PublicKey::load(&dir.join(PUBLIC_KEY)) {
            Ok(key) => key,
            Err(error) => {
                problems.push(Problem::unreadable(PUBLIC_KEY, &error));
                return Signed::No;
            }
        },
    };
    match opened(dir, manifest, &text, &key) {
        Ok(()) => Signed::By { key: key.id(), pinned: trust.key.is_some() },
        Err(problem) => {
            problems.push(problem);
            Signed::No
        }
    }
}

fn opened(dir: &Path, manifest: &Manifest, text: &str, key: &PublicKey) -> Result<(), Problem> {
    let wrong = |detail: String| Problem::Signature { detail };
    let payload = Envelope::read(text)
        .and_then(|envelope| envelope.open(key, IN_TOTO))
        .map_err(|error| wrong(error.to_string()))?;
    let bytes = fs::read(dir.join(MANIFEST)).map_err(|error| Problem::unreadable(MANIFEST, &error))?;
    let wanted = statement::of_run(manifest, &chain::sha256_hex(&bytes));
    // The statement follows from the manifest, so a true signature over another statement is one of another bundle.
    match serde_json::from_slice::<serde_json::Value>(&payload) {
        Ok(found) if found == wanted => Ok(()),
        Ok(_) => Err(wrong(
            "it is of another manifest: the signed statement is not the one this manifest gives".to_owned(),
        )),
        Err(error) => Err(wrong(format!("the signed payload is not JSON: {error}"))),
    }
}
