//! One body for every backend: whatever a stack is made of, a lane of the dispatch stack behaves the same.
//!
//! Without a container engine that part says so and is left out; with `DRILLYARD_REQUIRE_ENGINE=1` that fails.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
#![expect(clippy::disallowed_methods, reason = "asks the environment whether an engine is required")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use drillyard_engine::event::EventSink;
use drillyard_engine::stack::{
    Attached, Backend, Lane, LaneRequest, Stack, StackError, StackOptions, reaper,
};
use drillyard_spec::source::Source;
use drillyard_spec::target::{Allowance, Objects, Target};
use drillyard_spec::topology::interpolate::Interpolated;
use drillyard_spec::topology::{self, Topology};
use nix::sys::signal::Signal;

const API: &str = "dispatch-api";
const WORKER: &str = "dispatch-worker";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

fn dispatch() -> Topology {
    let text = std::fs::read_to_string(root().join("ops/compose.yaml")).unwrap();
    let mut wrong = Vec::new();
    let read = topology::parse(&Source::new("ops/compose.yaml", &text), &mut wrong);
    read.unwrap_or_else(|| panic!("{wrong:?}"))
}

/// Folders of one test's run; gone with it.
struct Ground {
    dir: PathBuf,
    run_id: String,
}

impl Ground {
    fn new(name: &str) -> Self {
        drillyard::command::install_tls();
        let run_id = format!("conformance-{name}-{}", std::process::id());
        Self { dir: Path::new(env!("CARGO_TARGET_TMPDIR")).join(&run_id), run_id }
    }

    fn options(&self, backend: Backend, attached: Option<Attached>) -> StackOptions {
        let drillyard = PathBuf::from(env!("CARGO_BIN_EXE_drillyard"));
        StackOptions {
            backend,
            attached,
            engine_host: std::env::var("DOCKER_HOST").ok(),
            run_id: self.run_id.clone(),
            run_dir: self.dir.clone(),
            cache_dir: Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"),
            project_root: root(),
            bin_dir: None,
            profile: "dev".to_owned(),
            pg_bin: None,
            reaper: drillyard,
            search_path: std::env::var("PATH").unwrap(),
            variables: BTreeMap::new(),
            scratch_dir: std::env::temp_dir(),
        }
    }

    async fn raise(&self, backend: Backend) -> Result<Stack, StackError> {
        Stack::raise(&dispatch(), self.options(backend, None), EventSink::channel().0).await
    }

