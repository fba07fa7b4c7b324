//! The local tool `dispatch_contract_status`: what is registered, and does the API answer?

use crate::api_client::ApiClient;
use crate::identity::Caller;
use crate::tool_error::tool_result;
use dispatch_domain::tool;
use serde_json::{Value, json};

/// Version of the contract the tool table describes.
pub const CONTRACT_VERSION: &str = "v1";

/// Name clients know this set of tools by.
pub const PLUGIN_ID: &str = "dispatch-tools";

/// Always succeeds; an API that does not answer is part of the answer.
pub async fn report(api: Option<&ApiClient>, caller: &Caller) -> Value {
    let answer = match api {
        Some(api) => api.readiness().await.ok(),
        None => None,
    };
    let api_hash =
        answer.as_ref().and_then(|answer| answer.data.get("contract_hash")).and_then(Value::as_str);
    let hash = tool::surface_hash();
    let public = tool::public();
    let names: Vec<Value> =
        public.iter().map(|tool| json!({ "name": tool.name, "chat_name": tool.chat_name })).collect();
    let hidden: Vec<_> = tool::all().iter().filter(|tool| !tool.public).map(|tool| tool.name).collect();
    let document = json!({
        "tool_names": public.iter().map(|tool| tool.name).collect::<Vec<_>>(),
        "plugin": PLUGIN_ID,
        "configured": api.is_some(),
        "base_url": api.map(ApiClient::base_url),
        "registered_count": if api.is_some() { public.len() } else { 0 },
        "contract_version": CONTRACT_VERSION,
        "contract_hash": hash,
        "api_reachable": answer.is_some(),
        "api_health": answer.as_ref().map(|answer| if answer.status == 200 { "ready" } else { "not_ready" }),
        "api_contract_hash": api_hash,
        "hash_match": api_hash.map(|api_hash| api_hash == hash),
        "auth_mode": auth_mode(api, caller),
        "hidden_tools": hidden,
        "tools": names,
    });
    tool_result(&document, false)
}

/// How the API will be told who this caller is.
fn auth_mode(api: Option<&ApiClient>, caller: &Caller) -> &'static str {
    match (api, caller) {
        (None, _) => "none",
        (Some(_), Caller::Own(_)) => "caller_token",
        (Some(api), Caller::Shared) if api.has_api_token() => "token",
        (Some(_), Caller::Shared) => "dev_headers",
    }
}
