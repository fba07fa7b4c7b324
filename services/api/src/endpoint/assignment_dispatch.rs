//! `POST /tickets/{ticketId}/assignment/dispatch`: sends a technician, by plan or past it in an emergency.

mod technician_check;

use dispatch_domain::outbox::{Dispatch, Message};
use dispatch_domain::transition::derived_names;
use dispatch_domain::vocabulary::DispatchMode;
use dispatch_domain::{ActorType, ErrorCode, Priority, Refusal, TicketState, ToolName};
use dispatch_store::approvals;
use dispatch_store::message_templates::Subject;
use dispatch_store::tickets::TicketRow;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Endpoint;
use crate::command::{Command, Counted, Effect, Fields};
use crate::failure::Failure;
use crate::{closeout, message_text, schedule_rules};

/// The endpoint.
pub const ENDPOINT: Endpoint =
    Endpoint::command(ToolName::AssignmentDispatch, |command| Box::pin(run(command)));

/// What is asked for.
struct Order {
    tech_id: Uuid,
    provider_id: Option<Uuid>,
    mode: Option<DispatchMode>,
    rationale: Option<String>,
    confirmation: Option<bool>,
    snapshot_id: Option<Uuid>,
    /// Why it is not the first of the ranking.
    selection_reason: Option<String>,
}

impl Order {
    fn read(fields: Fields<'_>) -> Result<Self, Failure> {
        Ok(Self {
            tech_id: fields.uuid("tech_id")?,
            provider_id: fields.optional_uuid("provider_id")?,
            snapshot_id: fields.optional_uuid("recommendation_snapshot_id")?,
            mode: fields.optional_word("dispatch_mode")?,
            rationale: fields.optional_text("dispatch_rationale")?.map(str::to_owned),
            confirmation: fields.optional_bool("dispatch_confirmation")?,
            selection_reason: fields.optional_text("selection_reason")?.map(str::to_owned),
        })
    }

    fn is_bypass(&self) -> bool {
        self.mode == Some(DispatchMode::EmergencyBypass)
    }
}

async fn run(command: &mut Command) -> Result<Effect, Failure> {
    let ticket = command.ticket()?;
    check_bypass_fields(command.fields())?;
    let order = Order::read(command.fields())?;
    check_autonomy(command, &ticket).await?;
    check_mode(&order, &ticket)?;
    if order.is_bypass() {
        check_bypass(command, &order, &ticket).await?;
    }
    let service_type = technician_check::check(command, &order, &ticket).await?;
    let window = schedule_rules::of_ticket(&ticket);
    schedule_rules::check_free(command, &ticket, Some(order.tech_id), window).await?;
    let saved = assign(command, &order, &ticket).await?;
    let before = ticket.state;
    let path: &[TicketState] = if before == TicketState::Triaged {
        &[TicketState::Triaged, TicketState::ReadyToSchedule, TicketState::Dispatched]
    } else {
        &[TicketState::Scheduled, TicketState::Dispatched]
    };
    let dispatch = Dispatch {
        from_state: before,
        mode: order.mode,
        tech_id: order.tech_id,
        provider_id: order.provider_id,
        ticket_version: Some(saved.version),
    };
    let message = Message::dispatch(&saved.id.to_string(), &dispatch);
    let subject = Subject {
        site_id: saved.site_id,
        start: saved.scheduled_start,
        end: saved.scheduled_end,
        tech_id: saved.assigned_tech_id,
    };
    let message = message_text::worded(command, message, subject).await?;
    let draft = command.draft(&message, saved.customer_phone.as_deref());
    Ok(Effect::ticket(200, &saved)
        .moved(path)
        .with("dispatch_validation", validation(&order, &service_type, path))
        .with_some("selection_reason", order.selection_reason.clone())
        .message(draft)
        .counted(Counted::Dispatch { with_snapshot: order.snapshot_id.is_some() }))
}

