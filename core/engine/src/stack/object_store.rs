//! The built-in S3 server: a folder per bucket under the run's folder, served on the loopback address.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
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
use super::wiring::HOST;

mod faults;

pub use faults::ObjectFaults;

/// The region every client has to name; the server does not care.
const REGION: &str = "us-east-1";

/// A running server. Dropping it stops it.
#[derive(Debug)]
pub struct ObjectServer {
    root: PathBuf,
    port: u16,
    keys: (String, String),
    faults: Arc<ObjectFaults>,
    stop: CancellationToken,
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
        tokio::spawn(serve(listener, (service, faults.clone()), stop.clone()));
        Ok(Self { root: root.to_owned(), port, keys, faults, stop })
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

    /// Makes a bucket.
    ///
    /// # Errors
    /// When its folder cannot be made.
    pub fn create_bucket(&self, bucket: &str) -> Result<(), StackError> {
        std::fs::create_dir_all(self.root.join(bucket))
            .map_err(io_error(format!("making the bucket {bucket}")))
    }

    /// Removes a bucket with all it holds.
    ///
    /// # Errors
    /// When something of it is still there.
    pub fn remove_bucket(&self, bucket: &str) -> std::io::Result<()> {
        match std::fs::remove_dir_all(self.root.join(bucket)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // The server keeps what it knows of objects beside the buckets, in files that begin so.
        let prefix = format!(".bucket-{}.", URL_SAFE_NO_PAD.encode(bucket));
        for entry in std::fs::read_dir(&self.root)? {
            let entry = entry?;
            if entry.file_name().to_str().is_some_and(|name| name.starts_with(&prefix)) {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// How to reach a bucket.
    #[must_use]
    pub fn access(&self, bucket: &str) -> ObjectAccess {
        ObjectAccess {
            endpoint: format!("http://{HOST}:{}", self.port),
            bucket: bucket.to_owned(),
            access_key: self.keys.0.clone(),
            secret_key: self.keys.1.clone(),
            client: Arc::default(),
        }
    }

    /// Stops serving.
    pub fn stop(&self) {
        self.stop.cancel();
    }
}

impl Drop for ObjectServer {
    fn drop(&mut self) {
        self.stop();
    }
}

impl ObjectAccess {
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
            .http_client(aws_smithy_http_client::Builder::new().build_http());
        Client::from_conf(config.build())
    }
}

async fn serve(
    listener: TcpListener,
    (service, faults): (s3s::service::S3Service, Arc<ObjectFaults>),
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
