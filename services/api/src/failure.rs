//! Everything that is not success: a refusal the caller can act on, or an accident of ours.

use dispatch_domain::{ErrorCode, FieldCode, FieldError, Refusal};
use dispatch_store::tickets::MissingReference;
use serde_json::{Value, json};
use uuid::Uuid;

/// Seconds after which a caller may try again when the database could not serve.
const RETRY_AFTER_S: u32 = 1;

/// Why a request did not succeed.
#[derive(Debug)]
pub struct Failure {
    /// What the caller is told.
    pub refusal: Box<Refusal>,
    /// HTTP status; the code's own unless said otherwise.
    pub status: u16,
    /// What happened, for the log only.
    pub cause: Option<String>,
    /// Sent as `Retry-After`.
    pub retry_after_s: Option<u32>,
    /// Sent as `Allow`.
    pub allow: Option<String>,
}

impl Failure {
    /// An accident: the caller gets a reference, the log gets the cause.
    pub fn internal(cause: impl Into<String>) -> Self {
        Self::accident(ErrorCode::InternalError, cause.into())
    }

    /// The message of a command could not be queued.
    pub fn outbox(cause: impl Into<String>) -> Self {
        Self::accident(ErrorCode::OutboxInsertFailed, cause.into())
    }

    /// Something that requests need is not there right now; asking again later helps.
    pub fn unavailable(message: &str, cause: impl Into<String>) -> Self {
        let mut failure = Self::from(Refusal::new(ErrorCode::ServiceUnavailable, message));
        failure.cause = Some(cause.into());
        failure.retry_after_s = Some(RETRY_AFTER_S);
        failure
    }

    /// Alerts cannot be judged right now.
    pub fn alerts_unavailable(cause: impl Into<String>) -> Self {
        let mut failure = Self::unavailable("Alerts cannot be judged right now", cause);
        failure.refusal.code = ErrorCode::AlertBackendUnavailable;
        failure
    }

    fn accident(code: ErrorCode, cause: String) -> Self {
        let refusal =
            Refusal::new(code, "Internal server error").with("reference", Uuid::new_v4().to_string());
        Self {
            status: code.http_status(),
            refusal: Box::new(refusal),
            cause: Some(cause),
            retry_after_s: None,
            allow: None,
        }
    }

    /// The body is larger than the service reads.
    pub fn too_large(limit: usize) -> Self {
        let message = format!("Request body is larger than {limit} bytes");
        Self::from(Refusal::new(ErrorCode::PayloadTooLarge, message))
    }

    /// The path is known, but not with this method.
    pub fn method(allow: String) -> Self {
        let refusal = Refusal::new(ErrorCode::MethodNotAllowed, format!("Method not allowed; use {allow}"));
        Self { allow: Some(allow), ..Self::from(refusal) }
    }

    /// The actor has asked too often.
    pub fn rate_limited(retry_after_s: u32) -> Self {
        let refusal = Refusal::new(ErrorCode::RateLimited, "Too many requests");
        Self { retry_after_s: Some(retry_after_s), ..Self::from(refusal) }
    }

    /// A request that has the right shape but not an acceptable value.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::from(Refusal::new(ErrorCode::InvalidRequest, message))
    }

    /// A member of the request with an unacceptable value: a code for a program beside the sentence for a person.
    pub fn field(field: &str, code: FieldCode, message: String) -> Self {
        let entry = FieldError { field: field.to_owned(), code, message: message.clone() };
        Refusal::new(ErrorCode::InvalidRequest, message).with("fields", json!([entry])).into()
    }

    /// A member that names something which does not exist.
    pub fn no_such(field: &str) -> Self {
        Self::reference(field, FieldCode::NotFound, format!("Field '{field}' names nothing that exists"))
    }

    /// A reference of a new ticket that leads nowhere, or to another account's site.
    pub fn missing(missing: MissingReference) -> Self {
        if missing.foreign_site && missing.field == "site_id" {
            let message = "Field 'site_id' names a site of another account".to_owned();
            return Self::reference(missing.field, FieldCode::Mismatch, message);
        }
        Self::no_such(missing.field)
    }

    fn reference(field: &str, code: FieldCode, message: String) -> Self {
        let mut failure = Self::field(field, code, message);
        failure.refusal.details.insert("field".to_owned(), field.into());
        failure
    }

    /// The error code of the answer.
    pub fn code(&self) -> ErrorCode {
        self.refusal.code
    }

    /// The answer's body.
    pub fn body(&self, request_id: Option<&str>, correlation_id: Option<&str>) -> Value {
        self.refusal.body(request_id, correlation_id)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self {
            status: refusal.http_status(),
            refusal: Box::new(refusal),
            cause: None,
            retry_after_s: None,
            allow: None,
        }
    }
}

impl From<dispatch_store::StoreError> for Failure {
    fn from(error: dispatch_store::StoreError) -> Self {
        Self::of_store(&error)
    }
}

impl From<std::sync::Arc<dispatch_store::StoreError>> for Failure {
    fn from(error: std::sync::Arc<dispatch_store::StoreError>) -> Self {
        Self::of_store(&error)
    }
}

impl Failure {
    fn of_store(error: &dispatch_store::StoreError) -> Self {
        if dispatch_store::is_unavailable(error) {
            return Self::unavailable("The database cannot serve right now", error.to_string());
        }
        Self::internal(error.to_string())
    }
}
