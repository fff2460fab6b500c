//! `cargo xtask bench`: builds what is measured, makes the peers' environment, runs the jobs.
//!
//! The jobs live in the testkit, for nothing of the workspace may be linked in here.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tools;

/// Where the peers' scripts and their pinned requirements are.
const SCRIPTS: &str = "xtask/bench";

/// Taken when nobody names an interpreter: the version that every pinned peer knows.
const PYTHON: &str = "python3.12";

/// What the command line asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Request {
    /// Compare with other libraries.
    peers: bool,
    /// Only ask whether the standard stacks cost too much.
    gate: bool,
    /// Ask it of a build without optimisation.
    debug: bool,
    python: Option<String>,
    /// Understood by the jobs themselves.
    passed_on: Vec<String>,
}

impl Request {
    fn parse(args: &[&str]) -> Result<Self, String> {
        let mut request = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match *arg {
                "--peers" => request.peers = true,
                "--gate" => request.gate = true,
                "--debug" => request.debug = true,
                "--python" => {
                    let path = args.next().ok_or("--python needs a path")?;
                    request.python = Some((*path).to_owned());
                }
                other => request.passed_on.push(other.to_owned()),
            }
        }
        if request.python.is_some() && !request.peers {
            return Err("--python is for --peers".to_owned());
        }
        if request.gate && (request.peers || !request.passed_on.is_empty()) {
            return Err(
                "--gate measures the standard stacks alone: only --debug goes with it".to_owned(),
            );
        }
        if request.debug && !request.gate {
            return Err(
                "--debug is for --gate: figures are those of an optimised build".to_owned(),
            );
        }
        Ok(request)
    }

    fn is_about_jobs(&self) -> bool {
        !self
            .passed_on
            .iter()
            .any(|a| a == "--drift" || a == "--help")
    }
}

/// Runs the jobs with `args`, as `cargo xtask bench --help` explains them.
///
/// # Errors
/// The arguments make no sense, something cannot be built, a result differs from its plain loop.
pub fn run(root: &Path, args: &[&str]) -> Result<(), String> {
    let request = Request::parse(args)?;
    if request.gate {
        return gate(root, request.debug);
    }
    let mut command = Command::new(tools::cargo());
    command.current_dir(root);
    command.args(["bench", "--quiet", "--locked", "-p", "ballast-testkit"]);
    command.args(["--bench", "jobs", "--"]);
    command.args(&request.passed_on);
    if request.is_about_jobs() {
        let target = target(root)?;
        command.arg("--data").arg(target.join("bench/data"));
        command.arg("--program").arg(program(root, &target)?);
        if request.peers {
            let python = environment(root, &target, request.python.as_deref())?;
            let crates = crates(root, &target)?;
            command.arg("--peers").arg(python);
            command.arg(root.join(SCRIPTS)).arg(crates);
        }
    }
    let status = command.status().map_err(|e| e.to_string())?;
    if status.success() {
        return Ok(());
    }
    Err("the bench ended with an error; it is above".to_owned())
}

/// Whether a call through the standard stacks costs more than its goal, in one run of seconds.
fn gate(root: &Path, debug: bool) -> Result<(), String> {
    let status = Command::new(tools::cargo())
        .current_dir(root)
        .args(gate_arguments(debug))
        .status()
        .map_err(|e| format!("cargo cannot be started: {e}"))?;
    if status.success() {
        return Ok(());
    }
    Err(
        "the standard stacks cost more than their goal, or could not be measured; it is above"
            .to_owned(),
    )
}

/// The unoptimised build has the features of `cargo test --workspace`, whose crates it takes.
fn gate_arguments(debug: bool) -> [&'static str; 9] {
    let (packages, profile) = if debug {
        ("--workspace", "--profile=dev")
    } else {
        ("--package=ballast", "--profile=release")
    };
    [
        "bench",
        "--quiet",
        "--locked",
        packages,
        profile,
        "--bench",
        "stack_overhead",
        "--",
        "--gate",
    ]
}

/// The folder cargo builds into.
pub(crate) fn target(root: &Path) -> Result<PathBuf, String> {
    let output = Command::new(tools::cargo())
        .args(["metadata", "--format-version=1", "--no-deps", "--locked"])
        .current_dir(root)
        .output()
        .map_err(|e| format!("cargo cannot be started: {e}"))?;
    let value: serde_json::Value =
        serde_json::from_slice(&output.stdout).map_err(|e| format!("cargo metadata: {e}"))?;
    let folder = value["target_directory"].as_str();
    folder
        .map(PathBuf::from)
        .ok_or_else(|| "cargo metadata names no target folder".to_owned())
}

