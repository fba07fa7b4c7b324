//! Spans of requests, sent to an OTLP/HTTP receiver. Without one configured nothing here runs.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use axum::body::Bytes;
use axum::http::{Request, Response};
use opentelemetry::trace::{
    Span, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId, TraceState,
    Tracer as _, TracerProvider,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use thiserror::Error;
use tokio::runtime::Handle;

use crate::config::TracingConfig;
use crate::exchange::Trail;
use crate::failure::Failure;

/// How long one export may take.
const EXPORT: Duration = Duration::from_secs(3);

/// How long the last export at the end may take.
const LAST: Duration = Duration::from_millis(500);

/// Why spans cannot be sent.
#[derive(Debug, Error)]
pub enum TracingError {
    /// The client cannot be built.
    #[error("cannot build the client of the trace receiver: {0}")]
    Client(#[from] reqwest::Error),
    /// The exporter refuses its settings.
    #[error("cannot send traces: {0}")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
}

/// Makes spans and sends them in the background.
#[derive(Debug)]
pub struct Tracer {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

impl Tracer {
    /// A tracer as configured. Needs a tokio runtime. Nothing is sent until there are spans.
    ///
    /// # Errors
    /// When the exporter cannot be built.
    pub fn new(config: &TracingConfig) -> Result<Self, TracingError> {
        let client = reqwest::Client::builder().timeout(EXPORT).no_proxy().build()?;
        let headers: HashMap<String, String> = config.headers.iter().cloned().collect();
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(OurClient { client, runtime: Handle::current() })
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{}/v1/traces", config.endpoint))
            .with_timeout(EXPORT)
            .with_headers(headers)
            .build()?;
        let resource = Resource::builder()
            .with_service_name(config.service_name.clone())
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider =
            SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
        let tracer = provider.tracer(crate::metrics::SERVICE);
        Ok(Self { provider, tracer })
    }

    /// Hands over the span of an answered request; its `traceparent`.
    pub fn finish(
        &self,
        trail: &Trail,
        status: u16,
        failure: Option<&Failure>,
        duration: Duration,
    ) -> String {
        let ended = SystemTime::now();
        let mut attributes = vec![
            KeyValue::new("http.request.method", trail.method.clone()),
            KeyValue::new("http.route", trail.endpoint),
            KeyValue::new("url.path", trail.path.clone()),
            KeyValue::new("http.response.status_code", i64::from(status)),
            KeyValue::new("dispatch.correlation_id", trail.correlation.id.clone()),
        ];
        let known = [
            ("dispatch.tool_name", trail.tool.map(str::to_owned)),
            ("dispatch.ticket_id", trail.ticket_id.map(|id| id.to_string())),
            ("dispatch.request_id", trail.request_id.clone()),
            ("dispatch.actor_id", trail.caller.as_ref().map(|caller| caller.id.clone())),
            ("dispatch.error_code", failure.map(|failure| failure.code().as_str().to_owned())),
        ];
        attributes.extend(known.into_iter().filter_map(|(name, value)| Some(KeyValue::new(name, value?))));
        let builder = self
            .tracer
            .span_builder(format!("{} {}", trail.method, trail.endpoint))
            .with_kind(SpanKind::Server)
            .with_start_time(ended.checked_sub(duration).unwrap_or(ended))
            .with_attributes(attributes);
        let mut span = self.tracer.build_with_context(builder, &parent(trail));
        if status >= 500 {
            span.set_status(Status::error(failure.map_or("", |failure| failure.code().as_str())));
        }
        span.end_with_timestamp(ended);
        let context = span.span_context();
        format!("00-{}-{}-{:02x}", context.trace_id(), context.span_id(), context.trace_flags())
    }

    /// Sends what is left, for a moment.
    pub async fn close(&self) {
        let provider = self.provider.clone();
        // Ignored: whether the last spans arrived is nothing the end of the process could wait for.
        let _ = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(LAST)).await;
    }
}

/// The caller's span, when a valid `traceparent` names one.
fn parent(trail: &Trail) -> Context {
    let trace = &trail.correlation.trace;
    let text = trace.trace_parent.as_ref().map(ToString::to_string).unwrap_or_default();
    let mut parts = text.split('-').skip(1);
    let (Some(trace_id), Some(span_id), Some(flags)) = (parts.next(), parts.next(), parts.next()) else {
        return Context::new();
    };
    let (Ok(trace_id), Ok(span_id)) = (TraceId::from_hex(trace_id), SpanId::from_hex(span_id)) else {
        return Context::new();
    };
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).unwrap_or_default());
    let state = trace.trace_state.as_deref().and_then(|text| text.parse::<TraceState>().ok());
    let remote = SpanContext::new(trace_id, span_id, flags, true, state.unwrap_or_default());
    Context::new().with_remote_span_context(remote)
}

/// The service's own HTTP client. Exports run on a thread without a runtime, so each request is sent on ours.
#[derive(Debug)]
struct OurClient {
    client: reqwest::Client,
    runtime: Handle,
}

impl HttpClient for OurClient {
    fn send_bytes<'life0, 'async_trait>(
        &'life0 self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'async_trait>>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        let client = self.client.clone();
        let sending = self.runtime.spawn(async move {
            let answer = client.execute(request.try_into()?).await?;
            let mut response = Response::builder().status(answer.status());
            if let Some(headers) = response.headers_mut() {
                headers.clone_from(answer.headers());
            }
            Ok::<_, HttpError>(response.body(answer.bytes().await?)?)
        });
        Box::pin(async move { sending.await? })
    }
}
