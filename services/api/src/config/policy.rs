//! Rules that go beyond the original contract; each is off, or as it was, unless asked for.

use super::parse::Reader;
use super::variable::Kind::{BooleanA, Count, Positive};
use super::variable::{Group, v};

/// The variables of these rules.
pub(super) const VARIABLES: Group = Group {
    title: "Beyond the original contract",
    variables: &[
        v(
            "DISPATCH_EVIDENCE_OPEN_TICKETS_ONLY",
            BooleanA,
            "off",
            "Closed and cancelled tickets take no more evidence",
        ),
        v(
            "DISPATCH_EVIDENCE_WAIVER_HOURS",
            Count,
            "`0`, off",
            "Evidence exceptions relax the closeout gate, for at most so many hours",
        ),
        v("DISPATCH_EVIDENCE_LINK_SECONDS", Positive, "`300`", "How long links to evidence objects work"),
        v("DISPATCH_SCHEDULE_REFUSE_PAST", BooleanA, "off", "Windows that begin in the past are refused"),
        v(
            "DISPATCH_SCHEDULE_REFUSE_OVERLAP",
            BooleanA,
            "off",
            "Windows that overlap each other, or other work of the technician, are refused",
        ),
        v("DISPATCH_SCHEDULE_SITE_HOURS", BooleanA, "off", "Windows outside the site's hours are refused"),
        v(
            "DISPATCH_TECHNICIAN_MUST_BE_ASSIGNED",
            BooleanA,
            "off",
            "A technician's commands need the technician's own assignment",
        ),
        v("DISPATCH_FOUR_EYES", BooleanA, "off", "Who asked for an approval may not decide it"),
        v(
            "DISPATCH_CUSTOMER_PROJECTION",
            BooleanA,
            "off",
            "Customers see tickets, timelines and events without internal members",
        ),
        v(
            "DISPATCH_RECOMMENDATION_TTL_MINUTES",
            Count,
            "`0`, for ever",
            "How long a ranking may be dispatched from",
        ),
        v(
            "DISPATCH_RECOMMENDATION_ANY_CANDIDATE",
            BooleanA,
            "off",
            "Any technician of a ranking may be dispatched, with a `selection_reason`",
        ),
        v(
            "DISPATCH_RECOMMENDATION_WEIGHTED",
            BooleanA,
            "off",
            "Rankings are ordered by the weighted score of their details",
        ),
    ],
};

/// What is demanded beyond the original contract.
#[derive(Debug, Clone, Default)]
pub struct PolicyConfig {
    /// Closed and cancelled tickets take no more evidence.
    pub evidence_open_only: bool,
    /// Longest life of an evidence exception as a waiver, in hours; 0 makes it a record and nothing more.
    pub waiver_hours: u32,
    /// Seconds for which a link to an evidence object works.
    pub link_seconds: u64,
    /// Windows may not begin in the past.
    pub refuse_past: bool,
    /// Proposed windows may not overlap, nor may the work of one technician.
    pub refuse_overlap: bool,
    /// Windows have to lie within the site's hours.
    pub site_hours: bool,
    /// A technician's commands need the technician's own assignment.
    pub must_be_assigned: bool,
    /// Who asked for an approval may not decide it.
    pub four_eyes: bool,
    /// Customers see their ticket without internal members.
    pub customer_projection: bool,
    /// Minutes for which a ranking may be dispatched from; 0 is for ever.
    pub ranking_ttl_minutes: u32,
    /// Any technician of the ranking may be dispatched, with a reason.
    pub any_candidate: bool,
    /// Rankings are ordered by the weighted score.
    pub weighted_ranking: bool,
}

impl PolicyConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            evidence_open_only: reader.boolean_a("DISPATCH_EVIDENCE_OPEN_TICKETS_ONLY", false),
            waiver_hours: reader.count("DISPATCH_EVIDENCE_WAIVER_HOURS", 0),
            link_seconds: reader.positive("DISPATCH_EVIDENCE_LINK_SECONDS", 300),
            refuse_past: reader.boolean_a("DISPATCH_SCHEDULE_REFUSE_PAST", false),
            refuse_overlap: reader.boolean_a("DISPATCH_SCHEDULE_REFUSE_OVERLAP", false),
            site_hours: reader.boolean_a("DISPATCH_SCHEDULE_SITE_HOURS", false),
            must_be_assigned: reader.boolean_a("DISPATCH_TECHNICIAN_MUST_BE_ASSIGNED", false),
            four_eyes: reader.boolean_a("DISPATCH_FOUR_EYES", false),
            customer_projection: reader.boolean_a("DISPATCH_CUSTOMER_PROJECTION", false),
            ranking_ttl_minutes: reader.count("DISPATCH_RECOMMENDATION_TTL_MINUTES", 0),
            any_candidate: reader.boolean_a("DISPATCH_RECOMMENDATION_ANY_CANDIDATE", false),
            weighted_ranking: reader.boolean_a("DISPATCH_RECOMMENDATION_WEIGHTED", false),
        }
    }
}
