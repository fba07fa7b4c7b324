//! The variables: one table that the reference page is made from and that a test compares with what is read.

/// What a value has to look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Any text, trimmed.
    Text,
    /// `1 true yes on` or `0 false no off`, in any case; anything else is the default, with a warning.
    BooleanA,
    /// The same, and `enabled` or `disabled`.
    BooleanB,
    /// Leading digits count; anything else is the default, with a warning.
    Count,
    /// As a count, at most 100.
    Percent,
    /// A whole number above 0, `1e3` included; anything else is the default, with a warning.
    Positive,
    /// A whole number within its limits; anything else refuses the start.
    Number,
    /// A comma list, lower-cased.
    List,
    /// A file; relative paths are taken from the working directory.
    Path,
    /// Not shown anywhere.
    Secret,
}

impl Kind {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::BooleanA => "boolean A",
            Self::BooleanB => "boolean B",
            Self::Count => "count",
            Self::Percent => "percent",
            Self::Positive => "positive",
            Self::Number => "number",
            Self::List => "list",
            Self::Path => "path",
            Self::Secret => "secret",
        }
    }
}

/// One variable.
#[derive(Debug, Clone, Copy)]
pub(super) struct Variable {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) default: &'static str,
    pub(super) meaning: &'static str,
}

/// Variables that belong together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    pub(super) title: &'static str,
    pub(super) variables: &'static [Variable],
}

pub(super) const fn v(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    meaning: &'static str,
) -> Variable {
    Variable { name, kind, default, meaning }
}

use Kind::{BooleanA, BooleanB, Count, List, Number, Path, Percent, Positive, Secret, Text};