    fn residue(&self) -> Vec<String> {
        reaper::look(&self.dir).unwrap().lines()
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

async fn status(lane: &Lane, path: &str) -> Option<u16> {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(3)).build().unwrap();
    let answer = client.get(format!("{}{path}", lane.url(API).unwrap())).send().await.ok()?;
    Some(answer.status().as_u16())
}

/// What holds on every backend, also for a system that is up already.
async fn is_a_dispatch_stack(lane: &Lane) {
    assert_eq!(status(lane, "/readyz").await, Some(200));
    assert_eq!(status(lane, "/tickets").await, Some(401), "nobody is let in without a token");
    let token = lane.token("dispatcher").unwrap();
    let client = reqwest::Client::new();
    let list =
        client.get(format!("{}/tickets", lane.url(API).unwrap())).bearer_auth(token).send().await.unwrap();
    assert_eq!(list.status().as_u16(), 200, "{}", list.text().await.unwrap());

    let url = lane.database_url("postgres").unwrap();
    let accounts = drillyard_engine::action::sql::run(&url, "select count(*) as n from accounts", &[], true);
    assert_eq!(accounts.await.unwrap()["rows"][0]["n"], 1);

    let objects = lane.objects().unwrap();
    let (client, bucket) = (objects.client(), &objects.bucket);
    client
        .put_object()
        .bucket(bucket)
        .key("conformance/a")
        .body(b"abc".to_vec().into())
        .send()
        .await
        .unwrap();
    let got = client.get_object().bucket(bucket).key("conformance/a").send().await.unwrap();
    assert_eq!(got.body.collect().await.unwrap().into_bytes().as_ref(), b"abc");
    client.delete_object().bucket(bucket).key("conformance/a").send().await.unwrap();
    assert_eq!(lane.service_down(), None);
    let strings = lane.connection_strings().join("\n");
    assert!(strings.contains(&url) && strings.contains(&objects.endpoint), "{strings}");
}

/// What holds where the stack was raised by the harness.
async fn can_be_broken_and_mended(stack: &Stack) {
    let one = stack.lane(LaneRequest::new("one")).await.unwrap();
    let own = BTreeMap::from([(
        API.to_owned(),
        BTreeMap::from([("DISPATCH_HTTP_405".to_owned(), "true".to_owned())]),
    )]);
    let two = stack.lane(LaneRequest::new("two").with_env(own).with_object_faults(true)).await.unwrap();
    is_a_dispatch_stack(&one).await;
    is_a_dispatch_stack(&two).await;
    let secrets = |lane: &Lane| lane.secrets().into_iter().map(|(_, value)| value).collect::<BTreeSet<_>>();
    assert_ne!(secrets(&one), secrets(&two), "secrets are a lane's own");
    assert_ne!(one.database(), two.database());

    let address = one.url(API).unwrap();
    one.kill(API).await.unwrap().unwrap();
    assert_eq!(status(&one, "/readyz").await, None, "it is gone");
    assert_eq!(status(&two, "/readyz").await, Some(200), "the other lane does not notice");
    assert_eq!(one.service_down(), None, "it is gone on purpose");
    one.start(API).await.unwrap();
    assert_eq!((status(&one, "/readyz").await, one.url(API).unwrap()), (Some(200), address));

    let before = one.process(API).unwrap().pid();
    one.restart(API).await.unwrap();
    assert_ne!(one.process(API).unwrap().pid(), before);
    assert!(one.process(API).unwrap().pause().await);
    assert!(one.process(API).unwrap().stands_still());
    assert_eq!(status(&one, "/readyz").await, None, "it is there and does nothing");
    one.process(API).unwrap().resumed().await;
    assert_eq!(status(&one, "/readyz").await, Some(200));

    let bootstrapped = one.run_job("bootstrap").await.unwrap();
    assert_eq!(bootstrapped.exit, Some(0), "{}", bootstrapped.output);
    assert!(bootstrapped.output.contains("\"result\":\"ok\""), "{}", bootstrapped.output);
    assert_eq!(one.run_job("bootstrap").await.unwrap().exit, Some(0), "a job can be run again");

    // One that dies without anybody's wish is noticed, with its last line.
    let victim = one.process(WORKER).unwrap();
    match victim.container() {
        Some(container) => container.signal(Signal::SIGKILL).await,
        None => victim.signal(Signal::SIGKILL),
    }
    let begun = Instant::now();
    while one.service_down().is_none() && begun.elapsed() < Duration::from_secs(5) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(one.service_down().unwrap().starts_with("`dispatch-worker` was ended by signal SIGKILL"));
    assert!(one.log_of(API).unwrap().unwrap().contains("dispatch-api"));

    assert_eq!(one.close().await, Vec::<String>::new());
    assert_eq!(two.close().await, Vec::<String>::new());
    assert!(!stack.digests().await.unwrap().is_empty());
}

async fn conforms(backend: Backend) {
    let ground = Ground::new(backend.as_str());
    let stack = match ground.raise(backend).await {
        Ok(stack) => stack,
        Err(error @ StackError::NoEngine { .. }) => return no_engine(&error),
        Err(error) => panic!("{}", error.full()),
    };
    assert_eq!(stack.backend(), backend);
    can_be_broken_and_mended(&stack).await;
    assert_eq!(stack.down().await, Vec::<String>::new());
    assert_eq!(ground.residue(), Vec::<String>::new());
}

#[expect(clippy::print_stderr, reason = "says that it was left out")]
fn no_engine(error: &StackError) {
    let required = std::env::var("DRILLYARD_REQUIRE_ENGINE").is_ok_and(|value| value == "1");
    assert!(!required, "{}", error.full());
    eprintln!("left out: {}", error.full());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_of_processes_conforms() {
    conforms(Backend::Process).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_of_containers_conforms() {
    conforms(Backend::Container).await;
}

/// The lane as somebody else would describe it in `ops/targets`.
fn target_of(lane: &Lane, allow: BTreeSet<Allowance>) -> Attached {
    let value = |text: &str| Interpolated::parse(&text.replace('$', "$$")).unwrap();
    let objects = lane.objects().unwrap();
    let target = Target {
        name: "stage".to_owned(),
        file: "ops/targets/stage.yaml".to_owned(),
        protected: false,
        env_file: None,
        services: BTreeMap::from([(API.to_owned(), value(&lane.url(API).unwrap()))]),
        database: Some(value(&lane.database_url("postgres").unwrap())),
        objects: Some(Objects {
            endpoint: value(&objects.endpoint),
            bucket: value(&objects.bucket),
            access_key: value(&objects.access_key),
            secret_key: value(&objects.secret_key),
        }),
        secrets: lane.secrets().iter().map(|(name, secret)| (name.clone(), value(secret))).collect(),
        allow,
    };
    Attached::resolve(&target, &|_| None).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_that_is_up_already_conforms_and_outlives_those_who_drill_it() {
    let owner = Ground::new("owner");
    let stack = owner.raise(Backend::Process).await.unwrap();
    let theirs = stack.lane(LaneRequest::new("theirs")).await.unwrap();
    let ground = Ground::new("attached");
    let options = ground.options(Backend::Attached, Some(target_of(&theirs, BTreeSet::new())));
    let attached = Stack::raise(&dispatch(), options, EventSink::channel().0).await.unwrap();
    let lane = attached.lane(LaneRequest::new("guest")).await.unwrap();
    is_a_dispatch_stack(&lane).await;
    assert!(lane.kill(API).await.is_err(), "it is not ours to kill");
    assert!(lane.run_job("bootstrap").await.is_err());
    assert_eq!(lane.close().await, Vec::<String>::new());
    assert_eq!(attached.down().await, Vec::<String>::new());
    is_a_dispatch_stack(&theirs).await;

    // One that is not up is said to be so before anything is drilled.
    let gone = target_of(&theirs, BTreeSet::new());
    theirs.kill(API).await.unwrap();
    let other = Ground::new("gone");
    let options = other.options(Backend::Attached, Some(gone));
    let error = Stack::raise(&dispatch(), options, EventSink::channel().0).await.unwrap_err();
    assert!(
        error.full().starts_with("the target `stage` is not up: `dispatch-api`, GET http://"),
        "{}",
        error.full()
    );
    theirs.close().await;
    assert_eq!(stack.down().await, Vec::<String>::new());
}

#[test]
fn without_an_engine_one_sentence_says_what_to_do() {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_drillyard"));
    command.arg("--project").arg(root()).args(["run", "smoke", "--backend", "container"]);
    let output = command.env("DOCKER_HOST", "unix:///nowhere/docker.sock").output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4), "{text}");
    assert!(text.contains("no container engine answers at unix:///nowhere/docker.sock"), "{text}");
    assert!(text.contains("ops/images/engine.sh") && text.trim().lines().count() == 1, "{text}");
}

#[test]
fn a_target_that_is_not_there_and_one_that_is_not_up_are_told_apart() {
    let run = |target: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_drillyard"));
        command.arg("--project").arg(root()).args(["run", "smoke", "--target", target]);
        // A port at which nobody listens, and no secret that matters.
        let names = ["DISPATCH_API_PUBLISHED_PORT", "OPENCLAW_GATEWAY_PORT"];
        command.envs(names.map(|name| (name, "1")));
        let secrets = ["DATABASE_PASSWORD", "OBJECT_STORE_KEY", "OBJECT_STORE_SECRET", "AUTH_JWT_SECRET"];
        command
            .envs(secrets.map(|name| (format!("DISPATCH_{name}"), "x")))
            .env("OPENCLAW_GATEWAY_TOKEN", "x");
        let output = command.output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, text) = run("compose");
    assert_eq!(code, 4, "{text}");
    assert!(
        text.contains("the target `compose` is not up: `dispatch-api`, GET http://127.0.0.1:1/readyz"),
        "{text}"
    );
    let (code, text) = run("composed");
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("there is no target `composed`; in ops/targets there is compose"), "{text}");
}
