//! Whatever was started ends with the test process, however that ends.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use dispatch_testbed::{Database, Process, Server, eventually};

/// Set for the copy of this test that is going to be killed.
const VICTIM: &str = "DISPATCH_TESTBED_VICTIM";

#[expect(clippy::disallowed_methods, reason = "a test has no config.rs")]
fn is_victim() -> bool {
    std::env::var(VICTIM).is_ok()
}

/// Processes whose command line has the words.
fn running(words: &str) -> usize {
    let entries = std::fs::read_dir("/proc").unwrap();
    let lines = entries.filter_map(|entry| std::fs::read(entry.unwrap().path().join("cmdline")).ok());
    lines.filter(|line| String::from_utf8_lossy(line).replace('\0', " ").contains(words)).count()
}

#[tokio::test]
async fn a_killed_test_leaves_no_server_no_process_and_no_folder() {
    if is_victim() {
        let database = Database::seeded().await;
        let child = Process::start(&database, Path::new("/bin/sleep"), &["3600"], []);
        println!("\n{{\"victim\":\"{}\",\"child\":{}}}", database.url, child.id());
        eventually(async || Err::<(), _>("it was never killed".to_owned())).await;
    }
    #[expect(clippy::disallowed_methods, reason = "this test is about a process")]
    let mut victim = Command::new(std::env::current_exe().unwrap());
    victim.args(["a_killed_test", "--nocapture"]).env(VICTIM, "yes").stdout(Stdio::piped());
    let mut victim = victim.spawn().unwrap();
    let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines().map_while(Result::ok);
    let said = lines.find(|line| line.starts_with("{\"victim\"")).unwrap();
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    let folder = said["victim"].as_str().unwrap().split("host=").nth(1).unwrap().to_owned();
    let child = format!("/proc/{}", said["child"]);
    let there = || (Path::new(&folder).exists(), running(&folder) > 0, Path::new(&child).exists());
    assert_eq!(there(), (true, true, true));
    victim.kill().unwrap();
    victim.wait().unwrap();
    eventually(async || match there() {
        (false, false, false) => Ok(()),
        left => Err(format!("left behind (folder, server, child): {left:?}")),
    })
    .await;
}

#[tokio::test]
async fn a_durable_server_syncs_and_goes_with_its_last_database() {
    let database = Database::seeded_on(Arc::new(Server::durable())).await;
    assert_eq!(database.text("SHOW fsync").await.as_deref(), Some("on"));
    assert_eq!(Database::empty().await.text("SHOW fsync").await.as_deref(), Some("off"));
    let folder = database.url.split("host=").nth(1).unwrap().to_owned();
    assert!(Path::new(&folder).exists());
    drop(database);
    assert!(!Path::new(&folder).exists(), "{folder} is left");
}
