//! The topology: a Compose file, with `x-drillyard` keys for what Compose cannot say.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Map, Value};

use crate::diagnostic::Diagnostic;
use crate::parse::Names;
use crate::source::{Place, Source, Span};
use crate::template::Path;

pub mod address;
pub mod compose_keys;
pub mod document;
mod extension;
mod graph;
pub mod interpolate;
mod read;

use interpolate::Interpolated;
pub use read::interpolated;

/// Bound for a service to become ready when it does not give its own.
pub const DEFAULT_START_TIMEOUT: Duration = Duration::from_secs(20);

/// A whole topology, checked: every service named in it exists, and starting has an order.
#[derive(Debug, Clone)]
pub struct Topology {
    /// The file, with forward slashes, relative to the project's root.
    pub file: String,
    /// Compose project name, where the file gives one.
    pub name: Option<String>,
    /// Services in the order written.
    pub services: Vec<Service>,
    /// Variables that get a fresh random value instead of one from outside.
    pub secrets: Vec<Secret>,
    /// Who can act: name to credentials.
    pub identities: BTreeMap<String, Identity>,
    /// Where tools are called.
    pub tools: Option<Endpoint>,
    /// The service whose OpenAPI document has the operations behind the tools.
    pub tool_operations: Option<String>,
    /// How an answer of an alerts endpoint is read.
    pub alerts: Alerts,
    /// Headers every request of a method gets unless the step writes its own: method in capitals to name and template.
    pub headers: BTreeMap<String, Vec<(String, String)>>,
    /// Programs that drills may run on the machine.
    pub programs: Vec<String>,
    /// The query that counts the work that is left in a lane.
    pub drained: Option<String>,
    /// Documents that say what is answered.
    pub documents: Vec<Document>,
    /// SHA-256 of the text, lower-case hex.
    pub text_sha256: String,
}

/// A document of the project that says what is answered.
#[derive(Debug, Clone)]
pub struct Document {
    /// Its path in the project.
    pub file: String,
    /// Where the topology names it.
    pub span: Span,
    /// What it is about.
    pub about: About,
}

/// What a [`Document`] is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// The tools behind the gateway, as a manifest.
    Tools,
    /// A folder of SQL files that create the tables of a database service.
    Tables(String),
}

/// One service of the Compose file.
#[derive(Debug, Clone)]
pub struct Service {
    /// Its name, which is also its host name in addresses.
    pub name: String,
    /// Where it is written.
    pub place: Place,
    /// Image for containers.
    pub image: Option<Interpolated>,
    /// Arguments of the image's entry point, in a container; none for the image's own.
    pub command: Vec<Interpolated>,
    /// Environment in the order written.
    pub environment: Vec<Setting>,
    /// What it waits for, in the order written.
    pub depends_on: Vec<Dependency>,
    /// How it runs as a process; nothing when it only runs as a container.
    pub process: Option<Process>,
    /// Who shares it.
    pub scope: Scope,
    /// When it counts as ready.
    pub ready: Ready,
    /// The port it listens on under Compose, when it listens.
    pub port: Option<u16>,
    /// Variable that tells the process its port.
    pub port_env: Option<String>,
    /// Variable that tells the process its listen address.
    pub host_env: Option<String>,
    /// Bound for becoming ready, or for a job for ending.
    pub start_timeout: Duration,
    /// The OpenAPI document that its answers are held against.
    pub openapi: Option<DocumentPath>,
}

/// Where an OpenAPI document is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentPath {
    /// Path relative to the project's root.
    pub path: String,
    /// Where the topology says so.
    pub span: Span,
}

/// One environment variable of a service.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// Its value; nothing means that it is passed on from outside.
    pub value: Option<Interpolated>,
    /// Where it is written.
    pub place: Place,
}

/// One `depends_on` entry.
#[derive(Debug, Clone)]
pub struct Dependency {
    /// The service that is needed.
    pub service: String,
    /// What it must have reached.
    pub condition: Condition,
    /// Where it is written.
    pub place: Place,
}

