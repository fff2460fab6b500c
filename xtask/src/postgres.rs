//! `cargo xtask postgres`: the tests that need a PostgreSQL server, on private ones of their own.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tools;

/// Picks the tests against a server that take no longer than others, among the ignored ones.
pub const BRIEF: [&str; 3] = ["postgres", "--skip=exhaustive", "--skip=measure"];

/// Runs them all; `--all` with the exhaustive ones, `--figures` measures instead. Without an installed
/// server it says so aloud and is in order.
///
/// # Errors
/// A test fails, or an argument is none.
pub fn run(root: &Path, args: &[&str]) -> Result<(), String> {
    let picked: &[&str] = match args {
        [] => &BRIEF,
        ["--all"] => &["postgres", "--skip=measure"],
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
    } else {
        cargo.extend([
            "--workspace",
            "--features=ballast/postgres",
            "--lib",
            "--test=it",
        ]);
    }
    cargo.extend(["--", "--ignored", "--nocapture"]);
    let status = Command::new(tools::cargo())
        .current_dir(root)
        .args(cargo)
        .args(picked)
        .status()
        .map_err(|e| format!("cargo cannot be started: {e}"))?;
    if status.success() {
        return Ok(());
    }
    Err("a test against the PostgreSQL server fails; the output says which".to_owned())
}

/// Where the server's programs are: Debian keeps them beside the path.
pub fn programs() -> Option<PathBuf> {
    let debian = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let debian = debian.flatten().map(|entry| entry.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    debian
        .chain(std::env::split_paths(&path))
        .find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
}
