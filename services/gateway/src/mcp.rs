//! The tools as an MCP server: the caller's tools with their schemas, and calls that go the way of `/tools/invoke`.

pub mod stdio;

use crate::envelope::Surroundings;
use crate::identity::Caller;
use crate::toolbox::Toolbox;
use axum::http::request::Parts;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool, ToolAnnotations,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::{Map, Value};
use std::sync::Arc;

const INSTRUCTIONS: &str = "Closed tool surface of a field-service dispatch system. Read state with dispatcher_cockpit, \
     ticket_get or ticket_timeline before you change it. A failed call has isError and structuredContent.error with \
     code, message and, where a policy decided, policy_error. Repeat a call that failed with retryable: true under the \
     same request_id.";

/// Tools whose effect cannot be taken back by another tool.
const DESTRUCTIVE: &[&str] =
    &["ticket.cancel", "ticket.force_close", "ticket.close", "dispatch.manual_bypass"];

/// One MCP server; over HTTP the caller comes with each request, over stdio it is fixed.
#[derive(Clone, Debug)]
pub struct McpServer {
    toolbox: Arc<Toolbox>,
    fixed: Option<Caller>,
}

impl McpServer {
    /// A server whose caller is the one the HTTP layer admitted.
    pub fn over_http(toolbox: Arc<Toolbox>) -> Self {
        Self { toolbox, fixed: None }
    }

    /// A server that acts for one caller.
    pub fn of(toolbox: Arc<Toolbox>, caller: Caller) -> Self {
        Self { toolbox, fixed: Some(caller) }
    }

    fn caller(&self, context: &RequestContext<RoleServer>) -> Result<Caller, ErrorData> {
        let admitted = || context.extensions.get::<Parts>()?.extensions.get::<Caller>().cloned();
        let caller = self.fixed.clone().or_else(admitted);
        caller.ok_or_else(|| ErrorData::invalid_request("Unauthorized", None))
    }
}

impl ServerHandler for McpServer {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("dispatch-gateway", env!("CARGO_PKG_VERSION")))
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let entries = self.toolbox.visible_to(&self.caller(&context)?);
        Ok(ListToolsResult::with_all_items(entries.iter().map(listed).collect()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let caller = self.caller(&context)?;
        let args = request.arguments.map_or(Value::Null, Value::Object);
        let around = surroundings(&context);
        match self.toolbox.call(&request.name, &args, &caller, &around).await {
            Ok(result) => Ok(called(&result).into()),
            Err(missing) => Err(ErrorData::invalid_params(missing.to_string(), None)),
        }
    }
}

/// A catalogue entry under its chat name, which every MCP client accepts; calls may use either spelling.
fn listed(entry: &Value) -> Tool {
    let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    let schema = entry["input_schema"].as_object().cloned().unwrap_or_default();
    let mutating = entry["mutating"] == true;
    let hints = ToolAnnotations::new()
        .read_only(!mutating)
        .destructive(DESTRUCTIVE.contains(&text("name").as_str()))
        // Only with the same request_id is a repeated change one change, so the hint would promise too much.
        .idempotent(!mutating)
        .open_world(false);
    Tool::new(text("chat_name"), text("description"), Arc::new(schema))
        .with_title(text("name"))
        .with_annotations(hints)
}

/// A tool result of ours as one of MCP: the same text, the document as structured content.
fn called(result: &Value) -> CallToolResult {
    let text = result["content"][0]["text"].as_str().unwrap_or_default();
    let content = vec![ContentBlock::text(text)];
    let failed = result["isError"] == true;
    let mut called = if failed { CallToolResult::error(content) } else { CallToolResult::success(content) };
    called.structured_content = Some(result["details"].clone());
    called
}

/// The idempotency key and trace of `_meta`; over HTTP what it lacks comes from the headers.
fn surroundings(context: &RequestContext<RoleServer>) -> Surroundings {
    let meta: &Map<String, Value> = &context.meta.0.0;
    let text = |name: &str| meta.get(name).and_then(Value::as_str).map(str::to_owned);
    let parts = context.extensions.get::<Parts>();
    let mut around = parts.map(|parts| Surroundings::from_headers(&parts.headers)).unwrap_or_default();
    around.idempotency_key = text("idempotencyKey");
    around.session_key = text("sessionKey");
    if let Some(parent) = text("traceparent") {
        around.trace_parent = Some(parent);
        around.trace_state = text("tracestate");
    }
    around
}
