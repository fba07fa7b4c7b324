//! The console: a line per unit as it ends, failures in full, and a sentence at the end.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use drillyard_engine::event::{Event, Stamped};
use drillyard_engine::verdict::Verdict;
use jiff::Timestamp;

use super::words::{Paint, plain, took};
use super::{Format, ReportError, explain};
use crate::grid;
use crate::history::{End, History, UnitEnd, UnitHistory};
use crate::mask::Masker;
use crate::record::{Entry, Outcome, Record, ServiceWord};
use crate::recovery::{Recovery, recoveries, recovery};

/// The console of a finished run, without colours.
pub const FORMAT: Format = Format {
    name: "console",
    about: "what the console showed, as plain text",
    file: "console.txt",
    in_bundle: false,
    render,
};

/// How the console looks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Look {
    /// Use colours.
    pub color: bool,
    /// The writer is a terminal, so a line of progress may be drawn and drawn over.
    pub terminal: bool,
}

/// Shows a run while it happens. Passed steps are forgotten at once, so memory grows with failures only.
#[derive(Debug)]
pub struct Console<W> {
    out: W,
    paint: Paint,
    terminal: bool,
    masker: Masker,
    planned: u64,
    done: u64,
    open: BTreeMap<String, UnitHistory>,
    /// Units of matrices that have ended, and recoveries, for the end.
    cells: Vec<(String, Outcome)>,
    recoveries: Vec<Recovery>,
    /// How often each unit passed and ended.
    ran: BTreeMap<String, (u64, u64)>,
    pace: Pace,
    /// Whether a line of progress stands where the next line goes.
    drawn: bool,
}

/// What is known of how long units take.
#[derive(Debug, Default)]
struct Pace {
    jobs: u64,
    expected_us: BTreeMap<String, u64>,
    /// What units took that have ended, and how many those are.
    took_us: u64,
    ended: u64,
}

impl Pace {
    /// Microseconds until `left` more units have ended, of which `gone` are the names of those that have.
    fn left_us(&self, left: u64, gone: &BTreeMap<String, (u64, u64)>) -> Option<u64> {
        let open = self.expected_us.iter().filter(|(unit, _)| !gone.contains_key(*unit));
        let (known, sum) = open.fold((0, 0), |(known, sum), (_, took)| (known + 1, sum + took));
        let all = self.expected_us.len() as u64;
        let mean = match self.ended {
            0 if all == 0 => return None,
            0 => self.expected_us.values().sum::<u64>() / all,
            ended => self.took_us / ended,
        };
        let known = u64::min(known, left);
        Some((sum + mean * (left - known)) / self.jobs.max(1))
    }
}

impl<W: Write> Console<W> {
    /// A console that writes to `out` and masks what `masker` knows.
    pub fn new(out: W, look: Look, masker: Masker) -> Self {
        Self {
            out,
            paint: Paint { color: look.color },
            terminal: look.terminal,
            masker,
            planned: 0,
            done: 0,
            open: BTreeMap::new(),
            cells: Vec::new(),
            recoveries: Vec::new(),
            ran: BTreeMap::new(),
            pace: Pace::default(),
            drawn: false,
        }
    }

    /// Tells how long units took before (microseconds by unit) and how many run at a time, for the time that is left.
    #[must_use]
    pub fn expecting(mut self, jobs: usize, expected_us: BTreeMap<String, u64>) -> Self {
        self.pace = Pace { jobs: jobs as u64, expected_us, ..Pace::default() };
        self
    }

    /// Shows an event.
    ///
    /// # Errors
    ///
    /// The writer refuses.
    pub fn event(&mut self, stamped: &Stamped) -> io::Result<()> {
        // Most steps pass, and of those nothing is shown.
        match &stamped.event {
            Event::StepStarted { .. } => self.progress(),
            Event::StepFinished { step, .. }
                if step.verdict == Verdict::Passed && step.action.get("fault").is_none() =>
            {
                self.progress()
            }
            event => self.entry(stamped.at, Entry::from(event)),
        }
    }

    /// Shows a record of a journal.
    ///
    /// # Errors
    ///
    /// The writer refuses.
    pub fn record(&mut self, record: Record) -> io::Result<()> {
        self.entry(record.at, record.event)
    }

    fn entry(&mut self, at: Timestamp, entry: Entry) -> io::Result<()> {
        match entry {
            Entry::RunStarted { units, .. } => self.planned = units,
            Entry::Service { service, lane, state: ServiceWord::Died, detail, .. } => {
                let whose = lane.map_or_else(|| "shared".to_owned(), |lane| format!("lane {lane}"));
                self.line(
                    &self
                        .paint
                        .outcome(Outcome::Aborted, &format!("{service} ({whose}) died: {}", plain(&detail))),
                )?;
            }
            Entry::StackReady { took_us } => self.line(&format!("stack ready in {}", took(took_us)))?,
            Entry::UnitStarted(unit) => {
                let id = unit.id.clone();
                self.open.insert(id, UnitHistory::begun(unit, at, None));
            }
            Entry::StepFinished { unit, step }
                if recovery(&unit, &step).is_some() || step.verdict != Outcome::Passed =>
            {
                self.recoveries.extend(recovery(&unit, &step));
                let wrong = step.verdict != Outcome::Passed;
                if let (Some(open), true) = (self.open.get_mut(&unit), wrong) {
                    open.steps.push(*step);
                }
            }
            Entry::Snapshot(snapshot) => {
                if let Some(open) = self.open.get_mut(&snapshot.unit) {
                    open.snapshots.push(snapshot);
                }
            }
            Entry::UnitFinished { unit, verdict, reason, took_us, kept } => {
                if let Some(mut ended) = self.open.remove(&unit) {
                    let end = ended.end.insert(UnitEnd { verdict, reason, took_us, kept }).clone();
                    self.unit(&ended, &end)?;
                }
            }
            Entry::StackStopped { residue } => self.residue(&residue)?,
            Entry::RunFinished { counts, exit_code, summary, took_us } => {
                self.end(&End { counts, exit_code, summary, took_us })?;
            }
            Entry::Service { .. }
            | Entry::LaneReady { .. }
            | Entry::StepStarted { .. }
            | Entry::StepFinished { .. } => {}
        }
        self.progress()
    }

