//! `cargo xtask sim`: builds the simulated world for speed and starts it; it lives in the testkit.

use std::path::Path;
use std::process::Command;

use crate::tools;

/// Starts the testkit's `sim` with `args`. Only `--planted` builds a kernel that can have bugs.
///
/// # Errors
/// It cannot be built, something that must never happen did, or a fault was never reached.
pub fn run(root: &Path, args: &[&str]) -> Result<(), String> {
    let mut command = Command::new(tools::cargo());
    command.current_dir(root);
    command.args(arguments(args));
    let status = command
        .status()
        .map_err(|e| format!("cargo cannot be started: {e}"))?;
    if status.success() {
        Ok(())
    } else {
        Err("the simulated days did not pass; their output says why".to_owned())
    }
}

fn arguments<'a>(args: &[&'a str]) -> Vec<&'a str> {
    let mut all = vec!["run", "--release", "--quiet", "-p", "ballast-testkit"];
    if args.contains(&"--planted") {
        all.extend(["--features", "planted"]);
    }
    all.extend(["--bin", "sim", "--"]);
    all.extend(args);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_planting_builds_a_kernel_with_bugs() {
        assert!(!arguments(&["--seeds", "3"]).contains(&"planted"));
        let planting = arguments(&["--planted", "--seeds", "3"]);
        assert!(planting.contains(&"planted"));
        assert_eq!(planting.last(), Some(&"3"));
    }
}
