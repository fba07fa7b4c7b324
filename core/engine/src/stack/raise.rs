//! Raising and lowering the shared part of a stack.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use drillyard_spec::topology::{ObjectStore, Postgres, Scope, Service, Topology};
use nix::sys::signal::Signal;

use super::binaries::Binaries;
use super::container::Engine;
use super::error::{StackError, io_error};
use super::ground::{Ground, fresh_secret};
use super::object_store::ObjectServer;
use super::postgres::server::Setup;
use super::postgres::{Install, Server};
use super::start::{Started, Starter};
use super::wiring::{HOST, Wiring};
use super::{Backend, Inner, StackOptions, TEMPLATE, is_own_process, reaper, wanted};
use crate::clock::Deadline;
use crate::event::{Event, EventSink, ServiceState};

mod contained;

pub use contained::images;

/// Bound for the goodbye of the harness's own database connections.
const GOODBYE: Duration = Duration::from_secs(1);

/// Most connections to the server that lanes share.
const SHARED_CONNECTIONS: u32 = 200;
/// Most connections to a lane's own server: enough for the services of one lane, and few enough to take them all.
const OWN_CONNECTIONS: u32 = 80;

/// Raises everything that lanes share and prepares the template they are cloned from.
///
/// # Errors
/// When anything of it does not come up; what was started is gone again then.
pub async fn raise(
    topology: &Topology,
    options: StackOptions,
    events: EventSink,
) -> Result<Inner, StackError> {
    let begun = Instant::now();
    let ground = Ground::prepare(options)?;
    let mut inner = match raise_on(topology, &ground, &events).await {
        Ok(parts) => parts.into_inner(topology, ground, events),
        Err(error) => {
            dismiss(&ground, false).await;
            return Err(error);
        }
    };
    if let Err(error) = prepare(&mut inner).await {
        lower(&inner).await;
        return Err(error);
    }
    inner.events.emit(Event::StackReady { took: begun.elapsed() });
    Ok(inner)
}

/// What was raised so far.
struct Parts {
    engine: Option<Engine>,
    binaries: Binaries,
    postgres: Option<Server>,
    objects: Option<ObjectServer>,
    wiring: Wiring,
}

impl Parts {
    fn into_inner(self, topology: &Topology, ground: Ground, events: EventSink) -> Inner {
        Inner {
            topology: topology.clone(),
            ground,
            engine: self.engine,
            binaries: self.binaries,
            postgres: self.postgres,
            objects: self.objects,
            wiring: self.wiring,
            services: Started::default(),
            lanes: AtomicUsize::new(0),
            kept: Mutex::new(Vec::new()),
            events,
        }
    }
}

/// Builds the binaries and starts database and object store, all at the same time.
async fn raise_on(topology: &Topology, ground: &Ground, events: &EventSink) -> Result<Parts, StackError> {
    let options = &ground.options;
    let mut variables = options.variables.clone();
    for secret in topology.secrets.iter().filter(|secret| secret.shared) {
        variables.insert(secret.name.clone(), fresh_secret()?);
    }
    if options.backend == Backend::Attached {
        return attach(topology, ground).await;
    }
    if options.backend == Backend::Container {
        return contained::raise(topology, ground, variables, events).await;
    }
    let base = BTreeMap::from([
        ("PATH".to_owned(), options.search_path.clone()),
        ("LANG".to_owned(), "C.UTF-8".to_owned()),
        ("TZ".to_owned(), "UTC".to_owned()),
    ]);
    let mut wiring = Wiring { variables, base, ..Wiring::default() };
    let wanted = wanted(topology);
    let (binaries, postgres, objects) = tokio::try_join!(
        binaries(ground, &wanted),
        database(topology, ground, &wiring, events),
        objects(topology, ground, &wiring, events),
    )?;
    know_ports(topology, &mut wiring, (postgres.as_ref(), objects.as_ref()));
    Ok(Parts { engine: None, binaries, postgres, objects, wiring })
}

/// Nothing is started: the target is asked whether it is up.
async fn attach(topology: &Topology, ground: &Ground) -> Result<Parts, StackError> {
    let attached = ground.options.attached.as_ref();
    let attached = attached.ok_or_else(|| {
        StackError::Unknown("there is no target to attach to; name one with `--target`".to_owned())
    })?;
    attached.answers(topology).await?;
    let mut variables = ground.options.variables.clone();
    variables.extend(attached.secrets().clone());
    let wiring = Wiring { variables, ..Wiring::default() };
    Ok(Parts { engine: None, binaries: Binaries::default(), postgres: None, objects: None, wiring })
}

/// Where database and object store are, for those who connect to them.
fn know_ports(
    topology: &Topology,
    wiring: &mut Wiring,
    (postgres, objects): (Option<&Server>, Option<&ObjectServer>),
) {
    if let (Some((service, _)), Some(server)) = (topology.postgres(), postgres) {
        wiring.ports.insert(service.name.clone(), server.port());
    }
    if let (Some((service, _)), Some(server)) = (topology.object_store(), objects) {
        wiring.ports.insert(service.name.clone(), server.port());
    }
}

