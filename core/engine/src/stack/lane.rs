//! A lane: a private copy of everything a drill can change.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use drillyard_spec::fault::EdgeName;
use drillyard_spec::topology::{Condition, Scope, Service};
use futures::future::join_all;
use nix::sys::signal::Signal;

use super::error::{StackError, io_error};
use super::ground::fresh_secret;
use super::job::JobOutcome;
use super::logs::{LogMark, Logs};
use super::object_store::{ObjectAccess, ObjectServer};
use super::process::{Ended, Process, describe_exit};
use super::proxy::Proxy;
use super::start::{Started, Starter};
use super::undo::Entry;
use super::wiring::{HOST, Wiring};
use super::{Inner, Server, TEMPLATE, identity, raise, shared_memory};
use crate::clock::Deadline;
use crate::event::{Event, ServiceState};

mod access;
mod clock;
mod faults;

use clock::Clocks;

/// Bound for the goodbye of the harness's own connections to a lane's server.
const GOODBYE: Duration = Duration::from_secs(1);
/// Longest part of a lane's name that comes from the request.
const NAME_CHARS: usize = 32;

/// Environment by service.
type Environments = BTreeMap<String, BTreeMap<String, String>>;

/// What a lane should be.
#[derive(Debug, Clone, Default)]
pub struct LaneRequest {
    name: String,
    env: BTreeMap<String, BTreeMap<String, String>>,
    proxies: BTreeMap<EdgeName, bool>,
    own_server: bool,
    clocks: BTreeSet<String>,
    object_faults: bool,
}

impl LaneRequest {
    /// A lane for the unit called `name`, in which letters and digits are kept.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Environment by service that only this lane's processes see.
    #[must_use]
    pub fn with_env(mut self, env: BTreeMap<String, BTreeMap<String, String>>) -> Self {
        self.env = env;
        self
    }

    /// Edges that get a proxy, and whether it has to understand HTTP.
    #[must_use]
    pub fn with_proxies(mut self, proxies: BTreeMap<EdgeName, bool>) -> Self {
        self.proxies = proxies;
        self
    }

    /// Whether the lane gets a database server of its own, whose commits reach the disk.
    #[must_use]
    pub fn with_own_server(mut self, own: bool) -> Self {
        self.own_server = own;
        self
    }

    /// Whether the object store of the lane has to be able to fail on purpose.
    #[must_use]
    pub fn with_object_faults(mut self, object_faults: bool) -> Self {
        self.object_faults = object_faults;
        self
    }

    /// Services whose clock can be moved.
    #[must_use]
    pub fn with_clocks(mut self, clocks: BTreeSet<String>) -> Self {
        self.clocks = clocks;
        self
    }
}

/// A private copy of everything a drill can change: database, bucket, secrets, processes.
#[derive(Debug)]
pub struct Lane {
    stack: Arc<Inner>,
    name: String,
    number: usize,
    wiring: Wiring,
    own: Environments,
    /// Environment that faults have put over that of a service.
    faulty: Mutex<Environments>,
    /// A database server of the lane's own.
    server: Option<Server>,
    clocks: Clocks,
    database: Option<String>,
    objects: Option<ObjectAccess>,
    services: Started,
    logs: Logs,
    proxies: BTreeMap<EdgeName, Proxy>,
    /// Services that were stopped on purpose.
    absent: Mutex<BTreeSet<String>>,
    tokens: Mutex<BTreeMap<String, String>>,
}

impl Lane {
    /// Raises a lane. The database is cloned while the services that do not connect to it start.
    pub(super) async fn raise(
        stack: Arc<Inner>,
        request: LaneRequest,
        number: usize,
    ) -> Result<Self, StackError> {
        for service in request.env.keys() {
            let scope = stack.topology.service(service).map(|service| service.scope);
            if scope != Some(Scope::Lane) {
                return Err(StackError::Unknown(format!(
                    "`{service}` is no service of a lane, so it cannot have an environment of its own"
                )));
            }
        }
        let mut lane = Self::plan(stack, request, number).await?;
        let raised = lane.fill().await;
        match raised {
            Ok(()) => Ok(lane),
            Err(error) => {
                // The error is what matters; whatever closing cannot remove, the end of the run finds.
                let _ = lane.close().await;
                Err(error)
            }
        }
    }

