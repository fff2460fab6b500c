//! `cargo xtask check`: every gate of a change, each with its time, all failures at the end.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::{features, graph, layers, metadata, repository, tidy, tools};

/// What a gate is made of.
#[derive(Clone, Copy, Debug)]
enum Work {
    /// A cargo command with its arguments and environment.
    Cargo(
        &'static [&'static str],
        &'static [(&'static str, &'static str)],
    ),
    /// A check of this program; its text is shown when it passes.
    Own(fn(&Path) -> Result<String, String>),
}

/// One gate.
#[derive(Clone, Copy, Debug)]
struct Gate {
    name: &'static str,
    work: Work,
    /// Whether it can run here; the error says what is missing.
    ready: fn() -> Result<(), &'static str>,
}

/// The gates, quick ones first. Builds share the tests' profile and target folder.
const GATES: &[Gate] = &[
    Gate {
        name: "fmt",
        work: Work::Cargo(&["fmt", "--all", "--check"], &[]),
        ready: always,
    },
    Gate {
        name: "layers",
        work: Work::Own(own_layers),
        ready: always,
    },
    Gate {
        name: "tidy",
        work: Work::Own(own_tidy),
        ready: always,
    },
    Gate {
        name: "features",
        work: Work::Own(features::check),
        ready: always,
    },
    Gate {
        name: "graph",
        work: Work::Own(graph::check),
        ready: always,
    },
    Gate {
        name: "clippy",
        work: Work::Cargo(
            &[
                "clippy",
                "--quiet",
                "--workspace",
                "--all-targets",
                "--locked",
                "--",
                "-D",
                "warnings",
            ],
            &[],
        ),
        ready: always,
    },
    // Alone: in a build of the whole workspace the features of other crates would leak in.
    Gate {
        name: "domain",
        work: Work::Cargo(
            &["check", "--quiet", "--locked", "-p", "ballast-domain"],
            &[],
        ),
        ready: always,
    },
    Gate {
        name: "wasm32",
        work: Work::Cargo(
            &[
                "check",
                "--quiet",
                "--locked",
                "-p",
                "ballast-domain",
                "--target",
                tools::WASM,
            ],
            &[],
        ),
        ready: wasm_ready,
    },
    Gate {
        name: "docs",
        work: Work::Cargo(
            &["doc", "--quiet", "--no-deps", "--workspace", "--locked"],
            &[("RUSTDOCFLAGS", "-D warnings")],
        ),
        ready: always,
    },
    Gate {
        name: "deny",
        work: Work::Cargo(&["deny", "check", "bans", "licenses", "sources"], &[]),
        ready: deny_ready,
    },
];

fn always() -> Result<(), &'static str> {
    Ok(())
}

fn wasm_ready() -> Result<(), &'static str> {
    if tools::has_target(tools::WASM) {
        Ok(())
    } else {
        Err("the target is not installed: rustup target add wasm32-unknown-unknown")
    }
}

fn deny_ready() -> Result<(), &'static str> {
    if tools::is_here("cargo-deny") {
        Ok(())
    } else {
        Err("cargo-deny is not installed: cargo install --locked cargo-deny")
    }
}

fn own_layers(root: &Path) -> Result<String, String> {
    let edges = layers::report(&metadata::read(root)?)?;
    Ok(edges + &layers::naive_ledger::report(root)?)
}

fn own_tidy(root: &Path) -> Result<String, String> {
    tidy::report(&repository::tracked(root)?)
}