async fn binaries(ground: &Ground, wanted: &[(String, String)]) -> Result<Binaries, StackError> {
    let options = &ground.options;
    match &options.bin_dir {
        Some(folder) => Binaries::from_folder(folder, wanted),
        None => {
            let target = options.target_dir();
            Binaries::build(ground.run(), (&options.project_root, &options.profile, target), wanted).await
        }
    }
}

async fn database(
    topology: &Topology,
    ground: &Ground,
    wiring: &Wiring,
    events: &EventSink,
) -> Result<Option<Server>, StackError> {
    let Some((service, postgres)) = topology.postgres() else { return Ok(None) };
    let begun = Instant::now();
    let options = &ground.options;
    let install = Install::find(ground.run(), options.pg_bin.as_deref(), &options.search_path).await?;
    let folder = ground.postgres_folder("pg", install.user, postgres.durable)?;
    install.own(&folder).map_err(io_error(format!("giving away {}", folder.display())))?;
    let log = ground.logs(None)?.join(format!("{}.log", service.name));
    let setup = setup(service, wiring, (folder, log))?;
    let setup = Setup { durable: postgres.durable, ..setup };
    let server = Server::start(ground.run(), &install, setup, &options.cache_dir).await?;
    let detail = format!("{HOST}:{}, PostgreSQL {}", server.port(), install.version);
    events.emit(shared_event(service, Some(server.process().pid()), detail, begun.elapsed()));
    Ok(Some(server))
}

fn setup(service: &Service, wiring: &Wiring, (folder, log): (PathBuf, PathBuf)) -> Result<Setup, StackError> {
    let environment = wiring.environment(service, &BTreeMap::new())?;
    let value = |name: &str| environment.get(name).filter(|value| !value.is_empty()).cloned();
    Ok(Setup {
        user: value("POSTGRES_USER").unwrap_or_else(|| "postgres".to_owned()),
        password: value("POSTGRES_PASSWORD").map_or_else(fresh_secret, Ok)?,
        durable: true,
        folder,
        log,
        start_timeout: service.start_timeout,
        contained: false,
        lane: None,
        connections: SHARED_CONNECTIONS,
    })
}

/// Starts a server of a lane's own and prepares its template: its commits reach the disk, so that it can be killed.
///
/// # Errors
/// When it does not come up, or a template job fails.
pub async fn own_server(inner: &Inner, lane: &str) -> Result<Option<Server>, StackError> {
    let Some((service, postgres)) = inner.topology.postgres() else { return Ok(None) };
    if inner.ground.options.backend != Backend::Process {
        let text = "a lane gets a database server of its own only where the stack is made of processes";
        return Err(StackError::Unknown(text.to_owned()));
    }
    let (ground, options) = (&inner.ground, &inner.ground.options);
    let install = Install::find(ground.run(), options.pg_bin.as_deref(), &options.search_path).await?;
    let number = lane.split('-').next().unwrap_or(lane);
    let folder = ground.postgres_folder(&format!("pg{number}"), install.user, true)?;
    install.own(&folder).map_err(io_error(format!("giving away {}", folder.display())))?;
    let log = ground.logs(Some(lane))?.join(format!("{}.log", service.name));
    let setup = setup(service, &inner.wiring, (folder, log))?;
    let setup = Setup { lane: Some(lane.to_owned()), connections: OWN_CONNECTIONS, ..setup };
    let server = Server::start(ground.run(), &install, setup, &options.cache_dir).await?;
    let mut wiring = inner.wiring.clone();
    wiring.ports.insert(service.name.clone(), server.port());
    server.create(TEMPLATE).await?;
    run_template_jobs(inner, postgres, wiring).await?;
    server.make_template(TEMPLATE).await?;
    Ok(Some(server))
}

async fn objects(
    topology: &Topology,
    ground: &Ground,
    wiring: &Wiring,
    events: &EventSink,
) -> Result<Option<ObjectServer>, StackError> {
    let Some((service, store)) = topology.object_store() else { return Ok(None) };
    let begun = Instant::now();
    let keys = keys(service, store, wiring)?;
    let server = ObjectServer::start(&ground.data_folder("s3")?, keys).await?;
    events.emit(shared_event(service, None, format!("{HOST}:{}, built in", server.port()), begun.elapsed()));
    Ok(Some(server))
}

fn keys(service: &Service, store: &ObjectStore, wiring: &Wiring) -> Result<(String, String), StackError> {
    let environment = wiring.environment(service, &BTreeMap::new())?;
    let value = |name: &str| {
        environment.get(name).filter(|value| !value.is_empty()).cloned().map_or_else(fresh_secret, Ok)
    };
    Ok((value(&store.access_key_env)?, value(&store.secret_key_env)?))
}

fn shared_event(service: &Service, pid: Option<u32>, detail: String, took: Duration) -> Event {
    Event::Service {
        service: service.name.clone(),
        lane: None,
        state: ServiceState::Ready,
        pid,
        detail,
        took,
    }
}

