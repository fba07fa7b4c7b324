//! The one table of legal moves between ticket states.
//!
//! The database's check constraint, the health check and the tests are generated from or compared with it.

use crate::state::TicketState::{self, *};

/// Name of the check constraint on `ticket_state_transitions`.
pub const CONSTRAINT_NAME: &str = "chk_ticket_state_transition_valid";

/// Legal moves by origin; no origin means creation. Final states have no row.
///
/// READY_TO_SCHEDULE to DISPATCHED is the second half of a dispatch from TRIAGED: without it every such dispatch
/// would be refused by the history rule. ON_HOLD to DISPATCHED takes work off hold that was held before it began;
/// COMPLETED_PENDING_VERIFICATION to IN_PROGRESS is a rejected verification.
pub const TABLE: &[(Option<TicketState>, &[TicketState])] = &[
    (None, &[New, Triaged, ReadyToSchedule]),
    (Some(New), &[NeedsInfo, Triaged, Cancelled]),
    (Some(NeedsInfo), &[Triaged, Cancelled]),
    (Some(Triaged), &[ApprovalRequired, ReadyToSchedule, Cancelled]),
    (Some(ApprovalRequired), &[Triaged, ReadyToSchedule, InProgress, Cancelled]),
    (Some(ReadyToSchedule), &[ScheduleProposed, PendingCustomerConfirmation, Dispatched, Cancelled]),
    (Some(ScheduleProposed), &[Scheduled, PendingCustomerConfirmation, Cancelled]),
    (Some(Scheduled), &[PendingCustomerConfirmation, Dispatched, Cancelled]),
    (Some(PendingCustomerConfirmation), &[ReadyToSchedule, ScheduleProposed, Scheduled, Cancelled]),
    (Some(Dispatched), &[Scheduled, OnSite, OnHold, Cancelled]),
    (Some(OnSite), &[Scheduled, InProgress, OnHold, Cancelled]),
    (Some(InProgress), &[ApprovalRequired, Scheduled, OnHold, CompletedPendingVerification, Cancelled]),
    (Some(OnHold), &[ReadyToSchedule, Scheduled, Dispatched, InProgress, Cancelled]),
    (Some(CompletedPendingVerification), &[InProgress, Verified, Closed, Cancelled]),
    (Some(Verified), &[InProgress, Invoiced, Closed, Cancelled]),
    (Some(Invoiced), &[InProgress, Closed, Cancelled]),
];

/// Every legal move as (from, to), in table order; `None` is creation.
pub fn pairs() -> impl Iterator<Item = (Option<TicketState>, TicketState)> {
    TABLE.iter().flat_map(|(from, targets)| targets.iter().map(move |to| (*from, *to)))
}

/// Whether a history row from `from` (none: creation) to `to` is legal.
pub fn is_legal(from: Option<TicketState>, to: TicketState) -> bool {
    TABLE.iter().any(|(origin, targets)| *origin == from && targets.contains(&to))
}

/// How a move is named in health checks: `NEW->TRIAGED`, creation as `NULL->NEW`.
pub fn pair_name(from: Option<TicketState>, to: TicketState) -> String {
    format!("{}->{to}", from.map_or("NULL", TicketState::as_str))
}

/// How derived moves are named in audit payloads: `TRIAGED->READY_TO_SCHEDULE`.
pub fn derived_names(path: &[TicketState]) -> Vec<String> {
    path.windows(2).map(|step| pair_name(Some(step[0]), step[1])).collect()
}

/// The boolean expression of the check constraint, one line per origin, over `from_state` and `to_state`.
///
/// `IS NOT DISTINCT FROM` instead of `=`: a comparison with a null origin would be null, and a check passes on null.
pub fn check_expression() -> String {
    let lines: Vec<String> = TABLE
        .iter()
        .map(|(from, targets)| {
            let origin = match from {
                None => "from_state IS NULL".to_owned(),
                Some(state) => format!("from_state IS NOT DISTINCT FROM '{state}'"),
            };
            let targets: Vec<String> = targets.iter().map(|to| format!("'{to}'")).collect();
            format!("({origin} AND to_state IN ({}))", targets.join(", "))
        })
        .collect();
    lines.join("\n        OR ")
}

/// The SQL that (re)creates the constraint; a migration carries this text verbatim.
pub fn constraint_sql() -> String {
    format!(
        "ALTER TABLE ticket_state_transitions DROP CONSTRAINT IF EXISTS {CONSTRAINT_NAME};\n\
         ALTER TABLE ticket_state_transitions ADD CONSTRAINT {CONSTRAINT_NAME} CHECK (\n        {}\n);\n",
        check_expression()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifty_eight_distinct_pairs_in_enum_order() {
        let all: Vec<_> = pairs().collect();
        assert_eq!(all.len(), 58);
        assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), 58);
        assert!(TABLE.windows(2).all(|rows| rows[0].0 < rows[1].0));
    }

    #[test]
    fn legality_is_membership() {
        for from in std::iter::once(None).chain(TicketState::ALL.iter().copied().map(Some)) {
            for to in TicketState::ALL.iter().copied() {
                assert_eq!(is_legal(from, to), pairs().any(|pair| pair == (from, to)));
                assert!(from != Some(to) || !is_legal(from, to), "no self-loop");
            }
        }
        assert!(is_legal(Some(ReadyToSchedule), Dispatched));
        assert!(!is_legal(Some(Triaged), Dispatched));
        assert!(!is_legal(None, Closed));
    }

    #[test]
    fn every_state_but_the_final_ones_can_be_cancelled() {
        for state in TicketState::ALL.iter().copied() {
            assert_eq!(is_legal(Some(state), Cancelled), !state.is_final(), "{state}");
        }
    }

    #[test]
    fn constraint_names_every_pair_and_creation_apart() {
        let sql = constraint_sql();
        assert!(sql.contains("(from_state IS NULL AND to_state IN ('NEW', 'TRIAGED', 'READY_TO_SCHEDULE'))"));
        assert_eq!(sql.matches("from_state IS").count(), TABLE.len());
        assert_eq!(sql.matches('\'').count(), 2 * (58 + TABLE.len() - 1));
    }

    #[test]
    fn derived_moves_are_named_step_by_step() {
        assert_eq!(derived_names(&[New, Triaged, Cancelled]), ["NEW->TRIAGED", "TRIAGED->CANCELLED"]);
        assert_eq!(pair_name(None, New), "NULL->NEW");
    }
}