/// What a dependency must have reached, in Compose's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// `service_started`: it was started.
    Started,
    /// `service_healthy`: it is ready.
    Healthy,
    /// `service_completed_successfully`: it ended with exit code 0.
    Completed,
}

/// How a service runs without a container.
#[derive(Debug, Clone)]
pub enum Process {
    /// PostgreSQL of the machine, started from an initialised data directory.
    Postgres(Postgres),
    /// The S3 server inside the harness.
    ObjectStore(ObjectStore),
    /// A binary of this workspace.
    Cargo {
        /// Name of the binary.
        binary: String,
        /// Arguments.
        args: Vec<Interpolated>,
    },
    /// A program on the search path, or a path.
    Program {
        /// The program.
        program: String,
        /// Arguments.
        args: Vec<Interpolated>,
    },
}

/// The built-in PostgreSQL. Role, password and database come from `POSTGRES_USER`, `POSTGRES_PASSWORD` and
/// `POSTGRES_DB`, as with the usual image.
#[derive(Debug, Clone)]
pub struct Postgres {
    /// Compose variable that gets the name of a lane's database.
    pub lane_database: Option<String>,
    /// Whether commits reach the disk (`durability: full`); otherwise a crash of the machine may lose them.
    pub durable: bool,
}

/// The built-in S3 server.
#[derive(Debug, Clone)]
pub struct ObjectStore {
    /// Compose variable that gets the name of a lane's bucket.
    pub lane_bucket: Option<String>,
    /// Variable of the service's environment that holds the access key.
    pub access_key_env: String,
    /// Variable of the service's environment that holds the secret key.
    pub secret_key_env: String,
}

/// Who shares a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// One for the whole run.
    Shared,
    /// One per lane.
    Lane,
    /// A job that runs once, against the database that lanes are cloned from.
    Template,
}

/// When a service counts as ready.
#[derive(Debug, Clone)]
pub enum Ready {
    /// A GET of this path answers 2xx.
    Http(String),
    /// Its port accepts connections.
    Tcp,
    /// A line of its log matches.
    Log(regex::Regex),
    /// It ends with this exit code: a one-shot job.
    Exit(i32),
}

/// A variable with a fresh random value, 32 bytes as 64 hex digits.
#[derive(Debug, Clone)]
pub struct Secret {
    /// The variable's name.
    pub name: String,
    /// Whether the whole run shares the value, because a shared service or a template job needs it.
    pub shared: bool,
}

/// Someone who can act.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Where it is written.
    pub place: Place,
    /// What is sent as the bearer token.
    pub credential: Credential,
}

/// What a bearer token is made of.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A JSON Web Token with these claims and an expiry, signed with HS256.
    Signed {
        /// Claims as they are put in the token.
        claims: Map<String, Value>,
        /// Name of the secret that signs.
        secret: String,
    },
    /// A secret as it is.
    Bearer {
        /// Name of the secret.
        secret: String,
    },
}

/// A service and a path on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The service.
    pub service: String,
    /// The path, with a leading slash.
    pub path: String,
}

/// How an answer of an alerts endpoint is read.
#[derive(Debug, Clone)]
pub struct Alerts {
    /// Path to the list of alerts in the body.
    pub list: Path,
    /// Path to the code in one alert.
    pub code: Path,
}

/// An address of one service in the environment or arguments of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// The service that connects.
    pub from: String,
    /// The service that is connected to.
    pub to: String,
    /// The port under Compose.
    pub port: u16,
    /// The variable that holds the address, or `args`.
    pub by: String,
}

/// Reads a Compose file. Every mistake is reported; a topology is given only when there is none.
pub fn parse(source: &Source, out: &mut Vec<Diagnostic>) -> Option<Topology> {
    let before = out.len();
    let (mut topology, spans) = read::topology(source, out)?;
    graph::share_secrets(&mut topology);
    graph::check(source, &topology, &spans, out);
    (out.len() == before).then_some(topology)
}

