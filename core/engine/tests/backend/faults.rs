//! What must hold of faults: each does what it says, is seen at work, written down before, and undone.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use drillyard_engine::fault::Book;
use drillyard_engine::stack::process::Resource;
use drillyard_engine::stack::replay::replay;
use drillyard_engine::stack::{Lane, undo};
use drillyard_spec::fault::{
    DatabaseFault, EdgeName, Fault, FaultStep, HttpFault, ObjectFault, ServiceFault, What, WireFault,
};
use libtest_mimic::{Failed, Trial};
use serde_json::Value;
use sqlx::{Connection, PgConnection};

use crate::world::{TOPOLOGY, World, block_on, get, request};

type Done = Result<(), Failed>;

pub fn all() -> Vec<Trial> {
    macro_rules! trials {
        ($($name:ident),* $(,)?) => { vec![$(Trial::test(stringify!($name), || { $name(); Done::Ok(()) })),*] };
    }
    trials![
        a_service_that_is_killed_stopped_paused_or_restarted_comes_back,
        a_fault_is_written_down_before_it_happens_and_undone_at_the_end,
        a_limit_is_lifted_by_hand_while_the_runner_lives,
        a_fault_that_hits_nothing_is_told,
        a_fault_that_cannot_be_undone_is_residue,
        a_killed_runner_with_a_paused_service_leaves_nothing,
        an_edge_with_a_fault_concerns_nobody_else,
        requests_of_an_edge_are_refused_doubled_cut_and_lost,
        a_database_that_is_locked_slow_read_only_or_dropping_sessions_recovers,
        objects_of_one_bucket_are_refused_missing_cut_and_damaged,
    ]
}

pub fn fault(name: &str, what: What) -> FaultStep {
    FaultStep::Inject(Fault { name: name.to_owned(), kind: "test", what, after: None })
}

fn on_service(service: &str, fault: ServiceFault) -> What {
    What::Service { service: service.to_owned(), fault }
}

fn front_to_back() -> EdgeName {
    EdgeName { from: "front".to_owned(), to: "back".to_owned() }
}

fn heal(name: &str) -> FaultStep {
    FaultStep::Heal(name.to_owned())
}

async fn seen(book: &Book, step: &FaultStep, lane: &Lane) -> u64 {
    let answer: Value = book.perform(step, lane).await.unwrap();
    answer["seen"].as_u64().unwrap()
}

fn open(world: &World) -> usize {
    undo::open_faults(&undo::read(&world.run_dir).unwrap()).len()
}

fn a_service_that_is_killed_stopped_paused_or_restarted_comes_back() {
    let world = World::new();
    block_on(async {
        let stack = world.raise(TOPOLOGY).await.unwrap();
        let lane = stack.lane(request("faults")).await.unwrap();
        let (book, url) = (Book::default(), lane.url("back").unwrap());
        for kind in [ServiceFault::Kill, ServiceFault::Stop] {
            assert_eq!(seen(&book, &fault("gone", on_service("back", kind)), &lane).await, 1);
            assert!(get(&url).is_err());
            assert_eq!(lane.service_down(), None, "it is gone on purpose");
            assert_eq!(seen(&book, &heal("gone"), &lane).await, 1);
            assert!(!get(&url).unwrap().is_empty());
        }
        let before = lane.process("back").unwrap().pid();
        assert_eq!(seen(&book, &fault("again", on_service("back", ServiceFault::Restart)), &lane).await, 1);
        assert_ne!(lane.process("back").unwrap().pid(), before);
        assert_eq!(seen(&book, &fault("still", on_service("back", ServiceFault::Pause)), &lane).await, 1);
        assert!(lane.process("back").unwrap().stands_still());
        let twice = book.perform(&fault("still", on_service("back", ServiceFault::Pause)), &lane).await;
        assert!(twice.unwrap_err().contains("at work already"));
        assert_eq!(seen(&book, &heal("still"), &lane).await, 1);
        assert!(!get(&url).unwrap().is_empty());
        assert_eq!(seen(&book, &heal("still"), &lane).await, 1, "healing again changes nothing");
        assert_eq!(book.undo_all(&lane).await, drillyard_engine::fault::Aftermath::default());
        assert_eq!(lane.close().await, Vec::<String>::new());
        assert_eq!(stack.down().await, Vec::<String>::new());
    });
    assert_eq!(open(&world), 0);
}

