//! Faults at work in a lane: each is a value that can be injected, witnessed and healed.
//!
//! How a fault is undone is written to the run's ledger before anything happens. Whatever is still at work when a unit
//! ends, for whatever reason, is undone before its lane is given back. A fault whose witness saw nothing proved nothing.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use drillyard_spec::fault::{Fault, FaultStep, Recovered, ServiceFault, What};
use futures::future::BoxFuture;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::stack::Lane;
use crate::stack::process::Resource;
use crate::stack::undo::Undo;

mod clock;
mod cpu;
mod database;
mod ended;
mod environment;
mod http;
mod isolate;
mod limits;
mod objects;
mod pause;
mod restart;
mod slow_start;
mod wire;

/// What a fault did, as its witness saw it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Witness {
    /// How many processes, connections, requests or sessions were hit; zero means that nothing was proved.
    pub seen: u64,
    /// Bytes that were held up, changed or lost, where the fault is about bytes.
    pub bytes: u64,
    /// The same for people.
    pub detail: String,
}

/// A kind of fault that is, or is about to be, at work.
trait AtWork: Send + Sync {
    /// How it can be undone by somebody who only has the ledger.
    fn undo(&self, lane: &Lane) -> Undo;

    /// Lets it happen.
    fn inject<'a>(&'a mut self, lane: &'a Lane) -> BoxFuture<'a, Result<(), String>>;

    /// Looks at what it did so far.
    fn witness<'a>(&'a self, lane: &'a Lane) -> BoxFuture<'a, Result<Witness, String>>;

    /// Undoes it, however far it came; may be repeated.
    fn heal<'a>(&'a mut self, lane: &'a Lane) -> BoxFuture<'a, Result<(), String>>;
}

/// The kinds: the one list.
fn kind(fault: &Fault) -> Box<dyn AtWork> {
    match &fault.what {
        What::Service { service, fault } => of_service(service, fault),
        What::Isolation { service } => Box::new(isolate::Isolation::new(service.as_deref())),
        What::Wire { edge, fault } => Box::new(wire::FaultyWire::new(edge, *fault)),
        What::Http { edge, fault, times } => Box::new(http::FaultyHttp::new(edge, *fault, *times)),
        What::Database { service, fault } => database::of(service, fault),
        What::Objects { fault, key, times, .. } => Box::new(objects::FaultyObjects::new(*fault, key, *times)),
    }
}

fn of_service(service: &str, fault: &ServiceFault) -> Box<dyn AtWork> {
    match fault {
        ServiceFault::Kill => Box::new(ended::EndedService::killed(service)),
        ServiceFault::Stop => Box::new(ended::EndedService::stopped(service)),
        ServiceFault::Pause => Box::new(pause::PausedService::new(service)),
        ServiceFault::Restart => Box::new(restart::RestartedService::new(service)),
        ServiceFault::SlowStart { delay } => Box::new(slow_start::SlowStart::new(service, *delay)),
        ServiceFault::WrongEnvironment { set } => Box::new(environment::WrongEnvironment::new(service, set)),
        ServiceFault::MemoryLimit { room } => {
            Box::new(limits::LimitedProcess::new(service, Resource::Data, *room))
        }
        ServiceFault::CpuLimit { percent } => Box::new(cpu::SlowProcess::new(service, *percent)),
        ServiceFault::OutOfFiles { left } => {
            Box::new(limits::LimitedProcess::new(service, Resource::Files, *left))
        }
        ServiceFault::ClockSkew { by_ms } => Box::new(clock::WrongClock::skewed(service, *by_ms)),
        ServiceFault::ClockJump { by_ms } => Box::new(clock::WrongClock::jumping(service, *by_ms)),
    }
}

/// The faults of one unit.
#[derive(Default)]
pub struct Book {
    faults: Mutex<Vec<Noted>>,
}

/// One fault of the book.
struct Noted {
    fault: Fault,
    id: String,
    at_work: Box<dyn AtWork>,
    /// Whether it was injected to the end.
    injected: bool,
    /// When that was begun.
    begun: Instant,
    /// How long it was at work, once it is undone.
    outage: Option<Duration>,
    /// What it did in all, once it is undone.
    healed: Option<Witness>,
}

/// How the faults of a unit ended that nobody had healed, and those that saw nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Aftermath {
    /// Faults whose witness saw nothing.
    pub unwitnessed: Vec<String>,
    /// Faults that could not be undone, with the reason.
    pub residue: Vec<String>,
}

impl Book {
    /// Carries out a step about a fault. The answer has `name`, `seen`, `bytes`, `detail` and `healed`.
    ///
    /// # Errors
    /// A sentence when the fault cannot be injected, asked or undone.
    pub async fn perform(&self, step: &FaultStep, lane: &Lane) -> Result<Value, String> {
        match step {
            FaultStep::Inject(fault) => self.inject(fault, lane).await,
            FaultStep::Witness(name) => self.witness(name, lane).await,
            FaultStep::Heal(name) => self.heal(name, lane).await,
            FaultStep::Recovered(recovered) => self.recovered(recovered).await,
        }
    }

