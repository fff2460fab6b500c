//! The hosted workflow: least privilege, no secrets, and the same commands as at home.

use super::Finding;
use crate::repository::SourceFile;

fn workflows(files: &[SourceFile]) -> impl Iterator<Item = &SourceFile> {
    files.iter().filter(|file| {
        file.path.starts_with(".github/workflows/")
            && (file.path.ends_with(".yml") || file.path.ends_with(".yaml"))
    })
}

/// The lines of a workflow without its comments.
fn lines(file: &SourceFile) -> Vec<&str> {
    file.text()
        .lines()
        .map(|line| line.split(" #").next().unwrap_or(line).trim_end())
        .filter(|line| !line.trim_start().starts_with('#') && !line.trim().is_empty())
        .collect()
}

/// A workflow may read the contents and nothing else, takes no secret, and pins foreign actions. One
/// job of the release may also write them: it attaches a file.
pub(super) fn least_privilege(files: &[SourceFile]) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in workflows(files) {
        let lines = lines(file);
        let granted = lines
            .iter()
            .position(|line| *line == "permissions:")
            .map(|at| {
                lines[at + 1..]
                    .iter()
                    .take_while(|line| line.starts_with(' '))
                    .map(|line| line.trim())
                    .collect::<Vec<_>>()
            });
        if granted.as_deref() != Some(&["contents: read"]) {
            found.push(Finding::about(
                file,
                "grant the least: `permissions:` at the top with `contents: read` and no more",
            ));
        }
        for (n, line) in file.text().lines().enumerate() {
            let line = line.trim();
            let mut refuse =
                |message: &str| found.push(Finding::new(&file.path, n + 1, message.to_owned()));
            if line.contains("secrets.") || line.starts_with("secrets:") {
                refuse("the gates need no secret: test against fakes and recorded payloads");
            }
            if line.contains("pull_request_target") {
                refuse("it runs foreign code with our rights: use `pull_request`");
            }
            let attaches = file.name() == "release.yml" && line == "contents: write";
            if (line.ends_with(": write") && !attaches) || line.ends_with("write-all") {
                refuse("the gates write nothing: `contents: read` is enough");
            }
            let action = line.trim_start_matches("- ").strip_prefix("uses: ");
            if action.is_some_and(|action| !is_pinned(action)) {
                refuse("pin the action to a commit (40 hex digits): a tag can be moved");
            }
        }
    }
    found
}

fn is_pinned(action: &str) -> bool {
    let action = action.split_whitespace().next().unwrap_or(action);
    action.starts_with("./")
        || action.split_once('@').is_some_and(|(_, commit)| {
            commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit())
        })
}

/// Every workflow runs `.ci/run`, so that a green run at home and a green run there are one thing.
pub(super) fn same_as_local(files: &[SourceFile]) -> Vec<Finding> {
    workflows(files)
        .filter(|file| file.name() == "ci.yml")
        .filter(|file| {
            !lines(file)
                .iter()
                .any(|line| line.trim().trim_start_matches("- ") == "run: .ci/run")
        })
        .map(|file| Finding::about(file, "run the gates by `run: .ci/run`, as everybody does"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = ".github/workflows/ci.yml";
    const FINE: &str = "name: ci\non: [push]\npermissions:\n  contents: read\njobs:\n  gates:\n    \
                        steps:\n      - uses: a/b@0123456789012345678901234567890123456789 # v1\n      \
                        - run: .ci/run\n";

    /// CI-20: more rights than reading, a secret, or an action that can be moved is refused.
    #[test]
    fn ci_20_a_workflow_with_more_rights_is_refused() {
        assert_eq!(least_privilege(&[SourceFile::new(PATH, FINE)]), []);
        assert_eq!(least_privilege(&[]), []);
        for (right, planted, message) in [
            ("permissions:\n  contents: read\n", "", "grant the least"),
            ("permissions:", "# permissions:", "grant the least"),
            (
                "contents: read\n",
                "contents: read\n  id-token: none\n",
                "grant the least",
            ),
            (
                "run: .ci/run",
                "run: echo ${{ secrets.KEY }}",
                "need no secret",
            ),
            ("[push]", "[pull_request_target]", "foreign code"),
            (
                "    steps:",
                "    permissions:\n      issues: write\n    steps:",
                "write nothing",
            ),
            (
                "0123456789012345678901234567890123456789",
                "v1",
                "pin the action",
            ),
        ] {
            let text = FINE.replace(right, planted);
            assert_ne!(text, FINE);
            let found = least_privilege(&[SourceFile::new(PATH, text)]);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].message.contains(message), "{found:?}");
        }
    }

    /// CI-20: a job of the release may attach its file, and neither more nor elsewhere.
    #[test]
    fn ci_20_only_the_release_may_write_and_only_in_a_job() {
        let release = ".github/workflows/release.yml";
        let job = "    permissions:\n      contents: write\n    steps:";
        let attaching = FINE.replace("    steps:", job);
        let found = |path: &str, text: &str| least_privilege(&[SourceFile::new(path, text)]).len();
        assert_eq!(found(release, &attaching), 0);
        assert_eq!(found(PATH, &attaching), 1);
        assert_eq!(
            found(
                release,
                &attaching.replace("contents: write", "packages: write")
            ),
            1
        );
        assert_eq!(
            found(release, &FINE.replace("contents: read", "contents: write")),
            1
        );
    }

    #[test]
    fn a_workflow_with_its_own_commands_is_refused() {
        assert_eq!(same_as_local(&[SourceFile::new(PATH, FINE)]), []);
        let own = FINE.replace("run: .ci/run", "run: cargo test");
        assert_eq!(same_as_local(&[SourceFile::new(PATH, own)]).len(), 1);
    }
}
