//! The closeout gate: may this work count as complete?
//!
//! One function serves completion, candidate, verification, close, forced close and the job packet; they differ only
//! in which members their refusals show.

mod context;
mod risk;

pub use context::{CompletionContext, InvalidCompletionContext};
pub use risk::{HIGH_RISK_KEYS, RiskLevel, RiskProfile, risk_block, risk_profile};

use crate::error_code::ErrorCode;
use crate::ids::parse_uuid;
use crate::object_ref::Schemes;
use crate::refusal::Refusal;
use crate::template::{self, Evaluation, RequirementCode, SIGNATURE_KEY};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use uuid::Uuid;

/// The kind of evidence item that is a signature, in any case.
pub const SIGNATURE_KIND: &str = "SIGNATURE";

/// What the gate looks at in an evidence item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The item's id.
    pub id: Uuid,
    /// Kind as given.
    pub kind: String,
    /// Reference.
    pub uri: String,
    /// Evidence key, if the item has one.
    pub evidence_key: Option<String>,
}

impl Item {
    /// Whether the item is a signature, by its kind or its key.
    pub fn is_signature(&self) -> bool {
        self.kind.trim().eq_ignore_ascii_case(SIGNATURE_KIND)
            || self.evidence_key.as_deref() == Some(SIGNATURE_KEY)
    }
}

/// Evidence key of an item's metadata: a non-blank text, trimmed.
pub fn evidence_key(metadata: &Value) -> Option<&str> {
    metadata.get("evidence_key").and_then(Value::as_str).map(str::trim).filter(|key| !key.is_empty())
}

/// Everything the gate decides on.
#[derive(Clone, Debug)]
pub struct Gate<'a> {
    /// The ticket's incident type.
    pub incident_type: Option<&'a str>,
    /// Evidence items, oldest first.
    pub items: &'a [Item],
    /// Checklist of the completion; anything but an object misses every item.
    pub checklist: &'a Value,
    /// Reason for having no signature; blank counts as none.
    pub no_signature_reason: Option<&'a str>,
    /// References the completion names; empty means every item has to be resolvable.
    pub references: &'a [String],
    /// Schemes that are resolvable.
    pub schemes: &'a Schemes,
    /// URIs whose object could not be confirmed in the store.
    pub failing_uris: &'a BTreeSet<String>,
    /// Evidence keys, item ids and URIs that a waiver in force lets pass.
    pub waived: &'a BTreeSet<String>,
}

/// A passed gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// The evaluation, READY.
    pub evaluation: Evaluation,
    /// A signature item exists (otherwise a reason was given).
    pub signature_item: bool,
}

/// Which commands ask; their refusals show different members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Completion and candidate.
    Completion,
    /// Verification.
    Verification,
    /// Close and forced close.
    Close,
}

/// Which step of the gate failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The ticket has no incident type.
    IncidentType,
    /// Nothing says how the work was completed.
    CompletionContext,
    /// Neither a signature nor a reason for none.
    Signature,
    /// A reference does not name an object.
    References,
    /// Evidence or checklist items are missing, or the template is.
    Template,
}

/// A failed gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// The step that failed first.
    pub step: Step,
    /// What is wrong.
    pub code: RequirementCode,
    /// Upper-case incident type, if the ticket has one.
    pub incident_type: Option<String>,
    /// The template's version, known only after the template was evaluated.
    pub template_version: Option<&'static str>,
    /// Evidence still required.
    pub missing_evidence_keys: Vec<String>,
    /// Checklist items still required.
    pub missing_checklist_keys: Vec<String>,
    /// References that name no object: distinct, sorted.
    pub invalid_evidence_refs: Vec<String>,
    /// Whether the signature rule was satisfied.
    pub signature_satisfied: bool,
}