    /// How long it took from the beginning of a fault until now, and how much of what was acknowledged is not there.
    async fn recovered(&self, recovered: &Recovered) -> Result<Value, String> {
        let (name, faults) = (&recovered.name, self.faults.lock().await);
        let noted =
            faults.iter().rev().find(|noted| noted.fault.name == *name).ok_or_else(|| unknown(name))?;
        let took = noted.begun.elapsed();
        let outage = noted.outage.unwrap_or(took);
        let lost = match (&recovered.acknowledged, &recovered.kept) {
            (Some(acknowledged), Some(kept)) => Some(lost(acknowledged, kept)?),
            _ => None,
        };
        Ok(json!({
            "name": name, "fault": noted.fault.describe(), "rto_ms": took.as_millis(),
            "outage_ms": outage.as_millis(), "lost": lost, "healed": noted.healed.is_some(),
        }))
    }

    async fn inject(&self, fault: &Fault, lane: &Lane) -> Result<Value, String> {
        let mut faults = self.faults.lock().await;
        if faults.iter().any(|noted| noted.healed.is_none() && noted.fault.name == fault.name) {
            return Err(format!(
                "a fault named `{}` is at work already; heal it or give this one a `name`",
                fault.name
            ));
        }
        let at_work = kind(fault);
        let id = format!("{}/{}", lane.name(), faults.len() + 1);
        let undo = at_work.undo(lane);
        lane.note_fault(&id, &fault.describe(), undo).map_err(|error| format!("the undo ledger: {error}"))?;
        // In the book before it happens: a unit that is interrupted from here on undoes it.
        faults.push(Noted {
            fault: fault.clone(),
            id,
            at_work,
            injected: false,
            begun: Instant::now(),
            outage: None,
            healed: None,
        });
        let noted = faults.last_mut().ok_or("the book lost a fault")?;
        noted.at_work.inject(lane).await?;
        noted.injected = true;
        Ok(document(&noted.fault.name, &noted.at_work.witness(lane).await?, false))
    }

    async fn witness(&self, name: &str, lane: &Lane) -> Result<Value, String> {
        let faults = self.faults.lock().await;
        let noted =
            faults.iter().rev().find(|noted| noted.fault.name == name).ok_or_else(|| unknown(name))?;
        match &noted.healed {
            Some(witness) => Ok(document(name, witness, true)),
            None => Ok(document(name, &noted.at_work.witness(lane).await?, false)),
        }
    }

    async fn heal(&self, name: &str, lane: &Lane) -> Result<Value, String> {
        let mut faults = self.faults.lock().await;
        let noted =
            faults.iter_mut().rev().find(|noted| noted.fault.name == name).ok_or_else(|| unknown(name))?;
        let witness = noted.undo(lane).await?;
        Ok(document(name, &witness, true))
    }

    /// Undoes everything that is still at work, the last one first.
    pub async fn undo_all(&self, lane: &Lane) -> Aftermath {
        let mut faults = self.faults.lock().await;
        let mut aftermath = Aftermath::default();
        for noted in faults.iter_mut().rev() {
            let what = noted.fault.describe();
            match noted.undo(lane).await {
                Ok(witness) if witness.seen == 0 && noted.injected => aftermath.unwitnessed.push(what),
                Ok(_) => {}
                Err(reason) => aftermath.residue.push(format!("fault {what}: {reason}")),
            }
        }
        aftermath
    }
}

impl Noted {
    async fn undo(&mut self, lane: &Lane) -> Result<Witness, String> {
        if let Some(witness) = &self.healed {
            return Ok(witness.clone());
        }
        // A witness that cannot look any more saw nothing; the undo matters more.
        let mut witness = self.at_work.witness(lane).await.unwrap_or_default();
        self.at_work.heal(lane).await?;
        if let Ok(last) = self.at_work.witness(lane).await
            && last.seen >= witness.seen
        {
            witness = last;
        }
        self.outage = Some(self.begun.elapsed());
        lane.note_healed(&self.id).map_err(|error| format!("the undo ledger: {error}"))?;
        self.healed = Some(witness.clone());
        Ok(witness)
    }
}

/// How much of what was acknowledged was not kept: of two lists what is missing, otherwise the difference of counts.
fn lost(acknowledged: &Value, kept: &Value) -> Result<u64, String> {
    if let (Value::Array(acknowledged), Value::Array(kept)) = (acknowledged, kept) {
        let kept: BTreeSet<String> = kept.iter().map(Value::to_string).collect();
        let missing = acknowledged.iter().filter(|one| !kept.contains(&one.to_string())).count();
        return Ok(u64::try_from(missing).unwrap_or(u64::MAX));
    }
    Ok(count(acknowledged)?.saturating_sub(count(kept)?))
}

fn count(value: &Value) -> Result<u64, String> {
    let list = value.as_array().and_then(|list| u64::try_from(list.len()).ok());
    list.or_else(|| value.as_u64()).ok_or_else(|| format!("{value} is neither a count nor a list"))
}

fn unknown(name: &str) -> String {
    format!("no fault named `{name}` has happened")
}

fn document(name: &str, witness: &Witness, healed: bool) -> Value {
    json!({
        "name": name, "seen": witness.seen, "bytes": witness.bytes, "detail": witness.detail, "healed": healed,
    })
}
