//! `cargo xtask mutants`: builds the judge of mutants and starts it; it lives beside the testkit.

use std::path::Path;
use std::process::Command;

use crate::tools;

/// The crate, from the root.
const MANIFEST: &str = "testkit/mutants/Cargo.toml";

/// Judges the changes in `modules`; in all on the way of money when none is named.
///
/// # Errors
/// `cargo-mutants` is not there, the judge cannot be built, or it refuses.
pub fn run(root: &Path, modules: &[&str]) -> Result<(), String> {
    if !tools::is_here("cargo-mutants") {
        return Err(
            "cargo-mutants is not installed: cargo install --locked cargo-mutants".to_owned(),
        );
    }
    let status = Command::new(tools::cargo())
        .current_dir(root)
        .args(["run", "--release", "--quiet", "--locked"])
        .args([
            "--manifest-path",
            MANIFEST,
            "--target-dir",
            "target/mutants/judge",
            "--",
        ])
        .args(modules)
        .status()
        .map_err(|e| format!("cargo cannot be started: {e}"))?;
    if status.success() {
        Ok(())
    } else {
        Err("the mutants were not judged; the output says why".to_owned())
    }
}
