//! The checks themselves: pure decisions over what was found.

use dispatch_domain::TicketState::{self, Closed, CompletedPendingVerification};
use dispatch_domain::tool::{self, Tool, ToolName};
use dispatch_domain::transition;
use dispatch_store::drift::SchemaFacts;
use serde_json::{Map, Value, json};

use crate::config::Config;

/// Which evidence rules are on, and how strict their absence is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Profile {
    pub(super) production: bool,
    pub(super) require_head: bool,
    pub(super) require_checksum: bool,
}

impl Profile {
    pub(super) fn of(config: &Config) -> Self {
        Self {
            production: config.is_production(),
            require_head: config.evidence.require_head,
            require_checksum: config.evidence.require_checksum,
        }
    }

    pub(super) fn head_mode(&self) -> &'static str {
        if self.require_head { "required" } else { "disabled" }
    }

    pub(super) fn checksum_mode(&self) -> &'static str {
        if self.require_checksum { "required" } else { "optional" }
    }

    /// A rule that is off is tolerable where nothing is real.
    fn rule(&self, on: bool) -> &'static str {
        match (on, self.production) {
            (true, _) => "pass",
            (false, true) => "fail",
            (false, false) => "warn",
        }
    }
}

/// Evidence and packets can be kept as they must be.
pub(super) fn artifact_integrity(facts: &SchemaFacts, profile: &Profile) -> Map<String, Value> {
    named([
        ("evidence_head_verification_enabled", profile.rule(profile.require_head)),
        ("evidence_checksum_enforcement_enabled", profile.rule(profile.require_checksum)),
        ("immutable_evidence_column_present", verdict(facts.immutable_column)),
        ("closeout_artifacts_table_present", verdict(facts.artifacts_table)),
        ("artifact_history_required", "pass"),
    ])
}

/// The schema is there, its history rule equals the code's table, and closing is guarded.
pub(super) fn migration(facts: &SchemaFacts) -> Map<String, Value> {
    let cancelled = facts
        .state_labels
        .as_ref()
        .is_some_and(|labels| labels.iter().any(|label| label == TicketState::Cancelled.as_str()));
    let mut checks = named([
        ("tickets_table", verdict(facts.tickets_table)),
        ("evidence_immutable_column", verdict(facts.immutable_column)),
        ("closeout_artifacts_table", verdict(facts.artifacts_table)),
        ("ticket_state_enum", verdict(facts.state_labels.is_some())),
        ("cancelled_state", verdict(cancelled)),
        ("transition_constraint", verdict(facts.transition_constraint)),
        ("transition_constraint_name", verdict(facts.transition_constraint)),
    ]);
    checks.extend(moves(facts));
    checks.extend(closing_gates(facts));
    checks
}

/// One entry per legal move, and one failing entry per move that only the database allows.
fn moves(facts: &SchemaFacts) -> Map<String, Value> {
    let mut entries = Map::new();
    for (from, to) in transition::pairs() {
        entries.insert(transition::pair_name(from, to), json!(verdict(allowed(facts, from, to))));
    }
    for (from, to) in facts.allowed_moves.iter().flatten() {
        let name = format!("{}->{to}", from.as_deref().unwrap_or("NULL"));
        entries.entry(name).or_insert_with(|| json!("fail"));
    }
    entries
}

/// Closing a ticket that waits for verification is reserved for overrides.
fn closing_gates(facts: &SchemaFacts) -> Map<String, Value> {
    let normal_blocked = !ToolName::TicketClose.tool().accepts(CompletedPendingVerification);
    let force_close = ToolName::TicketForceClose.tool();
    let closers: Vec<&Tool> = tool::all()
        .iter()
        .filter(|tool| tool.result == Some(Closed) && tool.accepts(CompletedPendingVerification))
        .collect();
    let in_contract = !closers.is_empty();
    let by_overrides_only = in_contract && closers.iter().all(|tool| is_override(tool));
    let in_database = allowed(facts, Some(CompletedPendingVerification), Closed);
    let reserved = transition::pair_name(Some(CompletedPendingVerification), Closed);
    let mut gates = named([
        ("normal_close_contract_gating", verdict(normal_blocked)),
        ("normal_close_contract_to_state_cpv_blocked", verdict(normal_blocked)),
        ("cpv_close_transition_present_for_override", verdict(by_overrides_only && in_database)),
        ("cpv_close_contract_path", verdict(in_contract)),
        ("force_close_tool_present", verdict(tool::by_name(force_close.name.as_str()).is_some())),
        (
            "force_close_cpv_enabled",
            verdict(force_close.accepts(CompletedPendingVerification) && force_close.result == Some(Closed)),
        ),
    ]);
    if in_contract && !by_overrides_only {
        gates.insert(reserved, json!("fail"));
    }
    gates
}

/// Override tools are known by their names.
fn is_override(tool: &Tool) -> bool {
    let name = tool.name.as_str();
    name.contains("force_") || name.contains("manual_bypass")
}

fn allowed(facts: &SchemaFacts, from: Option<TicketState>, to: TicketState) -> bool {
    let pair = (from.map(|state| state.as_str().to_owned()), to.as_str().to_owned());
    facts.allowed_moves.as_ref().is_some_and(|moves| moves.contains(&pair))
}

fn verdict(holds: bool) -> &'static str {
    if holds { "pass" } else { "fail" }
}

fn named<const N: usize>(checks: [(&str, &str); N]) -> Map<String, Value> {
    checks.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect()
}