/// What serving reads.
pub(super) const SERVING: &[Group] = &[
    Group {
        title: "Place",
        variables: &[
            v(
                "DISPATCH_ENV",
                Text,
                "`NODE_ENV`",
                "Profile: `production` is strict; `development`, `local` and `test` allow development headers by default",
            ),
            v("NODE_ENV", Text, "unset", "The same under its original name; `DISPATCH_ENV` wins"),
            v("DISPATCH_API_HOST", Text, "`127.0.0.1`", "Listen address"),
            v(
                "DISPATCH_API_PORT",
                Number,
                "`8080`",
                "Listen port; 0 takes a free one, which the start line names",
            ),
            v("DISPATCH_OPS_HOST", Text, "`127.0.0.1`", "Listen address of the operational listener"),
            v(
                "DISPATCH_OPS_PORT",
                Number,
                "off",
                "A listener of its own for `/metrics`, `/ops/alerts`, `/health`, which the main one then no longer has; both have `/livez` and `/readyz`",
            ),
            v(
                "DISPATCH_OPS_TOKEN",
                Secret,
                "off",
                "Bearer token that `/metrics`, `/ops/alerts` and `/health` then ask for; a signed token of a dispatcher, an admin or the system does too",
            ),
            v(
                "DISPATCH_OPS_TOKEN_FILE",
                Path,
                "off",
                "File with that token, one per line, read again when it changes",
            ),
        ],
    },
    Group {
        title: "Database",
        variables: &[
            v(
                "DISPATCH_DATABASE_URL",
                Secret,
                "`postgres://dispatch:dispatch@postgres:5432/dispatch`",
                "PostgreSQL address; the default is warned about",
            ),
            v("DISPATCH_DATABASE_URL_FILE", Path, "off", "File with that address, read at the start"),
            v("DISPATCH_DB_POOL_MAX", Number, "`10`", "Most connections, at least 1"),
            v("DISPATCH_DB_ACQUIRE_TIMEOUT_MS", Number, "`5000`", "Longest wait for a connection; then 503"),
            v("DISPATCH_DB_STATEMENT_TIMEOUT_MS", Number, "`15000`", "Longest statement; then 503"),
            v("DISPATCH_DB_LOCK_TIMEOUT_MS", Number, "`5000`", "Longest wait for a lock; then 503"),
        ],
    },
    Group {
        title: "Identity",
        variables: &[
            v(
                "DISPATCH_AUTH_ALLOW_DEV_HEADERS",
                BooleanA,
                "on for development, local, test",
                "Accept identity from plain headers when no token is sent; refused in production",
            ),
            v(
                "DISPATCH_AUTH_JWT_SECRET",
                Secret,
                "none",
                "Shared HS256 secret; production needs this or published keys",
            ),
            v(
                "DISPATCH_AUTH_JWT_SECRET_FILE",
                Path,
                "off",
                "File with that secret, one per line, every line is good; read again when it changes",
            ),
            v("DISPATCH_AUTH_JWT_ISSUER", Text, "none", "Required `iss`"),
            v("DISPATCH_AUTH_JWT_AUDIENCE", Text, "none", "Required `aud`"),
            v(
                "DISPATCH_AUTH_JWKS_URL",
                Text,
                "none",
                "Published keys for RS256, ES256 and EdDSA; `https://` in production",
            ),
            v("DISPATCH_AUTH_JWKS_FILE", Path, "none", "The same from a file; wins over the address"),
            v(
                "DISPATCH_AUTH_JWKS_MAX_AGE_SECONDS",
                Number,
                "`600`",
                "Age at which published keys are read again in the background",
            ),
            v(
                "DISPATCH_AUTH_JWKS_PAUSE_SECONDS",
                Count,
                "`10`",
                "Least time between two readings, however many tokens name unknown keys",
            ),
            v("DISPATCH_AUTH_CLOCK_LEEWAY_SECONDS", Count, "`0`", "By how much clocks may differ"),
            v(
                "DISPATCH_AUTH_MAX_TOKEN_LIFETIME_SECONDS",
                Count,
                "`0` (no limit)",
                "A token that is good for longer than this is refused",
            ),
            v(
                "DISPATCH_AUTH_MACHINE_ROLE_ALIASES",
                BooleanA,
                "on, off in production",
                "Roles `assistant` and `bot` count as dispatcher",
            ),
        ],
    },
    Group {
        title: "Limits",
        variables: &[
            v(
                "DISPATCH_HTTP_405",
                BooleanA,
                "off",
                "A known path with another method answers 405 with `Allow` instead of 404",
            ),
            v("DISPATCH_HTTP_MAX_HEADERS", Number, "`100`", "Most headers of a request; then 431"),
            v(
                "DISPATCH_HTTP_MAX_HEAD_BYTES",
                Number,
                "`65536`",
                "Largest request line and headers, at least 8192; then 431",
            ),
            v(
                "DISPATCH_HEADER_TIMEOUT_SECONDS",
                Positive,
                "`30`",
                "How long headers may take, and a connection may rest",
            ),
            v("DISPATCH_BODY_LIMIT_BYTES", Number, "`1048576`", "Largest body; then 413"),
            v(
                "DISPATCH_BODY_TIMEOUT_SECONDS",
                Positive,
                "`30`",
                "How long a body may take to arrive; then 408",
            ),
            v(
                "DISPATCH_REQUEST_TIMEOUT_SECONDS",
                Positive,
                "`60`",
                "How long a request may be worked on; then 503",
            ),
            v(
                "DISPATCH_DRAIN_GRACE_MS",
                Number,
                "`0`",
                "How long connections are still accepted after SIGTERM while `/readyz` is red already, at most 2000",
            ),
            v("DISPATCH_RATE_LIMIT_PER_MINUTE", Count, "`0` (off)", "Requests per actor and process"),
            v(
                "DISPATCH_RATE_LIMIT_BURST",
                Count,
                "a minute's worth",
                "Requests an actor may send at once after a rest",
            ),
            v(
                "DISPATCH_IDEMPOTENCY_TTL_DAYS",
                Count,
                "`0` (keep)",
                "Age at which stored answers are forgotten in the background",
            ),
        ],
    },
    Group {
        title: "Evidence and object store",
        variables: &[
            v(
                "DISPATCH_OBJECT_STORE_SCHEMES",
                List,
                "`s3,minio`",
                "URI schemes accepted as references; `http` and `https` are probed where they point",
            ),
            v(
                "DISPATCH_OBJECT_STORE_ALLOWED_HOSTS",
                List,
                "all",
                "Hosts, with or without a port, that `http` and `https` references may point to; redirects never leave the host unless they lead to one of these",
            ),
            v(
                "DISPATCH_OBJECT_STORE_ENDPOINT",
                Text,
                "off",
                "Store that `s3` and `minio` references are looked up at",
            ),
            v("DISPATCH_OBJECT_STORE_BUCKET", Text, "`dispatch-artifacts`", "Bucket of this installation"),
            v(
                "DISPATCH_OBJECT_STORE_PUBLIC_ENDPOINT",
                Text,
                "the endpoint",
                "Where callers of upload and download links reach the store",
            ),
            v("DISPATCH_OBJECT_STORE_KEY", Secret, "none", "Access key"),
            v("DISPATCH_OBJECT_STORE_KEY_FILE", Path, "off", "File with that key, read at the start"),
            v("DISPATCH_OBJECT_STORE_SECRET", Secret, "none", "Secret key"),
            v("DISPATCH_OBJECT_STORE_SECRET_FILE", Path, "off", "File with that secret, read at the start"),
            v("DISPATCH_EVIDENCE_REQUIRE_HEAD", BooleanB, "on in production", "Probe evidence with HEAD"),
            v("DISPATCH_EVIDENCE_HEAD_TIMEOUT_MS", Positive, "`2500`", "Limit of one probe"),
            v(
                "REQUIRE_EVIDENCE_CHECKSUM",
                BooleanB,
                "on in production",
                "Compare checksums with what the probe says",
            ),
            v(
                "DISPATCH_EVIDENCE_REQUIRE_CHECKSUM",
                BooleanB,
                "on in production",
                "The same, used when the former is not set or empty",
            ),
        ],
    },
    super::policy::VARIABLES,
    Group {
        title: "Intake",
        variables: &[
            v(
                "DISPATCH_INTAKE_IDENTITY_CONFIDENCE_THRESHOLD",
                Percent,
                "`85`",
                "Lowest identity confidence that passes",
            ),
            v(
                "DISPATCH_INTAKE_CLASSIFICATION_CONFIDENCE_THRESHOLD",
                Percent,
                "`85`",
                "Lowest classification confidence that passes",
            ),
            v(
                "DISPATCH_INTAKE_DUPLICATE_WINDOW_MINUTES",
                Count,
                "`120`",
                "Minutes in which equal content is a duplicate",
            ),
        ],
    },
    Group {
        title: "Alerts",
        variables: &[
            v(
                "DISPATCH_ALERT_STUCK_SCHEDULING_COUNT_THRESHOLD",
                Count,
                "`5`",
                "Tickets stuck in scheduling; 0 counts as 1, as for all thresholds",
            ),
            v(
                "DISPATCH_ALERT_STUCK_SCHEDULING_MINUTES",
                Count,
                "`60`",
                "Age that counts as stuck; 0 is allowed",
            ),
            v("DISPATCH_ALERT_COMPLETION_REJECTION_THRESHOLD", Count, "`3`", "Refused completions"),
            v(
                "DISPATCH_ALERT_IDEMPOTENCY_CONFLICT_THRESHOLD",
                Count,
                "`2`",
                "Reused keys with other content",
            ),
            v(
                "DISPATCH_ALERT_AUTH_POLICY_REJECTION_THRESHOLD",
                Count,
                "`5`",
                "Refused identities, roles, tools and scopes",
            ),
            v(
                "DISPATCH_ALERT_WINDOW_SECONDS",
                Count,
                "`900`",
                "How far back refusals are counted, over all instances",
            ),
            v(
                "DISPATCH_ALERT_EVALUATE_SECONDS",
                Number,
                "`15`",
                "From one judgement in the background to the next; one instance at a time judges",
            ),
            v(
                "DISPATCH_ALERT_PENDING_SECONDS",
                Count,
                "`0`",
                "How long a threshold has to be reached before the alert fires",
            ),
            v(
                "DISPATCH_ALERT_CLEAR_SECONDS",
                Count,
                "`0`",
                "How long a signal has to be low before the alert resolves",
            ),
            v(
                "DISPATCH_ALERT_CLEAR_PERCENT",
                Number,
                "`100`",
                "A signal is low below this share of its threshold",
            ),
            v(
                "DISPATCH_ALERT_STUCK_RULE",
                Text,
                "`age`",
                "`appointment`: a scheduled ticket counts only without a technician and shortly before its appointment, a held one once its confirmation window is over",
            ),
            v(
                "DISPATCH_ALERT_STUCK_LEAD_MINUTES",
                Count,
                "`120`",
                "How shortly, with the rule `appointment`",
            ),
        ],
    },
    Group {
        title: "Files and traces",
        variables: &[
            v("DISPATCH_LOG_SINK_PATH", Path, "off", "Request lines, appended"),
            v(
                "DISPATCH_LOG_FAILURES",
                Text,
                "`stdout`",
                "`stderr` sends the lines of failed requests to standard error",
            ),
            v("DISPATCH_METRICS_SINK_PATH", Path, "off", "The latest metrics snapshot, replaced whole"),
            v("DISPATCH_ALERTS_SINK_PATH", Path, "off", "Alert answers and the steps of alerts, appended"),
            v(
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                Text,
                "off",
                "OTLP/HTTP receiver; a span of every request goes to `/v1/traces` there",
            ),
            v("OTEL_EXPORTER_OTLP_HEADERS", Secret, "none", "`name=value` list, sent with every export"),
            v("OTEL_SERVICE_NAME", Text, "`dispatch-api`", "Name under which traces are kept"),
        ],
    },
];

