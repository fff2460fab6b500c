//! `cargo xtask postgres`: the tests that need a PostgreSQL server, on private ones of their own.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tools;

/// Runs them all; `--all` with the exhaustive ones, `--figures` measures instead. Without an installed
/// server it says so aloud and is in order.
///
/// # Errors
/// A test fails, or an argument is none.
pub fn run(root: &Path, args: &[&str]) -> Result<(), String> {
    let skipped: &[&str] = match args {
        [] => &["--skip=exhaustive", "--skip=measure"],
        ["--all"] => &["--skip=measure"],
        ["--figures"] => &["measure", "--test-threads=1"],
        other => return Err(format!("no such arguments: {}", other.join(" "))),
    };
    let Some(programs) = programs() else {
        println!(
            "**** NO POSTGRESQL SERVER: its journal is NOT tested; apt-get install postgresql ****"
        );
        return Ok(());
    };
    println!("PostgreSQL in {}", programs.display());
    // Their names begin with `postgres`. The whole workspace with one feature more: next to nothing is built anew after its other tests.
    let mut cargo = vec!["test", "--locked"];
    if args == ["--figures"] {
        cargo.extend(["--package=ballast-postgres", "--release", "--test=it"]);
        cargo.extend(["--", "--ignored", "--nocapture"]);
    } else {
        cargo.extend([
            "--workspace",
            "--features=ballast/postgres",
            "--lib",
            "--test=it",
        ]);
        cargo.extend(["--", "--ignored", "--nocapture", "postgres"]);
    }
    let status = Command::new(tools::cargo())
        .current_dir(root)
        .args(cargo)
        .args(skipped)
        .status()
        .map_err(|e| format!("cargo cannot be started: {e}"))?;
    if status.success() {
        return Ok(());
    }
    Err("a test against the PostgreSQL server fails; the output says which".to_owned())
}

/// Where the server's programs are: Debian keeps them beside the path.
fn programs() -> Option<PathBuf> {
    let debian = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let debian = debian.flatten().map(|entry| entry.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    debian
        .chain(std::env::split_paths(&path))
        .find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
}
