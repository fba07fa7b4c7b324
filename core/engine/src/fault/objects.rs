//! Faults of requests for objects, by the built-in object store.

use std::sync::Arc;

use drillyard_spec::fault::ObjectFault;
use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::{AtWork, Witness};
use crate::stack::Lane;
use crate::stack::proxy::Tally;
use crate::stack::undo::Undo;

/// A rule of the object store about the lane's bucket. Whoever asks meets it, the drill's own `object` steps too.
pub struct FaultyObjects {
    fault: ObjectFault,
    key: String,
    times: Option<u32>,
    rule: Option<(u64, Arc<Tally>)>,
}

impl FaultyObjects {
    /// A rule that is to be put on the lane's bucket.
    pub fn new(fault: ObjectFault, key: &str, times: Option<u32>) -> Self {
        Self { fault, key: key.to_owned(), times, rule: None }
    }
}

impl AtWork for FaultyObjects {
    fn undo(&self, _: &Lane) -> Undo {
        Undo::Runner
    }

    fn inject<'a>(&'a mut self, lane: &'a Lane) -> BoxFuture<'a, Result<(), String>> {
        async move {
            let (faults, bucket) = lane.object_faults().ok_or("the lane has no bucket")?;
            self.rule = Some(faults.add(bucket, (self.fault, &self.key), self.times));
            Ok(())
        }
        .boxed()
    }

    fn witness<'a>(&'a self, _: &'a Lane) -> BoxFuture<'a, Result<Witness, String>> {
        async move {
            let Some((_, tally)) = &self.rule else { return Ok(Witness::default()) };
            let seen = tally.hits();
            Ok(Witness {
                seen,
                bytes: tally.bytes(),
                detail: format!("{seen} requests for objects were hit"),
            })
        }
        .boxed()
    }

    fn heal<'a>(&'a mut self, lane: &'a Lane) -> BoxFuture<'a, Result<(), String>> {
        async move {
            if let (Some((id, _)), Some((faults, _))) = (&self.rule, lane.object_faults()) {
                faults.remove(*id);
            }
            Ok(())
        }
        .boxed()
    }
}