    /// Names, secrets and addresses of the lane; but for a server of its own nothing outside this process exists yet.
    async fn plan(stack: Arc<Inner>, request: LaneRequest, number: usize) -> Result<Self, StackError> {
        let name = format!("{number}-{}", slug(&request.name)).trim_end_matches('-').to_owned();
        let mut wiring = stack.wiring.clone();
        let server = if request.own_server { raise::own_server(&stack, &name).await? } else { None };
        if let (Some(server), Some((service, _))) = (&server, stack.topology.postgres()) {
            wiring.ports.insert(service.name.clone(), server.port());
        }
        let ours = |shared: bool| !shared && stack.attached().is_none();
        for secret in stack.topology.secrets.iter().filter(|secret| ours(secret.shared)) {
            wiring.variables.insert(secret.name.clone(), fresh_secret()?);
        }
        let services = Started::default();
        wiring.ports.extend(services.reserve(stack.own_processes(Scope::Lane))?);
        let database = stack.topology.postgres().and_then(|(_, postgres)| {
            let database = format!("lane_{}", name.replace('-', "_"));
            wiring.variables.insert(postgres.lane_database.clone()?, database.clone());
            Some(database)
        });
        let objects =
            stack.objects.as_ref().zip(stack.topology.object_store()).and_then(|(server, (_, store))| {
                let bucket = format!("lane-{name}");
                wiring.variables.insert(store.lane_bucket.clone()?, bucket.clone());
                Some(server.access(&bucket, request.object_faults))
            });
        name_services(&stack, &mut wiring, number, request.object_faults);
        let (database, objects) = match stack.attached() {
            Some(attached) => (attached.database().map(str::to_owned), attached.objects().cloned()),
            None => (database, objects),
        };
        let proxies = stand_between(&mut wiring, request.proxies)?;
        let clocks = Clocks::prepare(&stack.ground, &name, request.clocks)?;
        let (absent, tokens, faulty) = (Mutex::default(), Mutex::default(), Mutex::default());
        let mut own = request.env;
        clocks.add_to(&mut own);
        Ok(Self {
            stack,
            name,
            number,
            wiring,
            own,
            faulty,
            server,
            clocks,
            database,
            objects,
            services,
            logs: Logs::default(),
            proxies,
            absent,
            tokens,
        })
    }

    async fn fill(&mut self) -> Result<(), StackError> {
        let stack = self.stack.clone();
        if let (Some(objects), Some(server)) = (&self.objects, &stack.objects) {
            server.create_bucket(&objects.bucket).await?;
        }
        let services = self.automatic();
        let files: Vec<_> = {
            let starter = self.starter(&self.own)?;
            services.iter().map(|service| (service.name.clone(), starter.log(service))).collect()
        };
        for (service, file) in files {
            self.logs.add(&service, file);
        }
        let services: Vec<&Service> = services.iter().collect();
        let database = stack.topology.postgres().map(|(service, _)| service.name.as_str());
        let starter = self.starter(&self.own)?;
        starter.start_all(&services, &self.services, (database, self.clone_database())).await
    }

    async fn clone_database(&self) -> Result<(), StackError> {
        let (Some(database), Some(server)) = (&self.database, self.server()) else { return Ok(()) };
        let entry = Entry::Database { name: database.clone() };
        self.stack.ground.ledger.write(&entry).map_err(io_error("writing the undo ledger"))?;
        server.clone_database(TEMPLATE, database).await
    }

    /// Services that run in every lane, and the jobs they wait for.
    fn automatic(&self) -> Vec<Service> {
        let all: Vec<&Service> = self.stack.own_processes(Scope::Lane).collect();
        let waited_for = |job: &Service| {
            let mut dependencies =
                all.iter().filter(|service| !service.is_job()).flat_map(|service| &service.depends_on);
            dependencies.any(|needed| needed.service == job.name && needed.condition == Condition::Completed)
        };
        all.iter()
            .filter(|service| !service.is_job() || waited_for(service))
            .map(|service| (*service).clone())
            .collect()
    }

    /// The database server of the lane: its own, or the one that lanes share.
    fn server(&self) -> Option<&Server> {
        self.server.as_ref().or(self.stack.postgres.as_ref())
    }

    /// Starts with `own` in place of what the Compose file says.
    fn starter<'a>(&'a self, own: &'a Environments) -> Result<Starter<'a>, StackError> {
        Ok(Starter {
            ground: &self.stack.ground,
            binaries: &self.stack.binaries,
            engine: self.stack.engine.as_ref(),
            wiring: &self.wiring,
            own,
            lane: Some(&self.name),
            number: Some(self.number),
            logs: self.stack.ground.logs(Some(&self.name))?,
            events: &self.stack.events,
        })
    }

