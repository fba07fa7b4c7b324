//! Windows that go forward and are refused all the same, where that is configured.

use dispatch_domain::schedule::{LocalWindow, Window, WindowRefusal};
use dispatch_domain::{ErrorCode, Refusal};
use dispatch_store::schedules;
use dispatch_store::tickets::TicketRow;
use uuid::Uuid;

use crate::command::Command;
use crate::failure::Failure;

/// Refuses a window of work that begins in the past or lies outside the site's hours.
///
/// # Errors
/// 409 with the reason.
pub async fn check_window(
    command: &mut Command,
    ticket: &TicketRow,
    window: Window,
    field: &str,
) -> Result<(), Failure> {
    let policy = command.app.config.policy.clone();
    if policy.refuse_past && window.start < command.now {
        return Err(refusal(WindowRefusal::InThePast, window, field).into());
    }
    if !policy.site_hours {
        return Ok(());
    }
    let clock = schedules::site_clock(command.db(), ticket.site_id, window).await?;
    let within = clock.as_ref().is_none_or(|clock| {
        let local = LocalWindow { day: &clock.day, start: &clock.start, end: &clock.end, days: clock.days };
        local.within(&clock.hours)
    });
    if within { Ok(()) } else { Err(refusal(WindowRefusal::OutsideSiteHours, window, field).into()) }
}

/// Refuses proposed windows that overlap each other.
///
/// # Errors
/// 409 naming the later one.
pub fn check_apart(command: &Command, windows: &[Window]) -> Result<(), Refusal> {
    if !command.app.config.policy.refuse_overlap {
        return Ok(());
    }
    for (index, window) in windows.iter().enumerate() {
        if windows[..index].iter().any(|other| other.start < window.end && window.start < other.end) {
            return Err(refusal(WindowRefusal::Overlap, *window, &format!("options[{index}]")));
        }
    }
    Ok(())
}

/// Refuses a window in which the technician has other work.
///
/// # Errors
/// 409 naming the other ticket.
pub async fn check_free(
    command: &mut Command,
    ticket: &TicketRow,
    tech_id: Option<Uuid>,
    window: Option<Window>,
) -> Result<(), Failure> {
    let (true, Some(tech_id), Some(window)) = (command.app.config.policy.refuse_overlap, tech_id, window)
    else {
        return Ok(());
    };
    match schedules::conflicting(command.db(), tech_id, ticket.id, window).await? {
        None => Ok(()),
        Some(other) => Err(refusal(WindowRefusal::Overlap, window, "window")
            .with("tech_id", tech_id.to_string())
            .with("conflicting_ticket_id", other.to_string())
            .into()),
    }
}

/// The window of a ticket, when it has both ends.
pub fn of_ticket(ticket: &TicketRow) -> Option<Window> {
    Some(Window { start: ticket.scheduled_start?, end: ticket.scheduled_end? }).filter(|w| w.end > w.start)
}

/// Refuses a confirmation window that is over already.
///
/// # Errors
/// 409 with the reason.
pub fn check_not_over(command: &Command, window: Window, field: &str) -> Result<(), Refusal> {
    if command.app.config.policy.refuse_past && window.end < command.now {
        return Err(refusal(WindowRefusal::InThePast, window, field));
    }
    Ok(())
}

fn refusal(reason: WindowRefusal, window: Window, field: &str) -> Refusal {
    let message = match reason {
        WindowRefusal::InThePast => "The window begins in the past",
        WindowRefusal::Overlap => "The window overlaps other work",
        WindowRefusal::OutsideSiteHours => "The window is outside the site's hours",
    };
    Refusal::new(ErrorCode::ScheduleWindowRefused, message)
        .with("reason", reason.as_str())
        .with("field", field)
        .with("window", window.to_json())
}
