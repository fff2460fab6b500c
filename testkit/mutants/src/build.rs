//! Builds the copy, and finds which changes the compiler refuses.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::tree::LeftOut;

/// Why a change is not in the build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// It does not compile: `cargo mutants` calls it unviable.
    Unviable,
    /// It may compile, but no switch can stand there (a constant function, a field).
    NoSwitch,
}

/// A program of tests.
#[derive(Clone, Debug)]
pub struct Binary {
    /// The file.
    pub path: PathBuf,
    /// The folder of its package: tests run there.
    pub folder: PathBuf,
}

fn cargo(root: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command
        .current_dir(root)
        .args(args)
        .args(["--message-format=json", "--quiet"])
        .args([
            "--config",
            "profile.dev.debug=0",
            "--config",
            "profile.dev.opt-level=1",
        ])
        .env("CARGO_TARGET_DIR", root.join("target"))
        .env("RUSTFLAGS", "--cap-lints=allow");
    command
}

fn messages(command: &mut Command) -> Result<(bool, Vec<Value>, String), String> {
    let out = command
        .output()
        .map_err(|e| format!("cargo cannot be started: {e}"))?;
    let text = String::from_utf8_lossy(&out.stdout);
    let all = text
        .lines()
        .filter_map(|l| serde_json::from_str(l).ok())
        .collect();
    Ok((
        out.status.success(),
        all,
        String::from_utf8_lossy(&out.stderr).into_owned(),
    ))
}

/// Adds to `left_out` what the compiler refuses of `packages` and their tests; `true` when it builds.
///
/// # Errors
/// An error stands where no change is.
pub fn check(root: &Path, packages: &[&str], left_out: &mut LeftOut) -> Result<bool, String> {
    let mut args = vec!["check", "--lib", "--tests"];
    args.extend(packages.iter().flat_map(|p| ["--package", p]));
    let (built, all, err) = messages(&mut cargo(root, &args))?;
    if built {
        return Ok(true);
    }
    let before = (left_out.changes.len(), left_out.constant.len());
    let mut elsewhere = String::new();
    for message in all
        .iter()
        .map(|m| &m["message"])
        .filter(|m| m["level"] == "error")
    {
        let code = message["code"]["code"].as_str().unwrap_or("");
        let refusal = match code {
            "E0015" | "E0658" | "E0492" | "E0493" => Refusal::NoSwitch,
            _ => Refusal::Unviable,
        };
        let said = message["message"].as_str().unwrap_or("");
        // The compiler leaves the path out where no other function has the name.
        let of_switch = said.contains("mutant::on`") || said.contains("`on`");
        if code == "E0015" && !of_switch {
            // "cannot call non-const function `a::b::NAME` in constants"
            let path = said.split('`').nth(1).unwrap_or("");
            let name = path.rsplit("::").next().unwrap_or(path);
            left_out
                .constant
                .insert(name.split('<').next().unwrap_or(name).to_owned());
            continue;
        }
        let spans = message["spans"].as_array().map_or(&[][..], Vec::as_slice);
        let mut numbers = Vec::new();
        // Where the error is, or else what it is about.
        for primary in [true, false] {
            for span in spans.iter().filter(|s| s["is_primary"] == primary) {
                let file = root.join(span["file_name"].as_str().unwrap_or(""));
                let text = fs::read_to_string(&file);
                let text = text.map_err(|e| format!("{}: {e}", file.display()))?;
                let at = span["byte_start"].as_u64().unwrap_or(0);
                numbers.extend(change_at(&text, usize::try_from(at).unwrap_or(0)));
            }
            if !numbers.is_empty() {
                break;
            }
        }
        if numbers.is_empty() && !spans.is_empty() {
            elsewhere.push_str(message["rendered"].as_str().unwrap_or(""));
        }
        left_out
            .changes
            .extend(numbers.into_iter().map(|n| (n, refusal)));
    }
    if (left_out.changes.len(), left_out.constant.len()) == before {
        return Err(format!(
            "the copy does not build, and not for a change:\n{elsewhere}{err}"
        ));
    }
    Ok(false)
}

const ON: &str = "crate::mutant::on(";

/// The change whose branch holds the byte `at`, or else the one before it on its line.
fn change_at(text: &str, at: usize) -> Option<u32> {
    let number = |start: usize| {
        let digits = &text[start + ON.len()..];
        digits[..digits.find(')')?].parse().ok()
    };
    let end = text.len().min(at + ON.len());
    let end = (end..text.len())
        .find(|&i| text.is_char_boundary(i))
        .unwrap_or(text.len());
    let mut before: Vec<usize> = text[..end].match_indices(ON).map(|(i, _)| i).collect();
    before.retain(|&i| i <= at);
    for &start in before.iter().rev().take(64) {
        let open = start + text[start..].find('{')?;
        if open > at || encloses(text, open, at) {
            return number(start);
        }
    }
    let line = text[..at].rfind('\n').map_or(0, |i| i + 1);
    before
        .iter()
        .rev()
        .find(|&&i| i >= line)
        .and_then(|&i| number(i))
}

/// Whether the braces that open at `open` close behind `at`.
fn encloses(text: &str, open: usize, at: usize) -> bool {
    let mut depth = 0usize;
    for (i, c) in text[open..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return open + i >= at;
        }
        if open + i >= at && depth > 0 {
            return true;
        }
    }
    false
}

/// Builds the tests of `packages`.
///
/// # Errors
/// They do not build.
pub fn tests(root: &Path, packages: &[&str]) -> Result<Vec<Binary>, String> {
    let mut args = vec!["test", "--no-run", "--lib", "--tests"];
    args.extend(packages.iter().flat_map(|p| ["--package", p]));
    let (built, all, err) = messages(&mut cargo(root, &args))?;
    if !built {
        return Err(format!("the tests do not build:\n{err}"));
    }
    let mut binaries = Vec::new();
    for artifact in all.iter().filter(|m| m["profile"]["test"] == true) {
        let manifest = Path::new(artifact["manifest_path"].as_str().unwrap_or(""));
        if let (Some(path), Some(folder)) = (artifact["executable"].as_str(), manifest.parent()) {
            binaries.push(Binary {
                path: path.into(),
                folder: folder.into(),
            });
        }
    }
    Ok(binaries)
}
