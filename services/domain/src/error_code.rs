//! The 59 error codes, their HTTP status and the policy dimension that decided.

wire_enum! {
    /// Which kind of rule refused a request; shown as `policy_error.dimension`.
    enum Dimension as "policy dimension" {
        Role = "role",
        Tool = "tool",
        State = "state",
        Scope = "scope",
        Policy = "policy",
        Evidence = "evidence",
        Identity = "identity",
        Assignment = "assignment",
        Scheduling = "scheduling",
    }
}

/// Declares the codes with their status and dimension in one table.
macro_rules! error_codes {
    ($($variant:ident = $text:literal $status:literal $($dimension:ident)?,)+) => {
        wire_enum! {
            /// Machine-readable reason of an error answer.
            enum ErrorCode as "error code" { $($variant = $text,)+ }
        }

        impl ErrorCode {
            /// HTTP status that goes with the code.
            pub const fn http_status(self) -> u16 {
                match self { $(Self::$variant => $status,)+ }
            }

            /// The policy dimension of the code itself; a refusal's details may name another one.
            pub const fn dimension(self) -> Option<Dimension> {
                match self { $(Self::$variant => error_codes!(@dimension $($dimension)?),)+ }
            }
        }
    };
    (@dimension) => { None };
    (@dimension $dimension:ident) => { Some(Dimension::$dimension) };
}

