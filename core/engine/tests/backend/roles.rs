//! What this binary is when it is not the tests: services, a reaper, a runner.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::ExitCode;

use drillyard_engine::fault::Book;
use drillyard_engine::stack::reaper;
use drillyard_spec::fault::{ServiceFault, What};
use sqlx::Connection;

use crate::world::{self, TOPOLOGY, World};

pub fn reap(run_dir: &str) -> ExitCode {
    if reaper::attend(Path::new(run_dir)).is_ok_and(|residue| residue.is_empty()) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .map(|(name, value)| (name.into_string().unwrap(), value.into_string().unwrap()))
        .collect()
}

/// An HTTP service that answers every path with its environment.
#[expect(clippy::print_stdout, reason = "a service logs")]
pub fn serve() -> ExitCode {
    let environment = environment();
    let port: u16 = environment.get("PORT").or(environment.get("LISTEN")).unwrap().parse().unwrap();
    let listener =
        TcpListener::bind((environment.get("BIND").map_or("127.0.0.1", String::as_str), port)).unwrap();
    println!("listens on {}", listener.local_addr().unwrap());
    let body = serde_json::to_string(&environment).unwrap();
    for stream in listener.incoming().flatten() {
        let mut stream = stream;
        let mut request = [0; 1024];
        let read = stream.read(&mut request).unwrap_or(0);
        println!("{}", String::from_utf8_lossy(&request[..read]).lines().next().unwrap_or_default());
        if request.starts_with(b"GET /die") {
            return ExitCode::from(3);
        }
        let _ = write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
    }
    ExitCode::SUCCESS
}

/// A template job: one table with one row.
pub fn seed() -> ExitCode {
    world::block_on(async {
        let url = environment()["DATABASE_URL"].clone();
        let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
        let statements = "create table tickets (id int primary key, summary text); insert into tickets values (1, 'seeded')";
        sqlx::raw_sql(statements).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
    ExitCode::SUCCESS
}

/// A job that says what a service answers.
#[expect(clippy::print_stdout, reason = "a job prints its result")]
pub fn job() -> ExitCode {
    let answer = world::get(&environment()["BACK"]).unwrap();
    println!("asking\n{{\"answered\":{}}}", !answer.is_empty());
    ExitCode::from(7)
}

#[expect(clippy::print_stderr, reason = "a service says why it ends")]
pub fn die() -> ExitCode {
    eprintln!("first line\nno such file: settings.toml");
    ExitCode::from(4)
}

/// A service that leaves a process behind in a group of its own, as a daemon does.
#[expect(clippy::disallowed_methods, clippy::zombie_processes, reason = "it is meant to be left behind")]
pub fn escape() -> ExitCode {
    use std::os::unix::process::CommandExt;
    std::process::Command::new("/bin/sleep").arg("600").process_group(0).current_dir("/").spawn().unwrap();
    serve()
}

/// A runner with two lanes, which says so and then does nothing until it is killed.
#[expect(clippy::print_stdout, reason = "it tells its parent")]
pub fn hold(run_id: &str) -> ExitCode {
    let world = World::named(run_id);
    world::block_on(async {
        let stack = world.raise(TOPOLOGY).await.unwrap();
        let lanes = (
            stack.lane(world::request("one")).await.unwrap(),
            stack.lane(world::request("two")).await.unwrap(),
        );
        println!("held {}", lanes.1.name());
        std::future::pending::<()>().await;
    });
    ExitCode::SUCCESS
}

/// A runner with a lane in which a service stands still, which says so and then does nothing until it is killed.
#[expect(clippy::print_stdout, reason = "it tells its parent")]
pub fn hold_paused(run_id: &str) -> ExitCode {
    let world = World::named(run_id);
    world::block_on(async {
        let stack = world.raise(TOPOLOGY).await.unwrap();
        let lane = stack.lane(world::request("one")).await.unwrap();
        let what = What::Service { service: "back".to_owned(), fault: ServiceFault::Pause };
        Book::default().perform(&crate::faults::fault("still", what), &lane).await.unwrap();
        println!("paused");
        std::future::pending::<()>().await;
    });
    ExitCode::SUCCESS
}
