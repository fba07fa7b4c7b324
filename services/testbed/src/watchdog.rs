//! What is left of a test process goes with it, however it ends.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Reads a pipe that nobody writes to. It ends with the test process; then the server is asked to stop at once, its
/// folder is removed, and everything of the group is killed, the shell included. Signals of a terminal are for the
/// test process alone.
const SCRIPT: &str = r#"
trap '' INT TERM HUP QUIT
cat > /dev/null
pid=$(head -n 1 "$1/data/postmaster.pid" 2> /dev/null)
if [ -n "$pid" ] && kill -QUIT "$pid" 2> /dev/null; then
    tries=0
    while [ "$tries" -lt 30 ] && kill -0 "$pid" 2> /dev/null; do
        tries=$((tries + 1))
        sleep 0.1
    done
fi
rm -rf "$1"
kill -KILL 0
"#;

/// The shell, in a process group that it leads.
#[derive(Debug)]
pub struct Watchdog {
    shell: Child,
}

impl Watchdog {
    /// Watches over a folder and whatever joins the group.
    pub fn over(folder: &Path) -> Self {
        #[expect(clippy::disallowed_methods, reason = "starting processes is what this crate is for")]
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, "testbed-watchdog"]).arg(folder).current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        Self { shell: command.spawn().unwrap() }
    }

    /// Lets a process that is about to be started join the group.
    pub fn join<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.process_group(i32::try_from(self.shell.id()).unwrap())
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // Ignored: it has done its work when it is gone, whatever it answers.
        let _ = self.shell.wait();
    }
}
