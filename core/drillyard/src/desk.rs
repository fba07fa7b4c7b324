//! The desk at which people confirm human steps: this terminal, one question at a time.

use std::io::IsTerminal as _;
use std::sync::Arc;

use drillyard_engine::action::human::{Ask, Desk, empty_desk};
use tokio::sync::{Mutex, oneshot};

use crate::command::complain;
use crate::exit;

/// The terminal, or a desk at which nobody sits: without a terminal, and on CI.
#[must_use]
pub fn desk(ci: bool) -> Desk {
    if ci || !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return empty_desk();
    }
    let turn = Arc::new(Mutex::new(()));
    Arc::new(move |ask| {
        let turn = turn.clone();
        Box::pin(async move {
            let _turn = turn.lock_owned().await;
            complain(exit::PASSED, &question(&ask));
            let (answer, answered) = oneshot::channel();
            // A thread of its own: one that waits for a line cannot be ended, and must not hold up the run's end.
            std::thread::spawn(move || {
                let mut line = String::new();
                let read = std::io::stdin().read_line(&mut line).unwrap_or(0);
                // Nobody listens any more once the deadline has passed.
                let _ = answer.send((read > 0).then(|| line.trim().to_owned()));
            });
            confirmation(answered.await.ok().flatten())
        })
    })
}

fn question(ask: &Ask) -> String {
    format!(
        "\n{}: {} is asked: {}\nWrite your initials and press Enter once it is done; `no` or nothing says that it is not ({} s)",
        ask.unit,
        ask.owner,
        ask.text,
        ask.deadline.as_secs()
    )
}

fn confirmation(line: Option<String>) -> Option<String> {
    line.filter(|line| !line.is_empty() && !["n", "no"].contains(&line.to_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_initials_confirm() {
        assert_eq!(confirmation(Some("ab".to_owned())).as_deref(), Some("ab"));
        for line in [None, Some(""), Some("no"), Some("N")] {
            assert_eq!(confirmation(line.map(str::to_owned)), None);
        }
    }
}
