//! Buckets of lanes: made, removed with all they hold.

use std::io;
use std::path::Path;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{DisplayErrorContext, SdkError};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{Home, ObjectServer};
use crate::clock::{Deadline, Pace};
use crate::stack::error::StackError;
use crate::stack::process::describe_exit;

impl ObjectServer {
    /// Makes a bucket.
    ///
    /// # Errors
    /// When the store refuses, or its folder cannot be made.
    pub async fn create_bucket(&self, bucket: &str) -> Result<(), StackError> {
        let made = match &self.home {
            Home::Folder(root) => std::fs::create_dir_all(root.join(bucket)),
            Home::Container { .. } => {
                let client = self.access(bucket, false).client();
                client.create_bucket().bucket(bucket).send().await.map(drop).map_err(|error| refused(&error))
            }
        };
        made.map_err(|source| StackError::ObjectStore {
            doing: format!("making the bucket {bucket}"),
            source: Box::new(source),
        })
    }

    /// Removes a bucket with all it holds.
    ///
    /// # Errors
    /// When something of it is still there.
    pub async fn remove_bucket(&self, bucket: &str) -> io::Result<()> {
        match &self.home {
            Home::Folder(root) => remove_folder(root, bucket),
            Home::Container { .. } => empty_and_remove(&self.access(bucket, false).client(), bucket).await,
        }
    }

    /// Waits for a store in a container: for its first answer to a signed request.
    pub(super) async fn answers(&self, bound: Duration) -> Result<(), StackError> {
        let Home::Container { process, .. } = &self.home else { return Ok(()) };
        let (deadline, mut pace) = (Deadline::after(bound), Pace::default());
        let client = self.access("", false).client();
        loop {
            let probe = match deadline.bound(client.list_buckets().send()).await {
                Some(Ok(_)) => return Ok(()),
                Some(Err(error)) => refused(&error).to_string(),
                None => "no answer".to_owned(),
            };
            let (service, last_lines) = (process.service().to_owned(), process.last_lines());
            if let Some(status) = process.exit() {
                return Err(StackError::Died { service, exit: describe_exit(status), last_lines });
            }
            if deadline.passed() {
                return Err(StackError::NotReady { service, waited: deadline.elapsed(), probe, last_lines });
            }
            pace.pause().await;
        }
    }
}

fn remove_folder(root: &Path, bucket: &str) -> io::Result<()> {
    match std::fs::remove_dir_all(root.join(bucket)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // The server keeps what it knows of objects beside the buckets, in files that begin so.
    let prefix = format!(".bucket-{}.", URL_SAFE_NO_PAD.encode(bucket));
    for entry in std::fs::read_dir(root)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(&prefix)) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// A store refuses to remove a bucket that holds anything, so its objects go first.
async fn empty_and_remove(client: &Client, bucket: &str) -> io::Result<()> {
    loop {
        let listed = match client.list_objects_v2().bucket(bucket).send().await {
            Ok(listed) => listed,
            Err(error) if error.as_service_error().is_some_and(|error| error.is_no_such_bucket()) => {
                return Ok(());
            }
            Err(error) => return Err(refused(&error)),
        };
        let keys: Vec<&str> = listed.contents().iter().filter_map(|object| object.key()).collect();
        if keys.is_empty() {
            break;
        }
        for key in keys {
            client.delete_object().bucket(bucket).key(key).send().await.map_err(|error| refused(&error))?;
        }
    }
    client.delete_bucket().bucket(bucket).send().await.map(drop).map_err(|error| refused(&error))
}

fn refused<E, R>(error: &SdkError<E, R>) -> io::Error
where
    SdkError<E, R>: std::error::Error,
{
    io::Error::other(DisplayErrorContext(error).to_string())
}
