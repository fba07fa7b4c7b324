//! What a person reads while a stack is prepared. Every line but the payload starts with the same tag.

use std::io::Write;

use dispatch_store::fixtures::FixtureState;
use serde_json::Value;

use super::BootstrapError;
use super::settings::Settings;

const TAG: &str = "[dispatch-bootstrap]";

/// Writes one line.
pub(super) fn say(text: &str) {
    // Ignored: a reader that went away must not stop the preparation half-way.
    let _ = writeln!(std::io::stdout(), "{TAG} {text}");
}

/// Writes the document on a line of its own, without the tag, so that a program can read it from the output.
pub(super) fn payload(document: &Value) {
    say("Bootstrap evidence payload:");
    // Ignored: as in `say`.
    let _ = writeln!(std::io::stdout(), "{document}");
}

/// Writes why it ended.
pub(super) fn failed(error: &BootstrapError) {
    // Ignored: the exit status tells it too.
    let _ = writeln!(std::io::stderr(), "{TAG} failed: {error}");
}

/// Writes the ids to use and what the tables hold.
pub(super) fn seeded(settings: &Settings, state: &FixtureState) {
    let facts = &state.facts;
    say("Dispatch stack seed complete.");
    say(&format!("account_id: {}", settings.ids.account));
    say(&format!("site_id: {}", settings.ids.site));
    for technician in &state.technicians {
        say(&format!("technician_id: {} ({})", technician.id, technician.name));
    }
    say(&format!("accounts: {}", facts.accounts));
    say(&format!("sites: {}", facts.sites));
    say(&format!("contacts: {}", facts.contacts));
    say(&format!("tickets: {}", facts.tickets));
    say("Use account_id and site_id to create tickets, and a technician_id to dispatch them.");
}
