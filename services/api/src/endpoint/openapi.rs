//! `GET /openapi.json`: the description of this service, made from the tables that the router is built from.

use std::sync::LazyLock;

use futures::FutureExt;

use super::Endpoint;
use crate::answer::Answer;
use crate::openapi;

/// The endpoint.
pub const ENDPOINT: Endpoint =
    Endpoint::open("/openapi.json", |_, _| async { Ok(Answer::raw_json(200, TEXT.clone())) }.boxed());

/// The tables are constants, so the document is as well.
static TEXT: LazyLock<String> = LazyLock::new(openapi::text);
