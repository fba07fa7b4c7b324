//! Evidence references: which URIs name an object that can be looked at.

/// Schemes that are resolvable unless configured otherwise.
pub const DEFAULT_SCHEMES: &[&str] = &["s3", "minio"];

/// An object in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectRef {
    /// Lower-case scheme.
    pub scheme: String,
    /// Bucket: the URI's host.
    pub bucket: String,
    /// Key: the URI's path without its leading slash, as written.
    pub key: String,
}

impl ObjectRef {
    /// Reads `scheme://bucket/key`; credentials, port, query and fragment are ignored.
    pub fn parse(uri: &str) -> Option<Self> {
        let (scheme, rest) = uri.trim().split_once("://")?;
        let mut letters = scheme.chars();
        let starts_well = letters.next().is_some_and(|first| first.is_ascii_alphabetic());
        if !starts_well || !letters.all(|letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter)) {
            return None;
        }
        let rest = rest.split(['?', '#']).next()?;
        let (authority, key) = rest.split_once('/')?;
        let host = authority.rsplit('@').next()?.split(':').next()?;
        let bad_host =
            host.is_empty() || host.chars().any(|letter| letter.is_whitespace() || letter.is_control());
        if bad_host || key.is_empty() {
            return None;
        }
        Some(Self { scheme: scheme.to_ascii_lowercase(), bucket: host.to_owned(), key: key.to_owned() })
    }
}

/// The set of schemes that count as resolvable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schemes(Vec<String>);

impl Default for Schemes {
    fn default() -> Self {
        Self::new(DEFAULT_SCHEMES.iter().copied())
    }
}

impl Schemes {
    /// Schemes in any case; blank ones are ignored.
    pub fn new<'a>(schemes: impl IntoIterator<Item = &'a str>) -> Self {
        Self(
            schemes
                .into_iter()
                .map(|name| name.trim().to_lowercase())
                .filter(|name| !name.is_empty())
                .collect(),
        )
    }

    /// The object a URI names, if its scheme is in the set and bucket and key are there.
    pub fn resolve(&self, uri: &str) -> Option<ObjectRef> {
        ObjectRef::parse(uri).filter(|object| self.0.contains(&object.scheme))
    }

    /// Whether a URI is resolvable.
    pub fn is_resolvable(&self, uri: &str) -> bool {
        self.resolve(uri).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_needs_a_known_scheme_a_bucket_and_a_key() {
        let schemes = Schemes::default();
        for uri in ["s3://bucket/key", "MINIO://b/k/l", "s3://user:pw@b:9000/k?x=1#f"] {
            assert!(schemes.is_resolvable(uri), "{uri}");
        }
        for uri in [
            "s3://bucket",
            "s3://bucket/",
            "s3:///key",
            "file:///x",
            "http://h/p",
            "not a uri",
            "evidence://a/b",
            "",
            "s3:/b/k",
            "://b/k",
            "3s://b/k",
        ] {
            assert!(!schemes.is_resolvable(uri), "{uri}");
        }
        assert!(Schemes::new(["http"]).is_resolvable("http://h/p"));
    }

    #[test]
    fn parts_are_kept_apart() {
        let object = ObjectRef::parse("S3://me@bucket:9000/a/b.jpg?v=1").unwrap();
        assert_eq!(
            (object.scheme.as_str(), object.bucket.as_str(), object.key.as_str()),
            ("s3", "bucket", "a/b.jpg")
        );
    }
}
