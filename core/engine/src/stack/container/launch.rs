//! Starting a container.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use testcontainers::bollard::models::{HostConfig, PortBinding};
use testcontainers::core::error::{ClientError, TestcontainersError};
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{ContainerRequest, GenericImage, ImageExt as _};

use super::engine::{LABEL, reason};
use super::{Container, Engine, log_start};
use crate::stack::error::{StackError, io_error};
use crate::stack::ground::Ground;
use crate::stack::process::Process;
use crate::stack::undo::Entry;
use crate::stack::wiring::HOST;

/// Bound for the engine to create and start a container; pulling an image is part of it.
const STARTED: Duration = Duration::from_secs(120);

/// What to start.
#[derive(Debug)]
pub struct ContainerLaunch<'a> {
    /// Its service.
    pub service: &'a str,
    /// Its lane, or nothing for a shared one.
    pub lane: Option<&'a str>,
    /// Its name in the run's network.
    pub name: String,
    /// Its image, with a tag.
    pub image: String,
    /// Arguments of the image's entry point; none for the image's own.
    pub command: Vec<String>,
    /// Its environment.
    pub env: BTreeMap<String, String>,
    /// Port it listens on, and port of the loopback address that leads there.
    pub port: Option<(u16, u16)>,
    /// Folders in memory, with the options of their mount.
    pub memory: BTreeMap<String, String>,
    /// File that gets what it writes.
    pub log: PathBuf,
}

impl Engine {
    /// Starts a container with the run's label and writes it down before.
    ///
    /// # Errors
    /// When its image is not there, or the engine refuses.
    pub async fn start(&self, ground: &Ground, launch: ContainerLaunch<'_>) -> Result<Process, StackError> {
        let lane = launch.lane.map(str::to_owned);
        let entry = Entry::Process { service: launch.service.to_owned(), lane };
        ground.ledger.write(&entry).map_err(io_error("writing the undo ledger"))?;
        let begun = Instant::now();
        let start = log_start(&launch.log);
        let held = self.request(&launch).start().await.map_err(|error| failed(&launch, &error))?;
        let container = Container::follow(self.docker().clone(), held, &launch.log)
            .await
            .map_err(io_error(format!("writing {}", launch.log.display())))?;
        Ok(Process::contained(launch.service, container, (launch.log, start), begun))
    }

    fn request(&self, launch: &ContainerLaunch<'_>) -> ContainerRequest<GenericImage> {
        let (name, tag) = match launch.image.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, tag),
            _ => (launch.image.as_str(), "latest"),
        };
        let mut request = GenericImage::new(name, tag)
            .with_container_name(&launch.name)
            .with_startup_timeout(STARTED)
            .with_label(LABEL, self.run_id())
            .with_label("drillyard.service", launch.service)
            .with_host_config_modifier(self.host_config(launch));
        if let Some(lane) = launch.lane {
            request = request.with_label("drillyard.lane", lane);
        }
        if !launch.command.is_empty() {
            request = request.with_cmd(launch.command.clone());
        }
        for (name, value) in &launch.env {
            request = request.with_env_var(name, value);
        }
        if let Some((inside, outside)) = launch.port {
            request = request.with_mapped_port(outside, testcontainers::core::ContainerPort::Tcp(inside));
        }
        request
    }

    /// The network is given here and not by name, for which every start would list all networks; and ports are bound
    /// to the loopback address only.
    fn host_config(&self, launch: &ContainerLaunch<'_>) -> impl Fn(&mut HostConfig) + Send + Sync + 'static {
        let network = self.network().to_owned();
        let memory: HashMap<String, String> = launch.memory.clone().into_iter().collect();
        let bindings: HashMap<String, Option<Vec<PortBinding>>> = launch
            .port
            .iter()
            .map(|(inside, outside)| {
                let binding =
                    PortBinding { host_ip: Some(HOST.to_owned()), host_port: Some(outside.to_string()) };
                (format!("{inside}/tcp"), Some(vec![binding]))
            })
            .collect();
        move |config| {
            config.network_mode = Some(network.clone());
            config.publish_all_ports = Some(false);
            config.port_bindings = Some(bindings.clone());
            config.init = Some(false);
            if !memory.is_empty() {
                config.tmpfs = Some(memory.clone());
            }
        }
    }
}

fn failed(launch: &ContainerLaunch<'_>, error: &TestcontainersError) -> StackError {
    let (service, image) = (launch.service.to_owned(), launch.image.clone());
    match error {
        TestcontainersError::Client(ClientError::PullImage { err, .. }) => {
            StackError::NoImage { service, image, why: format!(" and could not be pulled ({})", reason(err)) }
        }
        other => StackError::Engine {
            doing: format!("starting the container of `{service}`"),
            why: other.to_string().lines().collect::<Vec<_>>().join(" "),
        },
    }
}
