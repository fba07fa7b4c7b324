//! Asking the object store whether evidence is really there, before any row is locked.
//!
//! A command first learns what it can without locks, probes, and only then opens its transaction. Inside, only
//! items that appeared in between are probed.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use dispatch_domain::object_ref::Schemes;
use dispatch_store::evidence::{self, EvidenceRow};
use dispatch_store::{idempotency, tickets};
use futures::StreamExt;

use crate::app::App;
use crate::command::{Call, Fields};
use crate::endpoint::Probing;
use crate::failure::Failure;
use crate::object_store::{HeadError, ObjectHead};

/// Probes in flight for one command.
const CONCURRENCY: usize = 8;

/// What a reference is compared with: its URI and, when it has one, its checksum.
type Reference = (String, Option<String>);

/// Why an object does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeFailure {
    /// `UNREACHABLE_URI`, `CHECKSUM_MISMATCH`, `HEAD_TIMEOUT`, `HOST_NOT_ALLOWED` or `NETWORK_ERROR`.
    pub reason: &'static str,
    /// More, for a person.
    pub message: Option<String>,
}

/// What is known of objects.
#[derive(Debug, Default)]
pub struct Probes {
    known: HashMap<Reference, Option<ProbeFailure>>,
}

impl Probes {
    /// Makes sure that a reference was probed and tells why it failed, if it did.
    pub async fn of(&mut self, app: &App, uri: &str, checksum: Option<&str>) -> Option<ProbeFailure> {
        let reference = (uri.to_owned(), checksum.map(str::to_owned));
        self.learn(app, vec![reference.clone()]).await;
        self.known.get(&reference).cloned().flatten()
    }

    /// URIs of stored items whose object does not count; empty when probing is off.
    pub async fn failing(&mut self, app: &App, items: &[EvidenceRow]) -> BTreeSet<String> {
        if !app.config.evidence.require_head {
            return BTreeSet::new();
        }
        let wanted = stored(app, items);
        self.learn(app, wanted.clone()).await;
        let failed = |reference: &Reference| matches!(self.known.get(reference), Some(Some(_)));
        wanted.into_iter().filter(failed).map(|(uri, _)| uri).collect()
    }

    async fn learn(&mut self, app: &App, wanted: Vec<Reference>) {
        let missing: Vec<Reference> =
            wanted.into_iter().filter(|reference| !self.known.contains_key(reference)).collect();
        let answers: Vec<(Reference, Option<ProbeFailure>)> = futures::stream::iter(missing)
            .map(|reference| async move {
                let failure = probe(app, &reference).await;
                (reference, failure)
            })
            .buffer_unordered(CONCURRENCY)
            .collect()
            .await;
        self.known.extend(answers);
    }
}

/// Which schemes count as references to objects.
pub fn schemes(app: &App) -> Schemes {
    Schemes::new(app.config.evidence.schemes.iter().map(String::as_str))
}

/// Probes what a command is about to judge, without holding a lock.
///
/// A stored answer, a caller outside the scope or a wrong state make it pointless; the transaction finds out
/// again and answers.
///
/// # Errors
/// When the database does not answer.
pub async fn before_transaction(app: &Arc<App>, probing: Probing, call: &Call) -> Result<Probes, Failure> {
    let mut probes = Probes::default();
    if probing == Probing::Never || !app.config.evidence.require_head {
        return Ok(probes);
    }
    let Some(ticket_id) = call.ticket_id else { return Ok(probes) };
    let wanted = {
        let mut transaction = dispatch_store::begin(&app.pool).await?;
        if idempotency::find(&mut transaction, call.key()).await?.is_some() {
            return Ok(probes);
        }
        let Some(ticket) = tickets::find(&mut transaction, ticket_id).await? else { return Ok(probes) };
        let allowed = call.actor.scope.check(ticket.account_id, ticket.site_id).is_ok();
        if !allowed || !call.tool.accepts(ticket.state) {
            return Ok(probes);
        }
        let wanted = match probing {
            Probing::Submitted => submitted(app, call),
            _ => stored(app, &evidence::list(&mut transaction, ticket_id).await?),
        };
        transaction.rollback().await?;
        wanted
    };
    probes.learn(app, wanted).await;
    Ok(probes)
}

fn submitted(app: &App, call: &Call) -> Vec<Reference> {
    let fields = Fields::of(&call.request);
    let uri = fields.raw_text("uri").map(str::trim).unwrap_or_default();
    let checksum = fields.raw_text("checksum").map(str::trim).map(str::to_owned);
    if schemes(app).is_resolvable(uri) { vec![(uri.to_owned(), checksum)] } else { Vec::new() }
}

/// Distinct resolvable URIs; the first item of a URI decides the checksum.
fn stored(app: &App, items: &[EvidenceRow]) -> Vec<Reference> {
    let schemes = schemes(app);
    let mut seen = BTreeSet::new();
    items
        .iter()
        .filter(|item| schemes.is_resolvable(&item.uri) && seen.insert(item.uri.as_str()))
        .map(|item| (item.uri.clone(), item.checksum.clone()))
        .collect()
}

async fn probe(app: &App, reference: &Reference) -> Option<ProbeFailure> {
    let started = Instant::now();
    let failure = ask(app, reference).await;
    let result = failure.as_ref().map_or("found", |failure| failure.reason);
    app.metrics.probe(result, started.elapsed());
    failure
}

async fn ask(app: &App, (uri, checksum): &Reference) -> Option<ProbeFailure> {
    let failure = |reason, message: Option<String>| Some(ProbeFailure { reason, message });
    match app.objects.head(uri).await {
        Err(HeadError::Refused(status)) => {
            failure("UNREACHABLE_URI", Some(format!("HEAD answered {status}")))
        }
        Err(HeadError::Timeout) => failure("HEAD_TIMEOUT", None),
        Err(error @ HeadError::HostNotAllowed) => failure("HOST_NOT_ALLOWED", Some(error.to_string())),
        Err(HeadError::Network(reason)) => {
            crate::request_log::life_cycle(
                true,
                serde_json::json!({ "message": "evidence probe failed", "uri": uri, "error": reason }),
            );
            failure("NETWORK_ERROR", Some("object store could not be reached".to_owned()))
        }
        Ok(head) if app.config.evidence.require_checksum && !matches(checksum.as_deref(), &head) => {
            failure("CHECKSUM_MISMATCH", None)
        }
        Ok(_) => None,
    }
}

/// An item without a checksum is not compared.
fn matches(checksum: Option<&str>, head: &ObjectHead) -> bool {
    let Some(checksum) = checksum else { return true };
    let expected = checksum.trim().to_lowercase();
    [&head.etag, &head.content_md5].into_iter().flatten().any(|header| normalised(header) == expected)
}

fn normalised(header: &str) -> String {
    let header = header.trim();
    let header = header.strip_prefix("W/").unwrap_or(header);
    header.trim_matches('"').to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::{matches, normalised};
    use crate::object_store::ObjectHead;

    #[test]
    fn a_checksum_is_compared_with_either_header_after_normalisation() {
        let head = ObjectHead { etag: Some("W/\"ABC\"".to_owned()), content_md5: Some("def".to_owned()) };
        assert!(matches(Some(" abc "), &head) && matches(Some("DEF"), &head) && matches(None, &head));
        assert!(!matches(Some("x"), &head));
        assert!(!matches(Some("x"), &ObjectHead { etag: None, content_md5: None }));
        assert_eq!(normalised(" \"Q\" "), "q");
    }
}
