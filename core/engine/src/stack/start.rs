//! Starting the services of a lane, or the shared ones, as parallel as `depends_on` allows.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use drillyard_spec::topology::{Condition, Process as Kind, Service, address};
use futures::future::try_join_all;
use tokio::sync::watch;

use super::binaries::{Binaries, find_program};
use super::container::{ContainerLaunch, Engine};
use super::error::{StackError, io_error};
use super::ground::Ground;
use super::ports::ReservedPort;
use super::process::{Launch, Process, describe_exit};
use super::ready;
use super::wiring::{HOST, Wiring};
use crate::event::{Event, EventSink, ServiceState};

/// Processes by service, with the ports that are held for them.
#[derive(Debug, Default)]
pub struct Started {
    processes: Mutex<BTreeMap<String, Arc<Process>>>,
    ports: Mutex<BTreeMap<String, ReservedPort>>,
}

/// How far a service has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Progress {
    Waiting,
    Started,
    Ready,
}

/// Everything needed to start services.
pub struct Starter<'a> {
    /// Folders, ledger, mark.
    pub ground: &'a Ground,
    /// Binaries of the workspace.
    pub binaries: &'a Binaries,
    /// The engine, where services are containers.
    pub engine: Option<&'a Engine>,
    /// Variables and addresses.
    pub wiring: &'a Wiring,
    /// Environment by service that replaces the Compose file's.
    pub own: &'a BTreeMap<String, BTreeMap<String, String>>,
    /// The lane, or nothing for shared services.
    pub lane: Option<&'a str>,
    /// The lane's number.
    pub number: Option<usize>,
    /// Folder of the logs.
    pub logs: PathBuf,
    /// Where to say what happens.
    pub events: &'a EventSink,
}

impl Started {
    /// Reserves a port for every service that listens; the addresses are known from now on.
    ///
    /// # Errors
    /// When no port is left.
    pub fn reserve<'s>(
        &self,
        services: impl Iterator<Item = &'s Service>,
    ) -> Result<BTreeMap<String, u16>, StackError> {
        let mut held = self.ports.lock().unwrap_or_else(PoisonError::into_inner);
        for service in services.filter(|service| service.port.is_some()) {
            let port =
                ReservedPort::any().map_err(io_error(format!("reserving a port for {}", service.name)))?;
            held.insert(service.name.clone(), port);
        }
        Ok(held.iter().map(|(service, port)| (service.clone(), port.number())).collect())
    }

    /// The process of a service.
    #[must_use]
    pub fn process(&self, service: &str) -> Option<Arc<Process>> {
        self.processes.lock().unwrap_or_else(PoisonError::into_inner).get(service).cloned()
    }

    /// All processes.
    #[must_use]
    pub fn all(&self) -> Vec<(String, Arc<Process>)> {
        let processes = self.processes.lock().unwrap_or_else(PoisonError::into_inner);
        processes.iter().map(|(service, process)| (service.clone(), process.clone())).collect()
    }

    /// Forgets a process, which ends it when nobody else holds it.
    pub fn forget(&self, service: &str) {
        self.processes.lock().unwrap_or_else(PoisonError::into_inner).remove(service);
    }
}

