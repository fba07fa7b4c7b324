//! `POST /tickets/{ticketId}/assignment/recommend`: who could do it, best first, frozen for a later dispatch.

use dispatch_domain::assignment::{self, Candidate, Signals, Weighted, normalise_service_type};
use dispatch_domain::schedule::Window;
use dispatch_domain::{ErrorCode, Refusal, ToolName};
use dispatch_store::technicians::{self, CandidateRow, SnapshotDraft, Wanted};
use dispatch_store::{sites, violated_constraint};
use serde_json::{Value, json};
use time::Duration;
use uuid::Uuid;

use super::Endpoint;
use crate::command::{Command, Effect, Fields};
use crate::failure::Failure;
use crate::{clock, schedule_rules};

/// The endpoint.
pub const ENDPOINT: Endpoint =
    Endpoint::command(ToolName::AssignmentRecommend, |command| Box::pin(run(command)));

/// Two actors used one key on one ticket.
const KEY_CONSTRAINT: &str = "assignment_recommendation_snapshots_ticket_id_request_id_key";

/// A candidate with its score.
struct Ranked {
    id: Uuid,
    name: String,
    zone: Option<String>,
    active_load: i64,
    in_zone: bool,
    score: i64,
    signals: Signals,
    weighted: Weighted,
}

async fn run(command: &mut Command) -> Result<Effect, Failure> {
    let ticket = command.ticket()?;
    let fields = command.fields();
    let service_type = normalise_service_type(fields.text("service_type")?);
    if service_type.is_empty() {
        return Err(Failure::invalid("Field 'service_type' is required"));
    }
    let limit = limit(fields);
    let preferred = preferred_window(fields)?;
    let region = sites::region(command.db(), ticket.site_id).await?;
    let Some(window) = schedule_rules::of_ticket(&ticket) else {
        let message = "Recommendation needs a scheduled window";
        return Err(Refusal::new(ErrorCode::AssignmentRecommendationContextMissing, message)
            .with("ticket_state", ticket.state.as_str())
            .with("site_region", region)
            .with("correlation_id", command.correlation.id.as_str())
            .into());
    };
    let wanted = Wanted {
        ticket_id: ticket.id,
        site_id: ticket.site_id,
        service_type: &service_type,
        region: region.as_deref(),
        window: preferred.unwrap_or(window),
    };
    let rows = technicians::candidates(command.db(), &wanted).await?;
    let policy = command.app.config.policy.clone();
    let ranked = rank(rows, region.as_deref(), limit, policy.weighted_ranking);
    let Some(best) = ranked.first() else {
        return Err(Refusal::new(ErrorCode::AssignmentRecommendationUnavailable, "No technician fits")
            .with("ticket_state", ticket.state.as_str())
            .with("site_region", region)
            .with("service_type", service_type)
            .with("recommendation_limit", limit)
            .into());
    };
    let lifetime = Duration::minutes(policy.ranking_ttl_minutes.into());
    let expires_at = (!lifetime.is_zero()).then(|| command.now + lifetime);
    let snapshot_id = Uuid::new_v4();
    let (requested_by, correlation) = (command.actor.id.clone(), command.correlation.clone());
    let draft = SnapshotDraft {
        snapshot_id,
        ticket_id: ticket.id,
        ticket_state: ticket.state.as_str(),
        requested_by: &requested_by,
        request_id: command.request_id,
        correlation_id: &correlation.id,
        trace_id: correlation.trace.trace_id.as_deref(),
        limit: i32::try_from(limit).unwrap_or(i32::MAX),
        service_type: &service_type,
        site_region: region.as_deref(),
        candidates: &Value::Array(ranked.iter().map(frozen).collect()),
        recommended_tech_id: best.id,
        expires_at,
    };
    freeze(command, &draft).await?;
    let body = json!({
        "recommendations": ranked.iter().map(shown).collect::<Vec<_>>(),
        "snapshot_id": snapshot_id,
        "evaluated_at": clock::text(command.now),
        "expires_at": expires_at.map(clock::text),
    });
    Ok(Effect::answer(201, &body)
        .at(&ticket)
        .with("service_type", service_type)
        .with("recommendation_limit", limit)
        .with("recommendation_snapshot_id", snapshot_id.to_string())
        .with("candidate_count", ranked.len())
        .with("preferred_window", preferred.map(Window::to_json)))
}

