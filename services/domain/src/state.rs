//! The seventeen ticket states and the nine phases an operator thinks in.

wire_enum! {
    /// Where a ticket stands. The order is the order of the database type.
    enum TicketState as "ticket state" {
        New = "NEW",
        NeedsInfo = "NEEDS_INFO",
        Triaged = "TRIAGED",
        ApprovalRequired = "APPROVAL_REQUIRED",
        ReadyToSchedule = "READY_TO_SCHEDULE",
        ScheduleProposed = "SCHEDULE_PROPOSED",
        Scheduled = "SCHEDULED",
        PendingCustomerConfirmation = "PENDING_CUSTOMER_CONFIRMATION",
        Dispatched = "DISPATCHED",
        OnSite = "ON_SITE",
        InProgress = "IN_PROGRESS",
        OnHold = "ON_HOLD",
        CompletedPendingVerification = "COMPLETED_PENDING_VERIFICATION",
        Verified = "VERIFIED",
        Invoiced = "INVOICED",
        Closed = "CLOSED",
        Cancelled = "CANCELLED",
    }
}

wire_enum! {
    /// The operator's coarser view of a ticket's progress.
    enum Phase as "phase" {
        New = "new",
        Triaged = "triaged",
        Schedulable = "schedulable",
        Scheduled = "scheduled",
        Dispatched = "dispatched",
        OnSite = "onsite",
        CloseoutPending = "closeout_pending",
        Closed = "closed",
        Cancelled = "cancelled",
    }
}

impl TicketState {
    /// The operator's phase. Waiting for the customer's confirmation counts as scheduled: a window exists.
    pub const fn phase(self) -> Phase {
        match self {
            Self::New | Self::NeedsInfo => Phase::New,
            Self::Triaged | Self::ApprovalRequired => Phase::Triaged,
            Self::ReadyToSchedule | Self::ScheduleProposed => Phase::Schedulable,
            Self::Scheduled | Self::PendingCustomerConfirmation => Phase::Scheduled,
            Self::Dispatched => Phase::Dispatched,
            Self::OnSite | Self::InProgress | Self::OnHold => Phase::OnSite,
            Self::CompletedPendingVerification | Self::Verified | Self::Invoiced => Phase::CloseoutPending,
            Self::Closed => Phase::Closed,
            Self::Cancelled => Phase::Cancelled,
        }
    }

    /// No move leaves a closed or cancelled ticket.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Closed | Self::Cancelled)
    }

    /// Counts as open work of the assigned technician when candidates are ranked.
    pub const fn is_open_workload(self) -> bool {
        !matches!(
            self,
            Self::CompletedPendingVerification
                | Self::Cancelled
                | Self::Invoiced
                | Self::Verified
                | Self::Closed
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seventeen_states_parse_back_from_their_wire_spelling() {
        assert_eq!(TicketState::ALL.len(), 17);
        for state in TicketState::ALL {
            assert_eq!(state.as_str().parse(), Ok(*state));
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
        assert!("new".parse::<TicketState>().is_err(), "states are case-sensitive");
    }

    #[test]
    fn every_phase_has_a_state() {
        for phase in Phase::ALL {
            assert!(TicketState::ALL.iter().any(|state| state.phase() == *phase), "{phase}");
        }
    }
}
