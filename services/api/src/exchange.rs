//! One request from first byte to answer: correlation, the endpoint's pipeline, counters and the log line.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::Request;
use axum::http::Response;
use axum::http::request::Parts;
use dispatch_domain::tool::TICKET_ID;
use dispatch_domain::trace::TraceContext;
use dispatch_domain::{ErrorCode, Refusal, parse_uuid};
use uuid::Uuid;

use crate::answer::Answer;
use crate::app::App;
use crate::endpoint::{Endpoint, OpenEndpoint};
use crate::failure::Failure;
use crate::identity::{self, Actor, Claimed, header};
use crate::metrics::UNMATCHED;
use crate::open::OpenCall;
use crate::request_log::{LoggedActor, LoggedFailure, RequestRecord, TraceHeaders};
use crate::router::{Route, id_segment};
use crate::{command, denial, metrics, operate, read};

/// What identifies a request across services.
#[derive(Debug, Clone)]
pub struct Correlation {
    /// Given or made; never blank.
    pub id: String,
    /// From `traceparent` or its older stand-in.
    pub trace: TraceContext,
}

impl Correlation {
    fn of(parts: &Parts) -> Self {
        let text = |name| header(&parts.headers, name);
        let id = text("x-correlation-id")
            .map(|id| id.trim().to_owned())
            .filter(|id| !id.is_empty())
            .unwrap_or_else(|| Uuid::new_v4().to_string());
        let (parent, state, legacy) = (text("traceparent"), text("tracestate"), text("x-trace-id"));
        Self { id, trace: TraceContext::extract(parent.as_deref(), state.as_deref(), legacy.as_deref()) }
    }
}

/// What is learnt about a request on its way, for the log and for the record of refusals.
#[derive(Debug)]
pub struct Trail {
    /// Method as sent.
    pub method: String,
    /// Path as sent.
    pub path: String,
    /// Route template or `UNMATCHED`.
    pub endpoint: &'static str,
    /// The tool of the endpoint.
    pub tool: Option<&'static str>,
    /// Id in the path, when it is a UUID: of a ticket, an account, a site or a technician.
    pub path_id: Option<Uuid>,
    /// The same, when it is a ticket's.
    pub ticket_id: Option<Uuid>,
    /// Idempotency key as sent, once accepted.
    pub request_id: Option<String>,
    /// The caller as far as known.
    pub caller: Option<Claimed>,
    /// Correlation and trace ids.
    pub correlation: Correlation,
}

impl Trail {
    /// Remembers an identified caller.
    pub fn identified(&mut self, actor: &Actor) {
        self.caller = Some(Claimed { id: actor.id.clone(), role: actor.role, actor_type: actor.actor_type });
    }
}

/// Serves one request.
pub async fn run(app: Arc<App>, route: Route, request: Request) -> Response<Body> {
    let endpoint = route.endpoint;
    let started = Instant::now();
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let segment = endpoint.and_then(|endpoint| id_segment(endpoint.route(), &path));
    let path_id = segment.and_then(parse_uuid);
    let is_ticket = endpoint.is_some_and(|endpoint| endpoint.route().contains(TICKET_ID));
    let ticket_id = path_id.filter(|_| is_ticket);
    // A command's path with anything but a UUID in it is no route; so are some reads'.
    let endpoint =
        endpoint.filter(|endpoint| segment.is_none() || path_id.is_some() || takes_any_segment(endpoint));
    let mut trail = Trail {
        method: parts.method.as_str().to_owned(),
        endpoint: endpoint.map_or(UNMATCHED, Endpoint::route),
        tool: endpoint.and_then(Endpoint::tool).map(|tool| tool.name.as_str()),
        correlation: Correlation::of(&parts),
        path_id,
        ticket_id,
        path,
        request_id: None,
        caller: None,
    };
    let work = async {
        match endpoint {
            None => Err(unmatched(&app, &route)),
            Some(Endpoint::Command(endpoint)) => {
                command::serve(&app, endpoint, &parts, body, &mut trail).await
            }
            Some(Endpoint::Operation(endpoint)) => {
                operate::serve(&app, endpoint, &parts, body, &mut trail).await
            }
            Some(Endpoint::Read(endpoint)) => read::serve(&app, endpoint, &parts, &mut trail).await,
            Some(Endpoint::Open(endpoint)) => open(&app, endpoint, parts, &mut trail, started).await,
        }
    };
    let outcome =
        match tokio::time::timeout(Duration::from_secs(app.config.http.request_timeout_s), work).await {
            Ok(outcome) => outcome,
            // What was begun is rolled back as it is dropped; sent again with its key, a command has one effect.
            Err(elapsed) => Err(Failure::unavailable("The request took too long", elapsed.to_string())),
        };
    conclude(&app, &trail, outcome, started).await
}

