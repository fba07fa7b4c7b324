//! Whether the technician of an order may be sent: by the ranking, by skill and by zone.

use dispatch_domain::assignment::{self, Candidate};
use dispatch_domain::{ErrorCode, Refusal};
use dispatch_store::sites;
use dispatch_store::technicians::{self, SnapshotRow};
use dispatch_store::tickets::TicketRow;

use super::Order;
use crate::clock;
use crate::command::Command;
use crate::failure::Failure;

/// Snapshot, technician, capability and zone, in this order; returns the service type that was matched.
pub(super) async fn check(
    command: &mut Command,
    order: &Order,
    ticket: &TicketRow,
) -> Result<String, Failure> {
    let tech_id = order.tech_id.to_string();
    let snapshot_id = order.snapshot_id.map(|id| id.to_string());
    let correlation = command.correlation.id.clone();
    let refuse = |code, message| Refusal::new(code, message).with("correlation_id", correlation.clone());
    let ranking = find_ranking(command, order, ticket).await?;
    let Some(technician) = technicians::find(command.db(), order.tech_id).await? else {
        return Err(refuse(ErrorCode::AssignmentNotFound, "Technician not found")
            .with("tech_id", tech_id)
            .with("recommendation_snapshot_id", snapshot_id)
            .into());
    };
    if !technician.active {
        return Err(refuse(ErrorCode::TechUnavailable, "Technician is not active")
            .with("tech_id", tech_id)
            .into());
    }
    if let Some(ranking) = &ranking {
        check_choice(command, order, ranking)?;
    }
    let candidate = Candidate {
        skills: &technician.skills,
        home_region: technician.home_region.as_deref(),
        regions: &technician.regions,
    };
    let service_type = assignment::dispatch_service_type(ticket.incident_type.as_deref(), &ticket.summary);
    if !candidate.can_do(&service_type) {
        return Err(refuse(ErrorCode::AssignmentCapabilityMismatch, "Technician lacks the skill")
            .with("tech_id", tech_id)
            .with("service_type", service_type)
            .with("recommendation_snapshot_id", snapshot_id)
            .into());
    }
    let region = sites::region(command.db(), ticket.site_id).await?;
    if !candidate.serves(region.as_deref()) {
        return Err(refuse(ErrorCode::AssignmentZoneMismatch, "Technician does not serve the region")
            .with("tech_id", tech_id)
            .with("ticket_region", region)
            .with("recommendation_snapshot_id", snapshot_id)
            .into());
    }
    Ok(service_type)
}

/// The ranking that the order names; it has to be the ticket's and still good.
async fn find_ranking(
    command: &mut Command,
    order: &Order,
    ticket: &TicketRow,
) -> Result<Option<SnapshotRow>, Failure> {
    let Some(id) = order.snapshot_id else { return Ok(None) };
    let correlation = command.correlation.id.clone();
    let Some(ranking) = technicians::snapshot(command.db(), ticket.id, id).await? else {
        return Err(Refusal::new(ErrorCode::AssignmentNotFound, "Recommendation snapshot not found")
            .with("correlation_id", correlation)
            .with("recommendation_snapshot_id", id.to_string())
            .into());
    };
    match ranking.expires_at {
        Some(expired) if expired < command.now => {
            let message = "Recommendation snapshot is no longer valid; ask for a new one";
            Err(Refusal::new(ErrorCode::AssignmentRecommendationStale, message)
                .with("correlation_id", correlation)
                .with("recommendation_snapshot_id", id.to_string())
                .with("expired_at", clock::text(expired))
                .into())
        }
        _ => Ok(Some(ranking)),
    }
}

/// The first of the ranking; where it is configured any other of it, with a reason.
fn check_choice(command: &Command, order: &Order, ranking: &SnapshotRow) -> Result<(), Refusal> {
    if ranking.recommended_tech_id == order.tech_id {
        return Ok(());
    }
    let may_choose = command.app.config.policy.any_candidate && ranking.names(order.tech_id);
    if may_choose && order.selection_reason.is_some() {
        return Ok(());
    }
    let message = if may_choose {
        "Another technician than the first of the ranking needs a selection_reason"
    } else {
        "Technician is not the one the snapshot recommends"
    };
    Err(Refusal::new(ErrorCode::AssignmentRecommendationMismatch, message)
        .with("correlation_id", command.correlation.id.as_str())
        .with("recommendation_snapshot_id", order.snapshot_id.map(|id| id.to_string()))
        .with("recommended_tech_id", ranking.recommended_tech_id.to_string())
        .with("tech_id", order.tech_id.to_string()))
}
