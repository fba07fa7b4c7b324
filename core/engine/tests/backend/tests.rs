//! What must hold of the backend.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use aws_sdk_s3::primitives::ByteStream;
use drillyard_engine::event::{Event, EventSink};
use drillyard_engine::stack::{Lane, Stack, StackError};
use libtest_mimic::{Failed, Trial};
use sqlx::{Connection, PgConnection};

use crate::world::{TOPOLOGY, World, block_on, get, read, request};

type Done = Result<(), Failed>;

/// Bound for a killed run to have left nothing.
const NOTHING_LEFT: Duration = Duration::from_secs(5);

macro_rules! trials {
    ($($name:ident),* $(,)?) => { vec![$(Trial::test(stringify!($name), || { $name(); Done::Ok(()) })),*] };
}

pub fn all() -> Vec<Trial> {
    trials![
        two_lanes_at_once_do_not_see_each_other,
        a_closed_lane_is_gone,
        an_environment_reaches_only_its_own_lane,
        processes_are_told_real_addresses,
        a_job_runs_in_its_lane,
        tokens_are_signed_with_the_secret_of_the_lane,
        a_service_that_ends_is_noticed_and_comes_back_at_its_address,
        a_service_that_dies_while_starting_is_named_with_its_last_lines,
        a_service_that_is_never_ready_is_named_with_what_the_probe_saw,
        a_job_that_fails_before_the_lanes_is_named,
        a_missing_program_is_named,
        a_missing_database_server_says_how_to_install_one,
        a_kept_lane_stays_until_the_stack_goes_down,
        a_process_that_escaped_its_group_is_ended,
        a_killed_runner_leaves_nothing,
        a_killed_database_server_leaves_nothing,
        a_runner_killed_at_any_moment_of_the_start_leaves_nothing,
        a_stack_that_nobody_took_down_leaves_nothing,
        a_durable_database_is_on_disk_and_syncs,
        a_run_folder_too_long_for_a_socket_is_no_hindrance,
    ]
}

async fn query(lane: &Lane, statement: &'static str) -> Vec<i32> {
    let mut connection = PgConnection::connect(&lane.database_url("postgres").unwrap()).await.unwrap();
    let rows = sqlx::query_scalar(statement).fetch_all(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    rows
}

fn environment_of(lane: &Lane, service: &str) -> serde_json::Value {
    serde_json::from_str(&get(&lane.url(service).unwrap()).unwrap()).unwrap()
}

fn two_lanes_at_once_do_not_see_each_other() {
    let world = World::new();
    block_on(async {
        let stack = world.raise(TOPOLOGY).await.unwrap();
        let (one, two) = tokio::join!(stack.lane(request("one")), stack.lane(request("two")));
        let (one, two) = (one.unwrap(), two.unwrap());
        assert_eq!(query(&two, "insert into tickets values (2, 'two') returning id").await, [2]);
        assert_eq!(query(&one, "select id from tickets order by id").await, [1]);
        assert_eq!(query(&two, "select id from tickets order by id").await, [1, 2]);

        let (ours, theirs) = (one.objects().unwrap(), two.objects().unwrap());
        assert_ne!(ours.bucket, theirs.bucket);
        let body = ByteStream::from_static(b"photo");
        theirs.client().put_object().bucket(&theirs.bucket).key("a/b.txt").body(body).send().await.unwrap();
        let listed = ours.client().list_objects_v2().bucket(&ours.bucket).send().await.unwrap();
        assert_eq!(listed.contents().len(), 0);
        let listed = theirs.client().list_objects_v2().bucket(&theirs.bucket).send().await.unwrap();
        assert_eq!(listed.contents()[0].key(), Some("a/b.txt"));

        assert_ne!(one.secret("SIGN"), two.secret("SIGN"));
        assert_eq!(one.secret("DATABASE_PASSWORD"), two.secret("DATABASE_PASSWORD"));
        assert_ne!(one.url("back"), two.url("back"));
        assert!(one.close().await.is_empty() && two.close().await.is_empty());
        assert_eq!(stack.down().await, Vec::<String>::new());
    });
    assert_eq!(world.traces(), Vec::<String>::new());
}

fn a_closed_lane_is_gone() {
    let world = World::new();
    block_on(async {
        let stack = world.raise(TOPOLOGY).await.unwrap();
        let (gone, stays) =
            (stack.lane(request("gone")).await.unwrap(), stack.lane(request("stays")).await.unwrap());
        let objects = gone.objects().unwrap().clone();
        let body = ByteStream::from_static(b"x");
        objects.client().put_object().bucket(&objects.bucket).key("k").body(body).send().await.unwrap();
        let url = gone.url("back").unwrap();
        // Somebody who is still connected does not keep the database.
        let _connected = PgConnection::connect(&gone.database_url("postgres").unwrap()).await.unwrap();
        assert_eq!(gone.close().await, Vec::<String>::new());
        assert!(get(&url).is_err());
        let count = "select count(*)::int from pg_database where datname like 'lane\\_%'";
        assert_eq!(query(&stays, count).await, [1]);
        let left: Vec<_> =
            std::fs::read_dir(world.run_dir.join("s3")).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, [stays.objects().unwrap().bucket.as_str()]);
        stays.close().await;
        assert_eq!(stack.down().await, Vec::<String>::new());
    });
}

