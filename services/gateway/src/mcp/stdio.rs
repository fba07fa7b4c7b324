//! `dispatch-gateway mcp-stdio`: the tools for an MCP client that starts us as its child.

use super::McpServer;
use crate::config::Config;
use crate::identity::{Caller, Doorkeeper};
use crate::json_log;
use crate::toolbox::Toolbox;
use anyhow::{Context, bail};
use rmcp::ServiceExt;
use serde_json::json;
use std::fs::File;
use std::future::Future;
use std::os::fd::AsFd;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Serves standard input and output until the client closes them or `stop` resolves.
///
/// # Errors
/// When no caller can be told from the settings, or the streams fail.
pub async fn run(config: Config, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
    json_log::leave_stdout();
    let toolbox = Arc::new(Toolbox::new(&config).context("the HTTP client could not be built")?);
    let server = McpServer::of(toolbox, caller(&config)?);
    let streams = (duplicate(std::io::stdin())?, duplicate(std::io::stdout())?);
    let stopping = CancellationToken::new();
    json_log::info(json!({ "message": "dispatch-gateway mcp-stdio started" }));
    let serving = async {
        match server.serve_with_ct(streams, stopping.clone()).await {
            Ok(running) => running.waiting().await.map(|_| ()).context("serving failed"),
            // A client that leaves before it has introduced itself is no failure of ours.
            Err(error) => {
                json_log::warn(json!({ "message": "no MCP session", "error": error.to_string() }));
                Ok(())
            }
        }
    };
    tokio::select! {
        ended = serving => ended?,
        () = stop => stopping.cancel(),
    }
    json_log::info(json!({ "message": "dispatch-gateway mcp-stdio stopped" }));
    Ok(())
}

/// Whoever `DISPATCH_MCP_TOKEN` names; without it the one who was given the shared token by our environment.
fn caller(config: &Config) -> anyhow::Result<Caller> {
    match &config.mcp_token {
        Some(token) => {
            Doorkeeper::new(config).recognise_token(token.expose()).context("DISPATCH_MCP_TOKEN is not valid")
        }
        None if config.gateway_token.is_some() => Ok(Caller::Shared),
        None => bail!("DISPATCH_MCP_TOKEN must be set, else nobody is calling"),
    }
}

/// The stream as a file of its own: it may be a pipe, a socket or a terminal.
fn duplicate(stream: impl AsFd) -> anyhow::Result<tokio::fs::File> {
    let descriptor = stream.as_fd().try_clone_to_owned().context("a standard stream cannot be used")?;
    Ok(tokio::fs::File::from_std(File::from(descriptor)))
}