async fn freeze(command: &mut Command, draft: &SnapshotDraft<'_>) -> Result<(), Failure> {
    technicians::insert_snapshot(command.db(), draft).await.map_err(|error| {
        match violated_constraint(&error) {
            Some(KEY_CONSTRAINT) => {
                let message = "Idempotency-Key was used on this ticket by another actor";
                Refusal::new(ErrorCode::IdempotencyPayloadMismatch, message).into()
            }
            _ => Failure::from(error),
        }
    })
}

/// `5.0` counts as five; the schema has checked the range.
fn limit(fields: Fields<'_>) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an integer from 1 to 20")]
    let given = fields.get("recommendation_limit").and_then(Value::as_f64).map(|limit| limit as usize);
    given.unwrap_or(assignment::DEFAULT_LIMIT)
}

fn preferred_window(fields: Fields<'_>) -> Result<Option<Window>, Failure> {
    const REVERSED: &str = "Field 'preferred_window.end' must be after preferred_window.start";
    fields
        .get("preferred_window")
        .map(|window| Fields::window(window, "preferred_window.", REVERSED))
        .transpose()
}

/// Score, then load, then zone, then id; capability is given, or the row would not be here.
fn rank(rows: Vec<CandidateRow>, region: Option<&str>, limit: usize, weighted: bool) -> Vec<Ranked> {
    let mut ranked: Vec<Ranked> = rows
        .into_iter()
        .map(|row| {
            let candidate =
                Candidate { skills: &[], home_region: row.home_region.as_deref(), regions: &row.regions };
            let in_zone = candidate.serves(region);
            let score = assignment::score(true, in_zone, row.active_load);
            let zone = candidate.zone();
            let signals = Signals {
                distance_km: row.distance_km,
                within_hours: row.within_hours,
                overlapping: row.overlapping,
                rating: row.rating,
            };
            let weighted = signals.weigh(score);
            let active_load = row.active_load;
            Ranked { id: row.id, name: row.name, zone, active_load, in_zone, score, signals, weighted }
        })
        .collect();
    ranked.sort_by_key(|candidate| {
        let points = if weighted { candidate.weighted.total() } else { candidate.score };
        (-points, candidate.active_load, !candidate.in_zone, candidate.id)
    });
    ranked.truncate(limit);
    ranked
}

fn frozen(candidate: &Ranked) -> Value {
    json!({
        "tech_id": candidate.id,
        "tech_name": candidate.name,
        "zone": candidate.zone,
        "active_load": candidate.active_load,
        "quality_signal": 0,
        "service_match": true,
        "zone_match": candidate.in_zone,
        "score": candidate.score,
        "distance_bucket": i32::from(!candidate.in_zone),
        "details": details(candidate),
    })
}

/// What the weighted score is made of; the points add up to it.
fn details(candidate: &Ranked) -> Value {
    let (signals, weighted) = (&candidate.signals, candidate.weighted);
    json!({
        "distance_km": signals.distance_km.map(|km| (km * 10.0).round() / 10.0),
        "travel_minutes": signals.travel_minutes(),
        "within_working_hours": signals.within_hours,
        "overlapping_tickets": signals.overlapping,
        "rating": signals.rating,
        "weighted_score": weighted.total(),
        "points": {
            "plain": weighted.plain,
            "travel": weighted.travel,
            "working_hours": weighted.hours,
            "overlap": weighted.overlap,
            "rating": weighted.rating,
        },
    })
}

fn shown(candidate: &Ranked) -> Value {
    json!({
        "tech_id": candidate.id,
        "tech_name": candidate.name,
        "score": candidate.score,
        "matches": {
            "capability": true,
            "zone": candidate.in_zone,
            "active_load": candidate.active_load,
            "distance_bucket": i32::from(!candidate.in_zone),
        },
        "details": details(candidate),
    })
}
