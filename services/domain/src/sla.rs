//! Service-level targets: how long a ticket may wait, and whose delay it is.

use crate::state::TicketState;
use crate::vocabulary::Priority;
use time::{Duration, OffsetDateTime};

/// Minutes left at which a ticket turns from healthy to warning.
pub const WARNING_MINUTES: i64 = 45;

wire_enum! {
    /// How a ticket stands against its target; declared most pressing first, which is the queue's order.
    enum SlaStatus as "SLA status" {
        Breach = "breach",
        Warning = "warning",
        Healthy = "healthy",
    }
}

wire_enum! {
    /// Who a ticket is waiting for.
    enum DelayAttribution as "delay attribution" {
        Customer = "customer",
        Provider = "provider",
        Unknown = "unknown",
    }
}

/// A ticket's standing against its target at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sla {
    /// Minutes allowed, by priority.
    pub target_minutes: i64,
    /// Scheduled start if there is one, else creation, plus the target.
    pub deadline_at: OffsetDateTime,
    /// Whole minutes left, rounded towards the past; negative after the deadline.
    pub remaining_minutes: i64,
    /// The same as `HH:MM`, hours at least two digits, `-` before it when overdue.
    pub remaining: String,
    /// Class of the remaining time.
    pub status: SlaStatus,
}

/// Minutes a ticket of this priority may take.
pub const fn target_minutes(priority: Priority) -> i64 {
    match priority {
        Priority::Emergency => 60,
        Priority::Urgent => 240,
        Priority::Routine => 1440,
    }
}

/// When the clock of a ticket has to have started for the ticket to be in a class at `now`: not before the first
/// moment, and before the second.
pub fn starts_in(
    status: SlaStatus,
    priority: Priority,
    now: OffsetDateTime,
) -> (Option<OffsetDateTime>, Option<OffsetDateTime>) {
    let due = now.saturating_sub(Duration::minutes(target_minutes(priority)));
    let at_ease = due.saturating_add(Duration::minutes(WARNING_MINUTES + 1));
    match status {
        SlaStatus::Breach => (None, Some(due)),
        SlaStatus::Warning => (Some(due), Some(at_ease)),
        SlaStatus::Healthy => (Some(at_ease), None),
    }
}

/// Computes the standing at `now` of a ticket whose clock started at `base` (scheduled start, else creation).
pub fn standing(priority: Priority, base: OffsetDateTime, now: OffsetDateTime) -> Sla {
    let target_minutes = target_minutes(priority);
    let deadline_at = base.saturating_add(Duration::minutes(target_minutes));
    let remaining_minutes = (deadline_at - now).whole_nanoseconds().div_euclid(60_000_000_000) as i64;
    let sign = if remaining_minutes < 0 { "-" } else { "" };
    let minutes = remaining_minutes.unsigned_abs();
    let status = match remaining_minutes {
        i64::MIN..0 => SlaStatus::Breach,
        0..=WARNING_MINUTES => SlaStatus::Warning,
        _ => SlaStatus::Healthy,
    };
    let remaining = format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60);
    Sla { target_minutes, deadline_at, remaining_minutes, remaining, status }
}

/// Whose delay the present state is.
pub const fn attribution(state: TicketState) -> DelayAttribution {
    match state {
        TicketState::ApprovalRequired => DelayAttribution::Customer,
        TicketState::Scheduled
        | TicketState::Dispatched
        | TicketState::OnSite
        | TicketState::InProgress
        | TicketState::OnHold
        | TicketState::CompletedPendingVerification => DelayAttribution::Provider,
        _ => DelayAttribution::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn remaining_time_is_floored_and_signed() {
        let base = datetime!(2026-12-05 10:00:00 UTC);
        let at = |now| standing(Priority::Emergency, base, now);
        assert_eq!(at(datetime!(2026-12-05 10:00:00 UTC)).remaining, "01:00");
        assert_eq!(at(datetime!(2026-12-05 10:14:59 UTC)).status, SlaStatus::Warning);
        assert_eq!(at(datetime!(2026-12-05 10:13:59 UTC)).status, SlaStatus::Healthy);
        let late = at(datetime!(2026-12-05 11:00:00.001 UTC));
        assert_eq!((late.remaining_minutes, late.remaining.as_str()), (-1, "-00:01"));
        assert_eq!(late.status, SlaStatus::Breach);
        let routine = standing(Priority::Routine, base, datetime!(2026-12-01 10:00:00 UTC));
        assert_eq!(routine.remaining, "120:00");
    }

    #[test]
    fn a_class_as_a_range_of_starts_agrees_with_the_standing() {
        let now = datetime!(2026-12-05 10:00:00.5 UTC);
        for priority in Priority::ALL {
            for minutes in -1500_i64..60 {
                let base = now + Duration::minutes(minutes);
                let status = standing(*priority, base, now).status;
                for class in SlaStatus::ALL {
                    let (from, to) = starts_in(*class, *priority, now);
                    let inside = from.is_none_or(|from| base >= from) && to.is_none_or(|to| base < to);
                    assert_eq!(inside, *class == status, "{base} {priority} {class}");
                }
            }
        }
    }

    #[test]
    fn attribution_follows_the_state() {
        assert_eq!(attribution(TicketState::ApprovalRequired), DelayAttribution::Customer);
        assert_eq!(attribution(TicketState::OnHold), DelayAttribution::Provider);
        assert_eq!(attribution(TicketState::PendingCustomerConfirmation), DelayAttribution::Unknown);
    }
}
