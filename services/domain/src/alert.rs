//! The four alert rules, what they count, and where an operator reads on.

use crate::error_code::ErrorCode;
use crate::state::TicketState;

/// Age in minutes at which a ticket counts as stuck, unless configured otherwise.
pub const DEFAULT_STUCK_MINUTES: i64 = 60;

/// Severity of every alert.
pub const SEVERITY: &str = "warning";

wire_enum! {
    /// Which rule fired.
    enum AlertCode as "alert code" {
        StuckScheduling = "STUCK_SCHEDULING",
        CompletionRejectionSpike = "COMPLETION_REJECTION_SPIKE",
        IdempotencyConflictSpike = "IDEMPOTENCY_CONFLICT_SPIKE",
        AuthPolicyFailureSpike = "AUTH_POLICY_FAILURE_SPIKE",
    }
}

/// What a rule counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Tickets that rest in one of the states longer than the stuck age.
    TicketsResting(&'static [TicketState]),
    /// Error answers with one of the codes.
    Errors(&'static [ErrorCode]),
}

/// One alert rule; it fires when its signal reaches its threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Code on the wire.
    pub code: AlertCode,
    /// Name of the signal and of its threshold on the wire.
    pub signal_name: &'static str,
    /// What is counted.
    pub signal: Signal,
    /// Threshold unless configured otherwise.
    pub default_threshold: u64,
    /// Runbook reference that clients compare.
    pub runbook: &'static str,
}

impl Rule {
    /// Whether `count` reaches `threshold`; a threshold of zero always fires.
    pub const fn fires(count: u64, threshold: u64) -> bool {
        count >= threshold
    }
}

/// The rules in report order.
pub const RULES: &[Rule] = &[
    Rule {
        code: AlertCode::StuckScheduling,
        signal_name: "stuck_scheduling_count",
        signal: Signal::TicketsResting(&[
            TicketState::ReadyToSchedule,
            TicketState::ScheduleProposed,
            TicketState::Scheduled,
            TicketState::PendingCustomerConfirmation,
        ]),
        default_threshold: 5,
        runbook: "dispatch/ops/runbooks/stuck_scheduling.md",
    },
    Rule {
        code: AlertCode::CompletionRejectionSpike,
        signal_name: "completion_rejection_count",
        signal: Signal::Errors(&[ErrorCode::CloseoutRequirementsIncomplete, ErrorCode::ManualReviewRequired]),
        default_threshold: 3,
        runbook: "dispatch/ops/runbooks/completion_rejection.md",
    },
    Rule {
        code: AlertCode::IdempotencyConflictSpike,
        signal_name: "idempotency_conflict_count",
        signal: Signal::Errors(&[ErrorCode::IdempotencyPayloadMismatch]),
        default_threshold: 2,
        runbook: "dispatch/ops/runbooks/idempotency_conflict.md",
    },
    Rule {
        code: AlertCode::AuthPolicyFailureSpike,
        signal_name: "auth_policy_rejection_count",
        signal: Signal::Errors(&[
            ErrorCode::Forbidden,
            ErrorCode::ForbiddenScope,
            ErrorCode::ToolNotAllowed,
            ErrorCode::AuthRequired,
            ErrorCode::InvalidAuthToken,
            ErrorCode::InvalidAuthClaims,
            ErrorCode::AuthConfigError,
        ]),
        default_threshold: 5,
        runbook: "dispatch/ops/runbooks/auth_policy_failure.md",
    },
];

/// The runbook map of the alerts answer, in order: the four alerts, then standing operations.
pub const RUNBOOKS: &[(&str, &str)] = &[
    ("STUCK_SCHEDULING", "dispatch/ops/runbooks/stuck_scheduling.md"),
    ("COMPLETION_REJECTION_SPIKE", "dispatch/ops/runbooks/completion_rejection.md"),
    ("IDEMPOTENCY_CONFLICT_SPIKE", "dispatch/ops/runbooks/idempotency_conflict.md"),
    ("AUTH_POLICY_FAILURE_SPIKE", "dispatch/ops/runbooks/auth_policy_failure.md"),
    ("AUTONOMY_CONTROL_ROLLBACK", "dispatch/ops/runbooks/glz_12_autonomy_rollout_controls.md"),
    ("DB_BACKUP", "dispatch/ops/runbooks/db_backup.md"),
    ("WAL_ARCHIVE_RECOVERY", "dispatch/ops/runbooks/db_wal_archive_recovery.md"),
    ("HEALTH_DB_MIGRATION", HEALTH_RUNBOOK),
];

/// Runbook named by the health answer.
pub const HEALTH_RUNBOOK: &str = "dispatch/ops/runbooks/health_db_migration.md";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_its_runbook_in_the_map() {
        assert_eq!((RULES.len(), RUNBOOKS.len()), (4, 8));
        for rule in RULES {
            assert!(RUNBOOKS.contains(&(rule.code.as_str(), rule.runbook)), "{}", rule.code);
        }
    }

    #[test]
    fn a_rule_fires_at_its_threshold() {
        assert!(!Rule::fires(4, 5));
        assert!(Rule::fires(5, 5));
        assert!(Rule::fires(0, 0));
    }
}
