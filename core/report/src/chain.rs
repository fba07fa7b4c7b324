//! Digests and the seal that ends every line of a journal.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

/// `prev` of the first record.
pub(crate) const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What stands between a record's canonical JSON and its digest. `sha256` sorts behind every other member of a
/// record, so the seal is always the end of the line and can be cut off without reading JSON.
pub(crate) const SEAL: &str = ",\"sha256\":\"";

/// SHA-256 as lower-case hex.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Size in bytes and SHA-256 of a file, read in pieces.
pub(crate) fn digest_file(path: &Path) -> io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut piece = vec![0; 64 * 1024];
    let mut size = 0;
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok((size, hex(&hasher.finalize())));
        }
        hasher.update(&piece[..read]);
        size += read as u64;
    }
}

/// Adds the seal to the canonical JSON of a record without one; answers the line and its digest.
pub(crate) fn seal(body: &str) -> (String, String) {
    let digest = sha256_hex(body.as_bytes());
    let open = body.strip_suffix('}').unwrap_or(body);
    (format!("{open}{SEAL}{digest}\"}}"), digest)
}

/// Whether the canonical JSON of a record, cut before its seal, has the digest the seal claims.
pub(crate) fn holds(open: &str, digest: &str) -> bool {
    let mut hasher = Sha256::new();
    hasher.update(open.as_bytes());
    hasher.update(b"}");
    hex(&hasher.finalize()) == digest
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}
