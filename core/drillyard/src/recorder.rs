//! The one reader of a run's events: writes the journal and shows the console.

use std::io::Write;
use std::thread::{self, JoinHandle};

use drillyard_engine::event::{Event, Stamped};
use drillyard_report::bundle::BundleWriter;
use drillyard_report::format::console::Console;
use tokio::sync::mpsc::UnboundedReceiver;

/// Events that are written together at most.
const MOST_AT_ONCE: usize = 64;

/// A thread that keeps every event until the run has finished.
pub struct Recorder {
    thread: JoinHandle<(BundleWriter, Vec<String>)>,
}

impl Recorder {
    /// Starts to read `events`; `on_unit` is called when the console has shown how a unit ended.
    #[must_use]
    pub fn start<W: Write + Send + 'static>(
        mut events: UnboundedReceiver<Stamped>,
        mut bundle: BundleWriter,
        mut console: Console<W>,
        mut on_unit: Box<dyn FnMut(&str) + Send>,
    ) -> Self {
        let thread = thread::spawn(move || {
            let mut problems = Vec::new();
            let mut over = false;
            while let Some(first) = events.blocking_recv() {
                // Events that are there already go to the disk together: one write instead of one for each.
                let mut batch = vec![first];
                batch.extend(std::iter::from_fn(|| events.try_recv().ok()).take(MOST_AT_ONCE));
                // Evidence that cannot be written must be known at the end, but never stops the run.
                let kept = batch.iter().try_for_each(|stamped| bundle.queue(stamped));
                if let Err(error) = kept.and_then(|()| bundle.flush()) {
                    problems.push(format!("the journal could not be written: {error}"));
                }
                for stamped in &batch {
                    // A terminal that has gone away is no reason to lose the evidence.
                    let _ = console.event(stamped);
                    match &stamped.event {
                        Event::UnitFinished { unit, .. } => on_unit(unit),
                        Event::RunFinished { .. } => over = true,
                        _ => {}
                    }
                }
                if over {
                    break;
                }
            }
            (bundle, problems)
        });
        Self { thread }
    }

    /// Waits for the last event and gives the bundle back, with what could not be written.
    #[must_use]
    pub fn join(self) -> Option<(BundleWriter, Vec<String>)> {
        self.thread.join().ok()
    }
}
