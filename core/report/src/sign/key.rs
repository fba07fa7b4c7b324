//! Ed25519 keys in their PEM files.

use std::fmt;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use rand::TryRngCore as _;

use crate::chain;

/// Name of the private half in a folder of keys; PKCS#8 PEM, readable by its owner only.
pub const PRIVATE_FILE: &str = "evidence.key.pem";

/// Name of the public half in a folder of keys and in a bundle's `keys/`; SPKI PEM.
pub const PUBLIC_FILE: &str = "evidence.pub.pem";

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("the key {} cannot be read or written: {source}", .path.display())]
    File {
        /// Path of the file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The text is not an Ed25519 key.
    #[error("{what} is not an Ed25519 {half} key in PEM: {detail}")]
    NotAKey {
        /// Where the text came from.
        what: String,
        /// `private` or `public`.
        half: &'static str,
        /// What is wrong.
        detail: String,
    },
    /// The system has no randomness.
    #[error("no key can be generated: {0}")]
    Random(String),
    /// Others can read a private key.
    #[error("the key {} can be read by others than its owner; `chmod 600` it", .path.display())]
    Exposed {
        /// Path of the file.
        path: PathBuf,
    },
}

/// A private key.
pub struct Signer(SigningKey);

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signer").field(&self.public().id()).finish()
    }
}

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl Signer {
    /// A new key from the system's randomness.
    ///
    /// # Errors
    ///
    /// The system has none.
    pub fn generate() -> Result<Self, KeyError> {
        let mut seed = [0; 32];
        rand::rngs::OsRng.try_fill_bytes(&mut seed).map_err(|error| KeyError::Random(error.to_string()))?;
        Ok(Self(SigningKey::from_bytes(&seed)))
    }

    /// The key in a PKCS#8 PEM file, as `openssl genpkey -algorithm ed25519` writes it.
    ///
    /// # Errors
    ///
    /// The file cannot be read, others can read it too, or it is no such key.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        use std::os::unix::fs::PermissionsExt as _;
        let text = fs::read_to_string(path).map_err(at(path))?;
        if fs::metadata(path).map_err(at(path))?.permissions().mode() & 0o077 != 0 {
            return Err(KeyError::Exposed { path: path.to_owned() });
        }
        let key = SigningKey::from_pkcs8_pem(&text)
            .map_err(|error| not_a_key(&path.display().to_string(), "private", &error))?;
        Ok(Self(key))
    }

    /// The key kept in the folder `keys`; the first use generates it, with its public half beside it.
    ///
    /// # Errors
    ///
    /// As [`Signer::load`] and [`Signer::generate`], or the folder cannot be written.
    pub fn load_or_generate(keys: &Path) -> Result<Self, KeyError> {
        let path = keys.join(PRIVATE_FILE);
        if !path.exists() {
            Self::generate()?.keep(keys, &path)?;
        }
        let signer = Self::load(&path)?;
        let public = keys.join(PUBLIC_FILE);
        let pem = signer.public().to_pem()?;
        if fs::read_to_string(&public).ok().as_deref() != Some(pem.as_str()) {
            fs::write(&public, pem).map_err(at(&public))?;
        }
        Ok(signer)
    }

    /// Two runs may begin at the same time: the first to link its key wins, and the other takes that one.
    fn keep(&self, keys: &Path, path: &Path) -> Result<(), KeyError> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(keys).map_err(at(keys))?;
        let pem = self
            .0
            .to_pkcs8_pem(LineEnding::LF)
            .map_err(|error| not_a_key("the new key", "private", &error))?;
        let draft = keys.join(format!(".{PRIVATE_FILE}.{}", std::process::id()));
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&draft)
            .map_err(at(&draft))?;
        let linked = file
            .write_all(pem.as_bytes())
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::hard_link(&draft, path));
        fs::remove_file(&draft).map_err(at(&draft))?;
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(at(path)(error)),
            _ => Ok(()),
        }
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs bytes; 64 bytes.
    #[must_use]
    pub fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.0.sign(bytes).to_bytes().to_vec()
    }
}

impl PublicKey {
    /// The key in an SPKI PEM file.
    ///
    /// # Errors
    ///
    /// The file cannot be read or is no such key.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let text = fs::read_to_string(path).map_err(at(path))?;
        Self::from_pem(&text, &path.display().to_string())
    }

    /// Reads SPKI PEM; `what` names the text in a message.
    ///
    /// # Errors
    ///
    /// It is no such key.
    pub fn from_pem(text: &str, what: &str) -> Result<Self, KeyError> {
        VerifyingKey::from_public_key_pem(text).map(Self).map_err(|error| not_a_key(what, "public", &error))
    }

    /// SPKI PEM.
    ///
    /// # Errors
    ///
    /// The key cannot be encoded.
    pub fn to_pem(&self) -> Result<String, KeyError> {
        self.0.to_public_key_pem(LineEnding::LF).map_err(|error| not_a_key("the key", "public", &error))
    }

    /// SHA-256 of the 32 bytes of the key, lower-case hex.
    #[must_use]
    pub fn id(&self) -> String {
        chain::sha256_hex(self.0.as_bytes())
    }

    /// Whether `signature` is this key's over `bytes`. Weak keys and malleable signatures are refused.
    #[must_use]
    pub fn accepts(&self, bytes: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.0.verify_strict(bytes, &signature).is_ok())
    }
}

fn not_a_key(what: &str, half: &'static str, error: &dyn fmt::Display) -> KeyError {
    KeyError::NotAKey { what: what.to_owned(), half, detail: error.to_string() }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> KeyError {
    let path = path.to_owned();
    move |source| KeyError::File { path, source }
}
