//! The commands the README shows are commands the gates run.

use super::Finding;
use crate::repository::SourceFile;

/// Every command in a shell block of the README is run by `.ci/run`.
///
/// A `cargo` line must be there as it is (further arguments may follow); of a `ballast` line its
/// subcommand, for the gates use other folders.
pub(super) fn commands_run_in_ci(files: &[SourceFile]) -> Vec<Finding> {
    let find = |path: &str| files.iter().find(|file| file.path == path);
    let (Some(readme), Some(run)) = (find("README.md"), find(".ci/run")) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (number, command) in shell_lines(readme.text()) {
        let wanted = match command.strip_prefix("ballast ") {
            Some(rest) => {
                let subcommand = rest.split_whitespace().next().unwrap_or(rest);
                format!("ballast {subcommand}")
            }
            None => command.to_owned(),
        };
        if !runs(run.text(), &wanted) {
            let message =
                format!("`{wanted}` is promised here and not run by .ci/run: run it there");
            found.push(Finding::new(&readme.path, number, message));
        }
    }
    found
}

/// The commands of the ```sh blocks with their line numbers, without comments.
fn shell_lines(text: &str) -> Vec<(usize, &str)> {
    let mut inside = false;
    let mut commands = Vec::new();
    for (i, line) in text.lines().enumerate() {
        if line.starts_with("```") {
            inside = line == "```sh";
        } else if inside {
            let command = line.split(" #").next().unwrap_or(line).trim();
            if !command.is_empty() {
                commands.push((i + 1, command));
            }
        }
    }
    commands
}

/// Whether some line of the script has every word of `command`, in order.
fn runs(script: &str, command: &str) -> bool {
    script
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .any(|line| {
            let mut words = line.split_whitespace();
            command.split_whitespace().all(|wanted| {
                words.any(|word| {
                    word == wanted || (wanted == "ballast" && word.ends_with("/ballast"))
                })
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// DOC-07: a quick-start command that the gates do not run is refused.
    #[test]
    fn doc_07_a_quick_start_command_that_is_not_run_is_refused() {
        let readme = "# x\n```sh\ncargo run --release -- backtest\nballast explain RUN X  # why\n```\n\
                      ```rust\nnot a command\n```\n";
        let script = "cargo run --release --locked -- backtest --home h\n\
                      target/release/ballast explain \"$run\" MSFT\n";
        let check = |script: &str| {
            commands_run_in_ci(&[
                SourceFile::new("README.md", readme),
                SourceFile::new(".ci/run", script),
            ])
        };
        assert_eq!(check(script), []);
        let without = script.replace("ballast explain", "ballast verify");
        let found = check(&without);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0]
                .message
                .contains("`ballast explain` is promised here"),
            "{found:?}"
        );
        assert_eq!(found[0].line, 4);
        assert_eq!(check(&script.replace("cargo run", "# cargo run")).len(), 1);
    }
}