/// What the verbs `bootstrap` and `seed` read besides.
pub(super) const PREPARING: Group = Group {
    title: "Verbs `bootstrap` and `seed`",
    variables: &[
        v("DISPATCH_API_URL", Text, "`http://127.0.0.1:8080`", "The API that is waited for"),
        v("DISPATCH_BOOTSTRAP_API_HEALTH_RETRIES", Positive, "`20`", "How often it is asked"),
        v("DISPATCH_BOOTSTRAP_API_HEALTH_DELAY_MS", Positive, "`500`", "From one question to the next"),
        v("DISPATCH_BOOTSTRAP_SKIP_API_READY_CHECK", Text, "off", "`true` waits for nothing"),
        v("DISPATCH_BOOTSTRAP_EVIDENCE_PATH", Path, "off", "Where the evidence is written; `--out` wins"),
        v("DISPATCH_DEMO_ACCOUNT_ID", Text, "a fixed UUID", "Account of the fixtures"),
        v("DISPATCH_DEMO_SITE_ID", Text, "a fixed UUID", "Site of the fixtures"),
        v("DISPATCH_DEMO_TECH_ID", Text, "a fixed UUID", "Technician of the fixtures"),
        v("DISPATCH_GIT_COMMIT", Text, "none", "Commit that the evidence names"),
    ],
};