error_codes! {
    AlertBackendUnavailable = "ALERT_BACKEND_UNAVAILABLE" 503,
    ApprovalNotFound = "APPROVAL_NOT_FOUND" 404,
    ApprovalNotPending = "APPROVAL_NOT_PENDING" 409,
    AssignmentBypassDenied = "ASSIGNMENT_BYPASS_DENIED" 409 Policy,
    AssignmentCapabilityMismatch = "ASSIGNMENT_CAPABILITY_MISMATCH" 409 Assignment,
    AssignmentNotFound = "ASSIGNMENT_NOT_FOUND" 409 Assignment,
    AssignmentRecommendationContextMissing = "ASSIGNMENT_RECOMMENDATION_CONTEXT_MISSING" 409 Assignment,
    AssignmentRecommendationMismatch = "ASSIGNMENT_RECOMMENDATION_MISMATCH" 409 Assignment,
    AssignmentRecommendationStale = "ASSIGNMENT_RECOMMENDATION_STALE" 409 Assignment,
    AssignmentRecommendationUnavailable = "ASSIGNMENT_RECOMMENDATION_UNAVAILABLE" 409 Assignment,
    AssignmentZoneMismatch = "ASSIGNMENT_ZONE_MISMATCH" 409 Assignment,
    AuthConfigError = "AUTH_CONFIG_ERROR" 500 Policy,
    AuthRequired = "AUTH_REQUIRED" 401,
    AutonomyDisabled = "AUTONOMY_DISABLED" 409 Policy,
    BlindIntakeValidationFailed = "BLIND_INTAKE_VALIDATION_FAILED" 400 Identity,
    CloseoutRequirementsIncomplete = "CLOSEOUT_REQUIREMENTS_INCOMPLETE" 409 Evidence,
    CustomerConfirmationStale = "CUSTOMER_CONFIRMATION_STALE" 409 Scheduling,
    DuplicateIntake = "DUPLICATE_INTAKE" 409 Identity,
    Forbidden = "FORBIDDEN" 403 Role,
    ForbiddenScope = "FORBIDDEN_SCOPE" 403 Scope,
    FourEyesRequired = "FOUR_EYES_REQUIRED" 403 Policy,
    HoldConfirmationMissing = "HOLD_CONFIRMATION_MISSING" 409 Scheduling,
    HoldSnapshotMissing = "HOLD_SNAPSHOT_MISSING" 409 Scheduling,
    IdempotencyPayloadMismatch = "IDEMPOTENCY_PAYLOAD_MISMATCH" 409,
    InternalError = "INTERNAL_ERROR" 500,
    InvalidActorContext = "INVALID_ACTOR_CONTEXT" 400,
    InvalidApprovalTargetState = "INVALID_APPROVAL_TARGET_STATE" 409,
    InvalidAuthClaims = "INVALID_AUTH_CLAIMS" 401,
    InvalidAuthToken = "INVALID_AUTH_TOKEN" 401 Policy,
    InvalidIdempotencyKey = "INVALID_IDEMPOTENCY_KEY" 400,
    InvalidJson = "INVALID_JSON" 400,
    InvalidQuery = "INVALID_QUERY" 400,
    InvalidRequest = "INVALID_REQUEST" 400,
    InvalidStateTransition = "INVALID_STATE_TRANSITION" 409 State,
    InvalidTicketId = "INVALID_TICKET_ID" 400,
    LowClassificationConfidence = "LOW_CLASSIFICATION_CONFIDENCE" 409 Identity,
    LowIdentityConfidence = "LOW_IDENTITY_CONFIDENCE" 409 Identity,
    ManualReviewRequired = "MANUAL_REVIEW_REQUIRED" 409 Policy,
    MethodNotAllowed = "METHOD_NOT_ALLOWED" 405,
    MissingActorContext = "MISSING_ACTOR_CONTEXT" 400 Role,
    MissingIdempotencyKey = "MISSING_IDEMPOTENCY_KEY" 400,
    NotAssigned = "NOT_ASSIGNED" 403 Policy,
    NotFound = "NOT_FOUND" 404,
    OutboxInsertFailed = "OUTBOX_INSERT_FAILED" 500,
    OutboxNotFound = "OUTBOX_NOT_FOUND" 404,
    OutboxReplayInvalidState = "OUTBOX_REPLAY_INVALID_STATE" 409,
    PayloadTooLarge = "PAYLOAD_TOO_LARGE" 413,
    QaVerificationFailed = "QA_VERIFICATION_FAILED" 409,
    RateLimited = "RATE_LIMITED" 429,
    RequestTimeout = "REQUEST_TIMEOUT" 408,
    ResourceNotFound = "RESOURCE_NOT_FOUND" 404,
    ScheduleHoldStateConflict = "SCHEDULE_HOLD_STATE_CONFLICT" 409 Scheduling,
    ScheduleWindowRefused = "SCHEDULE_WINDOW_REFUSED" 409 Scheduling,
    ServiceUnavailable = "SERVICE_UNAVAILABLE" 503,
    SopHandoffRequired = "SOP_HANDOFF_REQUIRED" 409 Policy,
    TechUnavailable = "TECH_UNAVAILABLE" 409 Assignment,
    TicketNotFound = "TICKET_NOT_FOUND" 404,
    ToolNotAllowed = "TOOL_NOT_ALLOWED" 403 Tool,
    VersionConflict = "VERSION_CONFLICT" 409,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifty_nine_codes_each_a_client_or_server_error() {
        assert_eq!(ErrorCode::ALL.len(), 59);
        assert!(ErrorCode::ALL.iter().all(|code| (400..=599).contains(&code.http_status())));
        assert!(ErrorCode::ALL.windows(2).all(|pair| pair[0].as_str() < pair[1].as_str()));
    }

    #[test]
    fn only_three_codes_blame_the_server_and_two_say_that_it_is_not_able_to_answer_now() {
        let server: Vec<_> = ErrorCode::ALL.iter().filter(|code| code.http_status() == 500).collect();
        assert_eq!(
            server,
            [&ErrorCode::AuthConfigError, &ErrorCode::InternalError, &ErrorCode::OutboxInsertFailed]
        );
        let away: Vec<_> = ErrorCode::ALL.iter().filter(|code| code.http_status() > 500).collect();
        assert_eq!(away, [&ErrorCode::AlertBackendUnavailable, &ErrorCode::ServiceUnavailable]);
    }

    #[test]
    fn dimensions_follow_the_kind_of_rule() {
        for (code, dimension) in [
            (ErrorCode::Forbidden, Some(Dimension::Role)),
            (ErrorCode::ToolNotAllowed, Some(Dimension::Tool)),
            (ErrorCode::InvalidStateTransition, Some(Dimension::State)),
            (ErrorCode::DuplicateIntake, Some(Dimension::Identity)),
            (ErrorCode::InvalidAuthClaims, None),
            (ErrorCode::QaVerificationFailed, None),
        ] {
            assert_eq!(code.dimension(), dimension, "{code}");
        }
    }
}