/// How a gate ended.
#[derive(Clone, Debug)]
enum Outcome {
    /// In order, perhaps with something to tell.
    Passed(String),
    /// Refused; the text says why.
    Failed(String),
    /// Not run; the text says what is missing.
    Skipped(&'static str),
}

/// Runs every gate at `root`, prints one line each, and lists the failures at the end.
///
/// # Errors
/// At least one gate failed; the message names them and holds their output.
pub fn run(root: &Path) -> Result<(), String> {
    let start = Instant::now();
    let mut failures = Vec::new();
    for gate in GATES {
        let begun = Instant::now();
        let outcome = run_gate(gate, root);
        println!("{}", line(gate.name, &outcome, begun.elapsed()));
        if let Outcome::Failed(text) = outcome {
            failures.push((gate.name, text));
        }
    }
    let total = start.elapsed().as_secs_f64();
    if failures.is_empty() {
        println!("check      in order  {total:6.1} s");
        return Ok(());
    }
    Err(verdict(&failures) + &format!("\ncheck      FAILED    {total:6.1} s"))
}

fn run_gate(gate: &Gate, root: &Path) -> Outcome {
    if let Err(missing) = (gate.ready)() {
        return Outcome::Skipped(missing);
    }
    match gate.work {
        Work::Own(check) => match check(root) {
            Ok(text) => Outcome::Passed(text),
            Err(text) => Outcome::Failed(text),
        },
        Work::Cargo(args, environment) => {
            let mut command = Command::new(tools::cargo());
            command.args(args).envs(environment.iter().copied());
            command.current_dir(root);
            match command.output() {
                Ok(output) if output.status.success() => Outcome::Passed(String::new()),
                Ok(output) => Outcome::Failed(format!(
                    "{}{}",
                    String::from_utf8_lossy(&output.stdout),
                    String::from_utf8_lossy(&output.stderr)
                )),
                Err(e) => Outcome::Failed(format!("cargo cannot be started: {e}")),
            }
        }
    }
}

/// `name  outcome  seconds  what it told`.
fn line(name: &str, outcome: &Outcome, took: Duration) -> String {
    let (word, told) = match outcome {
        Outcome::Passed(text) => ("in order", text.as_str()),
        Outcome::Failed(_) => ("FAILED", ""),
        Outcome::Skipped(why) => ("SKIPPED", *why),
    };
    let seconds = took.as_secs_f64();
    let own = format!("{name}: ");
    let mut told = told
        .trim_end()
        .lines()
        .map(|line| line.trim_start_matches(&own));
    let first = told.next().unwrap_or_default();
    let mut text = format!("{name:<10} {word:<9} {seconds:6.1} s  {first}");
    for more in told {
        text += &format!("\n{:32}{more}", "");
    }
    text.trim_end().to_owned()
}

fn verdict(failures: &[(&str, String)]) -> String {
    let mut text = String::new();
    for (name, output) in failures {
        text += &format!("\n---- {name} ----\n{}\n", output.trim_end());
    }
    let names: Vec<&str> = failures.iter().map(|(name, _)| *name).collect();
    text + &format!("\nto fix: {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(name: &str) -> Gate {
        *GATES
            .iter()
            .find(|gate| gate.name == name)
            .unwrap_or_else(|| panic!("the gate {name} is gone"))
    }

    fn command(name: &str) -> (String, String) {
        match gate(name).work {
            Work::Cargo(args, environment) => (args.join(" "), format!("{environment:?}")),
            Work::Own(_) => panic!("{name} is no cargo command"),
        }
    }

    /// CI-02, CI-03: formatting and lints are gates, and a warning of a lint is a failure.
    #[test]
    fn ci_02_ci_03_formatting_and_lints_are_gates() {
        assert_eq!(command("fmt").0, "fmt --all --check");
        assert_eq!(
            command("clippy").0,
            "clippy --quiet --workspace --all-targets --locked -- -D warnings"
        );
    }

    /// DOC-04, CI-18: the documentation of every crate builds, and a warning is a failure.
    #[test]
    fn doc_04_ci_18_documentation_is_a_gate() {
        let (args, environment) = command("docs");
        assert_eq!(args, "doc --quiet --no-deps --workspace --locked");
        assert_eq!(environment, r#"[("RUSTDOCFLAGS", "-D warnings")]"#);
    }

    #[test]
    fn the_other_gates_are_there() {
        for name in ["layers", "tidy", "features", "graph"] {
            assert!(matches!(gate(name).work, Work::Own(_)));
        }
        assert_eq!(
            command("domain").0,
            "check --quiet --locked -p ballast-domain"
        );
        assert_eq!(command("deny").0, "deny check bans licenses sources");
    }

    #[test]
    fn lines_are_aligned_and_a_skip_is_said_aloud() {
        let took = Duration::from_millis(1_234);
        for (name, outcome, text) in [
            (
                "tidy",
                Outcome::Passed("a.rs: warning: long\ntidy: 5 files\n".to_owned()),
                "tidy       in order     1.2 s  a.rs: warning: long\n                                5 files",
            ),
            (
                "fmt",
                Outcome::Passed(String::new()),
                "fmt        in order     1.2 s",
            ),
            (
                "clippy",
                Outcome::Failed("x".to_owned()),
                "clippy     FAILED       1.2 s",
            ),
            (
                "deny",
                Outcome::Skipped("not installed"),
                "deny       SKIPPED      1.2 s  not installed",
            ),
        ] {
            assert_eq!(line(name, &outcome, took), text);
        }
    }

    #[test]
    fn a_failing_gate_fails_with_its_output_and_a_missing_tool_is_skipped() {
        let root = repository::root();
        let broken = Gate {
            name: "broken",
            work: Work::Own(|_| Err("it is broken".to_owned())),
            ready: always,
        };
        let Outcome::Failed(text) = run_gate(&broken, &root) else {
            panic!("a refusal must fail");
        };
        assert_eq!(
            verdict(&[("broken", text), ("other", "x\n".to_owned())]),
            "\n---- broken ----\nit is broken\n\n---- other ----\nx\n\nto fix: broken, other"
        );
        let unknown = Gate {
            work: Work::Cargo(&["no-such-command"], &[]),
            ..broken
        };
        assert!(
            matches!(run_gate(&unknown, &root), Outcome::Failed(text) if text.contains("no-such-command"))
        );
        let missing = Gate {
            ready: || Err("no tool"),
            ..broken
        };
        assert!(matches!(
            run_gate(&missing, &root),
            Outcome::Skipped("no tool")
        ));
    }
}
