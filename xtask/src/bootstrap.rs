//! The first day in one command: tools, dependencies, a build, a run and the gates that are quick.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::tools::{self, TOOLS, Tool};

/// What is done after the tools are there: a title and the arguments of cargo.
const WORK: &[(&str, &[&str])] = &[
    ("dependencies", &["fetch", "--locked"]),
    (
        "build",
        &["test", "--locked", "--workspace", "--no-run", "--quiet"],
    ),
    (
        "a first run",
        &[
            "run",
            "--release",
            "--locked",
            "--",
            "backtest",
            "--quiet",
            "--out",
            RUN,
        ],
    ),
    ("layers", &["xtask", "layers"]),
    ("tidy", &["xtask", "tidy"]),
];

/// The first run, from the root; it is made anew each time.
const RUN: &str = "target/bootstrap-run";

/// Makes the checkout at `root` ready to be worked on.
///
/// # Errors
/// A required tool is missing (the message says how to get each), or a step failed.
pub fn run(root: &Path) -> Result<(), String> {
    print!("{}", tools::report());
    let missing = required_but_missing(TOOLS, |tool| tool.version().is_some());
    if !missing.is_empty() {
        return Err(format!(
            "install what is missing, then again:\n{}",
            missing.join("\n")
        ));
    }
    if !tools::has_target(tools::WASM) {
        // Optional: its gate says that it is skipped.
        println!("optional: rustup target add {}", tools::WASM);
    }
    let _ = std::fs::remove_dir_all(root.join(RUN));
    for (title, arguments) in WORK {
        let begun = Instant::now();
        let status = Command::new(tools::cargo())
            .args(*arguments)
            .current_dir(root)
            .status()
            .map_err(|e| format!("cargo cannot be started: {e}"))?;
        if !status.success() {
            return Err(format!(
                "{title}: cargo {} failed: {status}",
                arguments.join(" ")
            ));
        }
        println!("{title:<14} ok {:8.1} s", begun.elapsed().as_secs_f64());
    }
    println!("ready: open {RUN}/report.html; cargo test --workspace; then docs/ARCHITECTURE.md");
    Ok(())
}

/// How to get each required tool that is not here.
fn required_but_missing(tools: &[Tool], is_here: impl Fn(&Tool) -> bool) -> Vec<String> {
    tools
        .iter()
        .filter(|tool| !tool.optional && !is_here(tool))
        .map(|tool| format!("  {}: {}", tool.name, tool.install))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// DOC-06: the one command of the contributor guide stops at a missing tool and says how to get
    /// it; optional ones do not stop it.
    #[test]
    fn doc_06_a_missing_tool_stops_the_bootstrap_with_what_to_do() {
        let without = |name: &'static str| required_but_missing(TOOLS, |tool| tool.name != name);
        assert_eq!(without("clippy"), ["  clippy: rustup component add clippy"]);
        assert!(without("cargo-deny").is_empty());
        assert!(without("nothing").is_empty());
    }
}
