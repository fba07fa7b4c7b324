//! The four alert rules, what they count, and where an operator reads on.
//!
//! This table is the only source: the API judges by it, and the signal sections of runbooks are rendered from it.

mod life;

use crate::error_code::ErrorCode;
use crate::state::TicketState;

pub use life::{AlertState, Hysteresis, Judgement, Standing, judge};

/// Age in minutes at which a ticket counts as stuck, unless configured otherwise.
pub const DEFAULT_STUCK_MINUTES: u32 = 60;

/// The variable that configures that age.
pub const STUCK_MINUTES_VARIABLE: &str = "DISPATCH_ALERT_STUCK_SCHEDULING_MINUTES";

/// How far back error answers are counted, in seconds, unless configured otherwise.
pub const DEFAULT_WINDOW_S: u32 = 900;

/// The variable that configures the window.
pub const WINDOW_VARIABLE: &str = "DISPATCH_ALERT_WINDOW_SECONDS";

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
    pub default_threshold: u32,
    /// The variable that configures the threshold.
    pub threshold_variable: &'static str,
    /// What it means when the alert fires, for a person.
    pub meaning: &'static str,
    /// Runbook reference that clients compare.
    pub runbook: &'static str,
}

impl Rule {
    /// The rule of a code.
    pub fn of(code: AlertCode) -> &'static Self {
        &RULES[code as usize]
    }

    /// The states or error codes that are counted.
    pub fn counted(&self) -> Vec<&'static str> {
        match self.signal {
            Signal::TicketsResting(states) => states.iter().map(|state| state.as_str()).collect(),
            Signal::Errors(codes) => codes.iter().map(|code| code.as_str()).collect(),
        }
    }

    /// What is counted and when the alert fires, as Markdown for the runbook's signal section.
    pub fn signal_text(&self) -> String {
        let names: Vec<String> = self.counted().iter().map(|name| format!("`{name}`")).collect();
        let names = names.join(", ");
        let counted = match self.signal {
            Signal::TicketsResting(_) => format!(
                "A ticket counts when it is in one of {names} and its latest move into that state is at least \
                 `thresholds.stuck_scheduling_minutes` minutes old (`{STUCK_MINUTES_VARIABLE}`, default \
                 {DEFAULT_STUCK_MINUTES}, 0 allowed)."
            ),
            Signal::Errors(_) => format!(
                "An error answer counts when its code is one of {names}. The window slides: an answer is forgotten \
                 after `{WINDOW_VARIABLE}` seconds (default {DEFAULT_WINDOW_S})."
            ),
        };
        format!(
            "`{}` fires when `signals.{}` reaches `thresholds.{}` (`{}`, default {}, at least 1). {counted}\n",
            self.code, self.signal_name, self.signal_name, self.threshold_variable, self.default_threshold
        )
    }

    /// Whether answers with this code are counted by a rule.
    pub fn counts(code: ErrorCode) -> bool {
        RULES.iter().any(|rule| matches!(rule.signal, Signal::Errors(codes) if codes.contains(&code)))
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
        threshold_variable: "DISPATCH_ALERT_STUCK_SCHEDULING_COUNT_THRESHOLD",
        meaning: "Tickets wait in a scheduling state longer than they should.",
        runbook: "dispatch/ops/runbooks/stuck_scheduling.md",
    },
    Rule {
        code: AlertCode::CompletionRejectionSpike,
        signal_name: "completion_rejection_count",
        signal: Signal::Errors(&[ErrorCode::CloseoutRequirementsIncomplete, ErrorCode::ManualReviewRequired]),
        default_threshold: 3,
        threshold_variable: "DISPATCH_ALERT_COMPLETION_REJECTION_THRESHOLD",
        meaning: "Completions are refused because the closeout is incomplete or needs a person.",
        runbook: "dispatch/ops/runbooks/completion_rejection.md",
    },
    Rule {
        code: AlertCode::IdempotencyConflictSpike,
        signal_name: "idempotency_conflict_count",
        signal: Signal::Errors(&[ErrorCode::IdempotencyPayloadMismatch]),
        default_threshold: 2,
        threshold_variable: "DISPATCH_ALERT_IDEMPOTENCY_CONFLICT_THRESHOLD",
        meaning: "Clients reuse idempotency keys for other requests.",
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
        threshold_variable: "DISPATCH_ALERT_AUTH_POLICY_REJECTION_THRESHOLD",
        meaning: "Callers are refused by identity, role, tool or scope.",
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
    fn rules_stand_in_the_order_of_their_codes_and_tell_what_they_count() {
        for (place, rule) in RULES.iter().enumerate() {
            assert_eq!(rule.code as usize, place);
            assert_eq!(Rule::of(rule.code), rule);
            let text = rule.signal_text();
            for name in rule.counted().into_iter().chain([rule.code.as_str(), rule.threshold_variable]) {
                assert!(text.contains(&format!("`{name}`")), "{name} in {text}");
            }
        }
        assert!(Rule::counts(ErrorCode::AuthConfigError) && !Rule::counts(ErrorCode::NotFound));
    }
}
