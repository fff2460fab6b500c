//! The guides' commands, run as printed: `docs/getting-started/*.md` in a fresh clone.
//!
//! In a block ```` ```console ```` a line that begins with `$ ` is a command (a backslash at its end
//! goes on in the next line); the others are what it prints, with `...` for what differs from run to
//! run.

use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use crate::repository::{self, SourceFile};
use crate::stranger::Place;

/// Where the guides are.
pub const FOLDER: &str = "docs/getting-started/";

/// One command of a guide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its line in the guide.
    pub line: usize,
    /// What to type.
    pub command: String,
    /// Lines that it is said to print.
    pub prints: Vec<String>,
}

/// The commands of a guide, in order.
pub fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let (mut inside, mut goes_on) = (false, false);
    for (i, line) in text.lines().enumerate() {
        if line.starts_with("```") {
            (inside, goes_on) = (line == "```console", false);
            continue;
        }
        if !inside {
            continue;
        }
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (None, Some(step)) if goes_on => step.command += &format!("\n{line}"),
            (Some(command), _) => steps.push(Step {
                line: i + 1,
                command: command.to_owned(),
                prints: Vec::new(),
            }),
            (None, Some(step)) if !line.trim().is_empty() => {
                step.prints.push(line.trim_end().to_owned());
                continue;
            }
            (None, _) => continue,
        }
        goes_on = line.ends_with('\\');
    }
    steps
}

/// Runs every guide of the checkout at `root` and prints one line a command.
///
/// # Errors
/// A command failed, or printed something else than its guide says.
pub fn run(root: &Path) -> Result<(), String> {
    let place = Place::of(root)?;
    place.clone_once(root)?;
    let files = repository::tracked(&place.checkout())?;
    let guides: Vec<_> = files.iter().filter(|f| is_guide(f)).collect();
    if guides.is_empty() {
        return Err(format!("no guides in {FOLDER} of the last commit"));
    }
    for guide in guides {
        let begun = Instant::now();
        let steps = steps(guide.text());
        let outputs = run_steps(&place, &steps).map_err(|e| format!("{}:{e}", guide.path))?;
        for (step, output) in steps.iter().zip(&outputs) {
            if let Some(line) = step.prints.iter().find(|line| !is_printed(line, output)) {
                return Err(format!(
                    "{}:{}: `{}` does not print `{line}`, it prints:\n{output}",
                    guide.path, step.line, step.command
                ));
            }
        }
        let seconds = begun.elapsed().as_secs_f64();
        println!(
            "{:<40} {:>2} commands {seconds:6.1} s",
            guide.path,
            steps.len()
        );
    }
    Ok(())
}

/// Is this a guide whose commands are run?
pub fn is_guide(file: &SourceFile) -> bool {
    file.path.starts_with(FOLDER) && file.path.ends_with(".md")
}

/// Begins the output of a command; nothing prints it by accident.
const MARK: &str = "\u{1}step ";

/// The output of each step, all in one shell, so that `cd` holds.
fn run_steps(place: &Place, steps: &[Step]) -> Result<Vec<String>, String> {
    let mut script = "set -e\nexec 2>&1\n".to_owned();
    for (i, step) in steps.iter().enumerate() {
        script += &format!("echo '{MARK}{i}'\n{}\n", step.command);
    }
    let output = place
        .command("bash")?
        .args(["-c", &script])
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("bash cannot be started: {e}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let outputs: Vec<String> = text
        .split(MARK)
        .skip(1)
        .map(|part| part.split_once('\n').unwrap_or_default().1.to_owned())
        .collect();
    if output.status.success() {
        return Ok(outputs);
    }
    let last = outputs.len().saturating_sub(1);
    let Some(step) = steps.get(last) else {
        return Err(format!("0: nothing ran: {text}"));
    };
    let said = outputs.last().map_or("", String::as_str);
    Err(format!(
        "{}: `{}` failed ({}):\n{said}",
        step.line, step.command, output.status
    ))
}

/// Whether some line of `output` is `expected`, with anything for each `...`.
fn is_printed(expected: &str, output: &str) -> bool {
    let parts: Vec<&str> = expected.split("...").collect();
    output.lines().map(str::trim_end).any(|line| {
        let mut rest = line;
        let begins = parts.iter().enumerate().all(|(i, part)| {
            let found = if i == 0 {
                rest.starts_with(part).then_some(0)
            } else if i + 1 == parts.len() {
                rest.ends_with(part).then(|| rest.len() - part.len())
            } else {
                rest.find(part)
            };
            found.is_some_and(|at| {
                rest = &rest[at + part.len()..];
                true
            })
        });
        begins && (parts.len() > 1 || rest.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_what_they_print_are_told_apart() {
        let text =
            "# x\n```sh\n$ not this\n```\n```console\n$ a b \\\n    c\nout 1\n\nout 2\n$ d\n```\n";
        let step = |line, command: &str, prints: &[&str]| Step {
            line,
            command: command.to_owned(),
            prints: prints.iter().map(|&p| p.to_owned()).collect(),
        };
        assert_eq!(
            steps(text),
            [
                step(6, "a b \\\n    c", &["out 1", "out 2"]),
                step(11, "d", &[])
            ]
        );
    }

    #[test]
    fn printed_lines_match_with_gaps_and_nothing_else() {
        let output = "run ab12 in 3 s\nidentical\n";
        for (expected, yes) in [
            ("identical", true),
            ("identic", false),
            ("run ... in ...", true),
            ("run ... in 4 s", false),
            ("... in 3 s", true),
            ("different", false),
        ] {
            assert_eq!(is_printed(expected, output), yes, "{expected}");
        }
    }

    /// A command that fails is named with its line, and the ones after it do not run.
    #[test]
    fn a_failing_command_stops_its_guide() {
        let place = Place {
            folder: std::env::temp_dir(),
            target: std::env::temp_dir(),
        };
        let folder = place.checkout();
        let made = !folder.exists();
        std::fs::create_dir_all(&folder).unwrap();
        let steps = steps("```console\n$ echo one\n$ cd ..\n$ pwd && false\n$ echo two\n```\n");
        let error = run_steps(&place, &steps).unwrap_err();
        assert!(error.starts_with("4: `pwd && false` failed"), "{error}");
        assert!(!error.contains("two"), "{error}");
        let outputs = run_steps(&place, &steps[..2]).unwrap();
        assert_eq!(outputs, ["one\n", ""]);
        if made {
            std::fs::remove_dir(folder).unwrap();
        }
    }
}
