//! Arguments of the command, and which verb does what.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};
use drillyard::command::{self, Common, Output};
use drillyard_engine::stack::Backend;

/// Raises a stack, drills it, and keeps evidence.
#[derive(Debug, Parser)]
#[command(name = "drillyard", version, about, after_help = command::EXIT_CODES)]
struct Cli {
    /// A folder of the project; by default the current one.
    #[arg(long, global = true, value_name = "DIR")]
    project: Option<PathBuf>,
    /// When to use colour.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    color: Color,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Find every mistake of all drills, features and the topology, without starting anything.
    Check {
        /// How to show them.
        #[arg(long, value_enum, default_value_t = Form::Human)]
        format: Form,
    },
    /// Run drills and scenarios, each in a lane of its own.
    Run(Run),
    /// Show what a run would do, and on what, without doing it.
    Plan {
        #[command(flatten)]
        run: Run,
        /// How to show it.
        #[arg(long, value_enum, default_value_t = PlanForm::Text)]
        format: PlanForm,
    },
    /// Write a drill or a feature to begin with.
    New(New),
    /// Speak the language server protocol on standard input and output; editors start it.
    Lsp,
    /// Run again whatever a saved file changes, until Ctrl-C.
    Watch {
        #[command(flatten)]
        run: Run,
        /// Only find mistakes; start nothing.
        #[arg(long)]
        check: bool,
    },
    /// Print the JSON Schema of a kind of file, for editors.
    Schema {
        /// `drill`, `vocabulary`, `topology` or `gate`; nothing lists them.
        kind: Option<String>,
    },
    /// Print completions for a shell.
    Completions {
        /// Such as `bash`, `zsh` or `fish`.
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Show what could be run.
    List {
        #[command(flatten)]
        which: Which,
        /// Show the sentences features may use instead.
        #[arg(long)]
        phrases: bool,
        /// As one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Show snapshots that are new or different, and accept them.
    Review {
        /// Accept all of them; refused on CI.
        #[arg(long)]
        accept: bool,
        /// Only snapshots whose path contains one of these.
        names: Vec<String>,
    },
    /// Explain a code of a diagnostic, or an action of the drill language.
    Explain {
        /// Such as `DY010` or `http`; `reference` is the whole language, nothing lists all.
        what: Option<String>,
    },
    /// A stack that stays up.
    Stack {
        #[command(subcommand)]
        verb: StackVerb,
    },
    /// Migrate, seed and verify the stack, and write the bootstrap evidence.
    Bootstrap {
        /// Where to write the evidence.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        ground: Ground,
    },
    /// The whole tour: raise the stack, bootstrap it, run the smoke path and everything else, show the evidence.
    Demo {
        /// Leave a bootstrapped stack up and show its addresses.
        #[arg(long)]
        keep: bool,
        #[command(flatten)]
        ground: Ground,
    },
    /// Undo by hand what runs have left at work: faults, and of runs whose runner is gone everything.
    Undo {
        /// The run's name; by default all of them.
        run: Option<String>,
    },
    /// Recompute a bundle of evidence and name what was changed.
    Verify {
        /// The bundle's folder; by default the latest run.
        bundle: Option<PathBuf>,
        /// The key (SPKI PEM) that must have signed it.
        #[arg(long, value_name = "FILE")]
        public_key: Option<PathBuf>,
    },
    /// Show a bundle in another form.
    Report {
        /// The bundle's folder; by default the latest run.
        bundle: Option<PathBuf>,
        /// `console`, `github`, `html`, `json`, `junit` or `markdown`.
        #[arg(long, default_value = "console")]
        format: String,
    },
    /// Judge a bundle's observations once more, under its own or another text.
    Judge {
        /// The bundle's folder; by default the latest run.
        bundle: Option<PathBuf>,
        /// A changed drill or feature; shows which verdicts change.
        #[arg(long, value_name = "FILE")]
        with: Option<PathBuf>,
    },
    /// Show a run once more.
    Replay {
        /// The bundle's folder; by default the latest run.
        bundle: Option<PathBuf>,
    },
    /// Compare two bundles: verdicts, answers and times.
    Diff {
        /// The first bundle's folder.
        old: PathBuf,
        /// The second bundle's folder.
        new: PathBuf,
    },
    /// Decide whether a candidate may go, on bundles alone.
    Gate(GateArgs),
    /// Write the go/no-go packet: HTML, Markdown and JSON.
    Packet(GateArgs),
    /// Agree to a packet, signed and bound to its evidence.
    SignOff {
        /// In which role.
        #[arg(long)]
        role: String,
        /// Who agrees.
        #[arg(long)]
        name: String,
        /// The packet's folder.
        #[arg(long, value_name = "DIR", default_value = "target/drillyard/packets/pilot")]
        packet: PathBuf,
        /// Private key that signs; by default the project's own.
        #[arg(long, env = "DRILLYARD_SIGNING_KEY", value_name = "FILE")]
        key: Option<PathBuf>,
    },
    /// Clean up after a runner that was killed; started by every run for itself.
    #[command(hide = true)]
    Reap {
        /// The run's working folder.
        run_dir: PathBuf,
    },
    /// Hold a stack up until asked to end; started by `stack up`.
    #[command(hide = true)]
    Keeper {
        #[command(flatten)]
        ground: Ground,
    },
}

#[derive(Debug, Subcommand)]
enum StackVerb {
    /// Raise the stack in the background and wait until it answers.
    Up {
        #[command(flatten)]
        ground: Ground,
    },
    /// Show what is up and where.
    Status {
        /// As one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Show the services' logs.
    Logs {
        /// Only this service.
        service: Option<String>,
        /// Lines from the end of each.
        #[arg(long, default_value_t = 50)]
        tail: usize,
        /// Go on showing what is written, until interrupted or the stack goes down.
        #[arg(long, short)]
        follow: bool,
    },
    /// Stop and start one service, and wait until it is ready.
    Restart {
        /// Its name in the topology.
        service: String,
    },
    /// Take the stack down and remove everything it made.
    Down,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Human,
    Json,
    Github,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PlanForm {
    Text,
    Json,
}

#[derive(Debug, Args)]
struct Which {
    /// Parts of names or paths; all when none is given.
    names: Vec<String>,
    /// A tag units must have, or with `!` must not have; may be repeated.
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
}

#[derive(Debug, Args)]
struct Run {
    #[command(flatten)]
    which: Which,
    /// Lanes at a time; by default one for each core.
    #[arg(long, short)]
    jobs: Option<usize>,
    /// Seed of everything that is drawn; by default a new one, which is shown and kept.
    #[arg(long)]
    seed: Option<u64>,
    /// Keep the lanes of units that do not pass until Enter is pressed, and show how to reach them.
    #[arg(long)]
    keep: bool,
    /// Run every unit so often; one that passes and fails is flaky, and fails the run.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    repeat: Option<u16>,
    /// Stop after the step of this id, title, sentence or line; best with `--keep`.
    #[arg(long, value_name = "STEP", conflicts_with = "repeat")]
    until: Option<String>,
    /// Private key (Ed25519, PKCS#8 PEM) that signs the evidence; by default the project's own, made on first use.
    #[arg(long, env = "DRILLYARD_SIGNING_KEY", value_name = "FILE")]
    key: Option<PathBuf>,
    #[command(flatten)]
    ground: Ground,
}

#[derive(Debug, Args)]
struct New {
    /// Its name, which is that of the file: `billing` is `drills/billing.yaml`.
    name: String,
    /// A feature instead of a drill.
    #[arg(long)]
    feature: bool,
    /// One step for each step of a runbook.
    #[arg(long, value_name = "FILE", group = "source")]
    runbook: Option<PathBuf>,
    /// The request of a curl command.
    #[arg(long, value_name = "COMMAND", group = "source")]
    curl: Option<String>,
    /// The requests of a recording (HTTP Archive, as browsers save it), with what was answered.
    #[arg(long, value_name = "FILE", group = "source")]
    har: Option<PathBuf>,
    /// The service of hosts that belong to none.
    #[arg(long)]
    service: Option<String>,
    /// Who acts, instead of whoever the token names.
    #[arg(long = "as", value_name = "IDENTITY")]
    identity: Option<String>,
}

#[derive(Debug, Args)]
struct GateArgs {
    /// Such as `ops/readiness/pilot.gate.yaml`.
    gate: PathBuf,
    /// A bundle, or a folder of bundles; may be repeated.
    #[arg(long, value_name = "DIR")]
    evidence: Vec<PathBuf>,
    /// The last accepted bundle, for bounds such as `<= +10%`.
    #[arg(long, value_name = "DIR")]
    baseline: Option<PathBuf>,
    /// Commit of the candidate; by default the one all evidence must agree on.
    #[arg(long)]
    commit: Option<String>,
    /// The moment of the decision; by default now.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// The packet's folder, with its sign-offs; by default `target/drillyard/packets/<gate>`.
    #[arg(long, value_name = "DIR")]
    packet: Option<PathBuf>,
    /// The key (SPKI PEM) that must have signed bundles and sign-offs.
    #[arg(long, value_name = "FILE")]
    public_key: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Ground {
    /// What the stack is made of: `process`, `container` or `attached`; by default processes.
    #[arg(long, env = "DRILLYARD_BACKEND", value_name = "BACKEND")]
    backend: Option<Backend>,
    /// A system that is up already, by the name of its file under `ops/targets`; the stack is that system then.
    #[arg(long, env = "DRILLYARD_TARGET", value_name = "NAME")]
    target: Option<String>,
    /// Folder with PostgreSQL's programs.
    #[arg(long, env = "DRILLYARD_PG_BIN", value_name = "DIR")]
    pg_bin: Option<PathBuf>,
    /// Folder with the service binaries; by default they are built.
    #[arg(long, env = "DRILLYARD_BIN_DIR", value_name = "DIR")]
    bin_dir: Option<PathBuf>,
}

/// Reads the arguments and does what they say.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let color = match cli.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => command::terminal_wants_color(),
    };
    let common = Common::new(cli.project.as_deref(), color);
    let code = dispatch(cli.verb, &common);
    ExitCode::from(code)
}

fn dispatch(verb: Verb, common: &Common) -> u8 {
    match verb {
        Verb::Check { format } => command::check::run(common, output(format)),
        Verb::Run(run) => command::run::run(common, asked_to_run(run)),
        Verb::Plan { run, format } => {
            command::plan::run(common, &asked_to_run(run), format == PlanForm::Json)
        }
        Verb::Watch { run, check } => command::watch::run(common, &asked_to_run(run), check),
        Verb::New(new) => {
            let New { name, feature, runbook, curl, har, service, identity } = new;
            let asked = command::new::Asked { name, feature, runbook, curl, har, service, identity };
            command::new::run(common, &asked)
        }
        Verb::Lsp => command::lsp::run(common),
        Verb::Schema { kind } => command::schema::run(kind.as_deref()),
        Verb::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "drillyard", &mut std::io::stdout());
            drillyard::exit::PASSED
        }
        Verb::List { which, phrases, json } => {
            let form = command::list::Form { phrases, json };
            command::list::run(common, &filter(which), form)
        }
        Verb::Review { accept, names } => command::review::run(common, accept, &names),
        Verb::Explain { what } => command::explain::run(what.as_deref()),
        Verb::Stack { verb } => match verb {
            StackVerb::Up { ground } => command::stack::up(common, &convert(ground)),
            StackVerb::Status { json } => command::stack::status(common, json),
            StackVerb::Logs { service, tail, follow } => {
                command::stack::logs(common, service.as_deref(), (tail, follow))
            }
            StackVerb::Restart { service } => command::stack::restart(common, &service),
            StackVerb::Down => command::stack::down(common),
        },
        Verb::Bootstrap { out, ground } => command::bootstrap::run(common, out.as_deref(), &convert(ground)),
        Verb::Demo { keep, ground } => command::demo::run(common, keep, &convert(ground)),
        Verb::Undo { run } => command::undo::run(common, run.as_deref()),
        Verb::Verify { bundle, public_key } => {
            command::verify::run(common, bundle.as_deref(), public_key.as_deref())
        }
        Verb::Report { bundle, format } => command::report::run(common, bundle.as_deref(), &format),
        Verb::Judge { bundle, with } => command::judge::run(common, bundle.as_deref(), with.as_deref()),
        Verb::Replay { bundle } => command::replay::run(common, bundle.as_deref()),
        Verb::Diff { old, new } => command::diff::run(common, &old, &new),
        Verb::Gate(args) => command::gate::run(common, &asked(args)),
        Verb::Packet(args) => command::gate::packet(common, &asked(args)),
        Verb::SignOff { role, name, packet, key } => {
            command::gate::sign(common, (&role, &name), &packet, key.as_deref())
        }
        Verb::Reap { run_dir } => command::reap::run(&run_dir),
        Verb::Keeper { ground } => command::keeper::run(common, &convert(ground)),
    }
}

fn asked_to_run(run: Run) -> command::run::Asked {
    let Run { which, jobs, seed, keep, repeat, until, key, ground } = run;
    let repeat = repeat.map_or(1, usize::from);
    command::run::Asked {
        filter: filter(which),
        jobs,
        seed,
        keep,
        repeat,
        until,
        key,
        ground: convert(ground),
    }
}

fn asked(args: GateArgs) -> command::gate::Asked {
    let GateArgs { gate, evidence, baseline, commit, at, packet, public_key } = args;
    command::gate::Asked { gate, evidence, baseline, commit, at, packet, public_key }
}

fn output(form: Form) -> Output {
    match form {
        Form::Human => Output::Human,
        Form::Json => Output::Json,
        Form::Github => Output::Github,
    }
}

fn filter(which: Which) -> drillyard::select::Filter {
    drillyard::select::Filter { names: which.names, tags: which.tags }
}

fn convert(ground: Ground) -> command::Ground {
    command::Ground {
        backend: ground.backend,
        target: ground.target,
        pg_bin: ground.pg_bin.map(command::absolute),
        bin_dir: ground.bin_dir.map(command::absolute),
    }
}