/// An emergency needs a reason in words and an answer to "are you sure", before anything else is looked at.
fn check_bypass_fields(fields: Fields<'_>) -> Result<(), Refusal> {
    let mode = fields.raw_text("dispatch_mode").unwrap_or_default();
    if !mode.eq_ignore_ascii_case(DispatchMode::EmergencyBypass.as_str()) {
        return Ok(());
    }
    let mut missing = Vec::new();
    if fields.raw_text("dispatch_rationale").is_none_or(|text| text.trim().is_empty()) {
        missing.push(json!({ "field": "dispatch_rationale", "reason": "must be a non-empty string" }));
    }
    if fields.get("dispatch_confirmation").and_then(Value::as_bool).is_none() {
        missing.push(json!({ "field": "dispatch_confirmation", "reason": "must be a boolean" }));
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(denied("Emergency bypass needs a rationale and a confirmation")
        .with("dispatch_mode", mode.to_uppercase())
        .with("required_confirmation", true)
        .with("missing_fields", missing))
}

/// A pause stops machines, not dispatchers.
async fn check_autonomy(command: &mut Command, ticket: &TicketRow) -> Result<(), Failure> {
    if !matches!(command.actor.actor_type, ActorType::Agent | ActorType::Service) {
        return Ok(());
    }
    let Some(mut refusal) = closeout::autonomy_block(command.db(), ticket).await? else { return Ok(()) };
    "Autonomous dispatch is paused".clone_into(&mut refusal.message);
    Err(refusal.into())
}

fn check_mode(order: &Order, ticket: &TicketRow) -> Result<(), Refusal> {
    if ticket.state != TicketState::Triaged || order.mode.is_some() {
        return Ok(());
    }
    let modes: Vec<&str> = DispatchMode::ALL.iter().map(|mode| mode.as_str()).collect();
    Err(denied("Dispatch from TRIAGED needs a dispatch mode")
        .with("from_state", ticket.state.as_str())
        .with("to_state", TicketState::Dispatched.as_str())
        .with("allowed_dispatch_modes", modes))
}

async fn check_bypass(command: &mut Command, order: &Order, ticket: &TicketRow) -> Result<(), Failure> {
    let correlation = command.correlation.id.clone();
    let mode = DispatchMode::EmergencyBypass.as_str();
    if order.confirmation != Some(true) {
        return Err(denied("Emergency bypass has to be confirmed")
            .with("dispatch_mode", mode)
            .with("dispatch_rationale", order.rationale.as_deref())
            .with("required_confirmation", true)
            .with("correlation_id", correlation)
            .into());
    }
    if ticket.priority != Priority::Emergency {
        return Err(denied("Emergency bypass is for emergencies only")
            .with("dispatch_mode", mode)
            .with("priority", ticket.priority.as_str())
            .with("allowed_priorities", vec![Priority::Emergency.as_str()])
            .with("correlation_id", correlation)
            .into());
    }
    let Some(incident_type) = ticket.incident_type.as_deref().filter(|text| !text.trim().is_empty()) else {
        return Err(denied("Emergency bypass needs an incident type")
            .with("dispatch_mode", mode)
            .with("correlation_id", correlation)
            .into());
    };
    if approvals::count_pending(command.db(), ticket.id).await? > 0 {
        return Err(denied("Emergency bypass is not possible while an approval is pending")
            .with("dispatch_mode", mode)
            .with("incident_type", incident_type)
            .with("open_approvals", 1)
            .with("correlation_id", correlation)
            .into());
    }
    Ok(())
}

async fn assign(command: &mut Command, order: &Order, ticket: &TicketRow) -> Result<TicketRow, Failure> {
    let mut ticket = ticket.clone();
    ticket.state = TicketState::Dispatched;
    ticket.assigned_tech_id = Some(order.tech_id);
    ticket.assigned_provider_id = order.provider_id;
    command.save(&ticket).await
}

fn validation(order: &Order, service_type: &str, path: &[TicketState]) -> Value {
    let bypass = order.is_bypass();
    let mut members = json!({
        "tech_id": order.tech_id,
        "selected_service_type": service_type,
        "recommendation_snapshot_id": order.snapshot_id,
        "matched_capability": true,
        "matched_zone": true,
        "bypass_used": bypass,
        "bypass_mode": order.mode.filter(|_| bypass),
        "dispatch_confirmation": order.confirmation.filter(|_| bypass),
    });
    if bypass {
        members["dispatch_rationale"] = json!(order.rationale);
    }
    if path.len() > 2 {
        members["derived_transitions"] = json!(derived_names(path));
    }
    members
}

fn denied(message: &str) -> Refusal {
    Refusal::new(ErrorCode::AssignmentBypassDenied, message)
}
