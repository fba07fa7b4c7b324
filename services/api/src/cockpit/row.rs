//! One line of the queue and the order of all of them.

use std::cmp::Reverse;

use dispatch_domain::sla::{DelayAttribution, Sla, SlaStatus, attribution, standing};
use dispatch_domain::{Priority, Role, TicketState, region};
use dispatch_store::cockpit::QueueRow;
use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

use super::actions;
use crate::clock;

/// A row with its standing against its target.
#[derive(Debug)]
pub struct Standing {
    row: QueueRow,
    sla: Sla,
    region_weight: u32,
}

impl Standing {
    /// Where a row stands at `now`.
    pub fn of(row: QueueRow, now: OffsetDateTime) -> Self {
        let sla = standing(row.priority, row.scheduled_start.unwrap_or(row.created_at), now);
        let region_weight = region::weight(row.site_region.as_deref());
        Self { row, sla, region_weight }
    }

    /// Class of the remaining time.
    pub fn status(&self) -> SlaStatus {
        self.sla.status
    }

    /// Most pressing first: class, minutes left, priority, region, newest change, id.
    pub fn order(&self) -> impl Ord + use<> {
        (
            self.sla.status,
            self.sla.remaining_minutes,
            self.row.priority,
            self.region_weight,
            Reverse(self.row.last_update_at),
            self.row.ticket_id,
        )
    }
}

#[derive(Serialize)]
struct Site<'a> {
    id: Uuid,
    name: &'a str,
    city: &'a str,
    region: Option<&'a str>,
}

#[derive(Serialize)]
struct Row<'a> {
    ticket_id: Uuid,
    state: TicketState,
    priority: Priority,
    incident_type: Option<&'a str>,
    site_region: Option<&'a str>,
    site: Site<'a>,
    assigned_tech: Option<Uuid>,
    scheduled_start: Option<String>,
    last_update_at: String,
    last_transition_at: String,
    region_weight: u32,
    sla_target_minutes: i64,
    sla_deadline_at: String,
    sla_timer_remaining_minutes: i64,
    sla_timer_remaining: &'a str,
    sla_status: SlaStatus,
    sla_delay_attribution: DelayAttribution,
}

impl<'a> Row<'a> {
    fn of(Standing { row, sla, region_weight }: &'a Standing) -> Self {
        let region = row.site_region.as_deref();
        Self {
            ticket_id: row.ticket_id,
            state: row.state,
            priority: row.priority,
            incident_type: row.incident_type.as_deref(),
            site_region: region,
            site: Site { id: row.site_id, name: &row.site_name, city: &row.site_city, region },
            assigned_tech: row.assigned_tech_id,
            scheduled_start: row.scheduled_start.map(clock::text),
            last_update_at: clock::text(row.last_update_at),
            last_transition_at: clock::text(row.last_transition_at),
            region_weight: *region_weight,
            sla_target_minutes: sla.target_minutes,
            sla_deadline_at: clock::text(sla.deadline_at),
            sla_timer_remaining_minutes: sla.remaining_minutes,
            sla_timer_remaining: &sla.remaining,
            sla_status: sla.status,
            sla_delay_attribution: attribution(row.state),
        }
    }
}

/// Appends the queue as a JSON array; the rows are in order already.
pub fn write_queue(out: &mut String, rows: &[Standing], role: Role) {
    out.push('[');
    for (index, standing) in rows.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        // Our documents have string keys and finite numbers only, so this cannot fail.
        let row = serde_json::to_string(&Row::of(standing)).expect("documents are serializable");
        out.push_str(row.strip_suffix('}').unwrap_or(&row));
        out.push_str(",\"actions\":");
        actions::write(out, role, standing.row.state, &standing.row.ticket_id.to_string());
        out.push('}');
    }
    out.push(']');
}

#[cfg(test)]
mod tests {
    use super::{Standing, write_queue};
    use dispatch_domain::{Priority, Role, TicketState};
    use dispatch_store::cockpit::QueueRow;
    use serde_json::Value;
    use time::Duration;
    use time::OffsetDateTime;
    use uuid::Uuid;

    fn row(n: u128, priority: Priority, age_minutes: i64, region: Option<&str>) -> QueueRow {
        let at = OffsetDateTime::UNIX_EPOCH - Duration::minutes(age_minutes);
        QueueRow {
            ticket_id: Uuid::from_u128(n),
            state: TicketState::New,
            priority,
            incident_type: None,
            assigned_tech_id: None,
            scheduled_start: None,
            created_at: at,
            site_id: Uuid::nil(),
            site_name: "Site \"North\"".to_owned(),
            site_city: "Oakland".to_owned(),
            site_region: region.map(str::to_owned),
            last_update_at: at,
            last_transition_at: at,
        }
    }

    #[test]
    fn the_most_pressing_row_comes_first() {
        let mut rows: Vec<Standing> = [
            row(1, Priority::Routine, 0, None),
            row(2, Priority::Emergency, 61, None),
            row(3, Priority::Urgent, 200, Some("CA")),
            row(4, Priority::Urgent, 200, Some("TX")),
            row(5, Priority::Emergency, 20, None),
        ]
        .into_iter()
        .map(|row| Standing::of(row, OffsetDateTime::UNIX_EPOCH))
        .collect();
        rows.sort_by_cached_key(Standing::order);
        let ids: Vec<u128> = rows.iter().map(|standing| standing.row.ticket_id.as_u128()).collect();
        assert_eq!(ids, [2, 5, 3, 4, 1]);
    }

    #[test]
    fn the_queue_is_written_as_json() {
        let rows = [Standing::of(row(1, Priority::Urgent, 0, Some("CA")), OffsetDateTime::UNIX_EPOCH)];
        let mut text = String::new();
        write_queue(&mut text, &rows, Role::Dispatcher);
        let queue: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(queue[0]["site"]["name"], "Site \"North\"");
        assert_eq!(queue[0]["region_weight"], 190);
        assert_eq!(queue[0].as_object().unwrap().len(), 18);
    }
}
