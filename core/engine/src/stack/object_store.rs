//! The object store: an S3 server over a folder of the run, inside the runner; or a container with any S3 server.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, SharedHttpClient};
use aws_smithy_http_client::tls;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::error::{StackError, io_error};
use super::ports::ReservedPort;
use super::process::Process;
use super::wiring::HOST;

mod buckets;
mod faults;
mod upstream;

pub use faults::ObjectFaults;
use upstream::Upstream;

/// The region every client has to name; the server does not care.
const REGION: &str = "us-east-1";

/// A running server. Dropping it stops it.
#[derive(Debug)]
pub struct ObjectServer {
    home: Home,
    port: u16,
    /// Port at which the store of a container fails on purpose; the built-in one does so at its own.
    front: Option<u16>,
    gateway: Option<IpAddr>,
    keys: (String, String),
    faults: Arc<ObjectFaults>,
    stop: CancellationToken,
}

/// What keeps the objects.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one of it in a run")]
enum Home {
    /// A folder of the run.
    Folder(PathBuf),
    /// A container, and the port that is held for it.
    Container { process: Process, _port: ReservedPort },
}

/// How to reach a bucket.
#[derive(Debug, Clone)]
pub struct ObjectAccess {
    /// Base URL, path-style.
    pub endpoint: String,
    /// The bucket.
    pub bucket: String,
    /// Access key.
    pub access_key: String,
    /// Secret key.
    pub secret_key: String,
    client: Arc<OnceLock<Client>>,
}

impl ObjectServer {
    /// Serves the folder `root` on any free port.
    ///
    /// # Errors
    /// When the folder or a port cannot be had.
    pub async fn start(root: &Path, keys: (String, String)) -> Result<Self, StackError> {
        std::fs::create_dir_all(root).map_err(io_error(format!("making {}", root.display())))?;
        let files = FileSystem::new(root).map_err(|error| StackError::ObjectStore {
            doing: format!("opening {}", root.display()),
            source: format!("{error:?}").into(),
        })?;
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(SimpleAuth::from_single(keys.0.clone(), keys.1.clone()));
        let service = builder.build();
        let listener =
            TcpListener::bind((HOST, 0)).await.map_err(io_error("listening for the object store"))?;
        let port = listener.local_addr().map_err(io_error("listening for the object store"))?.port();
        let stop = CancellationToken::new();
        let faults = Arc::new(ObjectFaults::default());
        tokio::spawn(serve(listener, (Upstream::BuiltIn(service), faults.clone()), stop.clone()));
        Ok(Self { home: Home::Folder(root.to_owned()), port, front: None, gateway: None, keys, faults, stop })
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What it answers instead of the truth.
    #[must_use]
    pub fn faults(&self) -> &ObjectFaults {
        &self.faults
    }

    /// Waits until a store in a container answers, and stands before it for those who want it to fail on purpose: at
    /// the runner's address in the run's network.
    ///
    /// # Errors
    /// When it does not answer in time or a port cannot be had.
    pub async fn contained(
        process: Process,
        (port, gateway): (ReservedPort, IpAddr),
        keys: (String, String),
        start_timeout: Duration,
    ) -> Result<Self, StackError> {
        let number = port.number();
        let stop = CancellationToken::new();
        let faults = Arc::new(ObjectFaults::default());
        let listener =
            TcpListener::bind((gateway, 0)).await.map_err(io_error("listening before the object store"))?;
        let front = listener.local_addr().map_err(io_error("listening before the object store"))?.port();
        tokio::spawn(serve(listener, (Upstream::At(number), faults.clone()), stop.clone()));
        let home = Home::Container { process, _port: port };
        let server =
            Self { home, port: number, front: Some(front), gateway: Some(gateway), keys, faults, stop };
        server.answers(start_timeout).await?;
        Ok(server)
    }

    /// Its container, when it is one.
    #[must_use]
    pub fn process(&self) -> Option<&Process> {
        match &self.home {
            Home::Folder(_) => None,
            Home::Container { process, .. } => Some(process),
        }
    }

    /// Port at the runner's address in the run's network at which the store of a container fails on purpose.
    #[must_use]
    pub fn front(&self) -> Option<u16> {
        self.front
    }

    /// How to reach a bucket; with `faults`, where it can fail on purpose.
    #[must_use]
    pub fn access(&self, bucket: &str, faults: bool) -> ObjectAccess {
        let front = self.front.zip(self.gateway).filter(|_| faults);
        let endpoint = match front {
            Some((port, gateway)) => format!("http://{gateway}:{port}"),
            None => format!("http://{HOST}:{}", self.port),
        };
        ObjectAccess::new(endpoint, bucket.to_owned(), self.keys.clone())
    }

    /// Stops serving; a container is removed.
    pub async fn stop(&self) {
        self.stop.cancel();
        if let Some(process) = self.process() {
            process.end_by_force().await;
        }
    }
}

impl Drop for ObjectServer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl ObjectAccess {
    /// How to reach a bucket of a store that is up.
    #[must_use]
    pub fn new(endpoint: String, bucket: String, (access_key, secret_key): (String, String)) -> Self {
        Self { endpoint, bucket, access_key, secret_key, client: Arc::default() }
    }

    /// A client for the bucket's server, made once.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client.get_or_init(|| self.new_client()).clone()
    }

    fn new_client(&self) -> Client {
        let credentials = Credentials::new(&self.access_key, &self.secret_key, None, None, "drillyard");
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .endpoint_url(&self.endpoint)
            .credentials_provider(credentials)
            .force_path_style(true)
            .http_client(http_client(&self.endpoint));
        Client::from_conf(config.build())
    }
}

/// TLS only where it is spoken: reading the machine's certificates takes tens of milliseconds.
fn http_client(endpoint: &str) -> SharedHttpClient {
    if endpoint.starts_with("https:") {
        let provider = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
        return aws_smithy_http_client::Builder::new().tls_provider(provider).build_https();
    }
    aws_smithy_http_client::Builder::new().build_http()
}

async fn serve(
    listener: TcpListener,
    (service, faults): (Upstream, Arc<ObjectFaults>),
    stop: CancellationToken,
) {
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        // A connection that broke before it was accepted concerns only its client.
        let Ok((socket, _)) = accepted else { continue };
        let (service, faults, stop) = (service.clone(), faults.clone(), stop.clone());
        let service = service_fn(move |request| {
            let (service, faults) = (service.clone(), faults.clone());
            async move { faults::answer(&service, &faults, request).await }
        });
        connections.spawn(async move {
            let mut server = http1::Builder::new();
            let connection = server.timer(TokioTimer::new()).serve_connection(TokioIo::new(socket), service);
            tokio::select! {
                _ = connection => {}
                () = stop.cancelled() => {}
            }
        });
    }
}
