//! Technicians: `GET` and `POST /technicians`, `GET` and `POST /technicians/{technicianId}`.
//!
//! A technician belongs to no account, so that every desk with any scope at all sees the whole directory.

use dispatch_domain::schema::whole_number;
use dispatch_domain::{ErrorCode, FieldCode, Refusal, ToolName};
use dispatch_store::directory::{self, TechnicianChange, TechnicianRecord};
use dispatch_store::page::Place;
use serde_json::{Value, json};
use uuid::Uuid;

use super::accounts::{READERS, check_zone, taken, unknown};
use super::{Endpoint, ReadEndpoint, View};
use crate::answer::Answer;
use crate::command::{Command, Effect, Fields};
use crate::failure::Failure;
use crate::read::ReadCall;
use crate::{clock, page};

/// Creates one.
pub const CREATE: Endpoint =
    Endpoint::command(ToolName::TechnicianCreate, |command| Box::pin(create(command)));

/// Changes one.
pub const UPDATE: Endpoint =
    Endpoint::command(ToolName::TechnicianUpdate, |command| Box::pin(update(command)));

/// Reads one.
pub const GET: Endpoint = Endpoint::Read(ReadEndpoint {
    tool: ToolName::TechnicianGet,
    view: None,
    uuid_route: true,
    run: |call| Box::pin(get(call)),
});

/// Lists them, oldest first.
pub const LIST: Endpoint = Endpoint::view(
    ToolName::TechnicianGet,
    View { route: "/technicians", roles: READERS, query: &["active", "limit", "cursor"] },
    |call| Box::pin(list(call)),
);

async fn create(command: &mut Command) -> Result<Effect, Failure> {
    command.actor.scope.check_not_empty()?;
    let fields = command.fields();
    let id = fields.optional_uuid("id")?.unwrap_or_else(Uuid::now_v7);
    fields.text("name")?;
    check_zone(command).await?;
    let request = command.request.clone();
    let hours = hours(Fields::of(&request))?;
    let change = change(Fields::of(&request), hours.as_ref())?;
    let record = directory::insert_technician(command.db(), id, &change).await?.ok_or_else(|| taken("id"))?;
    Ok(Effect::answer(201, &document(&record)).with("resource_id", id.to_string()))
}

async fn update(command: &mut Command) -> Result<Effect, Failure> {
    command.actor.scope.check_not_empty()?;
    let id = command.path_id()?;
    check_zone(command).await?;
    let request = command.request.clone();
    let hours = hours(Fields::of(&request))?;
    let change = change(Fields::of(&request), hours.as_ref())?;
    let record = directory::update_technician(command.db(), id, &change)
        .await?
        .ok_or_else(|| unknown("Technician"))?;
    Ok(Effect::answer(200, &document(&record)).with("resource_id", id.to_string()))
}

fn change<'a>(fields: Fields<'a>, hours: Option<&'a Value>) -> Result<TechnicianChange<'a>, Failure> {
    let codes = |name: &str| -> Result<Option<Vec<String>>, Failure> {
        let given = fields.get(name).is_some();
        let codes = fields.texts(name)?.into_iter().map(|code| code.to_uppercase()).collect();
        Ok(given.then_some(codes))
    };
    Ok(TechnicianChange {
        name: fields.optional_text("name")?,
        active: fields.optional_bool("active")?,
        home_region: fields.raw_text("home_region").map(str::trim),
        skills: codes("skills")?,
        regions: codes("regions")?,
        availability: hours,
        timezone: fields.optional_text("timezone")?,
        rating: fields.optional_number("rating"),
        latitude: fields.optional_number("latitude"),
        longitude: fields.optional_number("longitude"),
    })
}

/// The working hours with whole numbers for days; each span has to go forward.
fn hours(fields: Fields<'_>) -> Result<Option<Value>, Failure> {
    let Some(spans) = fields.get("availability").and_then(Value::as_array) else { return Ok(None) };
    let span = |(index, span): (usize, &Value)| {
        let (start, end) = (span["start"].as_str(), span["end"].as_str());
        if start >= end {
            let field = format!("availability[{index}].end");
            let message = format!("Field '{field}' must be after 'start'");
            return Err(Failure::field(&field, FieldCode::Reversed, message));
        }
        Ok(json!({ "weekday": whole_number(&span["weekday"]), "start": start, "end": end }))
    };
    spans.iter().enumerate().map(span).collect::<Result<Vec<_>, _>>().map(|spans| Some(Value::Array(spans)))
}

async fn get(call: &ReadCall) -> Result<Answer, Failure> {
    call.actor.scope.check_not_empty()?;
    let id = call.path_id.ok_or_else(|| unknown("Technician"))?;
    let mut connection = call.connection().await?;
    let record =
        directory::find_technician(&mut connection, id).await?.ok_or_else(|| unknown("Technician"))?;
    Ok(Answer::json(200, &document(&record)))
}

async fn list(call: &ReadCall) -> Result<Answer, Failure> {
    call.actor.scope.check_not_empty()?;
    let page = page::asked_or_first(&call.query)?;
    let active = match call.parameter("active") {
        None => None,
        Some("true") => Some(true),
        Some("false") => Some(false),
        Some(_) => {
            let message = "Query parameter 'active' must be true or false";
            return Err(Refusal::new(ErrorCode::InvalidQuery, message).into());
        }
    };
    let mut connection = call.connection().await?;
    let mut rows = directory::list_technicians(&mut connection, active, &page::and_one(&page)).await?;
    let next = page::cut(&mut rows, &page, |row| Place { at: row.created_at, id: row.id });
    let rows: Vec<Value> = rows.iter().map(document).collect();
    Ok(Answer::json(200, &json!({ "technicians": rows, "next_cursor": next })))
}

fn document(record: &TechnicianRecord) -> Value {
    json!({
        "id": record.id,
        "name": record.name,
        "active": record.active,
        "home_region": record.home_region,
        "skills": record.skills,
        "regions": record.regions,
        "availability": record.availability,
        "timezone": record.timezone,
        "rating": record.rating,
        "latitude": record.latitude,
        "longitude": record.longitude,
        "created_at": clock::text(record.created_at),
    })
}