impl Topology {
    /// A service by name.
    #[must_use]
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name == name)
    }

    /// The built-in database service and its settings.
    #[must_use]
    pub fn postgres(&self) -> Option<(&Service, &Postgres)> {
        self.services.iter().find_map(|service| match &service.process {
            Some(Process::Postgres(postgres)) => Some((service, postgres)),
            _ => None,
        })
    }

    /// The built-in object store service and its settings.
    #[must_use]
    pub fn object_store(&self) -> Option<(&Service, &ObjectStore)> {
        self.services.iter().find_map(|service| match &service.process {
            Some(Process::ObjectStore(store)) => Some((service, store)),
            _ => None,
        })
    }

    /// Who connects to whom, from the addresses in environments and arguments.
    #[must_use]
    pub fn edges(&self) -> Vec<Edge> {
        let names: BTreeSet<&str> = self.services.iter().map(|service| service.name.as_str()).collect();
        let mut edges = Vec::new();
        for service in &self.services {
            for (by, value) in service.values() {
                let text = value.with_defaults();
                for found in address::find(&text, |name| names.contains(name)) {
                    edges.push(Edge {
                        from: service.name.clone(),
                        to: found.service.to_owned(),
                        port: found.port,
                        by: by.to_owned(),
                    });
                }
            }
        }
        edges
    }

    /// Edges that begin at a process of a lane and end at something that listens: those a fault can be put on.
    #[must_use]
    pub fn lane_edges(&self) -> BTreeSet<(String, String)> {
        let can = |edge: &Edge| {
            self.service(&edge.from).is_some_and(Service::is_process_of_lane)
                && self.service(&edge.to).is_some_and(|to| to.process.is_some())
        };
        self.edges().into_iter().filter(can).map(|edge| (edge.from, edge.to)).collect()
    }

    /// Names that drills may refer to.
    #[must_use]
    pub fn names(&self) -> Names {
        let all = |keep: &dyn Fn(&Service) -> bool| {
            self.services.iter().filter(|service| keep(service)).map(|service| service.name.clone()).collect()
        };
        Names {
            services: all(&|_| true),
            databases: all(&|service| matches!(service.process, Some(Process::Postgres(_)))),
            jobs: all(&|service| service.is_job() && service.process.is_some()),
            identities: self.identities.keys().cloned().collect(),
            programs: self.programs.iter().cloned().collect(),
            drained: self.drained.clone(),
            processes: all(&|service| service.is_process_of_lane() && !service.is_job()),
            object_stores: all(&|service| matches!(service.process, Some(Process::ObjectStore(_)))),
            edges: self.lane_edges(),
            tool_operations: self.tool_operations.clone(),
            ..Names::default()
        }
    }
}

impl Service {
    /// Whether it is a one-shot job.
    #[must_use]
    pub fn is_job(&self) -> bool {
        matches!(self.ready, Ready::Exit(_))
    }

    /// Whether every lane runs it as a process of its own.
    #[must_use]
    pub fn is_process_of_lane(&self) -> bool {
        let own = matches!(self.process, Some(Process::Cargo { .. } | Process::Program { .. }));
        own && self.scope == Scope::Lane
    }

    /// Arguments of the process.
    #[must_use]
    pub fn args(&self) -> &[Interpolated] {
        match &self.process {
            Some(Process::Cargo { args, .. } | Process::Program { args, .. }) => args,
            _ => &[],
        }
    }

    /// Every value that may hold an address or a variable, with the name of its variable or `args`.
    pub fn values(&self) -> impl Iterator<Item = (&str, &Interpolated)> {
        let settings = self
            .environment
            .iter()
            .filter_map(|setting| Some((setting.name.as_str(), setting.value.as_ref()?)));
        settings.chain(self.args().iter().map(|value| ("args", value)))
    }

    /// A variable of its environment.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&Setting> {
        self.environment.iter().find(|setting| setting.name == name)
    }
}

#[cfg(test)]
mod tests;