fn a_fault_is_written_down_before_it_happens_and_undone_at_the_end() {
    let world = World::new();
    block_on(async {
        let stack = world.raise(TOPOLOGY).await.unwrap();
        let lane = stack.lane(request("faults")).await.unwrap();
        let book = Book::default();
        seen(&book, &fault("still", on_service("back", ServiceFault::Pause)), &lane).await;
        seen(&book, &fault("gone", on_service("front", ServiceFault::Kill)), &lane).await;
        assert_eq!(open(&world), 2);
        // By hand, while the runner lives: what stands still goes on, the rest is the runner's.
        let replayed = replay(&world.run_dir).unwrap();
        assert_eq!(replayed.runner, Some(std::process::id()));
        assert!(replayed.faults[0].contains("back goes on"), "{:?}", replayed.faults);
        assert!(replayed.faults[1].contains("started by its runner"), "{:?}", replayed.faults);
        assert!(!lane.process("back").unwrap().stands_still());
        assert_eq!(book.undo_all(&lane).await, drillyard_engine::fault::Aftermath::default());
        assert_eq!(open(&world), 0);
        assert!(!get(&lane.url("front").unwrap()).unwrap().is_empty());
        stack.down().await;
    });
}

fn a_limit_is_lifted_by_hand_while_the_runner_lives() {
    let world = World::new();
    block_on(async {
        let stack = world.raise(TOPOLOGY).await.unwrap();
        let lane = stack.lane(request("faults")).await.unwrap();
        let book = Book::default();
        let limit = || lane.process("back").unwrap().limit_of(Resource::Files).unwrap();
        let before = limit();
        seen(&book, &fault("few", on_service("back", ServiceFault::OutOfFiles { left: 0 })), &lane).await;
        assert_ne!(limit(), before);
        let replayed = replay(&world.run_dir).unwrap();
        assert!(replayed.faults[0].contains("the limit of back is lifted"), "{:?}", replayed.faults);
        assert_eq!(limit(), before);
        assert_eq!(book.undo_all(&lane).await.residue, Vec::<String>::new());
        assert_eq!(open(&world), 0);
        stack.down().await;
    });
}

fn a_fault_that_hits_nothing_is_told() {
    let world = World::new();
    block_on(async {
        let stack = world.raise(TOPOLOGY).await.unwrap();
        let proxies = BTreeMap::from([(front_to_back(), false)]);
        let lane = stack.lane(request("faults").with_proxies(proxies)).await.unwrap();
        let book = Book::default();
        let what = What::Wire { edge: front_to_back(), fault: WireFault::Reset };
        assert_eq!(seen(&book, &fault("cut", what), &lane).await, 0);
        lane.kill("front").await.unwrap();
        // It is gone already, so the fault did nothing to it.
        assert_eq!(seen(&book, &fault("gone", on_service("front", ServiceFault::Kill)), &lane).await, 0);
        let aftermath = book.undo_all(&lane).await;
        assert_eq!(aftermath.unwitnessed, ["test front", "test front -> back"]);
        assert_eq!(aftermath.residue, Vec::<String>::new());
        stack.down().await;
    });
}

fn a_fault_that_cannot_be_undone_is_residue() {
    let world = World::new();
    block_on(async {
        let stack = world.raise(TOPOLOGY).await.unwrap();
        let lane = stack.lane(request("faults")).await.unwrap();
        let book = Book::default();
        seen(&book, &fault("gone", on_service("back", ServiceFault::Kill)), &lane).await;
        let address = lane.addresses()["back"].clone();
        let squatter = std::net::TcpListener::bind(address).unwrap();
        let aftermath = book.undo_all(&lane).await;
        assert!(aftermath.residue[0].starts_with("fault test back: "), "{aftermath:?}");
        assert_eq!(open(&world), 1);
        drop(squatter);
        assert_eq!(book.undo_all(&lane).await.residue, Vec::<String>::new());
        assert_eq!(open(&world), 0);
        stack.down().await;
    });
}