fn an_environment_reaches_only_its_own_lane() {
    let world = World::new();
    block_on(async {
        let stack = world.raise(TOPOLOGY).await.unwrap();
        let env = [("back".to_owned(), [("MODE".to_owned(), "strict".to_owned())].into())];
        let special = stack.lane(request("special").with_env(env.into())).await.unwrap();
        let plain = stack.lane(request("plain")).await.unwrap();
        assert_eq!(environment_of(&special, "back")["MODE"], "strict");
        assert!(environment_of(&special, "front")["MODE"].is_null());
        assert!(environment_of(&plain, "back")["MODE"].is_null());
        let env = [("postgres".to_owned(), [].into())];
        let refused = stack.lane(request("x").with_env(env.into())).await.unwrap_err();
        assert!(refused.to_string().contains("`postgres` is no service of a lane"));
        stack.down().await;
    });
}

fn processes_are_told_real_addresses() {
    let world = World::new();
    block_on(async {
        let stack = world.raise(TOPOLOGY).await.unwrap();
        let lane = stack.lane(request("drills/an-address")).await.unwrap();
        let (back, front) = (environment_of(&lane, "back"), environment_of(&lane, "front"));
        assert_eq!(back["BIND"], "127.0.0.1");
        assert_eq!(lane.url("back").unwrap(), format!("http://127.0.0.1:{}", back["PORT"].as_str().unwrap()));
        assert_eq!(front["BACK"], format!("{}/readyz", lane.url("back").unwrap()));
        assert_eq!(back["DATABASE_URL"], lane.database_url("postgres").unwrap());
        assert_eq!(back["OBJECTS"], lane.objects().unwrap().endpoint);
        assert_eq!(back["BUCKET"], "lane-1-an-address");
        assert_eq!(back["SIGN"], lane.secret("SIGN").unwrap());
        let names: Vec<&str> = back.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "BIND",
                "BUCKET",
                "DATABASE_URL",
                "DRILLYARD_RUN",
                "LANG",
                "OBJECTS",
                "PATH",
                "PORT",
                "SIGN",
                "TZ"
            ]
        );
        assert_eq!(lane.connection_strings().len(), 4);
        let mark = lane.log_mark();
        get(&format!("{}/hello", lane.url("back").unwrap())).unwrap();
        assert_eq!(lane.log_since(&mark), ["back | GET /hello HTTP/1.1"]);
        stack.down().await;
    });
}

fn a_job_runs_in_its_lane() {
    let world = World::new();
    block_on(async {
        let stack = world.raise(TOPOLOGY).await.unwrap();
        let lane = stack.lane(request("job")).await.unwrap();
        for _ in 0..2 {
            let outcome = lane.run_job("report").await.unwrap();
            assert_eq!((outcome.exit, outcome.output.as_str()), (Some(7), "asking\n{\"answered\":true}\n"));
        }
        assert!(lane.run_job("back").await.unwrap_err().to_string().contains("no one-shot job `back`"));
        stack.down().await;
    });
}

fn tokens_are_signed_with_the_secret_of_the_lane() {
    let world = World::new();
    block_on(async {
        let stack = world.raise(TOPOLOGY).await.unwrap();
        let lane = stack.lane(request("token")).await.unwrap();
        let secret = lane.secret("SIGN").unwrap();
        assert_eq!(secret.len(), 64);
        let key = jsonwebtoken::DecodingKey::from_secret(secret.as_bytes());
        let rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::HS256);
        let token = lane.token("clerk").unwrap();
        let read = jsonwebtoken::decode::<serde_json::Value>(&token, &key, &rules).unwrap();
        assert_eq!((&read.claims["sub"], &read.claims["role"]), (&"clerk-1".into(), &"clerk".into()));
        assert_eq!(lane.token("clerk").unwrap(), token);
        assert_eq!(lane.token("machine").unwrap(), secret);
        assert!(lane.token("nobody").is_err());
        stack.down().await;
    });
}

