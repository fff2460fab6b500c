//! The guides hold commands that are run as printed, and nothing that looks like one and is not.

use super::Finding;
use crate::guides::{is_guide, steps};
use crate::repository::SourceFile;

/// Languages of blocks that hold no commands.
const OTHERS: &[&str] = &["rust", "toml", "csv", "json"];

/// In a guide each block is a console, whose first line is a command, or of a language that nobody
/// types into a shell; and `.ci/run` runs the guides.
pub(super) fn guides_run_in_ci(files: &[SourceFile]) -> Vec<Finding> {
    let mut found = Vec::new();
    let guides: Vec<_> = files.iter().filter(|file| is_guide(file)).collect();
    for guide in &guides {
        let mut inside = false;
        let mut first = false;
        for (i, line) in guide.text().lines().enumerate() {
            let mut refuse =
                |message: String| found.push(Finding::new(&guide.path, i + 1, message));
            if let Some(language) = line.trim_start().strip_prefix("```") {
                inside = !inside;
                first = inside && language == "console";
                if inside && language != "console" && !OTHERS.contains(&language) {
                    refuse(format!(
                        "a block of `{language}` is not run: write ```console with `$ ` before each command, or one of {}",
                        OTHERS.join(", ")
                    ));
                }
                if line.starts_with(' ') {
                    refuse("an indented block is not run: begin it in the first column".to_owned());
                }
            } else if std::mem::take(&mut first) && !line.starts_with("$ ") {
                refuse("a console begins with `$ ` and a command".to_owned());
            }
        }
        if steps(guide.text()).is_empty() {
            found.push(Finding::about(guide, "a guide has at least one command"));
        }
    }
    let run = files.iter().find(|file| file.path == ".ci/run");
    let runs = |run: &SourceFile| {
        run.text()
            .lines()
            .any(|line| line.trim() == "cargo xtask guides")
    };
    if let Some(run) = run
        && !guides.is_empty()
        && !runs(run)
    {
        found.push(Finding::about(
            run,
            "the guides' commands are not run: add `cargo xtask guides`",
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// DOC-07: a command of a guide that the gates would not run is refused.
    #[test]
    fn doc_07_a_guide_with_a_command_that_is_not_run_is_refused() {
        let check = |guide: &str, run: &str| {
            guides_run_in_ci(&[
                SourceFile::new("docs/getting-started/x.md", guide),
                SourceFile::new(".ci/run", run),
            ])
        };
        let fine = "# x\n```console\n$ ballast runs\nout\n```\n```toml\na = 1\n```\n";
        let run = "guides() {\n    cargo xtask guides\n}\n";
        assert_eq!(check(fine, run), []);
        for (guide, run, line, message) in [
            (fine, "# cargo xtask guides\n", 0, "are not run"),
            (
                "```console\n$ a\n```\n```sh\nballast runs\n```\n",
                run,
                4,
                "block of `sh`",
            ),
            (
                "```console\n$ a\n```\n```\nballast runs\n```\n",
                run,
                4,
                "block of ``",
            ),
            (
                "```console\n$ a\n```\n  ```console\n  $ b\n  ```\n",
                run,
                4,
                "indented",
            ),
            (
                "```console\nballast runs\n$ a\n```\n",
                run,
                2,
                "begins with",
            ),
            ("# only words\n", run, 0, "at least one command"),
        ] {
            let found = check(guide, run);
            assert!(
                found
                    .iter()
                    .any(|f| f.line == line && f.message.contains(message)),
                "{guide} {found:?}"
            );
        }
    }
}
