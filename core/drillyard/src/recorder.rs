//! The one reader of a run's events: writes the journal and shows the console.

use std::io::Write;
use std::thread::{self, JoinHandle};

use drillyard_engine::event::{Event, Stamped};
use drillyard_report::bundle::BundleWriter;
use drillyard_report::format::console::Console;
use tokio::sync::mpsc::UnboundedReceiver;

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
            while let Some(stamped) = events.blocking_recv() {
                // Evidence that cannot be written must be known at the end, but never stops the run.
                if let Err(error) = bundle.record(&stamped) {
                    problems.push(format!("the journal could not be written: {error}"));
                }
                // A terminal that has gone away is no reason to lose the evidence.
                let _ = console.event(&stamped);
                match &stamped.event {
                    Event::UnitFinished { unit, .. } => on_unit(unit),
                    Event::RunFinished { .. } => break,
                    _ => {}
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
