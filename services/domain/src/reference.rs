//! A page about every table of this crate, for readers who do not read Rust. `cargo xtask generate` writes it.

use std::fmt::Write;

use crate::alert::{self, Signal};
use crate::error_code::ErrorCode;
use crate::role;
use crate::state::TicketState;
use crate::tool::{self, Tool};
use crate::transition;

/// The page as Markdown.
pub fn page() -> String {
    let mut page = String::from(
        "# States, transitions, tools, error codes and alert rules\n\n\
         Written by `cargo xtask generate` from the tables of `services/domain`; changes belong there.\n",
    );
    states(&mut page);
    tools(&mut page);
    roles(&mut page);
    codes(&mut page);
    alerts(&mut page);
    page
}

/// Writing to a String cannot fail.
macro_rules! put {
    ($page:expr, $($text:tt)*) => { let _ = writeln!($page, $($text)*); };
}

fn states(page: &mut String) {
    put!(page, "\n## States\n\n| from | to |\n|---|---|");
    for (from, targets) in transition::TABLE {
        put!(page, "| {} | {} |", from.map_or("*(creation)*".to_owned(), code), codes_of(targets));
    }
    for state in TicketState::ALL.iter().filter(|state| state.is_final()) {
        put!(page, "| `{state}` | *(final)* |");
    }
}

fn tools(page: &mut String) {
    put!(page, "\n## Tools\n\n| tool | endpoint | roles | accepted in | leads to |\n|---|---|---|---|---|");
    for tool in tool::all() {
        put!(
            page,
            "| `{}` | `{} {}` | {} | {} | {} |",
            tool.name,
            tool.method,
            tool.route,
            tool.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", "),
            accepted(tool),
            tool.result.map_or(String::new(), code)
        );
    }
    put!(page, "\nFingerprint of the surface: `{}`.", tool::surface_hash());
}

fn accepted(tool: &Tool) -> String {
    match tool.accepted_states {
        None => String::new(),
        Some(states) if states.len() == TicketState::ALL.len() => "any state".to_owned(),
        Some(states) => codes_of(states),
    }
}

fn roles(page: &mut String) {
    put!(page, "\n## Roles\n\n| role | tools | other names |\n|---|---|---|");
    for name in role::ALPHABETICAL {
        let tools = tool::all().iter().filter(|tool| tool.roles.contains(name));
        let others: Vec<&str> =
            role::ALIASES.iter().filter(|(_, role)| role == name).map(|(alias, _)| *alias).collect();
        put!(page, "| {name} | {} | {} |", tools.count(), others.join(", "));
    }
}

fn codes(page: &mut String) {
    put!(page, "\n## Error codes\n\n| code | status | dimension |\n|---|---|---|");
    for code in ErrorCode::ALL {
        let dimension = code.dimension().map_or("", |dimension| dimension.as_str());
        put!(page, "| `{code}` | {} | {dimension} |", code.http_status());
    }
}

fn alerts(page: &mut String) {
    put!(page, "\n## Alert rules\n\n| code | counts | threshold | runbook |\n|---|---|---|---|");
    for rule in alert::RULES {
        let counts = match rule.signal {
            Signal::TicketsResting(states) => format!("tickets that rest in {}", codes_of(states)),
            Signal::Errors(codes) => format!("answers with {}", codes_of(codes)),
        };
        put!(page, "| `{}` | {counts} | {} | `{}` |", rule.code, rule.default_threshold, rule.runbook);
    }
}

fn code(word: impl std::fmt::Display) -> String {
    format!("`{word}`")
}

fn codes_of<T: std::fmt::Display>(words: &[T]) -> String {
    words.iter().map(code).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::page;
    use crate::error_code::ErrorCode;
    use crate::tool;
    use crate::transition::TABLE;

    #[test]
    fn every_row_of_every_table_is_on_the_page() {
        let page = page();
        for code in ErrorCode::ALL {
            assert!(page.contains(&format!("| `{code}` | {} |", code.http_status())), "{code}");
        }
        for tool in tool::all() {
            assert!(page.contains(&format!("| `{}` | `{} {}` |", tool.name, tool.method, tool.route)));
        }
        let states = page.split("## Tools").next().unwrap_or_default();
        let targets: usize = TABLE.iter().map(|(_, targets)| targets.len()).sum();
        assert_eq!(states.matches(", `").count() + TABLE.len(), targets);
    }
}
