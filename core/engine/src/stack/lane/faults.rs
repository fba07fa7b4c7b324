//! What faults may do to a lane.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, PoisonError};

use drillyard_spec::fault::EdgeName;
use drillyard_spec::topology::Ready;

use super::{Environments, Lane, Process, StackError};
use crate::stack::object_store::ObjectFaults;
use crate::stack::postgres::Server;
use crate::stack::process::Run;
use crate::stack::proxy::Proxy;
use crate::stack::undo::{Entry, Undo};

impl Lane {
    /// Writes down a fault and how it is undone, before it happens.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn note_fault(&self, id: &str, what: &str, undo: Undo) -> io::Result<()> {
        let entry = Entry::Fault { id: id.to_owned(), what: what.to_owned(), undo };
        self.stack.ground.ledger.write(&entry)
    }

    /// Writes down that a fault is undone.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn note_healed(&self, id: &str) -> io::Result<()> {
        self.stack.ground.ledger.write(&Entry::Healed { id: id.to_owned() })
    }

    /// The process of a service of the lane, running or ended by itself.
    #[must_use]
    pub fn process(&self, service: &str) -> Option<Arc<Process>> {
        self.services.process(service)
    }

    /// The process of a service of the lane that runs.
    #[must_use]
    pub fn running(&self, service: &str) -> Option<Arc<Process>> {
        self.process(service).filter(|process| process.exit().is_none())
    }

    /// Starts the process of a service, with what faults have put over its environment, and does not wait for it.
    ///
    /// # Errors
    /// When there is no such service or the system refuses.
    pub async fn launch(&self, name: &str) -> Result<Arc<Process>, StackError> {
        let own = self.environments();
        let process = self.starter(&own)?.launch(self.service(name)?, &self.services).await?;
        self.absent.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        Ok(process)
    }

    /// Waits until a service that was launched is ready.
    ///
    /// # Errors
    /// When it is not there, ends, or is not ready in time.
    pub async fn becomes_ready(&self, name: &str) -> Result<(), StackError> {
        let service = self.service(name)?;
        let process = self.process(name);
        let process = process.ok_or_else(|| StackError::Unknown(format!("`{name}` is not running")))?;
        self.starter(&self.own)?.becomes_ready(service, &process).await
    }

    /// Says that a service may end without that being a failure of the lane, until it is started again.
    pub fn may_end(&self, service: &str) {
        self.absent.lock().unwrap_or_else(PoisonError::into_inner).insert(service.to_owned());
    }

    /// Says that a service that was allowed to end is there again.
    pub fn is_back(&self, service: &str) {
        self.absent.lock().unwrap_or_else(PoisonError::into_inner).remove(service);
    }

    /// Puts variables over the environment that a service is started with from now on; `None` takes them away.
    pub fn put_environment(&self, service: &str, set: Option<BTreeMap<String, String>>) {
        let mut faulty = self.faulty.lock().unwrap_or_else(PoisonError::into_inner);
        match set {
            Some(set) => drop(faulty.insert(service.to_owned(), set)),
            None => drop(faulty.remove(service)),
        }
    }

    /// The environment a service is started with now, without the mark.
    ///
    /// # Errors
    /// When there is no such service, or a variable has no value.
    pub fn environment(&self, service: &str) -> Result<BTreeMap<String, String>, StackError> {
        let (own, nothing) = (self.environments(), BTreeMap::new());
        self.wiring.environment(self.service(service)?, own.get(service).unwrap_or(&nothing))
    }

    fn environments(&self) -> Environments {
        let mut own = self.own.clone();
        for (service, set) in &*self.faulty.lock().unwrap_or_else(PoisonError::into_inner) {
            own.entry(service.clone()).or_default().extend(set.clone());
        }
        own
    }

    /// Path of a service's readiness probe, where that is HTTP.
    #[must_use]
    pub fn ready_path(&self, service: &str) -> Option<&str> {
        match &self.stack.topology.service(service)?.ready {
            Ready::Http(path) => Some(path),
            _ => None,
        }
    }

    /// Real port of a service.
    #[must_use]
    pub fn port(&self, service: &str) -> Option<u16> {
        self.wiring.ports.get(service).copied()
    }

    /// Moves the clock of a service, in milliseconds from the right time.
    ///
    /// # Errors
    /// When the machine lacks what it takes.
    pub fn set_clock(&self, service: &str, by_ms: i64) -> io::Result<()> {
        self.clocks.set(service, by_ms)
    }

    /// The proxy on an edge, when the lane was asked for one.
    #[must_use]
    pub fn proxy(&self, edge: &EdgeName) -> Option<&Proxy> {
        self.proxies.get(edge)
    }

    /// Proxies on the edges from and to a service, or on all of the lane.
    #[must_use]
    pub fn proxies_of(&self, service: Option<&str>) -> Vec<(&EdgeName, &Proxy)> {
        let concerned = |edge: &EdgeName| service.is_none_or(|name| edge.from == name || edge.to == name);
        self.proxies.iter().filter(|(edge, _)| concerned(edge)).collect()
    }

    /// Faults of the object store, and the lane's bucket.
    #[must_use]
    pub fn object_faults(&self) -> Option<(&ObjectFaults, &str)> {
        Some((self.stack.objects.as_ref()?.faults(), self.objects.as_ref()?.bucket.as_str()))
    }

    /// The server of the lane's database, its own or the one that lanes share.
    #[must_use]
    pub fn database_server(&self) -> Option<&Server> {
        self.server()
    }

    /// The server that is the lane's own.
    #[must_use]
    pub fn own_server(&self) -> Option<&Server> {
        self.server.as_ref()
    }

    /// For starting processes of the run.
    #[must_use]
    pub fn run(&self) -> Run<'_> {
        self.stack.ground.run()
    }

    /// File that the database server writes its messages to.
    #[must_use]
    pub fn database_log(&self) -> Option<std::path::PathBuf> {
        Some(self.server()?.log().to_owned())
    }
}