#[expect(clippy::disallowed_methods, reason = "the test starts the runner it kills")]
fn a_killed_runner_with_a_paused_service_leaves_nothing() {
    let world = World::new();
    let runner = Command::new(std::env::current_exe().unwrap())
        .args(["hold-paused", &world.run_id])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn();
    let mut runner = runner.unwrap();
    let mut line = String::new();
    BufReader::new(runner.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "paused\n");
    assert_eq!(open(&world), 1);
    runner.kill().unwrap();
    runner.wait().unwrap();
    assert_eq!(world.gone_within(Duration::from_secs(5)), Vec::<String>::new());
    let replayed = replay(&world.run_dir).unwrap();
    assert_eq!((replayed.runner, replayed.residue.is_empty()), (None, true));
}

fn an_edge_with_a_fault_concerns_nobody_else() {
    let world = World::new();
    block_on(async {
        let stack = world.raise(TOPOLOGY).await.unwrap();
        let proxies = BTreeMap::from([(front_to_back(), false)]);
        let lane = stack.lane(request("faults").with_proxies(proxies)).await.unwrap();
        let front: Value = serde_json::from_str(&get(&lane.url("front").unwrap()).unwrap()).unwrap();
        let edge = front["BACK"].as_str().unwrap().to_owned();
        let direct = format!("{}/readyz", lane.url("back").unwrap());
        assert_ne!(edge, direct);
        assert_eq!(get(&edge).unwrap(), get(&direct).unwrap());
        let book = Book::default();
        for cut in [WireFault::Reset, WireFault::Partition] {
            seen(&book, &fault("cut", What::Wire { edge: front_to_back(), fault: cut }), &lane).await;
            assert!(get(&edge).is_err());
            assert!(get(&direct).is_ok());
            assert_eq!(seen(&book, &heal("cut"), &lane).await, 1);
            assert!(get(&edge).is_ok());
        }
        stack.down().await;
    });
}

fn requests_of_an_edge_are_refused_doubled_cut_and_lost() {
    let world = World::new();
    block_on(async {
        let stack = world.raise(TOPOLOGY).await.unwrap();
        let proxies = BTreeMap::from([(front_to_back(), true)]);
        let lane = stack.lane(request("faults").with_proxies(proxies)).await.unwrap();
        let front: Value = serde_json::from_str(&get(&lane.url("front").unwrap()).unwrap()).unwrap();
        let edge = front["BACK"].as_str().unwrap().to_owned();
        let whole = get(&edge).unwrap();
        let asked = || {
            let log = std::fs::read_to_string(world.run_dir.join("logs").join(lane.name()).join("back.log"));
            log.unwrap().matches("GET ").count()
        };
        let book = Book::default();
        let http = |fault: HttpFault| What::Http { edge: front_to_back(), fault, times: Some(1) };
        for (kind, wanted, more) in [
            (HttpFault::Status(503), Some("{\"error\":\"answered 503 by a fault on this edge\"}"), 0),
            (HttpFault::TruncatedBody(5), Some(&whole[..5]), 1),
            (HttpFault::Duplicate, Some(whole.as_str()), 2),
            (HttpFault::LostAnswer, Some(""), 1),
        ] {
            let before = asked();
            seen(&book, &fault("once", http(kind)), &lane).await;
            // A connection that is cut may be seen as an error or as an early end.
            assert_eq!(get(&edge).ok().unwrap_or_default(), wanted.unwrap_or_default(), "{kind:?}");
            assert_eq!(asked() - before, more, "{kind:?}");
            assert_eq!(get(&edge).unwrap(), whole, "only once: {kind:?}");
            assert_eq!(seen(&book, &heal("once"), &lane).await, 1, "{kind:?}");
        }
        stack.down().await;
    });
}

async fn connect(lane: &Lane) -> PgConnection {
    PgConnection::connect(&lane.database_url("postgres").unwrap()).await.unwrap()
}

