//! `POST /tickets/{ticketId}/schedule/confirm`: the agreed window, and a message to the customer.

use dispatch_domain::outbox::Message;
use dispatch_domain::{TicketState, ToolName};
use dispatch_store::message_templates::Subject;

use super::Endpoint;
use crate::command::{Command, Effect, Fields};
use crate::failure::Failure;
use crate::{message_text, schedule_rules};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint::command(ToolName::ScheduleConfirm, |command| Box::pin(run(command)));

async fn run(command: &mut Command) -> Result<Effect, Failure> {
    let mut ticket = command.ticket()?;
    let window = Fields::window(&command.request, "", "Field 'end' must be after 'start'")?;
    schedule_rules::check_window(command, &ticket, window, "start").await?;
    let tech_id = ticket.assigned_tech_id;
    schedule_rules::check_free(command, &ticket, tech_id, Some(window)).await?;
    let before = ticket.state;
    ticket.state = TicketState::Scheduled;
    ticket.scheduled_start = Some(window.start);
    ticket.scheduled_end = Some(window.end);
    let ticket = command.save(&ticket).await?;
    let message = Message::confirm(&ticket.id.to_string(), before, window);
    let subject = Subject {
        site_id: ticket.site_id,
        start: ticket.scheduled_start,
        end: ticket.scheduled_end,
        tech_id: ticket.assigned_tech_id,
    };
    let message = message_text::worded(command, message, subject).await?;
    let draft = command.draft(&message, ticket.customer_phone.as_deref());
    Ok(Effect::ticket(200, &ticket).moved(&[before, ticket.state]).message(draft))
}
