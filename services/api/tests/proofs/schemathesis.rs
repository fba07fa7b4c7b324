//! The served description is held against the service by a tool that knows nothing of either.

use std::path::Path;

use dispatch_testbed::{Process, token};

use crate::desk::Desk;
use crate::size;

/// Who asks: between them they may use everything.
const ROLES: [&str; 4] = ["dispatcher", "technician", "finance", "admin"];

/// What a description cannot say, by operation, each with its reason.
const EXCEPTIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/proofs/schemathesis.toml");

/// All checks; both valid and invalid data; every failure told, not only the first.
const OPTIONS: &str = "--checks all --mode all --continue-on-failure --seed 7 --no-color \
                       --generation-database none --suppress-health-check all --report junit";

#[tokio::test]
#[ignore = "needs schemathesis, by `cargo xtask proof schemathesis`"]
async fn the_description_is_what_the_service_does() {
    #[expect(clippy::disallowed_methods, reason = "a test has no config.rs")]
    let program = std::env::var("SCHEMATHESIS").unwrap_or_else(|_| "schemathesis".to_owned());
    let desk = Desk::open_with(&[
        // The description is that of production: tokens only, and 405 where it says so.
        ("DISPATCH_AUTH_ALLOW_DEV_HEADERS", "false"),
        ("DISPATCH_HTTP_405", "true"),
    ])
    .await;
    let examples = size(5, 50).to_string();
    let mut failed = Vec::new();
    for role in ROLES {
        let url = format!("{}/openapi.json", desk.url);
        let header = format!("Authorization: Bearer {}", token::for_role(role));
        let report = format!("{}/schemathesis-{role}.xml", env!("CARGO_TARGET_TMPDIR"));
        // In a folder that is swept with the build: it leaves its notes where it stands.
        let mut arguments = vec!["-c", "cd \"$0\" && exec \"$@\"", env!("CARGO_TARGET_TMPDIR"), &program];
        arguments.extend([
            "--config-file",
            EXCEPTIONS,
            "run",
            &url,
            "--header",
            &header,
            "--max-examples",
            &examples,
        ]);
        arguments.extend(OPTIONS.split_whitespace());
        arguments.extend(["--report-junit-path", &report]);
        let mut run = Process::start(&desk.database, Path::new("sh"), &arguments, []);
        let ended = run.end().await;
        println!("=== {role}: {ended}");
        for line in run.lines() {
            println!("{}", line["text"].as_str().unwrap_or_default());
        }
        if !ended.success() {
            failed.push(role);
        }
    }
    assert!(failed.is_empty(), "complaints as {failed:?}");
}
