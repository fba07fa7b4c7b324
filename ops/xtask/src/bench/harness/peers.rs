//! The other tools: how each is fetched from its registry, and the same work in its own natural text.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};
use serde_json::json;

use super::measure::Line;

/// Rust's own runner of HTTP texts, as it is on crates.io.
const HURL: &str = "8.0.1";

/// Where the peers are installed.
pub struct Peers {
    home: PathBuf,
}

/// The work of one peer.
pub struct Peer {
    /// Its name in the report.
    pub name: &'static str,
    /// Start-up alone.
    pub version: Line,
    /// A thousand asserted requests.
    pub steps: Line,
    /// A thousand asserted requests and the reports it can write.
    pub reports: Option<Line>,
    /// Reading a thousand texts of ten steps without running them.
    pub check: Option<Line>,
}

impl Peers {
    /// Fetches what is not there yet; what cannot be fetched is told and left out.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn fetch(home: &Path, tell: &mut dyn FnMut(&str)) -> Result<Self> {
        fs::create_dir_all(home)?;
        let peers = Self { home: home.to_owned() };
        let at = |name: &str| home.join(name).display().to_string();
        let python = |name: &str, packages: &str| {
            format!("python3 -m venv '{0}' && '{0}/bin/pip' install -q {packages}", at(name))
        };
        // Tavern reaches into pytest and does not start under its newest version.
        let steps = [
            (
                "hurl/bin/hurl",
                format!(
                    "cd / && cargo install hurl --version {HURL} --locked --root '{}' --target-dir '{}' && rm -rf '{1}'",
                    at("hurl"),
                    at("build")
                ),
            ),
            ("tavern/bin/tavern-ci", python("tavern", "tavern 'pytest<9'")),
            ("python/bin/behave", python("python", "behave pytest-bdd requests")),
            (
                "node/node_modules/.bin/newman",
                format!(
                    "npm install --no-fund --no-audit --prefix '{}' newman @cucumber/cucumber",
                    at("node")
                ),
            ),
        ];
        for (program, command) in steps {
            if !peers.home.join(program).exists() && !shell(&command) {
                tell(&format!(
                    "`{program}` could not be installed and is missing from the comparison: {command}"
                ));
            }
        }
        Ok(peers)
    }

    fn path(&self, program: &str) -> String {
        self.home.join(program).display().to_string()
    }

    /// Every peer that is installed, with its texts written below `folder`, against the service at `port`; and the names
    /// of those that are missing.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn work(&self, folder: &Path, port: u16) -> Result<(Vec<Peer>, Vec<&'static str>)> {
        let url = format!("http://127.0.0.1:{port}/ping");
        let texts = Texts { folder, url: &url };
        let all = [
            self.hurl(&texts)?,
            self.behave(&texts)?,
            self.pytest_bdd(&texts)?,
            self.tavern(&texts)?,
            self.cucumber(&texts)?,
            self.newman(&texts)?,
        ];
        let (mut there, mut missing) = (Vec::new(), Vec::new());
        for peer in all {
            if Path::new(&peer.steps.words[0]).exists() { there.push(peer) } else { missing.push(peer.name) }
        }
        Ok((there, missing))
    }

    fn hurl(&self, texts: &Texts<'_>) -> Result<Peer> {
        let entry = format!("GET {}\nHTTP 200\n[Asserts]\njsonpath \"$.ok\" == true\n\n", texts.url);
        let file = texts.write("hurl/a.hurl", &entry.repeat(1_000))?;
        let program = self.path("hurl/bin/hurl");
        let out = texts.folder.join("hurl-reports");
        let reports = ["html", "json", "junit"].into_iter().flat_map(|kind| {
            let name = if kind == "junit" { "junit.xml" } else { kind };
            [format!("--report-{kind}"), out.join(name).display().to_string()]
        });
        fs::create_dir_all(&out)?;
        let with_reports =
            [program.clone(), "--test".to_owned()].into_iter().chain(reports).chain([file.clone()]);
        Ok(Peer {
            name: "hurl",
            version: texts.line([program.as_str(), "--version"]),
            steps: texts.line([program.as_str(), "--test", &file]),
            reports: Some(Line { words: with_reports.collect(), folder: texts.folder.to_owned(), exit: 0 }),
            check: None,
        })
    }

    fn behave(&self, texts: &Texts<'_>) -> Result<Peer> {
        let code = format!(
            "from behave import when\nimport requests\nS = requests.Session()\n@when('I ping it')\ndef step(context):\n    answer = S.get('{}')\n    assert answer.status_code == 200 and answer.json()['ok'] is True\n",
            texts.url
        );
        texts.write("behave/features/steps/steps.py", &code)?;
        texts.write("behave/features/a.feature", &feature(100))?;
        let many = many_features(texts, "behave-check/features")?;
        texts.write("behave-check/features/steps/steps.py", &code)?;
        let program = self.path("python/bin/behave");
        let one = texts.folder.join("behave/features").display().to_string();
        Ok(Peer {
            name: "behave",
            version: texts.line([program.as_str(), "--version"]),
            steps: texts.line([program.as_str(), "-f", "progress", &one]),
            reports: None,
            check: Some(texts.line([program.as_str(), "--dry-run", "-f", "null", &many])),
        })
    }

    fn pytest_bdd(&self, texts: &Texts<'_>) -> Result<Peer> {
        texts.write("pytest-bdd/features/a.feature", &feature(100))?;
        let file = texts.write("pytest-bdd/test_a.py", &format!("from pytest_bdd import scenarios, when\nimport requests\nS = requests.Session()\nscenarios('features/a.feature')\n@when('I ping it')\ndef step():\n    answer = S.get('{}')\n    assert answer.status_code == 200 and answer.json()['ok'] is True\n", texts.url))?;
        let program = self.path("python/bin/python");
        Ok(Peer {
            name: "pytest-bdd",
            version: texts.line([program.as_str(), "-m", "pytest", "--version"]),
            steps: texts.line([program.as_str(), "-m", "pytest", "-q", "-p", "no:cacheprovider", &file]),
            reports: None,
            check: None,
        })
    }

    fn tavern(&self, texts: &Texts<'_>) -> Result<Peer> {
        let stage = |number: usize| {
            format!(
                "  - name: s{number}\n    request:\n      url: {}\n      method: GET\n    response:\n      status_code: 200\n      strict: [\"json:off\"]\n      json:\n        ok: true\n",
                texts.url
            )
        };
        let stages: String = (0..10).map(stage).collect();
        let text: String =
            (0..100).map(|number| format!("---\ntest_name: t{number}\nstages:\n{stages}")).collect();
        let file = texts.write("tavern/test_a.tavern.yaml", &text)?;
        let root = texts.folder.join("tavern").display().to_string();
        let program = self.path("tavern/bin/python");
        Ok(Peer {
            name: "tavern",
            version: texts.line([self.path("tavern/bin/tavern-ci").as_str(), "--help"]),
            steps: texts.line([
                program.as_str(),
                "-m",
                "pytest",
                "-q",
                "-p",
                "no:cacheprovider",
                "--rootdir",
                &root,
                &file,
            ]),
            reports: None,
            check: None,
        })
    }

    fn cucumber(&self, texts: &Texts<'_>) -> Result<Peer> {
        let library = self.path("node/node_modules/@cucumber/cucumber");
        let code = format!(
            "const {{ When }} = require('{library}');\nconst assert = require('assert');\nWhen('I ping it', async () => {{ const answer = await fetch('{}'); assert.equal(answer.status, 200); assert.equal((await answer.json()).ok, true); }});\n",
            texts.url
        );
        let code = texts.write("cucumber/steps.js", &code)?;
        let file = texts.write("cucumber/a.feature", &feature(100))?;
        let many = many_features(texts, "cucumber-check")?;
        let program = self.path("node/node_modules/.bin/cucumber-js");
        Ok(Peer {
            name: "cucumber-js",
            version: texts.line([program.as_str(), "--version"]),
            steps: texts.line([program.as_str(), &file, "--require", &code, "--format", "progress"]),
            reports: None,
            check: Some(texts.line([
                program.as_str(),
                "--dry-run",
                &many,
                "--require",
                &code,
                "--format",
                "summary",
            ])),
        })
    }

    fn newman(&self, texts: &Texts<'_>) -> Result<Peer> {
        let script = "pm.test('s',()=>{pm.response.to.have.status(200);pm.expect(pm.response.json().ok).to.eql(true)})";
        let item = json!({
            "name": "p", "request": { "method": "GET", "url": texts.url },
            "event": [{ "listen": "test", "script": { "exec": [script] } }],
        });
        let schema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";
        let collection = json!({ "info": { "name": "p", "schema": schema }, "item": vec![item; 1_000] });
        let file = texts.write("newman.json", &collection.to_string())?;
        let program = self.path("node/node_modules/.bin/newman");
        Ok(Peer {
            name: "newman",
            version: texts.line([program.as_str(), "--version"]),
            steps: texts.line([program.as_str(), "run", &file, "-r", "cli"]),
            reports: None,
            check: None,
        })
    }
}

