//! The base image: there already, pulled, or built from Debian's packages where no registry answers.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};

use super::{docker, program, show};

/// Release of Debian that the base is named after.
const RELEASE: &str = "bookworm";
/// What a base needs no more once it is built.
const NOT_NEEDED: [&str; 6] = [
    "debootstrap",
    "var/cache/apt",
    "var/lib/apt/lists",
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
];

/// The id of the base image, after making sure that there is one.
///
/// # Errors
/// When there is none and it can neither be pulled nor built.
pub fn ensure(name: &str) -> Result<String> {
    if let Some(id) = id(name) {
        return Ok(id);
    }
    let pulled =
        docker().args(["pull", "--quiet", name]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !pulled.is_ok_and(|status| status.success()) {
        show(&format!("no registry gives {name}, so it is built from Debian's packages"));
        build(name)?;
    }
    id(name).with_context(|| format!("{name} is still not there"))
}

fn id(name: &str) -> Option<String> {
    let output = docker().args(["image", "inspect", "--format", "{{.Id}}", name]).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn build(name: &str) -> Result<()> {
    let folder = Path::new("target/images/base");
    // What a broken build has left is in the way of the next.
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder)?;
    if !program("debootstrap").arg("--version").output().is_ok_and(|output| output.status.success()) {
        bail!("`debootstrap` is needed to build {name}; as root run `apt-get install debootstrap`");
    }
    let output = program("debootstrap").args(["--variant=minbase", RELEASE]).arg(folder).output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stdout);
        let last: Vec<&str> = said.lines().rev().take(5).collect();
        bail!(
            "debootstrap failed (it needs root): {}",
            last.into_iter().rev().collect::<Vec<_>>().join("\n")
        );
    }
    for part in NOT_NEEDED {
        // One that is not there need not go.
        let _ = fs::remove_dir_all(folder.join(part));
    }
    let mut tar = program("tar")
        .arg("-C")
        .arg(folder)
        .args(["-c", "."])
        .stdout(Stdio::piped())
        .spawn()
        .context("starting tar")?;
    let files = tar.stdout.take().context("tar gives nothing")?;
    let imported = docker().args(["import", "-", name]).stdin(files).stdout(Stdio::null()).status()?;
    if !tar.wait()?.success() || !imported.success() {
        bail!("{name} could not be imported");
    }
    fs::remove_dir_all(folder)?;
    Ok(())
}
