//! `GET /livez`: the process answers. It looks at nothing else, so a broken database restarts nobody.

use futures::FutureExt;
use serde_json::json;

use super::Endpoint;
use crate::answer::Answer;
use crate::metrics::SERVICE;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint::open("/livez", |_, _| {
    async { Ok(Answer::json(200, &json!({ "ok": true, "status": "live", "service": SERVICE }))) }.boxed()
});