fn a_database_that_is_locked_slow_read_only_or_dropping_sessions_recovers() {
    let world = World::new();
    block_on(async {
        let stack = world.raise(TOPOLOGY).await.unwrap();
        let (lane, other) =
            (stack.lane(request("faults")).await.unwrap(), stack.lane(request("other")).await.unwrap());
        let book = Book::default();
        let database = |fault: DatabaseFault| What::Database { service: "postgres".to_owned(), fault };
        let count = "select count(*)::int from tickets";

        let mut session = connect(&lane).await;
        let mut theirs = connect(&other).await;
        assert_eq!(seen(&book, &fault("f", database(DatabaseFault::TerminateBackends)), &lane).await, 1);
        assert!(sqlx::query(count).execute(&mut session).await.is_err());
        sqlx::query(count).execute(&mut theirs).await.unwrap();
        assert_eq!(seen(&book, &heal("f"), &lane).await, 1);

        seen(&book, &fault("f", database(DatabaseFault::LockTable("tickets".to_owned()))), &lane).await;
        let mut session = connect(&lane).await;
        sqlx::query("set statement_timeout = '300ms'").execute(&mut session).await.unwrap();
        assert!(sqlx::query(count).execute(&mut session).await.is_err());
        sqlx::query(count).execute(&mut theirs).await.unwrap();
        assert_eq!(seen(&book, &heal("f"), &lane).await, 1);
        sqlx::query(count).execute(&mut session).await.unwrap();

        let slow =
            DatabaseFault::SlowTable { table: "tickets".to_owned(), delay: Duration::from_millis(100) };
        seen(&book, &fault("f", database(slow)), &lane).await;
        sqlx::query(count).execute(&mut session).await.unwrap();
        assert!(seen(&book, &heal("f"), &lane).await >= 1);

        seen(&book, &fault("f", database(DatabaseFault::ReadOnly)), &lane).await;
        let mut session = connect(&lane).await;
        sqlx::query(count).execute(&mut session).await.unwrap();
        assert!(sqlx::query("delete from tickets").execute(&mut session).await.is_err());
        assert_eq!(seen(&book, &heal("f"), &lane).await, 1);
        sqlx::query("delete from tickets").execute(&mut connect(&lane).await).await.unwrap();

        let missing = DatabaseFault::LockTable("no_such".to_owned());
        let refused = book.perform(&fault("f", database(missing)), &lane).await.unwrap_err();
        assert!(refused.contains("no_such"), "{refused}");
        assert_eq!(book.undo_all(&lane).await.residue, Vec::<String>::new());
        stack.down().await;
    });
}

fn objects_of_one_bucket_are_refused_missing_cut_and_damaged() {
    let world = World::new();
    block_on(async {
        let stack = world.raise(TOPOLOGY).await.unwrap();
        let (lane, other) =
            (stack.lane(request("faults")).await.unwrap(), stack.lane(request("other")).await.unwrap());
        let book = Book::default();
        let read = async |lane: &Lane| {
            let access = lane.objects().unwrap();
            let found =
                access.client().get_object().bucket(&access.bucket).key("a/b").send().await.map_err(drop)?;
            found.body.collect().await.map(|body| body.into_bytes().to_vec()).map_err(drop)
        };
        for lane in [&lane, &other] {
            let access = lane.objects().unwrap();
            let body = ByteStream::from_static(b"content");
            access.client().put_object().bucket(&access.bucket).key("a/b").body(body).send().await.unwrap();
        }
        for kind in [
            ObjectFault::Forbidden,
            ObjectFault::SlowDown,
            ObjectFault::Missing,
            ObjectFault::Truncated,
            // The client compares the checksum and takes nothing that does not fit.
            ObjectFault::WrongChecksum,
        ] {
            let what = What::Objects {
                service: "objects".to_owned(),
                fault: kind,
                key: "a/".to_owned(),
                times: None,
            };
            seen(&book, &fault("f", what), &lane).await;
            assert!(read(&lane).await.is_err(), "{kind:?}");
            assert_eq!(read(&other).await.unwrap(), b"content", "{kind:?}");
            assert!(seen(&book, &heal("f"), &lane).await >= 1, "{kind:?}");
            assert_eq!(read(&lane).await.unwrap(), b"content", "{kind:?}");
        }
        stack.down().await;
    });
}