impl Starter<'_> {
    /// Starts `services` and waits until each is ready. Every one starts as soon as what it depends on has come far
    /// enough; a dependency that is not among them is there already. Services that connect to the database also wait
    /// for `cloned`, which makes it; the others start meanwhile.
    ///
    /// # Errors
    /// The first service that does not come up, or the database.
    pub async fn start_all(
        &self,
        services: &[&Service],
        started: &Started,
        (database, cloned): (Option<&str>, impl Future<Output = Result<(), StackError>>),
    ) -> Result<(), StackError> {
        let names = services.iter().map(|service| service.name.as_str()).chain(database);
        let progress: BTreeMap<&str, watch::Sender<Progress>> =
            names.map(|name| (name, watch::Sender::new(Progress::Waiting))).collect();
        let cloning = async {
            cloned.await?;
            database.and_then(|name| progress.get(name)).map(|sender| sender.send_replace(Progress::Ready));
            Ok(())
        };
        let work = services.iter().map(|service| {
            let progress = &progress;
            async move {
                for dependency in &service.depends_on {
                    let Some(needed) = progress.get(dependency.service.as_str()) else { continue };
                    let enough = match dependency.condition {
                        Condition::Started => Progress::Started,
                        Condition::Healthy | Condition::Completed => Progress::Ready,
                    };
                    // The sender lives as long as this map; a service that fails ends the whole start.
                    let _ = needed.subscribe().wait_for(|reached| *reached >= enough).await;
                }
                if let Some(sender) =
                    database.filter(|name| connects(service, name)).and_then(|name| progress.get(name))
                {
                    let _ = sender.subscribe().wait_for(|reached| *reached == Progress::Ready).await;
                }
                let process = self.launch(service, started).await?;
                let say = |reached: Progress| {
                    progress.get(service.name.as_str()).map(|sender| sender.send_replace(reached))
                };
                say(Progress::Started);
                self.becomes_ready(service, &process).await?;
                say(Progress::Ready);
                Ok(())
            }
        });
        tokio::try_join!(cloning, try_join_all(work)).map(drop)
    }

    /// Starts one service and remembers its process.
    ///
    /// # Errors
    /// When its program is missing, a variable has no value or the system refuses.
    pub async fn launch(&self, service: &Service, started: &Started) -> Result<Arc<Process>, StackError> {
        if let Some(ended) = started.process(&service.name) {
            // A container that has ended still has the name and the port that the next one gets.
            ended.end_by_force().await;
        }
        if let Some(port) =
            started.ports.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&service.name)
        {
            port.about_to_be_used();
        }
        let process = Arc::new(self.spawn(service).await?);
        let mut processes = started.processes.lock().unwrap_or_else(PoisonError::into_inner);
        processes.insert(service.name.clone(), process.clone());
        Ok(process)
    }

    /// Starts one process of a service or job.
    ///
    /// # Errors
    /// When its program is missing, a variable has no value or the system refuses.
    pub async fn spawn(&self, service: &Service) -> Result<Process, StackError> {
        if let Some(engine) = self.engine {
            return engine.start(self.ground, self.contained(engine, service)?).await;
        }
        let program = self.program(service)?;
        let nothing = BTreeMap::new();
        let own = self.own.get(&service.name).unwrap_or(&nothing);
        let launch = Launch {
            service: &service.name,
            lane: self.lane,
            program: &program,
            args: self.wiring.args(service)?,
            env: self.wiring.environment(service, own)?,
            folder: &self.ground.options.project_root,
            user: None,
            log: self.log(service),
        };
        self.ground.run().start(launch).map_err(io_error(format!("starting {}", service.name)))
    }

    /// What a service is as a container.
    fn contained<'s>(
        &'s self,
        engine: &Engine,
        service: &'s Service,
    ) -> Result<ContainerLaunch<'s>, StackError> {
        let nothing = BTreeMap::new();
        let own = self.own.get(&service.name).unwrap_or(&nothing);
        Ok(ContainerLaunch {
            service: &service.name,
            lane: self.lane,
            name: engine.name(self.number, &service.name),
            image: self.wiring.image(service)?,
            command: self.wiring.args(service)?,
            env: self.wiring.environment(service, own)?,
            port: service.port.zip(self.wiring.ports.get(&service.name).copied()),
            memory: BTreeMap::new(),
            log: self.log(service),
        })
    }

    /// Waits until a service is ready, or a job has succeeded.
    ///
    /// # Errors
    /// When it is not, in time or ever.
    pub async fn becomes_ready(&self, service: &Service, process: &Process) -> Result<(), StackError> {
        if let drillyard_spec::topology::Ready::Exit(wanted) = service.ready {
            let status = super::job::ended(service, process).await?;
            if status.code() == Some(wanted) {
                return Ok(());
            }
            let (service, exit) = (service.name.clone(), describe_exit(status));
            return Err(StackError::Job { service, exit, last_lines: process.last_lines() });
        }
        let port = self.wiring.ports.get(&service.name).copied();
        ready::wait(&service.name, process, (&service.ready, port), service.start_timeout).await?;
        self.events.emit(Event::Service {
            service: service.name.clone(),
            lane: self.lane.map(str::to_owned),
            state: ServiceState::Ready,
            pid: Some(process.pid()),
            detail: port.map_or_else(String::new, |port| format!("{HOST}:{port}")),
            took: process.age(),
        });
        Ok(())
    }

    /// The log file of a service.
    #[must_use]
    pub fn log(&self, service: &Service) -> PathBuf {
        self.logs.join(format!("{}.log", service.name))
    }

    fn program(&self, service: &Service) -> Result<PathBuf, StackError> {
        let options = &self.ground.options;
        let (name, found) = match &service.process {
            Some(Kind::Cargo { binary, .. }) => {
                (binary.as_str(), self.binaries.path(binary).map(PathBuf::from))
            }
            Some(Kind::Program { program, .. }) => {
                (program.as_str(), find_program(program, &options.search_path, &options.project_root))
            }
            _ => return Err(StackError::Unknown(format!("`{}` is not a process of its own", service.name))),
        };
        found.ok_or_else(|| StackError::NoProgram { service: service.name.clone(), program: name.to_owned() })
    }
}

/// Whether the environment or arguments of a service hold an address of another.
fn connects(service: &Service, other: &str) -> bool {
    service.values().any(|(_, value)| !address::find(&value.with_defaults(), |name| name == other).is_empty())
}
