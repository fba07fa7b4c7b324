//! Sites: `GET` and `POST /sites`, `GET` and `POST /sites/{siteId}`.

use dispatch_domain::{ErrorCode, Refusal, ToolName, parse_uuid};
use dispatch_store::directory::{self, SiteChange, SiteRecord};
use dispatch_store::page::Place;
use serde_json::{Value, json};
use uuid::Uuid;

use super::accounts::{READERS, check_zone, taken, unknown};
use super::{Endpoint, ReadEndpoint, View};
use crate::answer::Answer;
use crate::cockpit::listed;
use crate::command::{Command, Effect, Fields};
use crate::failure::Failure;
use crate::read::ReadCall;
use crate::{clock, page};

/// Creates one.
pub const CREATE: Endpoint = Endpoint::command(ToolName::SiteCreate, |command| Box::pin(create(command)));

/// Changes one.
pub const UPDATE: Endpoint = Endpoint::command(ToolName::SiteUpdate, |command| Box::pin(update(command)));

/// Reads one.
pub const GET: Endpoint = Endpoint::Read(ReadEndpoint {
    tool: ToolName::SiteGet,
    view: None,
    uuid_route: true,
    run: |call| Box::pin(get(call)),
});

/// Lists them, oldest first.
pub const LIST: Endpoint = Endpoint::view(
    ToolName::SiteGet,
    View { route: "/sites", roles: READERS, query: &["account_id", "limit", "cursor"] },
    |call| Box::pin(list(call)),
);

async fn create(command: &mut Command) -> Result<Effect, Failure> {
    let fields = command.fields();
    let id = fields.optional_uuid("id")?.unwrap_or_else(Uuid::now_v7);
    let account_id = fields.uuid("account_id")?;
    for name in ["name", "address1", "city"] {
        fields.text(name)?;
    }
    command.actor.scope.check(account_id, id)?;
    check_zone(command).await?;
    if directory::find_account(command.db(), account_id).await?.is_none() {
        return Err(Failure::no_such("account_id"));
    }
    let request = command.request.clone();
    let change = change(Fields::of(&request))?;
    let record =
        directory::insert_site(command.db(), id, account_id, &change).await?.ok_or_else(|| taken("id"))?;
    Ok(effect(201, &record))
}

async fn update(command: &mut Command) -> Result<Effect, Failure> {
    let id = command.path_id()?;
    let stored = directory::find_site(command.db(), id).await?.ok_or_else(|| unknown("Site"))?;
    command.actor.scope.check(stored.account_id, id)?;
    check_zone(command).await?;
    let request = command.request.clone();
    let change = change(Fields::of(&request))?;
    let record = directory::update_site(command.db(), id, &change).await?.ok_or_else(|| unknown("Site"))?;
    Ok(effect(200, &record))
}

fn effect(status: u16, record: &SiteRecord) -> Effect {
    Effect::answer(status, &document(record))
        .within(record.account_id, record.id)
        .with("resource_id", record.id.to_string())
}

fn change(fields: Fields<'_>) -> Result<SiteChange<'_>, Failure> {
    // An empty text empties what may be empty; it is no mistake there.
    let emptied = |name| fields.raw_text(name).map(str::trim);
    Ok(SiteChange {
        name: fields.optional_text("name")?,
        address1: fields.optional_text("address1")?,
        address2: emptied("address2"),
        city: fields.optional_text("city")?,
        region: emptied("region"),
        postal_code: emptied("postal_code"),
        country: fields.optional_text("country")?,
        timezone: fields.optional_text("timezone")?,
        locale: emptied("locale"),
        access_instructions: emptied("access_instructions"),
        hours: fields.get("hours"),
        latitude: fields.optional_number("latitude"),
        longitude: fields.optional_number("longitude"),
    })
}

async fn get(call: &ReadCall) -> Result<Answer, Failure> {
    let id = call.path_id.ok_or_else(|| unknown("Site"))?;
    let mut connection = call.connection().await?;
    let record = directory::find_site(&mut connection, id).await?.ok_or_else(|| unknown("Site"))?;
    call.actor.scope.check(record.account_id, record.id)?;
    Ok(Answer::json(200, &document(&record)))
}

async fn list(call: &ReadCall) -> Result<Answer, Failure> {
    let scope = &call.actor.scope;
    scope.check_not_empty()?;
    let page = page::asked_or_first(&call.query)?;
    let account_id = call
        .parameter("account_id")
        .map(|text| {
            let message = "Query parameter 'account_id' must be a valid UUID";
            parse_uuid(text).ok_or_else(|| Refusal::new(ErrorCode::InvalidQuery, message))
        })
        .transpose()?;
    let (accounts, sites) = (listed(&scope.accounts), listed(&scope.sites));
    let mut connection = call.connection().await?;
    let mut rows =
        directory::list_sites(&mut connection, account_id, &accounts, &sites, &page::and_one(&page)).await?;
    let next = page::cut(&mut rows, &page, |row| Place { at: row.created_at, id: row.id });
    let rows: Vec<Value> = rows.iter().map(document).collect();
    Ok(Answer::json(200, &json!({ "sites": rows, "next_cursor": next })))
}

fn document(record: &SiteRecord) -> Value {
    json!({
        "id": record.id,
        "account_id": record.account_id,
        "name": record.name,
        "address1": record.address1,
        "address2": record.address2,
        "city": record.city,
        "region": record.region,
        "postal_code": record.postal_code,
        "country": record.country,
        "timezone": record.timezone,
        "locale": record.locale,
        "access_instructions": record.access_instructions,
        "hours": record.hours,
        "latitude": record.latitude,
        "longitude": record.longitude,
        "created_at": clock::text(record.created_at),
    })
}
