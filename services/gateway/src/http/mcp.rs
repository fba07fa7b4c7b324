//! `/mcp`: the tools over MCP's streamable HTTP, behind the same tokens as `/tools/invoke`.

use super::{Gateway, invoke::MAX_BODY_BYTES, refusals};
use crate::mcp::McpServer;
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use std::sync::Arc;

/// The endpoint. Each request stands alone and brings its own token, so no session can outlive a caller.
pub(super) fn routes(gateway: &Arc<Gateway>) -> Router<Arc<Gateway>> {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(MAX_BODY_BYTES)
        .with_cancellation_token(gateway.stopping.child_token())
        // A page that rebinds a name to our address still does not know a token; container names must work.
        .disable_allowed_hosts();
    let toolbox = gateway.toolbox.clone();
    let service = StreamableHttpService::new(
        move || Ok(McpServer::over_http(toolbox.clone())),
        Arc::new(NeverSessionManager::default()),
        config,
    );
    Router::new().nest_service("/mcp", service).route_layer(from_fn_with_state(gateway.clone(), admit))
}

/// Lets known callers through and notes who they are; the token itself goes no further.
async fn admit(State(gateway): State<Arc<Gateway>>, mut request: Request, next: Next) -> Response {
    let Some(caller) = gateway.caller(request.headers()) else { return refusals::unauthorized() };
    request.headers_mut().remove(axum::http::header::AUTHORIZATION);
    request.extensions_mut().insert(caller);
    next.run(request).await
}
