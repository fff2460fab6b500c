//! File names that say what is inside, and files that open with what they are for.

use super::Finding;
use crate::repository::SourceFile;

/// Names that fit any content and so say nothing.
const EMPTY_NAMES: &[&str] = &[
    "util", "utils", "helper", "helpers", "common", "manager", "misc",
];

/// No Rust file or folder is called by a name that says nothing.
pub(super) fn telling_names(files: &[SourceFile]) -> Vec<Finding> {
    files
        .iter()
        .filter(|file| file.is_rust())
        .filter_map(|file| {
            let stem = file.path.strip_suffix(".rs")?;
            let empty = stem.split('/').find(|part| EMPTY_NAMES.contains(part))?;
            Some(Finding::about(
                file,
                format!("`{empty}` says nothing: name the thing inside"),
            ))
        })
        .collect()
}

/// Every production file opens with one `//!` sentence on what it is for.
pub(super) fn opening_sentence(files: &[SourceFile]) -> Vec<Finding> {
    files
        .iter()
        .filter(|file| file.is_rust() && file.path.contains("src/"))
        .filter(|file| !file.text().starts_with("//! "))
        .map(|file| {
            Finding::new(
                &file.path,
                1,
                "open the file with `//! ` and a sentence on what it is for",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_names_are_refused() {
        for (path, refused) in [
            ("app/src/utils.rs", true),
            ("app/src/common/time.rs", true),
            ("testkit/src/helpers.rs", true),
            ("domain/src/risk/manager.rs", true),
            ("domain/src/commonality.rs", false),
            ("docs/misc.md", false),
        ] {
            let found = telling_names(&[SourceFile::new(path, "")]);
            assert_eq!(!found.is_empty(), refused, "{path}");
        }
    }

    #[test]
    fn a_file_without_opening_sentence_is_refused() {
        for (text, refused) in [
            ("//! What it is for.\n", false),
            ("// A comment.\n", true),
            ("use x;\n", true),
            ("", true),
        ] {
            let found = opening_sentence(&[SourceFile::new("domain/src/x.rs", text)]);
            assert_eq!(!found.is_empty(), refused, "{text}");
        }
        assert!(opening_sentence(&[SourceFile::new("domain/tests/it/x.rs", "")]).is_empty());
    }
}
