//! The store as its clients see it: a process of its own, asked over HTTP.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
#![expect(clippy::disallowed_methods, reason = "the test starts the program it is about")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::primitives::ByteStream;

/// A running store; dropping it kills it.
struct Store {
    child: Child,
    port: u16,
}

impl Store {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_dispatch-objects"))
            .args(["server", folder.to_str().unwrap()])
            .env_clear()
            .envs([("MINIO_ROOT_USER", "key"), ("MINIO_ROOT_PASSWORD", "secret")])
            .envs([("DISPATCH_OBJECTS_HOST", "127.0.0.1"), ("DISPATCH_OBJECTS_PORT", "0")])
            .env("DISPATCH_OBJECTS_BUCKETS", "evidence")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().rsplit_once(':').unwrap().1.parse().unwrap();
        Self { child, port }
    }

    fn client(&self, secret: &str) -> Client {
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(format!("http://127.0.0.1:{}", self.port))
            .credentials_provider(Credentials::new("key", secret, None, None, "test"))
            .force_path_style(true)
            .http_client(aws_smithy_http_client::Builder::new().build_http());
        Client::from_conf(config.build())
    }

    fn healthy(&self) -> bool {
        let probe = Command::new(env!("CARGO_BIN_EXE_dispatch-objects"))
            .args(["health", &self.port.to_string()])
            .stderr(Stdio::null())
            .status();
        probe.unwrap().success()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn objects_outlive_the_process_and_a_stranger_gets_none() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::start(folder.path());
    assert!(store.healthy());
    let put = store.client("secret").put_object().bucket("evidence").key("t/photo.jpg");
    put.body(ByteStream::from_static(b"a photo")).send().await.unwrap();
    let stranger = store.client("guess").get_object().bucket("evidence").key("t/photo.jpg").send().await;
    assert_eq!(stranger.unwrap_err().raw_response().unwrap().status().as_u16(), 403);
    let port = store.port;
    drop(store);
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());

    let again = Store::start(folder.path());
    let kept =
        again.client("secret").get_object().bucket("evidence").key("t/photo.jpg").send().await.unwrap();
    assert_eq!(kept.body.collect().await.unwrap().into_bytes().as_ref(), b"a photo");
}

#[test]
fn without_keys_it_does_not_start_and_says_which() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_dispatch-objects"))
        .args(["server", folder.path().to_str().unwrap()])
        .env_clear()
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("MINIO_ROOT_USER"));
}