impl Gate<'_> {
    /// Runs the steps in order; the first failing one answers.
    ///
    /// # Errors
    /// [`Failed`] with the step and what is missing.
    pub fn check(&self) -> Result<Passed, Box<Failed>> {
        let incident_type = self.incident_type.map(str::trim).filter(|text| !text.is_empty());
        let incident_type = incident_type.ok_or_else(|| Failed::at(Step::IncidentType, None))?.to_uppercase();
        let signature_item = self.items.iter().any(Item::is_signature);
        if !signature_item && !self.has_reason() {
            let mut failed = Failed::at(Step::Signature, Some(incident_type));
            failed.missing_evidence_keys = vec![SIGNATURE_KEY.to_owned()];
            return Err(failed);
        }
        let invalid = self.invalid_references(&incident_type, signature_item);
        if !invalid.is_empty() {
            let mut failed = Failed::at(Step::References, Some(incident_type));
            failed.invalid_evidence_refs = invalid;
            failed.signature_satisfied = true;
            return Err(failed);
        }
        let mut keys: BTreeSet<&str> =
            self.items.iter().filter_map(|item| item.evidence_key.as_deref()).collect();
        keys.extend(self.waived.iter().map(String::as_str));
        keys.insert(SIGNATURE_KEY);
        let evaluation = template::evaluate(&incident_type, &keys, self.checklist);
        if evaluation.ready {
            Ok(Passed { evaluation, signature_item })
        } else {
            Err(Failed::evaluated(evaluation))
        }
    }

    fn has_reason(&self) -> bool {
        self.no_signature_reason.is_some_and(|reason| !reason.trim().is_empty())
            || self.waived.contains(SIGNATURE_KEY)
    }

    /// Whether a waiver names the item: by its key, its id or its URI.
    fn is_waived(&self, item: &Item) -> bool {
        item.evidence_key.as_ref().is_some_and(|key| self.waived.contains(key))
            || self.waived.contains(&item.id.to_string())
            || self.waived.contains(item.uri.trim())
    }

    fn invalid_references(&self, incident_type: &str, signature_item: bool) -> Vec<String> {
        let mut invalid: BTreeSet<String> = self.failing_uris.clone();
        let required = template::lookup(incident_type).map_or(&[][..], |template| template.evidence_keys);
        let waived: Vec<&Item> = self.items.iter().filter(|item| self.is_waived(item)).collect();
        invalid.retain(|uri| !waived.iter().any(|item| item.uri == *uri));
        let unresolvable = |item: &&Item| !self.schemes.is_resolvable(&item.uri) && !self.is_waived(item);
        for item in self.items.iter().filter(unresolvable) {
            let is_required = item
                .evidence_key
                .as_deref()
                .is_some_and(|key| required.contains(&key) && (key != SIGNATURE_KEY || signature_item));
            if is_required {
                let uri = item.uri.trim();
                invalid.insert(if uri.is_empty() { item.id.to_string() } else { uri.to_owned() });
            } else if self.references.is_empty() {
                invalid.insert(item.uri.clone());
            }
        }
        invalid.extend(
            self.references
                .iter()
                .map(|text| text.trim())
                .filter(|text| !self.resolves(text) && !self.waived.contains(*text))
                .map(str::to_owned),
        );
        invalid.into_iter().collect()
    }

    /// Whether an explicit reference (item id or URI) leads to an item with a resolvable URI.
    fn resolves(&self, reference: &str) -> bool {
        let item = match parse_uuid(reference) {
            Some(id) => self.items.iter().find(|item| item.id == id),
            None => self.items.iter().find(|item| item.uri == reference),
        };
        item.is_some_and(|item| self.schemes.is_resolvable(&item.uri))
    }
}

impl Failed {
    /// The failure of a command that needs a completion and finds none.
    pub fn missing_completion_context(incident_type: Option<&str>) -> Box<Self> {
        Self::at(Step::CompletionContext, incident_type.map(|text| text.trim().to_uppercase()))
    }

    fn at(step: Step, incident_type: Option<String>) -> Box<Self> {
        let code = match step {
            Step::IncidentType | Step::Template => RequirementCode::TemplateNotFound,
            Step::CompletionContext => RequirementCode::MissingCompletionContext,
            Step::Signature => RequirementCode::MissingSignatureConfirmation,
            Step::References => RequirementCode::InvalidEvidenceReference,
        };
        Box::new(Self {
            step,
            code,
            incident_type,
            template_version: None,
            missing_evidence_keys: Vec::new(),
            missing_checklist_keys: Vec::new(),
            invalid_evidence_refs: Vec::new(),
            signature_satisfied: false,
        })
    }

    fn evaluated(evaluation: Evaluation) -> Box<Self> {
        let mut failed = Self::at(Step::Template, Some(evaluation.incident_type));
        failed.code = evaluation.code;
        failed.template_version = evaluation.template_version;
        failed.missing_evidence_keys = evaluation.missing_evidence_keys;
        failed.missing_checklist_keys = evaluation.missing_checklist_keys;
        failed.signature_satisfied = true;
        failed
    }

    /// The refusal as `audience` is shown it.
    pub fn refusal(&self, audience: Audience) -> Refusal {
        Refusal::new(ErrorCode::CloseoutRequirementsIncomplete, self.message(audience))
            .with_all(self.details(audience))
    }

    fn message(&self, audience: Audience) -> &'static str {
        match (self.step, audience) {
            (Step::CompletionContext, Audience::Close) => "No recorded completion to close on",
            (Step::CompletionContext, _) => "No recorded completion to verify",
            _ => "Closeout requirements are incomplete",
        }
    }

    fn details(&self, audience: Audience) -> Map<String, Value> {
        let mut details = Map::new();
        details.insert("requirement_code".to_owned(), self.code.as_str().into());
        details.insert("incident_type".to_owned(), self.incident_type.clone().into());
        if self.step == Step::CompletionContext && audience == Audience::Close {
            return details;
        }
        details.insert("template_version".to_owned(), self.template_version.into());
        details.insert("missing_evidence_keys".to_owned(), self.missing_evidence_keys.clone().into());
        details.insert("missing_checklist_keys".to_owned(), self.missing_checklist_keys.clone().into());
        let shows_references = match self.step {
            Step::IncidentType => audience == Audience::Verification,
            Step::Template => audience != Audience::Completion,
            Step::CompletionContext | Step::Signature | Step::References => true,
        };
        if shows_references {
            details.insert("invalid_evidence_refs".to_owned(), self.invalid_evidence_refs.clone().into());
        }
        details
    }
}

#[cfg(test)]
mod tests;
