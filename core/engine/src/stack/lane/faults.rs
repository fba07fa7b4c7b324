//! What faults may do to a lane.

use std::io;
use std::sync::Arc;

use drillyard_spec::fault::EdgeName;

use super::{Lane, Process};
use crate::stack::object_store::ObjectFaults;
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

    /// The proxy on an edge, when the lane was asked for one.
    #[must_use]
    pub fn proxy(&self, edge: &EdgeName) -> Option<&Proxy> {
        self.proxies.get(edge)
    }

    /// Faults of the object store, and the lane's bucket.
    #[must_use]
    pub fn object_faults(&self) -> Option<(&ObjectFaults, &str)> {
        Some((self.stack.objects.as_ref()?.faults(), self.objects.as_ref()?.bucket.as_str()))
    }

    /// File that the database server of the run writes its messages to.
    #[must_use]
    pub fn database_log(&self) -> Option<std::path::PathBuf> {
        let (service, _) = self.stack.topology.postgres()?;
        let logs = self.stack.ground.logs(None).ok()?;
        Some(logs.join(format!("{}.log", service.name)))
    }
}