    fn unit(&mut self, unit: &UnitHistory, end: &UnitEnd) -> io::Result<()> {
        self.done += 1;
        if grid::cell(&unit.unit.id).is_some() {
            self.cells.push((unit.unit.id.clone(), end.verdict));
        }
        self.pace.took_us += end.took_us;
        self.pace.ended += 1;
        let (passed, ran) = self.ran.entry(unit.unit.id.clone()).or_default();
        *passed += u64::from(end.verdict == Outcome::Passed);
        *ran += 1;
        let planned = self.planned.to_string();
        let verdict = self.paint.outcome(end.verdict, &format!("{:<12}", end.verdict.as_str()));
        self.line(&format!(
            "{:>width$}/{planned}  {verdict}  {}  {}  {}",
            self.done,
            unit.unit.id,
            unit.unit.title,
            took(end.took_us),
            width = planned.len(),
        ))?;
        if end.verdict == Outcome::Passed {
            // A lane that was kept on request is of use whatever the verdict.
            return end.kept.iter().try_for_each(|kept| self.line(&format!("  kept: {kept}")));
        }
        for line in explain::unit(unit, self.paint) {
            self.line(&line)?;
        }
        self.line("")
    }

    fn residue(&mut self, residue: &[String]) -> io::Result<()> {
        residue.iter().try_for_each(|left| {
            self.line(&self.paint.outcome(Outcome::Aborted, &format!("left behind: {left}")))
        })
    }

    fn end(&mut self, end: &End) -> io::Result<()> {
        let cells = std::mem::take(&mut self.cells);
        for grid in grid::of(cells.iter().map(|(unit, outcome)| (unit.as_str(), Some(*outcome)))) {
            self.line("")?;
            grid.lines().iter().try_for_each(|line| self.line(line))?;
        }
        let recoveries = std::mem::take(&mut self.recoveries);
        if !recoveries.is_empty() {
            self.line("")?;
        }
        recoveries.iter().try_for_each(|one| self.line(&one.line()))?;
        let run = end.counts.total();
        let units = format!("{run} of {} units in {}", self.planned.max(run), took(end.took_us));
        self.line("")?;
        let flaky = |(unit, (passed, ran)): (&String, &(u64, u64))| {
            (*passed > 0 && passed < ran).then(|| format!("flaky: {unit} passed {passed} of {ran} times"))
        };
        let flaky: Vec<String> = self.ran.iter().filter_map(flaky).collect();
        flaky.iter().try_for_each(|line| self.line(&self.paint.outcome(Outcome::Failed, line)))?;
        self.line(&format!("{}; {units}; exit code {}", self.paint.bold(&end.summary), end.exit_code))
    }

    fn line(&mut self, text: &str) -> io::Result<()> {
        if std::mem::take(&mut self.drawn) {
            self.out.write_all(b"\r\x1b[2K")?;
        }
        writeln!(self.out, "{}", self.masker.text(text))
    }

    fn progress(&mut self) -> io::Result<()> {
        if !self.terminal {
            return Ok(());
        }
        let mut text = String::new();
        if !self.open.is_empty() {
            let names: Vec<&str> = self.open.keys().map(String::as_str).collect();
            let shown: String = names.join(", ").chars().take(60).collect();
            let wrong: u64 = self.ran.values().map(|(passed, ran)| ran - passed).sum();
            let wrong = if wrong == 0 { String::new() } else { format!(", {wrong} not passed") };
            let left = self.pace.left_us(self.planned.saturating_sub(self.done), &self.ran);
            let left = left.map_or_else(String::new, |left| format!(", about {} left", about(left)));
            text = format!("{}/{} done{wrong}{left}, running {shown}", self.done, self.planned);
        }
        if self.drawn {
            self.out.write_all(b"\r\x1b[2K")?;
        }
        self.drawn = !text.is_empty();
        self.out.write_all(self.masker.text(&text).as_bytes())?;
        self.out.flush()
    }
}

/// Whole seconds, or minutes: no more is known.
fn about(micros: u64) -> String {
    let seconds = micros.div_ceil(1_000_000);
    if seconds < 90 { format!("{seconds} s") } else { format!("{} min", seconds.div_ceil(60)) }
}

/// What the console showed of a finished run.
fn render(history: &History, _: &Path, out: &mut dyn Write) -> Result<(), ReportError> {
    // What comes out of a bundle was masked on its way in.
    let mut console = Console::new(out, Look::default(), Masker::default());
    console.planned = history.planned;
    for unit in &history.units {
        match &unit.end {
            Some(end) => console.unit(unit, end)?,
            None => console.line(&format!("never ended  {}  {}", unit.unit.id, unit.unit.title))?,
        }
    }
    console.recoveries = recoveries(history);
    console.residue(&history.residue)?;
    match &history.end {
        Some(end) => console.end(end)?,
        None => console.line("\nthe run was interrupted")?,
    }
    Ok(())
}