fn a_service_that_ends_is_noticed_and_comes_back_at_its_address() {
    let world = World::new();
    block_on(async {
        let stack = world.raise(TOPOLOGY).await.unwrap();
        let lane = stack.lane(request("down")).await.unwrap();
        let url = lane.url("back").unwrap();
        assert_eq!(lane.service_down(), None);
        let _ = get(&format!("{url}/die"));
        let begun = Instant::now();
        let seen = loop {
            match lane.service_down() {
                Some(seen) => break seen,
                None if begun.elapsed() > NOTHING_LEFT => panic!("nobody noticed"),
                None => tokio::task::yield_now().await,
            }
        };
        assert_eq!(seen, "`back` ended with exit code 3; its last line: GET /die HTTP/1.1");
        lane.start("back").await.unwrap();
        assert!(get(&url).is_ok());
        lane.restart("back").await.unwrap();
        assert!(get(&url).is_ok());
        lane.kill("back").await.unwrap();
        assert!(get(&url).is_err());
        assert_eq!(lane.service_down(), None, "it was ended on purpose");
        stack.down().await;
    });
}

/// What raising a lane says when one text of the topology is changed.
fn refusal(world: &World, from: &str, to: &str) -> StackError {
    assert!(TOPOLOGY.contains(from));
    block_on(async {
        let stack = match world.raise(&TOPOLOGY.replacen(from, to, 1)).await {
            Ok(stack) => stack,
            Err(error) => return error,
        };
        let error = stack.lane(request("refused")).await.unwrap_err();
        let databases = stack.lane(request("still possible")).await;
        assert!(databases.is_err(), "the topology is the same");
        assert_eq!(stack.down().await, Vec::<String>::new());
        error
    })
}

fn a_service_that_dies_while_starting_is_named_with_its_last_lines() {
    let world = World::new();
    let begun = Instant::now();
    let error = refusal(
        &world,
        "args: [serve] }, ready: { http: /readyz }",
        "args: [die] }, ready: { http: /readyz }",
    );
    assert_eq!(
        error.full(),
        "`back` ended with exit code 4 while it was starting:\n    first line\n    no such file: settings.toml"
    );
    assert!(begun.elapsed() < Duration::from_secs(10), "it waited for a service that was gone");
    assert_eq!(world.traces(), Vec::<String>::new());
}

fn a_service_that_is_never_ready_is_named_with_what_the_probe_saw() {
    let world = World::new();
    let error = refusal(
        &world,
        "ready: { log: \"listens on\" }",
        "ready: { log: \"never said\" }, start_timeout: 300ms",
    );
    let text = error.full();
    assert!(text.starts_with("`front` was not ready after 3"), "{text}");
    assert!(
        text.contains("no line of its log matches `never said`") && text.contains("listens on 127.0.0.1"),
        "{text}"
    );
    assert_eq!(world.traces(), Vec::<String>::new());
}

fn a_job_that_fails_before_the_lanes_is_named() {
    let world = World::new();
    let error = refusal(&world, "args: [seed]", "args: [die]");
    assert_eq!(
        error.full(),
        "the job `prepare` ended with exit code 4:\n    first line\n    no such file: settings.toml"
    );
    assert_eq!(world.traces(), Vec::<String>::new());
}

fn a_missing_program_is_named() {
    let world = World::new();
    let error = refusal(
        &world,
        "program: SELF, args: [serve] }, ready: { http",
        "program: no-such-program }, ready: { http",
    );
    assert_eq!(error.full(), "`back`: there is no program `no-such-program`");
}

fn a_missing_database_server_says_how_to_install_one() {
    let world = World::new();
    let mut options = world.options();
    options.pg_bin = Some("/nowhere/bin".into());
    let error = block_on(world.raise_with(TOPOLOGY, options)).unwrap_err().full();
    assert!(error.contains("/nowhere/bin") && error.contains("apt-get install postgresql"), "{error}");
    assert_eq!(world.traces(), Vec::<String>::new());
}

fn a_kept_lane_stays_until_the_stack_goes_down() {
    let world = World::new();
    block_on(async {
        let stack = world.raise(TOPOLOGY).await.unwrap();
        let lane = stack.lane(request("kept")).await.unwrap();
        let url = lane.url("back").unwrap();
        lane.keep();
        assert!(get(&url).is_ok());
        assert_eq!(stack.down().await, Vec::<String>::new());
        assert!(get(&url).is_err());
    });
    assert_eq!(world.traces(), Vec::<String>::new());
}

fn a_process_that_escaped_its_group_is_ended() {
    let world = World::new();
    block_on(async {
        let text = TOPOLOGY.replacen("args: [serve] }, ready: { log", "args: [escape] }, ready: { log", 1);
        let stack = world.raise(&text).await.unwrap();
        let lane = stack.lane(request("escape")).await.unwrap();
        lane.close().await;
        assert!(world.traces().iter().any(|trace| trace.contains("(sleep)")), "it did not escape");
        assert_eq!(stack.down().await, Vec::<String>::new());
    });
    assert_eq!(world.traces(), Vec::<String>::new());
}

