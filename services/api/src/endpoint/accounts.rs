//! Accounts: `GET` and `POST /accounts`, `GET` and `POST /accounts/{accountId}`.

use dispatch_domain::{ErrorCode, FieldCode, Refusal, Role, ToolName};
use dispatch_store::directory::{self, AccountRecord};
use dispatch_store::page::Place;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Endpoint, ReadEndpoint, View};
use crate::answer::Answer;
use crate::cockpit::listed;
use crate::command::{Command, Effect};
use crate::failure::Failure;
use crate::read::ReadCall;
use crate::{clock, page};

/// Who may read the directory.
pub(super) const READERS: &[Role] = &[Role::Admin, Role::Dispatcher];

/// Creates one.
pub const CREATE: Endpoint = Endpoint::command(ToolName::AccountCreate, |command| Box::pin(create(command)));

/// Changes one.
pub const UPDATE: Endpoint = Endpoint::command(ToolName::AccountUpdate, |command| Box::pin(update(command)));

/// Reads one.
pub const GET: Endpoint = Endpoint::Read(ReadEndpoint {
    tool: ToolName::AccountGet,
    view: None,
    uuid_route: true,
    run: |call| Box::pin(get(call)),
});

/// Lists them, oldest first.
pub const LIST: Endpoint = Endpoint::view(
    ToolName::AccountGet,
    View { route: "/accounts", roles: READERS, query: &["limit", "cursor"] },
    |call| Box::pin(list(call)),
);

async fn create(command: &mut Command) -> Result<Effect, Failure> {
    let fields = command.fields();
    let id = fields.optional_uuid("id")?.unwrap_or_else(Uuid::now_v7);
    let name = fields.text("name")?.to_owned();
    check_account(command, id)?;
    let record = directory::insert_account(command.db(), id, &name).await?.ok_or_else(|| taken("id"))?;
    Ok(Effect::answer(201, &document(&record)).with("resource_id", id.to_string()))
}

async fn update(command: &mut Command) -> Result<Effect, Failure> {
    let id = command.path_id()?;
    check_account(command, id)?;
    let name = command.fields().optional_text("name")?.map(str::to_owned);
    let record = directory::update_account(command.db(), id, name.as_deref())
        .await?
        .ok_or_else(|| unknown("Account"))?;
    Ok(Effect::answer(200, &document(&record)).with("resource_id", id.to_string()))
}

async fn get(call: &ReadCall) -> Result<Answer, Failure> {
    let id = call.path_id.ok_or_else(|| unknown("Account"))?;
    let mut connection = call.connection().await?;
    let record = directory::find_account(&mut connection, id).await?.ok_or_else(|| unknown("Account"))?;
    call.actor.scope.check_account(record.id)?;
    Ok(Answer::json(200, &document(&record)))
}

async fn list(call: &ReadCall) -> Result<Answer, Failure> {
    call.actor.scope.check_not_empty()?;
    let page = page::asked_or_first(&call.query)?;
    let visible = listed(&call.actor.scope.accounts);
    let mut connection = call.connection().await?;
    let mut rows = directory::list_accounts(&mut connection, &visible, &page::and_one(&page)).await?;
    let next = page::cut(&mut rows, &page, |row| Place { at: row.created_at, id: row.id });
    let rows: Vec<Value> = rows.iter().map(document).collect();
    Ok(Answer::json(200, &json!({ "accounts": rows, "next_cursor": next })))
}

fn check_account(command: &Command, id: Uuid) -> Result<(), Refusal> {
    command.actor.scope.check_account(id)
}

fn document(record: &AccountRecord) -> Value {
    json!({ "id": record.id, "name": record.name, "created_at": clock::text(record.created_at) })
}

/// The refusal of an id that nothing has.
pub(super) fn unknown(what: &str) -> Failure {
    Refusal::new(ErrorCode::ResourceNotFound, format!("{what} not found")).into()
}

/// The refusal of an id that something has already.
pub(super) fn taken(field: &str) -> Failure {
    Failure::field(field, FieldCode::Taken, format!("Field '{field}' is in use already"))
}

/// Refuses a time zone that the database does not know: times could not be told in it.
pub(super) async fn check_zone(command: &mut Command) -> Result<(), Failure> {
    let Some(zone) = command.fields().optional_text("timezone")?.map(str::to_owned) else { return Ok(()) };
    if directory::is_zone(command.db(), &zone).await? {
        return Ok(());
    }
    let message = "Field 'timezone' must be the name of a time zone, such as America/Los_Angeles";
    Err(Failure::field("timezone", FieldCode::NotOneOf, message.to_owned()))
}