/// Builds the program, for the cold start.
fn program(root: &Path, target: &Path) -> Result<PathBuf, String> {
    let status = Command::new(tools::cargo())
        .args(["build", "--quiet", "--release", "--locked", "-p", "ballast"])
        .current_dir(root)
        .status()
        .map_err(|e| format!("cargo cannot be started: {e}"))?;
    if !status.success() {
        return Err("the program cannot be built".to_owned());
    }
    Ok(target.join("release/ballast"))
}

/// Builds the program that other Rust crates are linked into; it has a lock of its own.
fn crates(root: &Path, target: &Path) -> Result<PathBuf, String> {
    let folder = target.join("bench/crates");
    let status = Command::new(tools::cargo())
        .args([
            "build",
            "--quiet",
            "--release",
            "--locked",
            "--manifest-path",
        ])
        .arg(root.join(SCRIPTS).join("crates/Cargo.toml"))
        .arg("--target-dir")
        .arg(&folder)
        .status()
        .map_err(|e| format!("cargo cannot be started: {e}"))?;
    if !status.success() {
        return Err("the other crates cannot be built".to_owned());
    }
    Ok(folder.join("release/ballast-bench-crates"))
}

/// The interpreter of the peers' environment; makes it when it is not there or its list changed.
fn environment(root: &Path, target: &Path, python: Option<&str>) -> Result<PathBuf, String> {
    let list = root.join(SCRIPTS).join("requirements.txt");
    let wanted = std::fs::read_to_string(&list).map_err(|e| format!("{}: {e}", list.display()))?;
    let folder = target.join("bench/python");
    let (interpreter, stamp) = (folder.join("bin/python"), folder.join("installed.txt"));
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(interpreter);
    }
    let python = python.unwrap_or(PYTHON);
    println!("making the peers' environment with {python}, once; this takes some minutes");
    let step = |command: &mut Command, hint: &str| match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(hint.to_owned()),
        Err(e) => Err(format!("{hint} ({e})")),
    };
    step(
        Command::new(python)
            .args(["-m", "venv", "--clear"])
            .arg(&folder),
        "the peers need Python 3.12: name one with --python PATH",
    )?;
    step(
        Command::new(&interpreter)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "-r",
            ])
            .arg(&list),
        "the peers cannot be installed: this step needs the network, and wheels for this machine",
    )?;
    std::fs::write(&stamp, wanted).map_err(|e| format!("{}: {e}", stamp.display()))?;
    Ok(interpreter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_concerns_the_peers_is_taken_and_the_rest_passed_on() {
        let request = Request::parse(&["J1", "--peers", "--python", "p", "--quick"]).unwrap();
        assert_eq!(
            request,
            Request {
                peers: true,
                python: Some("p".to_owned()),
                passed_on: vec!["J1".to_owned(), "--quick".to_owned()],
                ..Request::default()
            }
        );
        assert!(request.is_about_jobs());
        assert!(!Request::parse(&["--drift"]).unwrap().is_about_jobs());
        assert!(Request::parse(&["--python"]).is_err());
        assert!(Request::parse(&["--python", "p"]).is_err());
    }

    /// RES-22: what the standard stacks cost is a gate, and the contract of every change runs it.
    #[test]
    fn res_22_the_cost_of_the_stacks_is_a_gate_that_runs() {
        let request = Request::parse(&["--gate", "--debug"]).unwrap();
        assert!(request.gate && request.debug);
        for refused in [&["--debug"][..], &["--gate", "J1"], &["--gate", "--peers"]] {
            Request::parse(refused).unwrap_err();
        }
        for debug in [false, true] {
            let arguments = gate_arguments(debug);
            assert!(arguments.ends_with(&["stack_overhead", "--", "--gate"]));
        }
        let script = crate::repository::root().join(".ci/run");
        let script = std::fs::read_to_string(script).unwrap();
        assert!(script.contains("\npart overhead overhead\n"));
        assert!(script.contains("\n    cargo xtask bench --gate --debug\n"));
    }

    /// Every peer is pinned to one version, so that two runs compare the same libraries.
    #[test]
    fn requirements_are_pinned() {
        let list = crate::repository::root()
            .join(SCRIPTS)
            .join("requirements.txt");
        let text = std::fs::read_to_string(list).unwrap();
        let lines: Vec<&str> = text.lines().filter(|l| !l.starts_with('#')).collect();
        assert!(lines.len() > 50);
        for line in lines {
            let (name, version) = line.split_once("==").unwrap_or_else(|| panic!("{line}"));
            assert!(!name.is_empty() && version.starts_with(|c: char| c.is_ascii_digit()));
        }
    }
}
