//! Where the project is, and its texts.

use std::path::{Path, PathBuf};
use std::{fs, io};

use drillyard_spec::code::Code;
use drillyard_spec::diagnostic::Diagnostic;
use drillyard_spec::project::{Project, TOPOLOGY_PATH, documents_named};
use drillyard_spec::source::{Source, Span, Texts};

/// A project's folder: the nearest one upwards that has a topology.
#[derive(Debug, Clone)]
pub struct Root {
    path: PathBuf,
}

/// No folder upwards has a topology.
#[derive(Debug, thiserror::Error)]
#[error(
    "no `{TOPOLOGY_PATH}` in `{from}` or above; run this inside a project, or give its folder with --project"
)]
pub struct NoProject {
    from: String,
}

/// A project's texts and what they say.
pub struct Loaded {
    /// The texts, for rendering diagnostics.
    pub texts: Texts,
    /// What they say.
    pub project: Project,
}

impl Root {
    /// The project that `start` is in.
    ///
    /// # Errors
    /// [`NoProject`] when no folder upwards has a topology.
    pub fn find(start: &Path) -> Result<Self, NoProject> {
        let start = start.canonicalize().unwrap_or_else(|_| start.to_owned());
        start
            .ancestors()
            .find(|folder| folder.join(TOPOLOGY_PATH).is_file())
            .map(|folder| Self { path: folder.to_owned() })
            .ok_or_else(|| NoProject { from: start.display().to_string() })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where runs leave their evidence.
    #[must_use]
    pub fn runs(&self) -> PathBuf {
        self.state().join("runs")
    }

    /// Where the harness keeps what it needs between runs.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.path.join("target/drillyard")
    }

    /// The command that runs units of this project: through cargo's alias, where it has one.
    #[must_use]
    pub fn rerun(&self) -> String {
        let config = fs::read_to_string(self.path.join(".cargo/config.toml")).unwrap_or_default();
        let alias = config.lines().any(|line| line.starts_with("drillyard = "));
        if alias { "cargo drillyard run".to_owned() } else { "drillyard run".to_owned() }
    }

    /// Reads every text of the project.
    ///
    /// # Errors
    /// A folder or file cannot be read. A file that is not UTF-8 is a diagnostic, not an error.
    pub fn load(&self) -> io::Result<Loaded> {
        let (texts, mut unreadable) = self.texts()?;
        let mut project = Project::read(&texts);
        unreadable.append(&mut project.diagnostics);
        project.diagnostics = unreadable;
        Ok(Loaded { texts, project })
    }

    /// Every text of the project as it is on disk, and what is wrong with those that are no text.
    ///
    /// # Errors
    /// A folder or file cannot be read.
    pub fn texts(&self) -> io::Result<(Texts, Vec<Diagnostic>)> {
        let mut texts = Texts::default();
        let mut unreadable = Vec::new();
        let mut paths = vec![PathBuf::from(TOPOLOGY_PATH)];
        for folder in ["drills", "features", "ops/runbooks", drillyard_spec::target::FOLDER] {
            collect(&self.path, Path::new(folder), &mut paths)?;
        }
        for path in paths {
            let name = path.to_string_lossy().replace('\\', "/");
            if has_ending(&name) {
                self.read(&name, &mut texts, &mut unreadable)?;
            }
        }
        // Documents that are not there are reported with the place that names them.
        for name in documents_named(&texts) {
            let mut named = vec![PathBuf::from(&name)];
            if self.path.join(&name).is_dir() {
                named.clear();
                collect(&self.path, Path::new(&name), &mut named)?;
            }
            for path in named.iter().filter(|path| self.path.join(path).is_file()) {
                self.read(&path.to_string_lossy().replace('\\', "/"), &mut texts, &mut unreadable)?;
            }
        }
        Ok((texts, unreadable))
    }

    fn read(&self, name: &str, texts: &mut Texts, unreadable: &mut Vec<Diagnostic>) -> io::Result<()> {
        match String::from_utf8(fs::read(self.path.join(name))?) {
            Ok(text) => texts.insert(name, &text),
            Err(error) => unreadable.push(not_utf8(name, error.utf8_error().valid_up_to())),
        }
        Ok(())
    }
}

fn has_ending(name: &str) -> bool {
    [".yaml", ".feature", ".md", ".json", ".sql"].iter().any(|ending| name.ends_with(ending))
}

fn not_utf8(name: &str, valid: usize) -> Diagnostic {
    let source = Source::new(name, "");
    let message = format!("the file is not UTF-8 from byte {valid} on");
    Diagnostic::new(Code::NotUtf8, &source, Span::default(), message).help("save it again as UTF-8")
}

/// Files below `folder`, relative to the root. Links are not followed, so nothing outside the project is read.
fn collect(root: &Path, folder: &Path, out: &mut Vec<PathBuf>) -> io::Result<()> {
    let entries = match fs::read_dir(root.join(folder)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            collect(root, &path, out)?;
        } else if kind.is_file() {
            out.push(path);
        }
    }
    Ok(())
}