/// Serves an operational endpoint.
async fn open(
    app: &App,
    endpoint: &OpenEndpoint,
    parts: Parts,
    trail: &mut Trail,
    started: Instant,
) -> Result<Answer, Failure> {
    if endpoint.restricted {
        let admitted =
            identity::admit_operator(&parts.headers, &app.ops_tokens, &app.config.auth, &app.keys).await;
        trail.caller = admitted.map_err(|rejected| {
            trail.caller = rejected.claimed;
            rejected.failure
        })?;
    }
    let call = OpenCall { query: parts.uri.query().unwrap_or_default().to_owned(), headers: parts.headers };
    // Counted before it runs, so that a snapshot of the counters contains its own request.
    if endpoint.route == "/metrics" {
        app.metrics.request(&trail.method, trail.endpoint, 200, started.elapsed());
    }
    (endpoint.run)(app, &call).await
}

/// An unknown path; or, where methods are told apart, a known one with another method.
fn unmatched(app: &App, route: &Route) -> Failure {
    match route.allow() {
        Some(allow) if app.config.http.strict_methods && route.endpoint.is_none() => Failure::method(allow),
        _ => Failure::from(Refusal::new(ErrorCode::NotFound, "Route not found")),
    }
}

/// Whether what stands in the path is no UUID, or the endpoint itself answers a bad one.
fn takes_any_segment(endpoint: &Endpoint) -> bool {
    match endpoint {
        Endpoint::Read(read) => !read.uuid_route,
        // An alert's code.
        Endpoint::Operation(_) => true,
        Endpoint::Command(_) | Endpoint::Open(_) => false,
    }
}

/// Counts, records, logs and answers.
async fn conclude(
    app: &App,
    trail: &Trail,
    outcome: Result<Answer, Failure>,
    started: Instant,
) -> Response<Body> {
    let matched = trail.endpoint != UNMATCHED;
    let (answer, failure) = match outcome {
        Ok(answer) => (answer, None),
        Err(failure) => {
            let correlation = matched.then_some(trail.correlation.id.as_str());
            let body = failure.body(trail.request_id.as_deref(), correlation);
            denial::record(app, trail, &failure, &body).await;
            let mut answer = Answer::json(failure.status, &body);
            answer.retry_after_s = failure.retry_after_s;
            answer.allow.clone_from(&failure.allow);
            (answer, Some(failure))
        }
    };
    let duration = started.elapsed();
    let self_counted = trail.endpoint == "/metrics" && answer.status == 200;
    if !self_counted {
        app.metrics.request(&trail.method, trail.endpoint, answer.status, duration);
    }
    if answer.replayed {
        app.metrics.replay();
    }
    if let Some(failure) = &failure {
        app.metrics.error(failure.code().as_str());
        app.alerting.note(failure.code());
        if metrics::is_conflict(failure.code().as_str()) {
            app.metrics.conflict();
        }
    }
    let parent = match &app.tracer {
        Some(tracer) => Some(tracer.finish(trail, answer.status, failure.as_ref(), duration)),
        None => trail.correlation.trace.trace_parent.as_ref().map(ToString::to_string),
    };
    app.log.write(&record(trail, &answer, failure, duration));
    answer.into_response(&trail.correlation.id, parent.as_deref())
}

/// The tool that a caller asked for and may not use.
fn claimed_tool(failure: Option<&Failure>) -> Option<String> {
    let refusal = &failure.filter(|failure| failure.code() == ErrorCode::ToolNotAllowed)?.refusal;
    refusal.details.get("tool_name")?.as_str().map(|name| name.trim().to_owned())
}

fn record(trail: &Trail, answer: &Answer, failure: Option<Failure>, duration: Duration) -> RequestRecord {
    let matched = trail.endpoint != UNMATCHED;
    let is_command = matched && trail.method == "POST";
    let trace = &trail.correlation.trace;
    RequestRecord {
        method: trail.method.clone(),
        path: trail.path.clone(),
        endpoint: trail.endpoint.to_owned(),
        request_id: trail.request_id.clone(),
        correlation_id: Some(trail.correlation.id.clone()),
        trace_id: trace.trace_id.clone(),
        trace: (is_command || (matched && failure.is_some())).then(|| TraceHeaders {
            parent: trace.trace_parent.as_ref().map(ToString::to_string),
            state: trace.trace_state.clone(),
        }),
        actor: trail.caller.as_ref().map(|caller| LoggedActor {
            actor_type: caller.actor_type.as_str().to_owned(),
            actor_id: caller.id.clone(),
            actor_role: caller.role.as_str().to_owned(),
        }),
        tool_name: claimed_tool(failure.as_ref())
            .or_else(|| trail.caller.as_ref().and(trail.tool).map(str::to_owned)),
        ticket_id: trail.ticket_id.map(|id| id.to_string()),
        replay: answer.replayed,
        status: answer.status,
        duration,
        failure: failure.map(|failure| LoggedFailure {
            code: failure.code().as_str().to_owned(),
            requirement_code: failure.refusal.requirement_code().map(str::to_owned),
            message: failure.refusal.message.clone(),
            reason: failure.cause,
        }),
    }
}
