//! What `cargo mutants` would change: its own list is the ground of the score.

use std::fmt;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

/// A place in a file, both counted from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Place {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

/// From a place to a place, the second excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Span {
    /// First character.
    pub start: Place,
    /// Behind the last character.
    pub end: Place,
}

/// The kinds of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Genre {
    /// A function returns at once, with a value made up for its type.
    FnValue,
    /// Another operator between two values.
    BinaryOperator,
    /// An operator before a value is left out.
    UnaryOperator,
    /// An arm of a match never matches.
    MatchArm,
    /// The condition of an arm is always or never true.
    MatchArmGuard,
    /// A named field is left to `..base`.
    StructField,
}

/// One change.
#[derive(Clone, Debug, Deserialize)]
pub struct Mutant {
    /// File from the root of the workspace.
    pub file: String,
    /// `FILE:LINE:COLUMN: what changes`.
    pub name: String,
    /// Kind of change.
    pub genre: Genre,
    /// What stands there instead.
    pub replacement: String,
    /// Where.
    pub span: Span,
}

impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The list for `package` and files that match `globs`, without the file `left_out`.
///
/// # Errors
/// `cargo mutants` is not installed or refuses.
pub fn mutants(
    root: &Path,
    package: &str,
    globs: &[String],
    left_out: &str,
) -> Result<Vec<Mutant>, String> {
    let mut command = Command::new("cargo");
    command
        .current_dir(root)
        .args(["mutants", "--list", "--json", "--package", package])
        .args(["--exclude", left_out]);
    for glob in globs {
        command.args(["--file", glob]);
    }
    let out = command
        .output()
        .map_err(|e| format!("cargo cannot be started: {e}"))?;
    if !out.status.success() {
        return Err(format!(
            "cargo mutants --list failed; is it there? cargo install --locked cargo-mutants\n{}",
            String::from_utf8_lossy(&out.stderr)
        ));
    }
    serde_json::from_slice(&out.stdout).map_err(|e| format!("the list of cargo mutants: {e}"))
}
