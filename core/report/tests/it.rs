//! Behaviour of reports and evidence, on a run of two units as the engine would tell it.

#[path = "it/bundle.rs"]
mod bundle;
#[path = "it/console.rs"]
mod console;
#[path = "it/formats.rs"]
mod formats;
#[path = "it/gates.rs"]
mod gates;
#[path = "it/masking.rs"]
mod masking;
#[path = "it/pages.rs"]
mod pages;
#[path = "it/redactions.rs"]
mod redactions;
#[path = "it/rejudging.rs"]
mod rejudging;
#[path = "it/signing.rs"]
mod signing;
#[path = "it/snapshots.rs"]
mod snapshots;
#[path = "it/story.rs"]
mod story;
#[path = "it/tampering.rs"]
mod tampering;
