//! `cargo xtask figures`: what paper trading takes on this machine and its disk, measured in release.

use std::path::Path;
use std::process::Command;

use crate::tools;

/// Packages, and which of their ignored tests measure.
const MEASURED: [(&str, &str); 2] = [("ballast-sqlite", "figures"), ("ballast", "figures")];

/// Builds the tests that measure and runs them one after the other; each prints its figures.
///
/// # Errors
/// One of them cannot be built or fails.
pub fn run(root: &Path) -> Result<(), String> {
    for (package, tests) in MEASURED {
        let status = Command::new(tools::cargo())
            .current_dir(root)
            .args(["test", "--locked", "--release", "--test=it", "--package"])
            .args([package, tests, "--"])
            .args(["--ignored", "--nocapture", "--test-threads=1"])
            .status()
            .map_err(|e| format!("cargo cannot be started: {e}"))?;
        if !status.success() {
            return Err(format!(
                "{package} could not be measured; the output says why"
            ));
        }
    }
    Ok(())
}
