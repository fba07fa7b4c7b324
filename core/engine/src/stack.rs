//! The stack: everything a drill runs against, raised from the topology as processes of this machine or as containers.
//!
//! One PostgreSQL and one object store serve the whole run; every lane gets a database cloned from a template, a bucket,
//! fresh secrets and processes of its own. What is started is written down first and carries a mark, and a reaper
//! outside the runner removes what is left when the runner dies.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use drillyard_spec::topology::{Process as Kind, Scope, Service, Topology};

mod attached;
mod backend;
mod binaries;
pub mod container;
mod error;
mod ground;
mod identity;
mod job;
mod lane;
mod logs;
pub mod mounts;
mod object_store;
pub mod ports;
pub mod postgres;
pub mod process;
pub mod proxy;
mod raise;
mod ready;
pub mod reaper;
pub mod replay;
mod shared_memory;
mod start;
pub mod undo;
mod wiring;

pub use attached::Attached;
pub use backend::{Backend, NoBackend};
pub use binaries::OF_THE_CALLING_CARGO;
pub use error::StackError;
pub use job::JobOutcome;
pub use lane::{Lane, LaneRequest};
pub use logs::LogMark;
pub use object_store::{ObjectAccess, ObjectFaults};
pub use process::{Ended, Process, describe_exit};

use binaries::Binaries;
use container::Engine;
use ground::Ground;
use object_store::ObjectServer;
use postgres::Server;
use start::Started;
use wiring::Wiring;

use crate::event::EventSink;

/// Name of the database that lanes are cloned from.
const TEMPLATE: &str = "drillyard_template";

/// What a stack needs to know of the machine and the run.
#[derive(Debug, Clone)]
pub struct StackOptions {
    /// What it is made of.
    pub backend: Backend,
    /// Address of the container engine (`DOCKER_HOST`), where it is not the usual one.
    pub engine_host: Option<String>,
    /// The system to attach to, on that backend.
    pub attached: Option<Attached>,
    /// Unique name of the run: small letters, digits and `-`.
    pub run_id: String,
    /// Folder of the run; made if it is not there. Logs stay in it, data does not.
    pub run_dir: PathBuf,
    /// Folder for what may be kept from run to run.
    pub cache_dir: PathBuf,
    /// Root of the project: where cargo builds and processes work.
    pub project_root: PathBuf,
    /// Folder of the services' binaries; without one they are built.
    pub bin_dir: Option<PathBuf>,
    /// Cargo profile for building them: `dev` or `release`.
    pub profile: String,
    /// Folder of `postgres` and `initdb`; without one they are looked for.
    pub pg_bin: Option<PathBuf>,
    /// Program whose verb `reap` is the reaper: the `drillyard` binary.
    pub reaper: PathBuf,
    /// Folders for programs, separated by `:`; the `PATH` of every process.
    pub search_path: String,
    /// Values for Compose variables that are not secrets.
    pub variables: BTreeMap<String, String>,
    /// Short folder that every user can reach, for when the run's folder is neither: `/tmp`.
    pub scratch_dir: PathBuf,
}

impl StackOptions {
    /// The cargo target folder that the reaper was built in, so that services are built beside it and nothing is built
    /// twice; nothing when the reaper was installed elsewhere.
    #[must_use]
    pub fn target_dir(&self) -> Option<&Path> {
        let target = self.reaper.parent()?.parent()?;
        target.join("CACHEDIR.TAG").is_file().then_some(target)
    }
}

/// A raised stack; cheap to clone.
#[derive(Debug, Clone)]
pub struct Stack {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    topology: Topology,
    ground: Ground,
    engine: Option<Engine>,
    binaries: Binaries,
    postgres: Option<Server>,
    objects: Option<ObjectServer>,
    wiring: Wiring,
    services: Started,
    lanes: AtomicUsize,
    kept: Mutex<Vec<Lane>>,
    events: EventSink,
}

