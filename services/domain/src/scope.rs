//! Which accounts and sites an actor may touch.

use crate::error_code::ErrorCode;
use crate::ids::parse_uuid;
use crate::refusal::Refusal;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use uuid::Uuid;

/// One of an actor's two lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeList {
    /// The list contains `*`.
    pub all: bool,
    /// Ids listed by name.
    pub ids: BTreeSet<Uuid>,
}

/// A scope entry, or the shape of a scope claim, that is not allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidScope {
    /// An entry is neither `*` nor a UUID.
    #[error("{source_name} entry '{entry}' must be '*' or a UUID")]
    Entry {
        /// Claim or header the entry came from.
        source_name: String,
        /// The entry as given.
        entry: String,
    },
    /// An entry is not a text at all.
    #[error("{0} must list '*' or UUIDs as text")]
    NotText(String),
    /// The `scope` claim is not an object.
    #[error("claim 'scope' must be an object")]
    NotAnObject,
}

impl ScopeList {
    /// A list that contains only `*`.
    pub fn everything() -> Self {
        Self { all: true, ids: BTreeSet::new() }
    }

    /// Nothing is allowed.
    pub fn is_empty(&self) -> bool {
        !self.all && self.ids.is_empty()
    }

    /// Whether `id` is allowed.
    pub fn allows(&self, id: Uuid) -> bool {
        self.all || self.ids.contains(&id)
    }

    /// Reads entries; each is trimmed and must be `*` or a UUID.
    ///
    /// # Errors
    /// [`InvalidScope::Entry`] names the first bad one.
    pub fn from_entries<'a>(
        source_name: &str,
        entries: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, InvalidScope> {
        let mut list = Self::default();
        for entry in entries {
            match (entry.trim(), parse_uuid(entry.trim())) {
                ("*", _) => list.all = true,
                (_, Some(id)) => {
                    list.ids.insert(id);
                }
                _ => {
                    let (source_name, entry) = (source_name.to_owned(), entry.to_owned());
                    return Err(InvalidScope::Entry { source_name, entry });
                }
            }
        }
        Ok(list)
    }

    /// Reads a development header: absent or blank means `*`, else a comma-separated list without empty elements.
    ///
    /// # Errors
    /// [`InvalidScope::Entry`] names the first bad one.
    pub fn from_header(name: &str, header: Option<&str>) -> Result<Self, InvalidScope> {
        match header.map(str::trim).filter(|text| !text.is_empty()) {
            None => Ok(Self::everything()),
            Some(text) => Self::from_entries(name, text.split(',')),
        }
    }

    fn from_claim(name: &str, value: &Value) -> Result<Self, InvalidScope> {
        let not_text = || InvalidScope::NotText(format!("claim '{name}'"));
        let source_name = format!("claim '{name}'");
        match value {
            Value::String(text) => Self::from_entries(&source_name, text.split(',')),
            Value::Array(items) => {
                let entries: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
                Self::from_entries(&source_name, entries.ok_or_else(not_text)?)
            }
            _ => Err(not_text()),
        }
    }
}

/// An actor's account and site lists; both must allow a target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Accounts.
    pub accounts: ScopeList,
    /// Sites.
    pub sites: ScopeList,
}

impl Scope {
    /// Everything is allowed.
    pub fn everything() -> Self {
        Self { accounts: ScopeList::everything(), sites: ScopeList::everything() }
    }

    /// Reads the scope claims of a token: for each list the first claim that is neither absent nor null counts
    /// (`scope.account_ids`, `account_ids`, `account_id`; the same for sites), even if it is an empty array.
    ///
    /// # Errors
    /// [`InvalidScope`]; no scope at all is not an error here, every later check refuses it.
    pub fn from_claims(claims: &Map<String, Value>) -> Result<Self, InvalidScope> {
        let nested = match claims.get("scope") {
            None | Some(Value::Null) => None,
            Some(Value::Object(members)) => Some(members),
            Some(_) => return Err(InvalidScope::NotAnObject),
        };
        let list = |plural: &str, singular: &str| {
            let candidates = [
                (format!("scope.{plural}"), nested.and_then(|members| members.get(plural))),
                (plural.to_owned(), claims.get(plural)),
                (singular.to_owned(), claims.get(singular)),
            ];
            candidates
                .iter()
                .find_map(|(name, value)| value.filter(|value| !value.is_null()).map(|value| (name, value)))
                .map_or_else(|| Ok(ScopeList::default()), |(name, value)| ScopeList::from_claim(name, value))
        };
        Ok(Self { accounts: list("account_ids", "account_id")?, sites: list("site_ids", "site_id")? })
    }

