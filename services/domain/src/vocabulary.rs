//! The smaller closed sets of words on the wire.

wire_enum! {
    /// How urgent a ticket is; declared most urgent first, which is also the queue's order.
    enum Priority as "priority" {
        Emergency = "EMERGENCY",
        Urgent = "URGENT",
        Routine = "ROUTINE",
    }
}

wire_enum! {
    /// What kind of caller acted. Input is upper-cased before it is read.
    enum ActorType as "actor type" {
        Human = "HUMAN",
        Agent = "AGENT",
        Service = "SERVICE",
        System = "SYSTEM",
    }
}

impl ActorType {
    /// Reads an actor type in any case, surrounding white space ignored.
    pub fn parse(text: &str) -> Result<Self, crate::UnknownWord> {
        text.trim().to_uppercase().parse()
    }
}

wire_enum! {
    /// State of an approval; `CANCELLED` is one that was withdrawn because another was decided or the ticket ended.
    enum ApprovalStatus as "approval status" {
        Pending = "PENDING",
        Approved = "APPROVED",
        Denied = "DENIED",
        Cancelled = "CANCELLED",
    }
}

wire_enum! {
    /// What an approval is asked for.
    enum ApprovalType as "approval type" {
        NteIncrease = "NTE_INCREASE",
        Proposal = "PROPOSAL",
    }
}

wire_enum! {
    /// The approver's answer.
    enum ApprovalDecision as "approval decision" {
        Approved = "APPROVED",
        Denied = "DENIED",
    }
}

wire_enum! {
    /// Why a schedule is held.
    enum HoldReason as "hold reason" {
        CustomerPending = "CUSTOMER_PENDING",
        CustomerUnreachable = "CUSTOMER_UNREACHABLE",
        CustomerConfirmationStale = "CUSTOMER_CONFIRMATION_STALE",
    }
}

wire_enum! {
    /// How a technician is dispatched.
    enum DispatchMode as "dispatch mode" {
        Standard = "STANDARD",
        EmergencyBypass = "EMERGENCY_BYPASS",
    }
}

wire_enum! {
    /// Result of the quality check.
    enum QaResult as "verification result" {
        Pass = "PASS",
        Fail = "FAIL",
    }
}

wire_enum! {
    /// Where triage sends a ticket.
    enum TriageOutcome as "triage outcome" {
        Triaged = "TRIAGED",
        ReadyToSchedule = "READY_TO_SCHEDULE",
        ApprovalRequired = "APPROVAL_REQUIRED",
    }
}

impl TriageOutcome {
    /// The ticket state of the same name.
    pub const fn state(self) -> crate::TicketState {
        match self {
            Self::Triaged => crate::TicketState::Triaged,
            Self::ReadyToSchedule => crate::TicketState::ReadyToSchedule,
            Self::ApprovalRequired => crate::TicketState::ApprovalRequired,
        }
    }
}

wire_enum! {
    /// What an autonomy pause covers, most general first.
    enum AutonomyScope as "autonomy scope" {
        Global = "GLOBAL",
        Incident = "INCIDENT",
        Ticket = "TICKET",
    }
}

wire_enum! {
    /// What was done to an autonomy control.
    enum AutonomyAction as "autonomy action" {
        Pause = "pause",
        Rollback = "rollback",
    }
}

wire_enum! {
    /// State of a message to be sent. `IN_FLIGHT` is held under a lease; `SUPPRESSED` is never sent, for a reason.
    enum OutboxStatus as "outbox status" {
        Pending = "PENDING",
        InFlight = "IN_FLIGHT",
        Sent = "SENT",
        DeadLetter = "DEAD_LETTER",
        Suppressed = "SUPPRESSED",
    }
}

wire_enum! {
    /// Who may force a close, as written in the request (exact, no alias).
    enum ForceCloseApprover as "force-close approver role" {
        Dispatcher = "dispatcher",
        Approver = "approver",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actor_type_is_read_in_any_case() {
        assert_eq!(ActorType::parse(" agent "), Ok(ActorType::Agent));
        assert!(ActorType::parse("").is_err());
    }
}