struct Texts<'a> {
    folder: &'a Path,
    url: &'a str,
}

impl Texts<'_> {
    fn write(&self, path: &str, text: &str) -> Result<String> {
        let file = self.folder.join(path);
        fs::create_dir_all(file.parent().context("a folder")?)?;
        fs::write(&file, text)?;
        Ok(file.display().to_string())
    }

    fn line<const N: usize>(&self, words: [&str; N]) -> Line {
        Line { words: words.map(str::to_owned).to_vec(), folder: self.folder.to_owned(), exit: 0 }
    }
}

/// A feature of scenarios with ten steps each.
fn feature(scenarios: usize) -> String {
    let mut text = String::from("Feature: ping\n");
    for number in 0..scenarios {
        let _ =
            write!(text, "  Scenario: s{number}\n    When I ping it\n{}", "    And I ping it\n".repeat(9));
    }
    text
}

fn many_features(texts: &Texts<'_>, folder: &str) -> Result<String> {
    for number in 0..1_000 {
        texts.write(&format!("{folder}/f{number}.feature"), &feature(1))?;
    }
    Ok(texts.folder.join(folder).display().to_string())
}

#[expect(clippy::disallowed_methods, reason = "fetches the peers with their registries' own programs")]
fn shell(command: &str) -> bool {
    let done = Command::new("sh").args(["-c", command]).stdin(Stdio::null()).stdout(Stdio::null()).status();
    done.is_ok_and(|status| status.success())
}