/// Starts the shared services that are processes of their own, then runs the jobs that prepare the template.
async fn prepare(inner: &mut Inner) -> Result<(), StackError> {
    let ports = inner.services.reserve(inner.own_processes(Scope::Shared))?;
    inner.wiring.ports.extend(ports);
    contained::name_services(inner);
    let inner = &*inner;
    if let (Some(server), Some((service, postgres))) = (&inner.postgres, inner.topology.postgres()) {
        server.create(TEMPLATE).await?;
        make_own_database(inner, server, service).await?;
        start_shared(inner).await?;
        run_template_jobs(inner, postgres, inner.wiring.clone()).await?;
        return server.make_template(TEMPLATE).await;
    }
    start_shared(inner).await
}

/// The database the Compose file itself names is only made where a shared service could ask for it.
async fn make_own_database(inner: &Inner, server: &Server, service: &Service) -> Result<(), StackError> {
    let shared = |name: &str| {
        let backend = inner.ground.options.backend;
        let from = inner.topology.service(name);
        from.is_some_and(|from| from.scope == Scope::Shared && is_own_process(from, backend))
    };
    let asked = inner.topology.edges().iter().any(|edge| edge.to == service.name && shared(&edge.from));
    let environment = inner.wiring.environment(service, &BTreeMap::new())?;
    match environment.get("POSTGRES_DB").filter(|name| asked && *name != "postgres") {
        Some(name) => server.create(name).await,
        None => Ok(()),
    }
}

fn starter<'a>(
    inner: &'a Inner,
    wiring: &'a Wiring,
    own: &'a BTreeMap<String, BTreeMap<String, String>>,
) -> Result<Starter<'a>, StackError> {
    let (ground, binaries, events) = (&inner.ground, &inner.binaries, &inner.events);
    let (engine, logs) = (inner.engine.as_ref(), ground.logs(None)?);
    Ok(Starter { ground, binaries, engine, wiring, own, lane: None, number: None, logs, events })
}

async fn start_shared(inner: &Inner) -> Result<(), StackError> {
    let services: Vec<&Service> = inner.own_processes(Scope::Shared).collect();
    let own = BTreeMap::new();
    starter(inner, &inner.wiring, &own)?.start_all(&services, &inner.services, (None, async { Ok(()) })).await
}

async fn run_template_jobs(inner: &Inner, postgres: &Postgres, mut wiring: Wiring) -> Result<(), StackError> {
    let jobs: Vec<&Service> = inner.own_processes(Scope::Template).collect();
    if let Some(variable) = &postgres.lane_database {
        wiring.variables.insert(variable.clone(), TEMPLATE.to_owned());
    }
    // Secrets of lanes have no value yet; a template must not hold one.
    let own = BTreeMap::new();
    let done = Started::default();
    starter(inner, &wiring, &own)?.start_all(&jobs, &done, (None, async { Ok(()) })).await
}

/// Takes everything down and says what is left.
pub async fn lower(inner: &Inner) -> Vec<String> {
    let mut residue = Vec::new();
    let kept = std::mem::take(&mut *inner.kept.lock().unwrap_or_else(PoisonError::into_inner));
    for lane in kept {
        residue.extend(lane.close().await);
    }
    let shared = inner.services.all();
    futures::future::join_all(shared.iter().map(|(_, process)| process.stop(Signal::SIGTERM))).await;
    for (service, process) in &shared {
        inner.services.forget(service);
        inner.events.emit(stopped(service, process.pid(), process.age()));
    }
    if let Some(server) = &inner.objects {
        server.stop().await;
    }
    if let (Some(server), Some((service, _))) = (&inner.postgres, inner.topology.postgres()) {
        let _ = Deadline::after(GOODBYE).bound(server.goodbye()).await;
        server.stop().await;
        inner.events.emit(stopped(&service.name, server.process().pid(), server.process().age()));
    }
    residue.extend(clear(&inner.ground).await);
    residue
}

fn stopped(service: &str, pid: u32, took: Duration) -> Event {
    let (service, detail) = (service.to_owned(), String::new());
    Event::Service { service, lane: None, state: ServiceState::Stopped, pid: Some(pid), detail, took }
}

/// Removes the data and lets the reaper go; what is left after that is residue.
async fn clear(ground: &Ground) -> Vec<String> {
    let run_dir = ground.options.run_dir.clone();
    let cleared = tokio::task::spawn_blocking(move || reaper::clear(&run_dir));
    let clean = matches!(cleared.await, Ok(Ok(residue)) if residue.is_empty());
    dismiss(ground, clean).await;
    if clean {
        return Vec::new();
    }
    match reaper::look(&ground.options.run_dir) {
        Ok(residue) => residue.lines(),
        Err(error) => vec![format!("whatever the run left: {error}")],
    }
}

/// Lets the reaper go; one that was not told that all is clean reaps first.
async fn dismiss(ground: &Ground, clean: bool) {
    let reaper = ground.reaper.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(reaper) = reaper {
        // The reaper has its own bound; if waiting for it fails, the look that follows shows what is left.
        let _ = tokio::task::spawn_blocking(move || reaper.dismiss(clean)).await;
    }
}
