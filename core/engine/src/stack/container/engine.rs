//! The engine, and what a run has on it: one private network, names, a label on everything.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use testcontainers::bollard::Docker;
use testcontainers::bollard::errors::Error as EngineError;
use testcontainers::bollard::models::NetworkCreateRequest;
use testcontainers::core::client::docker_client_instance;

use crate::clock::Deadline;
use crate::stack::binaries::hex;
use crate::stack::error::{StackError, io_error};
use crate::stack::process::Run;
use crate::stack::undo::Entry;

/// Label of everything a run makes on an engine, with the run's name as its value.
pub const LABEL: &str = "drillyard.run";
/// Bound for the first answer of an engine.
const ANSWER: Duration = Duration::from_secs(5);

/// An engine that answers, and the run's network on it.
#[derive(Debug, Clone)]
pub struct Engine {
    docker: Docker,
    run_id: String,
    prefix: String,
    network: String,
    gateway: IpAddr,
}

/// Addresses as they are seen from inside of the run's network.
#[derive(Debug, Clone)]
pub struct Inside {
    /// `host:port` by service.
    pub names: BTreeMap<String, String>,
    /// The runner, where its proxies listen.
    pub gateway: IpAddr,
}

impl Engine {
    /// Finds the engine and makes the run's network; both are written down first.
    ///
    /// # Errors
    /// When no engine answers, in one sentence, or it refuses the network.
    pub async fn open(run: Run<'_>, host: Option<String>) -> Result<Self, StackError> {
        let no_engine = |why: String| StackError::NoEngine {
            at: host.clone().unwrap_or_else(|| "unix:///var/run/docker.sock".to_owned()),
            why,
        };
        let docker = docker_client_instance().await.map_err(|error| no_engine(error.to_string()))?;
        match Deadline::after(ANSWER).bound(docker.ping()).await {
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(no_engine(reason(&error))),
            None => return Err(no_engine(format!("no answer within {} s", ANSWER.as_secs()))),
        }
        run.ledger
            .write(&Entry::Engine { host: host.clone() })
            .map_err(io_error("writing the undo ledger"))?;
        let digest = hex(&Sha256::digest(run.run_id.as_bytes()));
        // A host name may have 63 characters, which a run's name alone almost fills.
        let prefix = format!("dy-{}", &digest[..8]);
        let network = format!("{prefix}-net");
        let request = NetworkCreateRequest {
            name: network.clone(),
            driver: Some("bridge".to_owned()),
            labels: Some(HashMap::from([(LABEL.to_owned(), run.run_id.to_owned())])),
            ..NetworkCreateRequest::default()
        };
        docker.create_network(request).await.map_err(refused("making the run's network"))?;
        let made =
            docker.inspect_network(&network, None).await.map_err(refused("looking at the run's network"))?;
        let configs = made.ipam.and_then(|ipam| ipam.config).unwrap_or_default();
        let gateway = configs.into_iter().find_map(|config| config.gateway?.parse().ok());
        let gateway = gateway.ok_or_else(|| {
            StackError::Unknown(format!("the engine gave the network `{network}` no gateway"))
        })?;
        Ok(Self { docker, run_id: run.run_id.to_owned(), prefix, network, gateway })
    }

    /// The engine itself.
    #[must_use]
    pub fn docker(&self) -> &Docker {
        &self.docker
    }

    /// The run's name.
    #[must_use]
    pub fn run_id(&self) -> &str {
        &self.run_id
    }

    /// The run's network.
    #[must_use]
    pub fn network(&self) -> &str {
        &self.network
    }

    /// The runner's address in the network.
    #[must_use]
    pub fn gateway(&self) -> IpAddr {
        self.gateway
    }

    /// The name of a service's container, by which others in the network find it.
    #[must_use]
    pub fn name(&self, lane: Option<usize>, service: &str) -> String {
        match lane {
            Some(number) => format!("{}-{number}-{service}", self.prefix),
            None => format!("{}-{service}", self.prefix),
        }
    }

    /// Whether the engine has an image: its id.
    ///
    /// # Errors
    /// When it does not, with what to do, or cannot be asked.
    pub async fn image(&self, service: &str, image: &str) -> Result<Option<String>, StackError> {
        match self.docker.inspect_image(image).await {
            Ok(found) => Ok(found.id),
            // Only local images are never to be had elsewhere; others are pulled when they are started.
            Err(EngineError::DockerResponseServerError { status_code: 404, .. })
                if !image.ends_with(":local") =>
            {
                Ok(None)
            }
            Err(EngineError::DockerResponseServerError { status_code: 404, .. }) => {
                Err(StackError::NoImage {
                    service: service.to_owned(),
                    image: image.to_owned(),
                    why: String::new(),
                })
            }
            Err(error) => Err(refused(&format!("looking for the image {image}"))(error)),
        }
    }
}

/// Adds what was being done to an engine's refusal.
pub fn refused(doing: &str) -> impl FnOnce(EngineError) -> StackError {
    let doing = doing.to_owned();
    move |error| StackError::Engine { doing, why: reason(&error) }
}

/// An engine's error with its causes, in one line.
#[must_use]
pub fn reason(error: &EngineError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = error.source();
    }
    text.lines().collect::<Vec<_>>().join(" ")
}
