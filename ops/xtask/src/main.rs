//! Developer tasks: `cargo xtask bench` measures, `proof` proves, `images` builds images; the tidy rules are this crate's tests.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

mod bench;
mod generate;
mod images;
mod proof;

const USAGE: &str = "\
usage: cargo xtask generate [--check]  write everything that repeats a table; --check only names what is out of date
       cargo xtask images [--release]
       cargo xtask bench lanes [--runs N]
       cargo xtask bench harness [--runs N]
       cargo xtask bench api [--runs N] [--seconds N] [--only ticket,cockpit,queue,list,create,chain]
                             [--sizes 100,10000,100000] [--connections 1,16,64] [--data FOLDER]
                             dispatch-api beside pgbench; needs the postgresql package; some 40 minutes for everything
       cargo xtask bench stack [--runs N] [--drills N] [--profile debug|release]
       cargo xtask proof aborts [--runs N] [--seed N]
       cargo xtask proof same-key|crash|fuzz|schemathesis [--size N]";

#[expect(clippy::print_stderr, reason = "the face of a developer's command")]
fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The project's folder: the nearest one above with the lock file.
fn root() -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    let found = here.ancestors().find(|folder| folder.join("Cargo.lock").is_file());
    found.map_or_else(|| here.clone(), Path::to_path_buf)
}

fn run(args: &[String]) -> anyhow::Result<()> {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["generate"] => return generate::run(&root(), false),
        ["images"] => return images::build(false),
        ["images", "--release"] => return images::build(true),
        ["generate", "--check"] => return generate::run(&root(), true),
        ["bench", "api", options @ ..] => {
            return bench::api::run(&root(), &bench::api::Options::read(options)?);
        }
        _ => {}
    }
    let [verb, what, options @ ..] = args else { anyhow::bail!(USAGE) };
    // The two ends of the bench that are processes of their own.
    match (verb.as_str(), what.as_str(), options) {
        ("bench", "serve", [port]) => return bench::harness::serve::run(port.parse()?),
        ("bench", "measure", program) => {
            bench::show(&bench::harness::measure::child(program)?.to_string());
            return Ok(());
        }
        _ => {}
    }
    let mut options = Options::read(options)?;
    match (verb.as_str(), what.as_str()) {
        ("bench", "lanes") => {
            let runs = options.number("--runs", 2)?;
            options.finish()?;
            bench::lanes(runs)
        }
        ("bench", "harness") => {
            let runs = options.number("--runs", 5)?;
            options.finish()?;
            bench::harness::run(runs)
        }
        ("bench", "stack") => {
            let (runs, drills) = (options.number("--runs", 5)?, options.number("--drills", 200)?);
            let profile = options.text("--profile", "debug");
            options.finish()?;
            bench::stack::measure(runs, drills, &profile)
        }
        ("proof", "aborts") => {
            let (runs, seed) = (options.number("--runs", 100)?, options.number("--seed", 20_260_213)?);
            options.finish()?;
            proof::aborts(runs, seed)
        }
        ("proof", name) => {
            let size = options.number("--size", 0)?;
            options.finish()?;
            proof::api(name, size)
        }
        _ => anyhow::bail!(USAGE),
    }
}

/// Names and values behind a verb.
struct Options(Vec<(String, String)>);

impl Options {
    fn read(words: &[String]) -> anyhow::Result<Self> {
        let pairs = words.chunks(2).map(|pair| match pair {
            [name, value] => Ok((name.clone(), value.clone())),
            _ => anyhow::bail!(USAGE),
        });
        pairs.collect::<anyhow::Result<_>>().map(Self)
    }

    fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(at).1)
    }

    fn text(&mut self, name: &str, other: &str) -> String {
        self.take(name).unwrap_or_else(|| other.to_owned())
    }

    fn number(&mut self, name: &str, other: usize) -> anyhow::Result<usize> {
        let Some(text) = self.take(name) else { return Ok(other) };
        let number = text.parse().ok().filter(|number| *number > 0);
        number.ok_or_else(|| anyhow::anyhow!("`{name} {text}` is not a number from 1 on"))
    }

    fn finish(self) -> anyhow::Result<()> {
        match self.0.first() {
            Some((name, _)) => anyhow::bail!("`{name}` is not known here\n{USAGE}"),
            None => Ok(()),
        }
    }
}
