//! Builds every image of the stack, with or without a registry. What has not changed is left alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

mod base;

/// The services' binaries; each becomes `drillyard/<binary>:local`.
const BINARIES: [&str; 5] =
    ["dispatch-api", "dispatch-worker", "dispatch-gateway", "dispatch-doubles", "dispatch-objects"];
/// The base of images that are not made from nothing, under its usual name.
const BASE: &str = "debian:bookworm-slim";
/// Label with the digest of everything an image is made from.
const INPUTS: &str = "drillyard.inputs";
/// Where Debian, and most others, have the certificate authorities.
const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";
/// One static file: it needs no library of the machine it runs on.
const STATIC: &str = "-C target-feature=+crt-static -C strip=debuginfo";

/// Builds all images; the services in the cargo profile `release` or `dev`.
///
/// # Errors
/// No engine answers, a build fails, or something that is needed is missing; the text says what to do.
pub fn build(release: bool) -> Result<()> {
    engine_answers()?;
    let base = base::ensure(BASE)?;
    postgres(&base)?;
    let folder = binaries(release)?;
    for binary in BINARIES {
        service(&folder, binary)?;
    }
    Ok(())
}

fn engine_answers() -> Result<()> {
    let output = docker().args(["version", "--format", "{{.Server.Version}}"]).output().context(
        "there is no `docker`; on Debian `ops/images/engine.sh`, as root, installs it and starts an engine",
    )?;
    if !output.status.success() {
        bail!("no container engine answers; start Docker, or as root run `ops/images/engine.sh`");
    }
    Ok(())
}

fn postgres(base: &str) -> Result<()> {
    let context = Path::new("ops/images/postgres");
    let mut digest = Sha256::new();
    digest.update(base);
    for file in ["Dockerfile", "entrypoint.sh"] {
        digest.update(read(&context.join(file))?);
    }
    image("drillyard/postgres:local", context, &digest, &[("BASE", BASE)])
}

/// Builds the services as static binaries; gives their folder.
fn binaries(release: bool) -> Result<PathBuf> {
    let host = host()?;
    if !host.contains("linux") {
        bail!("images hold Linux programs, and this machine ({host}) builds others; run this on Linux");
    }
    let mut cargo = program("cargo");
    cargo.env("RUSTFLAGS", STATIC).args(["build", "--bins", "--target", &host]);
    for binary in BINARIES {
        cargo.args(["--package", binary]);
    }
    if release {
        cargo.arg("--release");
    }
    if !cargo.status().context("starting cargo")?.success() {
        bail!("the services could not be built");
    }
    Ok(Path::new("target").join(host).join(if release { "release" } else { "debug" }))
}

fn host() -> Result<String> {
    let output = program("rustc").arg("-vV").output().context("asking rustc for its host")?;
    let text = String::from_utf8(output.stdout)?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc names no host")?.to_owned())
}

fn service(folder: &Path, binary: &str) -> Result<()> {
    let program = read(&folder.join(binary))?;
    let authorities =
        fs::read(AUTHORITIES).with_context(|| format!("{AUTHORITIES}; install `ca-certificates`"))?;
    let dockerfile = read(Path::new("ops/images/service/Dockerfile"))?;
    let mut digest = Sha256::new();
    for part in [&program, &authorities, &dockerfile] {
        digest.update(Sha256::digest(part));
    }
    let name = format!("drillyard/{binary}:local");
    if is_current(&name, &digest) {
        show(&format!("{name} is as it was"));
        return Ok(());
    }
    let context = Path::new("target/images").join(binary);
    // What an earlier build has left is laid out anew.
    let _ = fs::remove_dir_all(&context);
    let certificates = context.join("root/etc/ssl/certs");
    fs::create_dir_all(&certificates).with_context(|| certificates.display().to_string())?;
    fs::create_dir_all(context.join("data"))?;
    fs::write(certificates.join("ca-certificates.crt"), authorities)?;
    fs::write(context.join("root/etc/passwd"), "service:x:10001:10001::/data:/service\n")?;
    fs::write(context.join("Dockerfile"), dockerfile)?;
    fs::copy(folder.join(binary), context.join("root/service"))?;
    image(&name, &context, &digest, &[])?;
    fs::remove_dir_all(&context)?;
    Ok(())
}

/// Builds one image unless there is one of the same inputs.
fn image(name: &str, context: &Path, digest: &Sha256, args: &[(&str, &str)]) -> Result<()> {
    if is_current(name, digest) {
        show(&format!("{name} is as it was"));
        return Ok(());
    }
    show(&format!("building {name}"));
    let mut docker = docker();
    docker.args(["build", "--quiet", "--tag", name, "--label", &format!("{INPUTS}={}", hex(digest))]);
    for (key, value) in args {
        docker.arg("--build-arg").arg(format!("{key}={value}"));
    }
    // A client without its builder plug-in can still use the engine's own builder.
    if !docker_has("buildx") {
        docker.env("DOCKER_BUILDKIT", "0").stderr(Stdio::null());
    }
    let output = docker.arg(context).output().context("starting docker")?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        let hint = "`docker build` on its folder shows more";
        bail!("{name} could not be built; {hint}\n{}", String::from_utf8_lossy(&said).trim());
    }
    Ok(())
}

fn is_current(name: &str, digest: &Sha256) -> bool {
    let format = format!("{{{{index .Config.Labels \"{INPUTS}\"}}}}");
    let asked = docker().args(["image", "inspect", "--format", &format, name]).output();
    asked.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).trim() == hex(digest))
}

fn docker_has(plugin: &str) -> bool {
    docker().args([plugin, "version"]).output().is_ok_and(|output| output.status.success())
}

fn hex(digest: &Sha256) -> String {
    digest.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| path.display().to_string())
}

fn docker() -> Command {
    program("docker")
}

#[expect(clippy::disallowed_methods, reason = "building images is starting the programs that do")]
fn program(name: &str) -> Command {
    Command::new(name)
}

#[expect(clippy::print_stdout, reason = "the face of a developer's command")]
fn show(text: &str) {
    println!("{text}");
}
