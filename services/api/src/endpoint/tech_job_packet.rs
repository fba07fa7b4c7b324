//! `GET /ux/technician/job-packet/{ticketId}`: everything a technician needs on site, and what is still missing.

mod readiness;

use std::collections::BTreeSet;

use dispatch_domain::action::{PACKET_ACTIONS, View};
use dispatch_domain::closeout::{Audience, CompletionContext, Failed, Gate, Item, Passed};
use dispatch_domain::template::{self, RequirementCode, SIGNATURE_KEY, Template};
use dispatch_domain::vocabulary::ApprovalStatus;
use dispatch_domain::{Refusal, ToolName, sla};
use dispatch_store::approvals::{self, ApprovalRow};
use dispatch_store::evidence::EvidenceRow;
use dispatch_store::sites::{ContactRow, SiteRow};
use dispatch_store::tickets::TicketRow;
use dispatch_store::{PgConnection, audit, evidence, sites};
use serde_json::{Value, json};

use super::{Endpoint, ReadEndpoint};
use crate::answer::Answer;
use crate::evidence_probe::{self, Probes};
use crate::failure::Failure;
use crate::read::ReadCall;
use crate::wire::{documents, events};
use crate::{clock, closeout};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint::Read(ReadEndpoint {
    tool: ToolName::TechJobPacket,
    view: None,
    uuid_route: true,
    run: |call| Box::pin(run(call)),
});

/// Events shown as the latest.
const LATEST: usize = 10;

/// What the gate says, and what it looked at.
struct Gated {
    outcome: Result<Passed, Box<Failed>>,
    completion: CompletionContext,
    completed: bool,
    items: Vec<Item>,
    template: Option<&'static Template>,
}

async fn run(call: &ReadCall) -> Result<Answer, Failure> {
    let (mut connection, ticket) = call.ticket().await?;
    let rows = evidence::list(&mut connection, ticket.id).await?;
    let timeline = audit::timeline(&mut connection, ticket.id).await?;
    let site = sites::find(&mut connection, ticket.site_id).await?;
    let contact = sites::onsite_contact(&mut connection, ticket.site_id).await?;
    let completion = closeout::completion_said(&mut connection, &ticket, false).await?.map(|(said, _)| said);
    let waived = closeout::waived(&call.app, call.now, &mut connection, ticket.id).await?;
    let paused = paused(&mut connection, &ticket).await?;
    let open_approvals: Vec<ApprovalRow> = approvals::list(&mut connection, ticket.id)
        .await?
        .into_iter()
        .filter(|row| row.status == ApprovalStatus::Pending.as_str())
        .collect();
    // Probing may take seconds; the connection is given back first.
    drop(connection);
    let waived: BTreeSet<String> = waived.into_iter().collect();
    let gated = gate(call, &ticket, &rows, completion.as_ref(), &waived).await;
    let timeline = events(&timeline);
    let latest = timeline.len().saturating_sub(LATEST);
    let body = json!({
        "generated_at": clock::text(call.now),
        "actor": call.actor_document(),
        "packet": {
            "header": header(&ticket),
            "site_and_access": site.map(|site| site_and_access(&site, contact.as_ref())),
            "work_scope": {
                "summary": ticket.summary,
                "customer_description": ticket.description,
                "nte_cents": ticket.nte_cents,
                "authorized_scope_constraints": null,
            },
            "evidence_requirements": evidence_requirements(&gated, &rows),
            "checklist": checklist(&gated),
            "closeout_gate": closeout_gate(&gated),
            "readiness": readiness(call, &gated, &waived),
            "sla": sla(&ticket, call),
            "open_approvals": open_approvals.iter().map(open_approval).collect::<Vec<_>>(),
            "timeline": { "events": timeline, "latest_events": timeline[latest..] },
            "actions": actions(call, &ticket, &gated, paused),
        },
    });
    Ok(Answer { version: Some(ticket.version), ..Answer::json(200, &body) })
}

fn readiness(call: &ReadCall, gated: &Gated, waived: &BTreeSet<String>) -> Value {
    let schemes = evidence_probe::schemes(&call.app);
    let unresolvable = gated.items.iter().filter(|item| !schemes.is_resolvable(&item.uri));
    let invalid: Vec<String> =
        unresolvable.map(|item| item.uri.clone()).filter(|uri| !waived.contains(uri)).collect();
    readiness::Known {
        template: gated.template,
        items: &gated.items,
        waived,
        reason_recorded: gated.completion.no_signature_reason.is_some(),
        invalid: &invalid,
        checked: &|key| gated.completion.checklist.get(key) == Some(&Value::Bool(true)),
    }
    .document()
}

fn sla(ticket: &TicketRow, call: &ReadCall) -> Value {
    let standing =
        sla::standing(ticket.priority, ticket.scheduled_start.unwrap_or(ticket.created_at), call.now);
    json!({
        "target_minutes": standing.target_minutes,
        "deadline_at": clock::text(standing.deadline_at),
        "remaining_minutes": standing.remaining_minutes,
        "status": standing.status,
    })
}

fn open_approval(row: &ApprovalRow) -> Value {
    json!({
        "id": row.id,
        "approval_type": row.approval_type,
        "amount_delta_cents": row.amount_delta_cents,
        "reason": row.reason,
        "requested_at": clock::text(row.requested_at),
    })
}

/// Not asked for a ticket without an incident type.
async fn paused(db: &mut PgConnection, ticket: &TicketRow) -> Result<Option<Refusal>, Failure> {
    if ticket.incident_type.as_deref().is_none_or(|text| text.trim().is_empty()) {
        return Ok(None);
    }
    Ok(closeout::autonomy_block(db, ticket).await?)
}