    fn service(&self, name: &str) -> Result<&Service, StackError> {
        let found = self.stack.own_processes(Scope::Lane).find(|service| service.name == name);
        found.ok_or_else(|| StackError::Unknown(format!("the lane has no service `{name}`")))
    }

    /// Runs a one-shot job of the topology in this lane, whatever its exit code.
    ///
    /// # Errors
    /// When there is no such job, it cannot be started or does not end in time.
    pub async fn run_job(&self, name: &str) -> Result<JobOutcome, StackError> {
        if let Some(attached) = self.stack.attached() {
            return Err(StackError::Unknown(format!(
                "a job cannot be run on the target `{}`",
                attached.name
            )));
        }
        let service = self.stack.topology.service(name).filter(|service| service.is_job());
        let service = service
            .ok_or_else(|| StackError::Unknown(format!("the topology has no one-shot job `{name}`")))?;
        self.starter(&self.own)?.run_job(service).await
    }

    /// Ends a service as its operator would, and waits for its end; gives how it ended, if it was there.
    ///
    /// # Errors
    /// When the lane has no such service.
    pub async fn stop(&self, name: &str) -> Result<Option<Ended>, StackError> {
        self.end(name, Signal::SIGTERM).await
    }

    /// Ends a service at once, without giving it a chance to clean up.
    ///
    /// # Errors
    /// When the lane has no such service.
    pub async fn kill(&self, name: &str) -> Result<Option<Ended>, StackError> {
        self.end(name, Signal::SIGKILL).await
    }

    async fn end(&self, name: &str, signal: Signal) -> Result<Option<Ended>, StackError> {
        let service = self.service(name)?;
        self.absent.lock().unwrap_or_else(PoisonError::into_inner).insert(service.name.clone());
        let Some(process) = self.services.process(name) else { return Ok(None) };
        let ended = process.stop(signal).await;
        self.services.forget(name);
        self.say_stopped(name, &process, ended);
        Ok(Some(ended))
    }

    /// Starts a service that was stopped or has died, at the address it had, and waits until it is ready.
    ///
    /// # Errors
    /// When there is no such service or it does not come up.
    pub async fn start(&self, name: &str) -> Result<(), StackError> {
        let service = self.service(name)?;
        let running = self.services.process(name).filter(|process| process.exit().is_none());
        self.absent.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        if running.is_some() {
            return Ok(());
        }
        let process = self.launch(name).await?;
        self.starter(&self.own)?.becomes_ready(service, &process).await
    }

    /// Stops and starts a service.
    ///
    /// # Errors
    /// When there is no such service or it does not come up again.
    pub async fn restart(&self, name: &str) -> Result<(), StackError> {
        self.stop(name).await?;
        self.start(name).await
    }

    /// A service of the lane, or a shared one, that has ended though nobody stopped it: which, how, and what it wrote
    /// last.
    #[must_use]
    pub fn service_down(&self) -> Option<String> {
        let absent = self.absent.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let own = self.services.all().into_iter().filter(|(service, _)| !absent.contains(service));
        let jobs = |name: &str| self.stack.topology.service(name).is_some_and(Service::is_job);
        let own = own.filter(|(service, _)| !jobs(service)).chain(self.stack.services.all());
        let mut ended =
            own.filter_map(|(service, process)| Some((service, process.exit()?, process.last_lines())));
        let database = || {
            let (service, server) = self.stack.topology.postgres().zip(self.server())?;
            if absent.contains(&service.0.name) {
                return None;
            }
            Some((service.0.name.clone(), server.process().exit()?, server.process().last_lines()))
        };
        let store = || {
            let (service, process) =
                self.stack.topology.object_store().zip(self.stack.objects.as_ref()?.process())?;
            Some((service.0.name.clone(), process.exit()?, process.last_lines()))
        };
        let (service, status, lines) = ended.next().or_else(database).or_else(store)?;
        let mut text = format!("`{service}` {}", describe_exit(status));
        if let Some(last) = lines.last() {
            let _ = write!(text, "; its last line: {last}");
        }
        Some(text)
    }

    /// Leaves the lane as it is until the stack goes down.
    pub fn keep(self) {
        let stack = self.stack.clone();
        stack.kept.lock().unwrap_or_else(PoisonError::into_inner).push(self);
    }

