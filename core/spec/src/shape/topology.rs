//! The `x-drillyard` keys of a Compose file.

use super::{Named, Object, Shape, choice, closed, may, needs};

const TEXTS: Shape = Shape::List(0, &Shape::Text);
const SLASH: Shape = Shape::Form("^/");
const FILE_PATH: Shape = Shape::Name(Named::File);

/// Keys of the file's `x-drillyard`, with what each means.
pub const FILE_DOCS: &[(&str, &str)] = &[
    ("secrets", "variables that get a fresh random value in every lane"),
    ("identities", "who can act: name to `{ secret, claims }` for a signed token, or `{ bearer }`"),
    ("tools", "where tools are called, and the manifest that lists them"),
    ("alerts", "where the list of alerts is in an answer, and the code in an alert"),
    ("http", "headers every request of a method gets"),
    ("exec", "programs of the machine that drills may run"),
    ("drained", "a query that counts the work that is left"),
];

const BEARER: Object =
    closed(&[needs("bearer", Shape::Text)]).with_docs(&[("bearer", "the secret that is sent as it is")]);
const SIGNED: Object = closed(&[needs("secret", Shape::Text), needs("claims", Shape::Map(0, &Shape::Any))])
    .with_docs(&[("secret", "the secret that signs the token (HS256)"), ("claims", "claims of the token")]);
const TOOLS: Object = closed(&[
    needs("service", Shape::Name(Named::Service)),
    needs("path", SLASH),
    may("operations_of", Shape::Name(Named::Service)),
    may("manifest", FILE_PATH),
])
.with_docs(&[
    ("service", "the gateway"),
    ("path", "where it takes calls"),
    ("operations_of", "the service whose OpenAPI document has the operations behind the tools"),
    (
        "manifest",
        "JSON file with its `tools`, each with `name` and `input_schema`; calls are checked against it",
    ),
]);
const ALERTS: Object = closed(&[may("list", Shape::Text), may("code", Shape::Text)])
    .with_docs(&[("list", "path to the list"), ("code", "path to the code in an alert")]);
const METHOD_HEADERS: Shape = Shape::Map(0, &Shape::Scalar);
const HEADERS: Object = closed(&[
    may("GET", METHOD_HEADERS),
    may("POST", METHOD_HEADERS),
    may("PUT", METHOD_HEADERS),
    may("PATCH", METHOD_HEADERS),
    may("DELETE", METHOD_HEADERS),
    may("HEAD", METHOD_HEADERS),
    may("OPTIONS", METHOD_HEADERS),
]);
const HTTP: Object = closed(&[may("headers", Shape::Object(&HEADERS))])
    .with_docs(&[("headers", "method to headers; `$${fresh.uuid}` is a fresh value for each request")]);

/// `x-drillyard` of the file.
pub const FILE: Object = closed(&[
    may("secrets", TEXTS),
    may("identities", Shape::Map(0, &Shape::Either(&[Shape::Object(&SIGNED), Shape::Object(&BEARER)]))),
    may("tools", Shape::Object(&TOOLS)),
    may("alerts", Shape::Object(&ALERTS)),
    may("http", Shape::Object(&HTTP)),
    may("exec", TEXTS),
    may("drained", Shape::Text),
])
.with_docs(FILE_DOCS);

/// Keys of a service's `x-drillyard`, with what each means.
pub const SERVICE_DOCS: &[(&str, &str)] = &[
    (
        "process",
        "how it runs without a container: `{ cargo: BINARY }`, `{ program: PATH }` or `{ builtin: postgres }`",
    ),
    ("scope", "who shares it: `lane`, `shared`, or `template` for a job that prepares the database"),
    (
        "ready",
        "when it counts as ready: `{ http: /readyz }`, `{ tcp: true }`, `{ log: PATTERN }`, `{ exit: 0 }` for a job",
    ),
    ("port_env", "variable of its environment that holds its port"),
    ("host_env", "variable of its environment that holds its listen address"),
    ("start_timeout", "bound for becoming ready, or for a job for ending, by default 20s"),
    (
        "openapi",
        "OpenAPI document (JSON) of the service; requests are checked against it, and answers held against it",
    ),
    ("tables", "folder of SQL files that create its tables, for checks and completion"),
    ("lane_database", "Compose variable that gets the name of a lane's database"),
    ("durability", "`full` lets commits reach the disk, `none` is the default"),
    ("lane_bucket", "Compose variable that gets the name of a lane's bucket"),
    ("access_key_env", "variable that holds the access key, by default `MINIO_ROOT_USER`"),
    ("secret_key_env", "variable that holds the secret key, by default `MINIO_ROOT_PASSWORD`"),
];

const ARGS: Shape = Shape::List(0, &Shape::Scalar);
const PROCESS_DOCS: &[(&str, &str)] = &[
    ("cargo", "a binary of this workspace"),
    ("program", "a program on the search path, or a path"),
    ("builtin", "`postgres` or `s3`"),
    ("args", "its arguments"),
];
const OWN_PROCESS: Object = choice(
    &["cargo", "program"],
    &[may("cargo", Shape::Text), may("program", Shape::Text), may("args", ARGS)],
)
.with_docs(PROCESS_DOCS);
const POSTGRES_PROCESS: Object =
    closed(&[needs("builtin", Shape::Words(&["postgres"]))]).with_docs(PROCESS_DOCS);
const STORE_PROCESS: Object = closed(&[needs("builtin", Shape::Words(&["s3"]))]).with_docs(PROCESS_DOCS);
const READY: Object = choice(
    &["http", "tcp", "log", "exit"],
    &[
        may("http", SLASH),
        may("tcp", Shape::True),
        may("log", Shape::Text),
        may("exit", Shape::Count(0, 255)),
    ],
)
.with_docs(&[
    ("http", "a GET of this path answers 2xx"),
    ("tcp", "its port accepts connections"),
    ("log", "a line of its log matches"),
    ("exit", "it is a job and ends with this code"),
]);
const SCOPE: Shape = Shape::Words(&["lane", "shared", "template"]);

const OWN: Object = closed(&[
    needs("process", Shape::Object(&OWN_PROCESS)),
    may("scope", SCOPE),
    needs("ready", Shape::Object(&READY)),
    may("port_env", Shape::Text),
    may("host_env", Shape::Text),
    may("start_timeout", Shape::Duration),
    may("openapi", FILE_PATH),
    may("tables", FILE_PATH),
])
.with_docs(SERVICE_DOCS);
const POSTGRES: Object = closed(&[
    needs("process", Shape::Object(&POSTGRES_PROCESS)),
    may("scope", SCOPE),
    may("lane_database", Shape::Text),
    may("durability", Shape::Words(&["full", "none"])),
    may("start_timeout", Shape::Duration),
    may("openapi", FILE_PATH),
    may("tables", FILE_PATH),
])
.with_docs(SERVICE_DOCS);
const STORE: Object = closed(&[
    needs("process", Shape::Object(&STORE_PROCESS)),
    may("scope", SCOPE),
    may("lane_bucket", Shape::Text),
    may("access_key_env", Shape::Text),
    may("secret_key_env", Shape::Text),
    may("start_timeout", Shape::Duration),
    may("openapi", FILE_PATH),
    may("tables", FILE_PATH),
])
.with_docs(SERVICE_DOCS);

/// `x-drillyard` of a service.
pub const SERVICE: Shape =
    Shape::Either(&[Shape::Object(&OWN), Shape::Object(&POSTGRES), Shape::Object(&STORE)]);
