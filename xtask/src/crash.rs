//! `cargo xtask crash`: builds the program, the venue and the killer, and starts it; it lives in the
//! testkit.

use std::path::Path;
use std::process::Command;

use crate::tools;

/// What is built, in one go so that what both share is built once.
const BUILD: [&str; 13] = [
    "build",
    "--quiet",
    "--locked",
    "--package=ballast",
    "--package=ballast-testkit",
    "--features",
    "ballast/sandbox,ballast-testkit/sandbox-venue",
    "--bin",
    "ballast",
    "--bin",
    "sandbox-venue",
    "--bin",
    "crash",
];

/// Builds what is needed and starts the testkit's `crash` with `args`; `--debug` among them takes the
/// debug build, which is built sooner and killed as well.
///
/// # Errors
/// Something cannot be built, something was lost or doubled, or a phase was hit too rarely.
pub fn run(root: &Path, args: &[&str]) -> Result<(), String> {
    let debug = args.contains(&"--debug");
    let mut build = Command::new(tools::cargo());
    build.current_dir(root).args(BUILD);
    if !debug {
        build.arg("--release");
    }
    started(build.status(), "what is killed cannot be built")?;
    let profile = if debug { "debug" } else { "release" };
    let target = crate::bench::target(root)?.join(profile);
    let mut command = Command::new(target.join("crash"));
    command.current_dir(root);
    command.arg("--program").arg(target.join("ballast"));
    command.arg("--venue").arg(target.join("sandbox-venue"));
    command.args(args.iter().filter(|arg| **arg != "--debug"));
    started(
        command.status(),
        "the killed program did not pass; the output says why",
    )
}

fn started(
    status: std::io::Result<std::process::ExitStatus>,
    otherwise: &str,
) -> Result<(), String> {
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(otherwise.to_owned()),
        Err(e) => Err(format!("it cannot be started: {e}")),
    }
}