#[expect(clippy::disallowed_methods, reason = "the test starts the runner it kills")]
fn runner(world: &World) -> std::process::Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["hold", &world.run_id]).stdout(Stdio::piped()).spawn().unwrap()
}

fn a_killed_runner_leaves_nothing() {
    let world = World::new();
    let mut runner = runner(&world);
    let mut line = String::new();
    BufReader::new(runner.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "held 2-two\n");
    let there = world.traces();
    assert!(there.len() >= 4 + 5 + 2, "PostgreSQL with its children, four services, folders: {there:#?}");
    runner.kill().unwrap();
    runner.wait().unwrap();
    assert_eq!(world.gone_within(NOTHING_LEFT), Vec::<String>::new());
    assert!(world.run_dir.join("logs/2-two/back.log").exists(), "logs stay");
    assert!(world.run_dir.join("undo.jsonl").exists(), "the ledger stays");
}

fn a_killed_database_server_leaves_nothing() {
    let world = World::new();
    block_on(async {
        let (events, mut said) = EventSink::channel();
        let stack = Stack::raise(&read(TOPOLOGY), world.options(), events).await.unwrap();
        let lane = stack.lane(request("killed")).await.unwrap();
        let pid = std::iter::from_fn(|| said.try_recv().ok()).find_map(|stamped| match stamped.event {
            Event::Service { service, pid, .. } if service == "postgres" => pid,
            _ => None,
        });
        let pid = pid.and_then(|pid| i32::try_from(pid).ok()).unwrap();
        let segments = || std::fs::read_to_string("/proc/sysvipc/shm").unwrap();
        let ours =
            |table: &str| table.lines().any(|line| line.split_whitespace().nth(4) == Some(&pid.to_string()));
        assert!(ours(&segments()));
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).unwrap();
        let begun = Instant::now();
        while lane.service_down().is_none() {
            assert!(begun.elapsed() < NOTHING_LEFT, "nobody noticed");
            tokio::task::yield_now().await;
        }
        assert!(lane.service_down().unwrap().starts_with("`postgres` was ended by signal SIGKILL"));
        assert_eq!(lane.close().await.len(), 1, "its database could not be dropped");
        assert_eq!(stack.down().await, Vec::<String>::new());
        assert!(!ours(&segments()), "{}", segments());
    });
    assert_eq!(world.traces(), Vec::<String>::new());
}

fn a_runner_killed_at_any_moment_of_the_start_leaves_nothing() {
    for step in 0..12 {
        let world = World::new();
        let mut runner = runner(&world);
        drillyard_engine::clock::sleep_blocking(Duration::from_millis(15 + 25 * step));
        runner.kill().unwrap();
        runner.wait().unwrap();
        assert_eq!(world.gone_within(NOTHING_LEFT), Vec::<String>::new(), "killed at step {step}");
    }
}

fn a_stack_that_nobody_took_down_leaves_nothing() {
    let world = World::new();
    block_on(async {
        let stack = world.raise(TOPOLOGY).await.unwrap();
        let _lane = stack.lane(request("dropped")).await.unwrap();
    });
    assert_eq!(world.gone_within(NOTHING_LEFT), Vec::<String>::new());
}

/// The topology with a database whose commits reach the disk, which keeps its data out of memory.
fn durable() -> String {
    TOPOLOGY.replacen("lane_database: SHOP_DATABASE", "lane_database: SHOP_DATABASE, durability: full", 1)
}

fn a_durable_database_is_on_disk_and_syncs() {
    let world = World::new();
    block_on(async {
        let stack = world.raise(&durable()).await.unwrap();
        let lane = stack.lane(request("durable")).await.unwrap();
        assert!(world.run_dir.join("pg/data/PG_VERSION").exists());
        assert_eq!(query(&lane, "select 1 where current_setting('fsync') = 'on' and current_setting('full_page_writes') = 'on'").await, [1]);
        assert_eq!(stack.down().await, Vec::<String>::new());
    });
    assert_eq!(world.traces(), Vec::<String>::new());
}

fn a_run_folder_too_long_for_a_socket_is_no_hindrance() {
    let mut world = World::new();
    world.run_dir = world.run_dir.join("a-folder-with-a-very-long-name-indeed".repeat(3));
    block_on(async {
        let stack = world.raise(&durable()).await.unwrap();
        let lane = stack.lane(request("long")).await.unwrap();
        assert_eq!(query(&lane, "select id from tickets").await, [1]);
        assert!(std::path::Path::new(&format!("/tmp/drillyard-{}", world.run_id)).exists());
        lane.close().await;
        assert_eq!(stack.down().await, Vec::<String>::new());
    });
    assert_eq!(world.traces(), Vec::<String>::new());
}
