//! Finding and removing what a run has left on an engine, from outside of the run: by its label alone.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use futures::future::join_all;
use testcontainers::bollard::Docker;
use testcontainers::bollard::query_parameters::{
    ListContainersOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder,
    RemoveContainerOptionsBuilder, RemoveVolumeOptions,
};
use testcontainers::core::client::docker_client_instance;

use super::engine::{LABEL, reason};
use crate::clock::Deadline;

/// Bound for one look or one removal; an engine that is busy with many containers takes seconds for each.
const BOUND: Duration = Duration::from_secs(30);

/// What a run has on an engine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Left {
    containers: Vec<(String, String)>,
    networks: Vec<String>,
    volumes: Vec<String>,
}

impl Left {
    /// One line for each thing.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let containers = self.containers.iter().map(|(_, name)| format!("container {name}"));
        let networks = self.networks.iter().map(|name| format!("network {name}"));
        let volumes = self.volumes.iter().map(|name| format!("volume {name}"));
        containers.chain(networks).chain(volumes).collect()
    }
}

/// Removes everything of the run from the engine at `host`, the usual one without. Gives what is left.
///
/// # Errors
/// When the engine does not answer.
pub fn remove(host: Option<&str>, run_id: &str) -> io::Result<Left> {
    on_engine(host, async |docker| {
        let found = look_for(&docker, run_id).await?;
        let force = || RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        // What cannot be removed shows in the second look.
        join_all(found.containers.iter().map(|(id, _)| docker.remove_container(id, Some(force())))).await;
        join_all(found.networks.iter().map(|name| docker.remove_network(name))).await;
        join_all(found.volumes.iter().map(|name| docker.remove_volume(name, None::<RemoveVolumeOptions>)))
            .await;
        look_for(&docker, run_id).await
    })
}

/// What the run has on the engine right now.
///
/// # Errors
/// When the engine does not answer.
pub fn look(host: Option<&str>, run_id: &str) -> io::Result<Left> {
    on_engine(host, async |docker| look_for(&docker, run_id).await)
}

/// Lets a paused container go on; gives whether the engine did.
#[must_use]
pub fn unpause(host: Option<&str>, id: &str) -> bool {
    on_engine(host, async |docker| docker.unpause_container(id).await.map_err(io::Error::other)).is_ok()
}

/// Does one thing on the engine, in a runtime of its own: whoever sweeps has none, or is a thread outside of it.
fn on_engine<T>(host: Option<&str>, work: impl AsyncFnOnce(Docker) -> io::Result<T>) -> io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let docker = match host {
            Some(host) => Docker::connect_with_host(host).map_err(io::Error::other)?,
            None => docker_client_instance().await.map_err(io::Error::other)?,
        };
        let done = Deadline::after(BOUND).bound(work(docker)).await;
        done.unwrap_or_else(|| Err(io::Error::new(io::ErrorKind::TimedOut, "the engine does not answer")))
    })
}

async fn look_for(docker: &Docker, run_id: &str) -> io::Result<Left> {
    let filters = || HashMap::from([("label".to_owned(), vec![format!("{LABEL}={run_id}")])]);
    let other = |error| io::Error::other(reason(&error));
    let containers = ListContainersOptionsBuilder::default().all(true).filters(&filters()).build();
    let networks = ListNetworksOptionsBuilder::default().filters(&filters()).build();
    let volumes = ListVolumesOptionsBuilder::default().filters(&filters()).build();
    let containers = docker.list_containers(Some(containers)).await.map_err(other)?;
    let networks = docker.list_networks(Some(networks)).await.map_err(other)?;
    let volumes = docker.list_volumes(Some(volumes)).await.map_err(other)?;
    let named = containers.into_iter().filter_map(|found| {
        let id = found.id?;
        let name = found.names.and_then(|names| names.into_iter().next()).unwrap_or_else(|| id.clone());
        Some((id, name.trim_start_matches('/').to_owned()))
    });
    Ok(Left {
        containers: named.collect(),
        networks: networks.into_iter().filter_map(|found| found.name).collect(),
        volumes: volumes.volumes.unwrap_or_default().into_iter().map(|found| found.name).collect(),
    })
}
