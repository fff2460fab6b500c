//! The development tools: which are here, what each is for, how to get a missing one.

use std::process::{Command, Stdio};

/// A tool the chores use.
#[derive(Clone, Copy, Debug)]
pub struct Tool {
    /// What it is called in reports.
    pub name: &'static str,
    /// The command that proves it is here.
    pub probe: &'static [&'static str],
    /// What it is for.
    pub purpose: &'static str,
    /// Can the chores do without it?
    pub optional: bool,
    /// How to get it.
    pub install: &'static str,
}

/// Every tool; the optional ones are said aloud when missing.
pub const TOOLS: &[Tool] = &[
    Tool {
        name: "rustc",
        probe: &["rustc", "--version"],
        purpose: "compiles; the version is pinned in rust-toolchain.toml",
        optional: false,
        install: "rustup toolchain install",
    },
    Tool {
        name: "rustfmt",
        probe: &["cargo", "fmt", "--version"],
        purpose: "the one formatting",
        optional: false,
        install: "rustup component add rustfmt",
    },
    Tool {
        name: "clippy",
        probe: &["cargo", "clippy", "--version"],
        purpose: "the lint set",
        optional: false,
        install: "rustup component add clippy",
    },
    Tool {
        name: "git",
        probe: &["git", "--version"],
        purpose: "lists the tracked files for tidy and features",
        optional: false,
        install: "your system's package manager",
    },
    Tool {
        name: "cargo-deny",
        probe: &["cargo", "deny", "--version"],
        purpose: "licences, bans and sources of dependencies",
        optional: true,
        install: "cargo install --locked cargo-deny",
    },
    Tool {
        name: "cargo-nextest",
        probe: &["cargo", "nextest", "--version"],
        purpose: "a faster test runner with time limits; cargo test does the same tests",
        optional: true,
        install: "cargo install --locked cargo-nextest",
    },
    Tool {
        name: "cargo-fuzz",
        probe: &["cargo", "fuzz", "--version"],
        purpose: "looks for bytes that break a reader: cargo xtask fuzz",
        optional: true,
        install: "cargo install --locked cargo-fuzz",
    },
    Tool {
        name: "cargo-mutants",
        probe: &["cargo", "mutants", "--version"],
        purpose: "lists the small changes that a test should notice: cargo xtask mutants",
        optional: true,
        install: "cargo install --locked cargo-mutants",
    },
    Tool {
        name: "cargo-llvm-cov",
        probe: &["cargo", "llvm-cov", "--version"],
        purpose: "counts the lines that tests run: cargo xtask coverage",
        optional: true,
        install: "cargo install --locked cargo-llvm-cov, and rustup component add llvm-tools",
    },
];

/// The target that keeps operating-system crates out of the domain.
pub const WASM: &str = "wasm32-unknown-unknown";

/// The cargo that runs this program, or the one on the path.
pub fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

impl Tool {
    /// The tool's own version line; `None` when it is not here.
    pub fn version(&self) -> Option<String> {
        let program = if self.probe[0] == "cargo" {
            cargo()
        } else {
            self.probe[0].to_owned()
        };
        let output = Command::new(program)
            .args(&self.probe[1..])
            .stdin(Stdio::null())
            .output()
            .ok()?;
        let line = String::from_utf8_lossy(&output.stdout);
        let line = line.lines().next()?.trim().to_owned();
        output.status.success().then_some(line)
    }
}

/// Is the tool of this name here? False for a name that is not in [`TOOLS`].
pub fn is_here(name: &str) -> bool {
    TOOLS
        .iter()
        .any(|tool| tool.name == name && tool.version().is_some())
}

/// The triple this machine compiles for.
///
/// # Errors
/// The compiler cannot be asked.
pub fn host_triple() -> Result<String, String> {
    let output = Command::new("rustc")
        .arg("-vV")
        .output()
        .map_err(|e| format!("rustc cannot be started: {e}"))?;
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .ok_or_else(|| "rustc -vV names no host".to_owned())
}

/// Has the active toolchain the standard library of `target`?
pub fn has_target(target: &str) -> bool {
    let output = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", target])
        .output();
    output.is_ok_and(|output| {
        let folder = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
    })
}

/// One line a tool, for `cargo xtask doctor`.
pub fn report() -> String {
    let mut text = String::new();
    for tool in TOOLS {
        let state = tool.version().unwrap_or_else(|| {
            let weight = if tool.optional {
                "optional"
            } else {
                "REQUIRED"
            };
            format!("missing ({weight}): {}", tool.install)
        });
        text += &format!("{:<14} {state}\n{:<14} {}\n", tool.name, "", tool.purpose);
    }
    let state = if has_target(WASM) {
        "installed".to_owned()
    } else {
        format!("missing (optional): rustup target add {WASM}")
    };
    text + &format!(
        "{:<14} {state}\n{:<14} keeps operating-system crates out of the domain\n",
        "wasm32", ""
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CI-17: every tool the chores use is listed with what it is for and how to get it.
    #[test]
    fn ci_17_the_doctor_lists_every_tool() {
        let text = report();
        for name in ["rustc", "rustfmt", "clippy", "git", "cargo-deny", "wasm32"] {
            assert!(text.contains(name), "{name} is missing in\n{text}");
        }
        for tool in TOOLS {
            assert!(text.contains(tool.purpose) && !tool.install.is_empty());
        }
    }

    #[test]
    fn this_toolchain_compiles_for_its_host_and_an_invented_tool_is_missing() {
        assert!(has_target(&host_triple().unwrap()));
        assert!(!has_target("no-such-target"));
        assert!(is_here("rustc") && !is_here("no-such-tool"));
    }
}