    /// Checks a ticket's or request's account and site, account first.
    ///
    /// # Errors
    /// `FORBIDDEN_SCOPE`; with `scope_field` and `target_id` when the actor has a scope but not this one.
    pub fn check(&self, account: Uuid, site: Uuid) -> Result<(), Refusal> {
        Self::check_list(&self.accounts, "account_id", account)?;
        Self::check_list(&self.sites, "site_id", site)
    }

    /// Checks an account alone.
    ///
    /// # Errors
    /// As [`Scope::check`].
    pub fn check_account(&self, account: Uuid) -> Result<(), Refusal> {
        Self::check_list(&self.accounts, "account_id", account)
    }

    /// Refuses an actor without any account or any site, naming the list; the queue view asks this first.
    ///
    /// # Errors
    /// `FORBIDDEN_SCOPE` with `scope_field`.
    pub fn check_not_empty(&self) -> Result<(), Refusal> {
        for (list, field) in [(&self.accounts, "account_id"), (&self.sites, "site_id")] {
            if list.is_empty() {
                return Err(Self::missing().with("scope_field", field));
            }
        }
        Ok(())
    }

    fn check_list(list: &ScopeList, field: &str, target: Uuid) -> Result<(), Refusal> {
        if list.is_empty() {
            return Err(Self::missing());
        }
        if list.allows(target) {
            return Ok(());
        }
        Err(Refusal::new(ErrorCode::ForbiddenScope, format!("Target is outside the actor's {field} scope"))
            .with("scope_field", field)
            .with("target_id", target.to_string()))
    }

    fn missing() -> Refusal {
        Refusal::new(ErrorCode::ForbiddenScope, "Actor is missing scope")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const A: Uuid = Uuid::from_u128(0xa1);
    const B: Uuid = Uuid::from_u128(0xb1);

    fn claims(value: Value) -> Result<Scope, InvalidScope> {
        Scope::from_claims(value.as_object().unwrap())
    }

    #[test]
    fn the_first_present_claim_counts_even_when_empty() {
        let scope =
            claims(json!({ "scope": { "account_ids": [] }, "account_ids": ["*"], "site_id": "*" })).unwrap();
        assert!(scope.accounts.is_empty());
        assert!(scope.sites.all);
        let fallen_through =
            claims(json!({ "scope": { "account_ids": null }, "account_ids": "*, *" })).unwrap();
        assert!(fallen_through.accounts.all);
    }

    #[test]
    fn malformed_claims_are_refused() {
        assert_eq!(claims(json!({ "scope": [] })), Err(InvalidScope::NotAnObject));
        assert!(claims(json!({ "account_ids": 7 })).is_err());
        assert!(claims(json!({ "account_ids": ["x"] })).is_err());
        assert!(claims(json!({ "account_ids": "" })).is_err());
        assert!(ScopeList::from_header("X-Site-Scope", Some("*,,*")).is_err());
        assert!(ScopeList::from_header("X-Site-Scope", Some("  ")).unwrap().all);
    }

    #[test]
    fn both_lists_must_allow_the_target() {
        let upper = A.to_string().to_uppercase();
        let scope = claims(json!({ "account_ids": [upper], "site_ids": [B.to_string()] })).unwrap();
        assert_eq!(scope.check(A, B), Ok(()));
        let refusal = scope.check(A, A).unwrap_err();
        assert_eq!((refusal.details["scope_field"].as_str(), refusal.http_status()), (Some("site_id"), 403));
        assert_eq!(refusal.details["target_id"], A.to_string());
        assert!(Scope::default().check(A, B).unwrap_err().details.is_empty());
        assert_eq!(Scope::default().check_not_empty().unwrap_err().details["scope_field"], "account_id");
    }
}
