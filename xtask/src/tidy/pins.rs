//! What fixes a build and its gates: lock file, toolchain, line width, lints.

use super::Finding;
use crate::repository::SourceFile;

/// A finding unless the file at `path` is tracked and `right` holds for it.
fn require(
    files: &[SourceFile],
    path: &str,
    message: &str,
    right: impl Fn(&SourceFile) -> bool,
) -> Vec<Finding> {
    match files.iter().find(|file| file.path == path) {
        Some(file) if right(file) => Vec::new(),
        _ => vec![Finding::new(path, 0, message)],
    }
}

/// The value of `key = …` in `text`, quotes removed; a comment or another key does not count.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let rest = line.trim().strip_prefix(key)?.trim_start();
        Some(rest.strip_prefix('=')?.trim().trim_matches('"'))
    })
}

/// The lock file is tracked and the toolchain is one exact version.
pub(super) fn dependencies_and_toolchain(files: &[SourceFile]) -> Vec<Finding> {
    let mut found = require(
        files,
        "Cargo.lock",
        "track the lock file: every build has the same dependencies",
        |_| true,
    );
    found.extend(require(
        files,
        "rust-toolchain.toml",
        "pin one exact version, `channel = \"1.95.0\"`: a channel name moves",
        |file| {
            value(file.text(), "channel").is_some_and(|channel| {
                let parts: Vec<&str> = channel.split('.').collect();
                parts.len() == 3 && parts.iter().all(|part| part.parse::<u32>().is_ok())
            })
        },
    ));
    found
}

/// The formatter breaks lines at 100.
pub(super) fn line_width(files: &[SourceFile]) -> Vec<Finding> {
    require(
        files,
        "rustfmt.toml",
        "lines are 100 wide: `max_width = 100`",
        |file| value(file.text(), "max_width") == Some("100"),
    )
}

/// The lint set is in the workspace's manifest and every crate takes it.
pub(super) fn lints_everywhere(files: &[SourceFile]) -> Vec<Finding> {
    let mut found = require(
        files,
        "Cargo.toml",
        "[workspace.lints] forbids unsafe_code, denies missing_docs and warns of clippy::all",
        |file| {
            let text = file.text();
            value(text, "unsafe_code") == Some("forbid")
                && value(text, "missing_docs") == Some("deny")
                && value(text, "all").is_some_and(|all| all.contains("warn"))
                && text.contains("[workspace.lints.clippy]")
        },
    );
    for file in files {
        let member = file.name() == "Cargo.toml"
            && file.path != "Cargo.toml"
            && file.text().contains("[package]")
            && !file.is_test()
            && !is_excluded(files, file);
        let takes = file
            .text()
            .split_once("[lints]")
            .is_some_and(|(_, rest)| rest.trim_start().starts_with("workspace = true"));
        if member && !takes {
            found.push(Finding::about(
                file,
                "the crate takes the workspace's lints: `[lints]` with `workspace = true`",
            ));
        }
    }
    found
}

/// Is the crate of this manifest outside the workspace, by the word of both?
fn is_excluded(files: &[SourceFile], manifest: &SourceFile) -> bool {
    let folder = manifest.path.trim_end_matches("/Cargo.toml");
    let root = files.iter().find(|file| file.path == "Cargo.toml");
    let excluded = root.and_then(|root| value(root.text(), "exclude"));
    let has_own = manifest
        .text()
        .lines()
        .any(|line| line.trim() == "[workspace]");
    has_own && excluded.is_some_and(|list| list.contains(&format!("\"{folder}\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile::new(path, text)
    }

    /// CI-17: an untracked lock file and a toolchain that can move are refused.
    #[test]
    fn ci_17_unpinned_dependencies_and_toolchain_are_refused() {
        let lock = file("Cargo.lock", "");
        let pinned = file("rust-toolchain.toml", "[toolchain]\nchannel = \"1.95.0\"\n");
        let rule = dependencies_and_toolchain;
        assert_eq!(rule(&[lock.clone(), pinned.clone()]), []);
        assert_eq!(rule(&[pinned])[0].path, "Cargo.lock");
        for text in [
            "channel = \"stable\"",
            "channel = \"1.95\"",
            "# channel = \"1.95.0\"",
        ] {
            let found = rule(&[lock.clone(), file("rust-toolchain.toml", text)]);
            assert_eq!(found.len(), 1, "{text}");
            assert!(found[0].message.contains("one exact version"));
        }
        assert_eq!(rule(&[lock])[0].path, "rust-toolchain.toml");
    }

    /// CI-02: any other line width, or none, is refused.
    #[test]
    fn ci_02_another_line_width_is_refused() {
        for (text, refused) in [
            ("max_width = 100\n", false),
            ("max_width = 120\n", true),
            ("# max_width = 100\n", true),
            ("", true),
        ] {
            let found = line_width(&[file("rustfmt.toml", text)]);
            assert_eq!(!found.is_empty(), refused, "{text}");
        }
        assert_eq!(line_width(&[]).len(), 1);
    }

    /// SLO-02, CI-03, CI-18: every public item has a type by the language and words by
    /// `missing_docs`; a weakened lint set and a crate that does not take it are refused.
    #[test]
    fn ci_03_ci_18_a_crate_without_the_lint_set_is_refused() {
        let lints = "[workspace.lints.rust]\nunsafe_code = \"forbid\"\nmissing_docs = \"deny\"\n\
                     [workspace.lints.clippy]\nall = { level = \"warn\", priority = -1 }\n";
        let root = file("Cargo.toml", lints);
        let takes = file(
            "domain/Cargo.toml",
            "[package]\n\n[lints]\nworkspace = true\n",
        );
        assert_eq!(lints_everywhere(&[root.clone(), takes]), []);
        let without = file("domain/Cargo.toml", "[package]\n");
        assert_eq!(
            lints_everywhere(&[root, without])[0].path,
            "domain/Cargo.toml"
        );
        for (strong, weak) in [
            ("missing_docs = \"deny\"", "missing_docs = \"warn\""),
            ("unsafe_code = \"forbid\"", "unsafe_code = \"warn\""),
            ("level = \"warn\"", "level = \"allow\""),
        ] {
            let root = file("Cargo.toml", &lints.replace(strong, weak));
            assert_eq!(lints_everywhere(&[root]).len(), 1, "{weak}");
        }
    }
}