impl Stack {
    /// Raises the shared part of the stack and prepares the template.
    ///
    /// # Errors
    /// When anything of it does not come up; what was started is gone again then.
    pub async fn raise(
        topology: &Topology,
        options: StackOptions,
        events: EventSink,
    ) -> Result<Self, StackError> {
        raise::raise(topology, options, events).await.map(|inner| Self { inner: Arc::new(inner) })
    }

    /// Raises a lane.
    ///
    /// # Errors
    /// When anything of it does not come up; what was started is gone again then.
    pub async fn lane(&self, request: LaneRequest) -> Result<Lane, StackError> {
        let number = self.inner.lanes.fetch_add(1, Ordering::Relaxed) + 1;
        Lane::raise(self.inner.clone(), request, number).await
    }

    /// The topology it was raised from.
    #[must_use]
    pub fn topology(&self) -> &Topology {
        &self.inner.topology
    }

    /// Secrets that all lanes share, name and value, for masking.
    #[must_use]
    pub fn secrets(&self) -> Vec<(String, String)> {
        self.inner.secrets_in(&self.inner.wiring)
    }

    /// Why a unit cannot be run here, before any of it is; nothing when it can.
    #[must_use]
    pub fn refuses(&self, drill: &drillyard_spec::drill::Drill) -> Option<String> {
        self.inner.attached()?.refuses_unit(drill)
    }

    /// What it is made of.
    #[must_use]
    pub fn backend(&self) -> Backend {
        self.inner.ground.options.backend
    }

    /// SHA-256 of every binary of the workspace that services run, or of every image, lower-case hex.
    ///
    /// # Errors
    /// When a binary cannot be read, or an image is not there.
    pub async fn digests(&self) -> Result<BTreeMap<String, String>, StackError> {
        if let Some(engine) = &self.inner.engine {
            let images = raise::images(&self.inner.topology, engine, &self.inner.wiring).await?;
            let plain = |id: String| id.trim_start_matches("sha256:").to_owned();
            return Ok(images.into_iter().map(|(image, id)| (image, plain(id))).collect());
        }
        let inner = self.inner.clone();
        let work = move || inner.binaries.digests(&inner.ground.options.cache_dir, &inner.wanted());
        let digests =
            tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other).and_then(|done| done);
        digests.map_err(error::io_error("reading the binaries"))
    }

    /// Takes everything down, kept lanes included, and looks whether anything is left: processes with the mark of the
    /// run, or its data. Each is one line of the answer.
    pub async fn down(&self) -> Vec<String> {
        raise::lower(&self.inner).await
    }
}

impl Inner {
    /// Binaries of the workspace that services need, with the service.
    fn wanted(&self) -> Vec<(String, String)> {
        wanted(&self.topology)
    }

    /// The system it is attached to.
    fn attached(&self) -> Option<&Attached> {
        self.ground.options.attached.as_ref()
    }

    /// Services of one scope that run as processes, or containers, of their own.
    fn own_processes(&self, scope: Scope) -> impl Iterator<Item = &Service> {
        let (services, backend) = (self.topology.services.iter(), self.ground.options.backend);
        services.filter(move |service| service.scope == scope && is_own_process(service, backend))
    }

    fn secrets_in(&self, wiring: &Wiring) -> Vec<(String, String)> {
        let values = self.topology.secrets.iter();
        values
            .filter_map(|secret| Some((secret.name.clone(), wiring.variables.get(&secret.name)?.clone())))
            .collect()
    }
}

fn wanted(topology: &Topology) -> Vec<(String, String)> {
    let binaries = topology.services.iter().filter_map(|service| match &service.process {
        Some(Kind::Cargo { binary, .. }) => Some((service.name.clone(), binary.clone())),
        _ => None,
    });
    binaries.collect()
}

/// Database and object store are started by themselves; what has no process is there in containers only.
fn is_own_process(service: &Service, backend: Backend) -> bool {
    match (backend, &service.process) {
        (Backend::Attached, _) | (_, Some(Kind::Postgres(_) | Kind::ObjectStore(_))) => false,
        (Backend::Process, process) => process.is_some(),
        (Backend::Container, _) => true,
    }
}
