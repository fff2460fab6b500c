//! The repository stands alone: nothing in it points at one machine or outside the checkout.

use super::Finding;
use crate::repository::SourceFile;

/// Beginnings of paths that exist on one machine only. Split, so that this file has none of them.
const MACHINE: &[&str] = &[
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/wo", "rk/"),
    concat!("/tm", "p/"),
    concat!("/Use", "rs/"),
    concat!("C:\\Use", "rs"),
];

/// The neighbour folder that only the machinery of the build may look into.
const NEIGHBOUR: &str = concat!("../sha", "red");

/// No tracked text names an absolute path of a machine or a folder beside the checkout.
pub(super) fn no_machine_paths(files: &[SourceFile]) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in files {
        for (n, line) in file.text().lines().enumerate() {
            let machine = MACHINE
                .iter()
                .find(|prefix| starts_a_path(line, prefix))
                .filter(|_| !file.path.starts_with(".ci/"));
            if let Some(prefix) = machine {
                found.push(Finding::new(
                    &file.path,
                    n + 1,
                    format!("`{prefix}` is a path of one machine: take it as a setting"),
                ));
            }
            if line.contains(NEIGHBOUR) && !file.path.starts_with(".ci/") {
                found.push(Finding::new(
                    &file.path,
                    n + 1,
                    format!("`{NEIGHBOUR}` is outside the repository: use BALLAST_CORPUS"),
                ));
            }
        }
    }
    found
}

/// Does `prefix` begin a path in `line`, and not go on from a longer one (`docs/home/`, a URL)?
fn starts_a_path(line: &str, prefix: &str) -> bool {
    line.match_indices(prefix).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '~' | '}'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_one_machine_is_refused() {
        for (path, text, refused) in [
            ("README.md", concat!("cd /ho", "me/ann/ballast"), true),
            ("app/src/x.rs", concat!("\"/ro", "ot/data\""), true),
            ("Cargo.toml", concat!("path = \"/wo", "rk/x\""), true),
            ("domain/tests/it/x.rs", concat!("(\"/tm", "p/x\")"), true),
            ("README.md", concat!("`../sha", "red/data`"), true),
            (
                ".ci/run",
                concat!("export X=\"$PWD/../sha", "red/data\""),
                false,
            ),
            (
                "README.md",
                concat!("see docs/ho", "me/ and ~/wo", "rk/"),
                false,
            ),
            ("README.md", "see example.org/work", false),
        ] {
            let found = no_machine_paths(&[SourceFile::new(path, text)]);
            assert_eq!(!found.is_empty(), refused, "{path} {text}");
        }
    }

    #[test]
    fn a_binary_file_has_no_text_to_refuse() {
        let binary = SourceFile {
            path: "logo.png".to_owned(),
            text: None,
        };
        assert!(no_machine_paths(&[binary]).is_empty());
    }
}
