//! What is generated is committed as it is generated.
#![expect(clippy::disallowed_methods, reason = "runs the command that is tested")]

use std::path::Path;
use std::process::Command;

#[test]
fn everything_that_repeats_a_table_is_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["generate", "--check"])
        .current_dir(root)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
