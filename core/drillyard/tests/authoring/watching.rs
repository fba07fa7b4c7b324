//! `watch`: a saved file is checked and run again.

use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::project::{GOOD, Project, until};

struct Watched {
    child: Child,
    said: Arc<Mutex<String>>,
}

impl Watched {
    fn start(project: &Project, args: &[&str]) -> Self {
        let mut child = project.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let pipes: [Box<dyn std::io::Read + Send>; 2] =
            [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for mut pipe in pipes {
            let said = said.clone();
            std::thread::spawn(move || {
                let mut bytes = [0; 4096];
                while let Ok(read) = pipe.read(&mut bytes) {
                    if read == 0 {
                        break;
                    }
                    said.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..read]));
                }
            });
        }
        Self { child, said }
    }

    /// Waits for words after what was said up to here.
    #[track_caller]
    fn says(&self, words: &str) {
        until(&format!("`{words}`, after:\n{}", self.said.lock().unwrap()), Duration::from_secs(60), || {
            let mut said = self.said.lock().unwrap();
            let Some(at) = said.find(words) else { return false };
            said.drain(..at + words.len());
            true
        });
    }

    fn end(mut self) -> Option<i32> {
        Command::new("kill").arg("-INT").arg(self.child.id().to_string()).status().unwrap();
        self.child.wait().unwrap().code()
    }
}

#[test]
fn a_saved_drill_is_checked_and_run_again_and_others_are_not() {
    let project = Project::new("watch");
    project.write("drills/good.yaml", GOOD);
    project.write("drills/other.yaml", &GOOD.replace("drill: good", "drill: other"));
    let watched = Watched::start(&project, &["watch"]);
    watched.says("2 passed");
    watched.says("waiting for a saved file");
    project.write("drills/good.yaml", &GOOD.replace("expect", "expcet"));
    watched.says("did you mean `expect`?");
    project.write("drills/good.yaml", &GOOD.replace("n: 1", "n: 2"));
    watched.says("drills/good.yaml was saved");
    watched.says("1 failed; 1 of 1 units");
    watched.says("waiting for a saved file");
    assert_eq!(watched.end(), Some(130));
}

#[test]
fn a_check_is_enough_for_those_who_only_write() {
    let project = Project::new("watch-check");
    project.write("drills/good.yaml", GOOD);
    let watched = Watched::start(&project, &["watch", "--check"]);
    watched.says("nothing wrong");
    watched.says("waiting for a saved file");
    project.write("drills/good.yaml", "drill: good\n");
    watched.says("DY011");
    assert!(!project.dir.join("target/drillyard/runs").exists(), "something was started");
    assert_eq!(watched.end(), Some(130));
}