    /// Ends the lane's processes and removes its database and bucket; gives what could not be removed.
    pub async fn close(self) -> Vec<String> {
        let processes = self.services.all();
        let ended = join_all(processes.iter().map(|(_, process)| process.stop(Signal::SIGTERM))).await;
        let mut residue = Vec::new();
        for ((service, process), ended) in processes.iter().zip(ended) {
            self.services.forget(service);
            match process.exit() {
                Some(_) => self.say_stopped(service, process, ended),
                None => residue.push(format!("process {} {service}", process.pid())),
            }
        }
        match (&self.database, &self.server, &self.stack.postgres) {
            (_, Some(server), _) => residue.extend(remove_server(server).await),
            (Some(database), None, Some(server)) => {
                if let Err(error) = server.drop_database(database).await {
                    residue.push(format!("database {database}: {}", error.full()));
                }
            }
            _ => {}
        }
        if let (Some(objects), Some(server)) = (&self.objects, &self.stack.objects)
            && let Err(error) = server.remove_bucket(&objects.bucket).await
        {
            residue.push(format!("bucket {}: {error}", objects.bucket));
        }
        residue
    }

    fn say_stopped(&self, service: &str, process: &Process, ended: Ended) {
        self.stack.events.emit(Event::Service {
            service: service.to_owned(),
            lane: Some(self.name.clone()),
            state: ServiceState::Stopped,
            pid: Some(process.pid()),
            detail: ended.detail().to_owned(),
            took: process.age(),
        });
    }
}

/// Stops a lane's own server and removes its data; gives what could not be removed.
async fn remove_server(server: &Server) -> Option<String> {
    let folder = server.folder().to_owned();
    // A server that was killed has left its segment to whoever finds it in its lock file.
    let segment = shared_memory::of_server_in(&folder);
    let _ = Deadline::after(GOODBYE).bound(server.goodbye()).await;
    server.stop().await;
    segment.into_iter().for_each(shared_memory::remove);
    match std::fs::remove_dir_all(&folder) {
        Err(error) if folder.exists() => Some(format!("folder {}: {error}", folder.display())),
        _ => None,
    }
}

/// Tells containers of the lane each other's names. A store that has to fail on purpose is met at the runner.
fn name_services(stack: &Inner, wiring: &mut Wiring, number: usize, object_faults: bool) {
    let (Some(engine), Some(inside)) = (&stack.engine, &mut wiring.inside) else { return };
    for service in stack.own_processes(Scope::Lane) {
        if let Some(port) = service.port {
            let host = engine.name(Some(number), &service.name);
            inside.names.insert(service.name.clone(), format!("{host}:{port}"));
        }
    }
    let front = stack.objects.as_ref().and_then(ObjectServer::front).filter(|_| object_faults);
    if let (Some(port), Some((service, _))) = (front, stack.topology.object_store()) {
        inside.names.insert(service.name.clone(), format!("{}:{port}", inside.gateway));
    }
}

/// Starts a proxy on each edge and leads the edge through it.
fn stand_between(
    wiring: &mut Wiring,
    wanted: BTreeMap<EdgeName, bool>,
) -> Result<BTreeMap<EdgeName, Proxy>, StackError> {
    let mut proxies = BTreeMap::new();
    for (edge, speaks_http) in wanted {
        let upstream = wiring.ports.get(&edge.to).copied();
        let upstream =
            upstream.ok_or_else(|| StackError::Unknown(format!("`{}` listens on no port", edge.to)))?;
        let at = wiring.inside.as_ref().map_or(Ipv4Addr::LOCALHOST.into(), |inside| inside.gateway);
        let proxy = Proxy::start_at(at, upstream, speaks_http)
            .map_err(io_error(format!("starting a proxy on {edge}")))?;
        wiring.detours.insert(edge.clone(), proxy.port());
        proxies.insert(edge, proxy);
    }
    Ok(proxies)
}

/// A name as part of a database's, a bucket's and a folder's name.
fn slug(name: &str) -> String {
    let name = name.rsplit('/').next().unwrap_or(name).to_lowercase();
    let mut slug = String::new();
    for c in name.chars() {
        let c = if c.is_ascii_alphanumeric() { c } else { '-' };
        if !(c == '-' && slug.ends_with('-')) && slug.len() < NAME_CHARS {
            slug.push(c);
        }
    }
    slug.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn any_name_becomes_part_of_a_bucket_name() {
        for (name, wanted) in [
            ("drills/stuck-scheduling", "stuck-scheduling"),
            ("features/backlog: An  undispatched ticket, über", "backlog-an-undispatched-ticket-b"),
            ("///", ""),
        ] {
            assert_eq!(slug(name), wanted);
        }
    }
}
