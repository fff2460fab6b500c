//! `cargo xtask crash`: builds the program, the venue and the killer, and starts it; it lives in the
//! testkit.

use std::path::Path;
use std::process::Command;

use crate::tools;

/// Builds what is needed and starts the testkit's `crash` with `args`.
///
/// # Errors
/// Something cannot be built, something was lost or doubled, or a phase was hit too rarely.
pub fn run(root: &Path, args: &[&str]) -> Result<(), String> {
    for build in [
        ["-p", "ballast", "--features", "sandbox", "--bin", "ballast"].as_slice(),
        &[
            "-p",
            "ballast-testkit",
            "--features",
            "sandbox-venue",
            "--bin",
            "sandbox-venue",
            "--bin",
            "crash",
        ],
    ] {
        let mut command = Command::new(tools::cargo());
        command.current_dir(root);
        command.args(["build", "--release", "--quiet"]).args(build);
        started(command.status(), "what is killed cannot be built")?;
    }
    let target = crate::bench::target(root)?.join("release");
    let mut command = Command::new(target.join("crash"));
    command.current_dir(root);
    command.arg("--program").arg(target.join("ballast"));
    command.arg("--venue").arg(target.join("sandbox-venue"));
    command.args(args);
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