async fn gate(
    call: &ReadCall,
    ticket: &TicketRow,
    rows: &[EvidenceRow],
    request: Option<&Value>,
    waived: &BTreeSet<String>,
) -> Gated {
    let template = ticket.incident_type.as_deref().and_then(template::lookup);
    // Only flags that the template asks for are shown; references of an old completion do not matter here.
    let mut completion = request
        .and_then(|request| {
            let mut request = request.clone();
            request.as_object_mut()?.shift_remove("evidence_refs");
            CompletionContext::from_request(&request).ok()
        })
        .unwrap_or_default();
    let wanted = template.map_or(&[][..], |template| template.checklist_keys);
    completion.checklist.retain(|key, _| wanted.contains(&key.as_str()));
    let failing_uris = Probes::default().failing(&call.app, rows).await;
    let items = closeout::items(rows);
    let outcome = Gate {
        incident_type: ticket.incident_type.as_deref(),
        items: &items,
        checklist: &Value::Object(completion.checklist.clone()),
        no_signature_reason: completion.no_signature_reason.as_deref(),
        references: &[],
        schemes: &evidence_probe::schemes(&call.app),
        failing_uris: &failing_uris,
        waived,
    }
    .check();
    Gated { outcome, completion, completed: request.is_some(), items, template }
}

fn header(ticket: &TicketRow) -> Value {
    json!({
        "ticket_id": ticket.id,
        "priority": ticket.priority,
        "incident_type": ticket.incident_type,
        "current_state": ticket.state,
        "scheduled_window": {
            "start": ticket.scheduled_start.map(clock::text),
            "end": ticket.scheduled_end.map(clock::text),
        },
        "assigned_provider_id": ticket.assigned_provider_id,
        "assigned_tech_id": ticket.assigned_tech_id,
    })
}

fn site_and_access(site: &SiteRow, contact: Option<&ContactRow>) -> Value {
    json!({
        "site_id": site.id,
        "site_name": site.name,
        "address": {
            "address1": site.address1,
            "address2": site.address2,
            "city": site.city,
            "region": site.region,
            "postal_code": site.postal_code,
            "country": site.country,
        },
        "timezone": site.timezone,
        "access_instructions": site.access_instructions,
        "onsite_contact": contact.map(|contact| json!({
            "name": contact.name,
            "phone": contact.phone,
            "role": contact.role,
        })),
    })
}

/// A signature item or a recorded reason, once the gate has got past the signature rule.
fn signature_satisfied(gated: &Gated) -> bool {
    gated.outcome.as_ref().err().is_none_or(|failed| failed.signature_satisfied)
}

fn evidence_requirements(gated: &Gated, rows: &[EvidenceRow]) -> Value {
    let keys = gated.template.map_or(&[][..], |template| template.evidence_keys);
    let present = |key: &str| {
        let on_item = gated.items.iter().any(|item| item.evidence_key.as_deref() == Some(key));
        on_item || (key == SIGNATURE_KEY && signature_satisfied(gated))
    };
    json!({
        "template_version": gated.template.map(|template| template.version),
        "required_evidence":
            keys.iter().map(|key| json!({ "key": key, "present": present(key) })).collect::<Vec<_>>(),
        "evidence_items": documents(rows),
    })
}

fn checklist(gated: &Gated) -> Value {
    let keys = gated.template.map_or(&[][..], |template| template.checklist_keys);
    let checked = |key: &str| gated.completion.checklist.get(key) == Some(&Value::Bool(true));
    json!({
        "required_items":
            keys.iter().map(|key| json!({ "key": key, "checked": checked(key) })).collect::<Vec<_>>(),
        "source": if gated.completed { "latest_completion_attempt" } else { "none_recorded" },
    })
}

fn closeout_gate(gated: &Gated) -> Value {
    let signature_satisfied = signature_satisfied(gated);
    let reason = &gated.completion.no_signature_reason;
    match &gated.outcome {
        Ok(passed) => json!({
            "ready": true,
            "code": RequirementCode::Ready,
            "incident_type": passed.evaluation.incident_type,
            "template_version": passed.evaluation.template_version,
            "missing_evidence_keys": [],
            "missing_checklist_keys": [],
            "invalid_evidence_refs": [],
            "signature_satisfied": signature_satisfied,
            "no_signature_reason": reason,
        }),
        Err(failed) => json!({
            "ready": false,
            "code": failed.code,
            "incident_type": failed.incident_type,
            "template_version": failed.template_version,
            "missing_evidence_keys": failed.missing_evidence_keys,
            "missing_checklist_keys": failed.missing_checklist_keys,
            "invalid_evidence_refs": failed.invalid_evidence_refs,
            "signature_satisfied": signature_satisfied,
            "no_signature_reason": reason,
        }),
    }
}

/// Completion is disabled by the gate, or else by a pause.
fn actions(call: &ReadCall, ticket: &TicketRow, gated: &Gated, paused: Option<Refusal>) -> Vec<Value> {
    let ticket_id = ticket.id.to_string();
    let view = View { role: call.actor.role, ticket_id: &ticket_id, state: ticket.state };
    let blocked =
        gated.outcome.as_ref().err().map(|failed| failed.refusal(Audience::Verification)).or(paused);
    view.describe_all(PACKET_ACTIONS, |tool| match tool {
        ToolName::CloseoutCandidate | ToolName::TechComplete => blocked.clone(),
        _ => None,
    })
}
