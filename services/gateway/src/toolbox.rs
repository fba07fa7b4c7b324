//! The tools of one gateway, the same behind every door: `/tools/invoke`, MCP, the console and the WebSocket.

use crate::api_client::ApiClient;
use crate::bridge::Bridge;
use crate::catalog::{self, STATUS_TOOL};
use crate::config::Config;
use crate::contract_status;
use crate::envelope::Surroundings;
use crate::identity::Caller;
use dispatch_domain::tool;
use serde_json::Value;

/// A tool that is not in the public table; nothing has been sent anywhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Tool not available: {0}")]
pub struct NoSuchTool(pub String);

/// Every tool a caller may use.
#[derive(Clone, Debug)]
pub struct Toolbox {
    api: Option<ApiClient>,
    bridge: Option<Bridge>,
}

impl Toolbox {
    /// Tools of the configured API; without one only the status tool.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub fn new(config: &Config) -> Result<Self, reqwest::Error> {
        let api = ApiClient::new(config)?;
        Ok(Self { bridge: api.clone().map(Bridge::new), api })
    }

    /// The dispatch API, if one is configured.
    pub fn api(&self) -> Option<&ApiClient> {
        self.api.as_ref()
    }

    /// Entries of the catalogue that `caller` may use: a signed token sees only its role's tools.
    pub fn visible_to(&self, caller: &Caller) -> Vec<Value> {
        let has_api_token = self.api.as_ref().is_some_and(ApiClient::has_api_token);
        catalog::entries(self.bridge.is_some(), caller, has_api_token)
    }

    /// Runs a tool by either spelling; what fails inside the call is a result with `isError`.
    ///
    /// # Errors
    /// [`NoSuchTool`] for unknown and hidden names, and for every bridge tool without an API.
    pub async fn call(
        &self,
        name: &str,
        args: &Value,
        caller: &Caller,
        around: &Surroundings,
    ) -> Result<Value, NoSuchTool> {
        if name == STATUS_TOOL {
            return Ok(contract_status::report(self.api.as_ref(), caller).await);
        }
        match (tool::by_name(name).filter(|tool| tool.public), &self.bridge) {
            (Some(tool), Some(bridge)) => Ok(bridge.call(tool, args, caller, around).await),
            _ => Err(NoSuchTool(name.to_owned())),
        }
    }
}
