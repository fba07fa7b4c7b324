//! The shared part of a stack as containers: the engine, the run's network, PostgreSQL and the object store.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use drillyard_spec::topology::{Scope, Service, Topology};
use futures::future::try_join_all;

use super::{Inner, Parts, keys, know_ports, setup, shared_event};
use crate::event::EventSink;
use crate::stack::binaries::Binaries;
use crate::stack::container::{ContainerLaunch, Engine, Inside};
use crate::stack::error::{StackError, io_error};
use crate::stack::ground::Ground;
use crate::stack::object_store::ObjectServer;
use crate::stack::ports::ReservedPort;
use crate::stack::postgres::Server;
use crate::stack::postgres::server::Setup;
use crate::stack::wiring::{HOST, Wiring};

/// The port of PostgreSQL in its container.
const POSTGRES: u16 = 5432;
/// The usual port of an object store in its container.
const OBJECTS: u16 = 9000;
/// A folder in memory that no image has, so that it belongs to nobody and whoever runs the server may write to it.
const MEMORY: &str = "/drillyard";

/// Starts database and object store at the same time, after a look whether every image is there.
///
/// # Errors
/// When no engine answers, an image is missing, or something does not come up.
pub async fn raise(
    topology: &Topology,
    ground: &Ground,
    variables: BTreeMap<String, String>,
    events: &EventSink,
) -> Result<Parts, StackError> {
    let engine = Engine::open(ground.run(), ground.options.engine_host.clone()).await?;
    let inside = Inside { names: BTreeMap::new(), gateway: engine.gateway() };
    let mut wiring = Wiring { variables, inside: Some(inside), ..Wiring::default() };
    images(topology, &engine, &wiring).await?;
    let (postgres, objects) = tokio::try_join!(
        database(topology, (ground, &engine), &wiring, events),
        store(topology, (ground, &engine), &wiring, events),
    )?;
    know_ports(topology, &mut wiring, (postgres.as_ref(), objects.as_ref()));
    let database = topology.postgres().map(|(service, _)| (service, POSTGRES));
    let store = topology.object_store().map(|(service, _)| (service, OBJECTS));
    for (service, usual) in database.into_iter().chain(store) {
        let port = service.port.unwrap_or(usual);
        name(&mut wiring, service, &engine.name(None, &service.name), port);
    }
    Ok(Parts { engine: Some(engine), binaries: Binaries::default(), postgres, objects, wiring })
}

/// Tells the shared services' names to those who connect to them.
pub fn name_services(inner: &mut Inner) {
    let Some(engine) = inner.engine.clone() else { return };
    let shared: Vec<Service> = inner.own_processes(Scope::Shared).cloned().collect();
    for service in shared {
        if let Some(port) = service.port {
            name(&mut inner.wiring, &service, &engine.name(None, &service.name), port);
        }
    }
}

fn name(wiring: &mut Wiring, service: &Service, host: &str, port: u16) {
    if let Some(inside) = &mut wiring.inside {
        inside.names.insert(service.name.clone(), format!("{host}:{port}"));
    }
}

/// The images of all services by name, with the engine's id of each that is there already.
///
/// # Errors
/// When one is not there and cannot be had from elsewhere, with what to do.
pub async fn images(
    topology: &Topology,
    engine: &Engine,
    wiring: &Wiring,
) -> Result<BTreeMap<String, String>, StackError> {
    let mut wanted: BTreeMap<String, &str> = BTreeMap::new();
    for service in &topology.services {
        wanted.entry(wiring.image(service)?).or_insert(&service.name);
    }
    let asked = wanted.iter().map(|(image, service)| async move {
        Ok::<_, StackError>((image.clone(), engine.image(service, image).await?))
    });
    let found = try_join_all(asked).await?;
    Ok(found.into_iter().filter_map(|(image, id)| Some((image, id?))).collect())
}

async fn database(
    topology: &Topology,
    (ground, engine): (&Ground, &Engine),
    wiring: &Wiring,
    events: &EventSink,
) -> Result<Option<Server>, StackError> {
    let Some((service, postgres)) = topology.postgres() else { return Ok(None) };
    let begun = Instant::now();
    let log = ground.logs(None)?.join(format!("{}.log", service.name));
    let setup = Setup {
        durable: postgres.durable,
        contained: true,
        ..setup(service, wiring, (PathBuf::new(), log.clone()))?
    };
    let mut env = wiring.environment(service, &BTreeMap::new())?;
    env.insert("POSTGRES_USER".to_owned(), setup.user.clone());
    env.insert("POSTGRES_PASSWORD".to_owned(), setup.password.clone());
    // What is said for processes holds here: SCRAM would cost every connection some tens of milliseconds.
    env.insert("POSTGRES_HOST_AUTH_METHOD".to_owned(), "password".to_owned());
    if !postgres.durable {
        env.insert("PGDATA".to_owned(), format!("{MEMORY}/data"));
    }
    let mut port = reserve(&service.name)?;
    port.about_to_be_used();
    let launch = ContainerLaunch {
        service: &service.name,
        lane: None,
        name: engine.name(None, &service.name),
        image: wiring.image(service)?,
        command: Server::arguments(&setup),
        env,
        port: Some((service.port.unwrap_or(POSTGRES), port.number())),
        memory: in_memory(postgres.durable),
        log,
    };
    let process = engine.start(ground, launch).await?;
    let pid = process.pid();
    let server = Server::contained(setup, port, process).await?;
    let detail = format!("{HOST}:{}, a container", server.port());
    events.emit(shared_event(service, Some(pid), detail, begun.elapsed()));
    Ok(Some(server))
}

/// Data of a server whose commits need not reach the disk: memory is faster than a container's file system. The others'
/// is in a volume of the engine's. Both go with the container.
fn in_memory(durable: bool) -> BTreeMap<String, String> {
    if durable { BTreeMap::new() } else { BTreeMap::from([(MEMORY.to_owned(), "rw,mode=1777".to_owned())]) }
}

async fn store(
    topology: &Topology,
    (ground, engine): (&Ground, &Engine),
    wiring: &Wiring,
    events: &EventSink,
) -> Result<Option<ObjectServer>, StackError> {
    let Some((service, store)) = topology.object_store() else { return Ok(None) };
    let begun = Instant::now();
    let keys = keys(service, store, wiring)?;
    let mut env = wiring.environment(service, &BTreeMap::new())?;
    env.insert(store.access_key_env.clone(), keys.0.clone());
    env.insert(store.secret_key_env.clone(), keys.1.clone());
    let mut port = reserve(&service.name)?;
    port.about_to_be_used();
    let launch = ContainerLaunch {
        service: &service.name,
        lane: None,
        name: engine.name(None, &service.name),
        image: wiring.image(service)?,
        command: wiring.args(service)?,
        env,
        port: Some((service.port.unwrap_or(OBJECTS), port.number())),
        memory: BTreeMap::new(),
        log: ground.logs(None)?.join(format!("{}.log", service.name)),
    };
    let process = engine.start(ground, launch).await?;
    let pid = process.pid();
    let server =
        ObjectServer::contained(process, (port, engine.gateway()), keys, service.start_timeout).await?;
    let detail = format!("{HOST}:{}, a container", server.port());
    events.emit(shared_event(service, Some(pid), detail, begun.elapsed()));
    Ok(Some(server))
}

fn reserve(service: &str) -> Result<ReservedPort, StackError> {
    ReservedPort::any().map_err(io_error(format!("reserving a port for {service}")))
}
