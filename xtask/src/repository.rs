//! The repository as the chores see it: its root and its tracked files with their text.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::rust_source;

/// A file of the repository.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Path from the root, with `/` between its parts.
    pub path: String,
    /// The text; `None` for a file that is not UTF-8.
    pub text: Option<String>,
}

impl SourceFile {
    /// A file of `path` with `text`.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            text: Some(text.into()),
        }
    }

    /// The text, empty for a binary file.
    pub fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }

    /// The file's name without its folders.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Is this Rust?
    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Is the whole file test, benchmark or example code?
    pub fn is_test(&self) -> bool {
        self.name() == "tests.rs"
            || self
                .path
                .split('/')
                .any(|part| matches!(part, "tests" | "benches" | "examples"))
    }

    /// Rust that ships: under a `src` folder and no test.
    pub fn is_production(&self) -> bool {
        self.is_rust()
            && !self.is_test()
            && self.path.split('/').any(|part| part == "src")
            && !self.path.starts_with("docs/")
    }

    /// The Rust code with comments and literals blanked out, line for line.
    pub fn code(&self) -> String {
        rust_source::code_only(self.text())
    }

    /// [`Self::code`] without the unit tests at the file's end; empty for a test file.
    pub fn production_code(&self) -> String {
        if !self.is_rust() || self.is_test() {
            return String::new();
        }
        let code = self.code();
        let lines = rust_source::production_lines(&code);
        code.lines().take(lines).collect::<Vec<_>>().join("\n")
    }
}

/// The repository's root: where the workspace's manifest lies.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or_else(|| Path::new("."))
        .to_path_buf()
}

/// The files under version control that exist in the working tree, sorted by path.
///
/// # Errors
/// Git is missing, or `root` is no checkout: then nobody can say what belongs to the repository.
pub fn tracked(root: &Path) -> Result<Vec<SourceFile>, String> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached"])
        .current_dir(root)
        .output()
        .map_err(|e| format!("git cannot be started: {e}; it is what lists the tracked files"))?;
    if !output.status.success() {
        return Err(format!(
            "git cannot list the tracked files of {}: {}",
            root.display(),
            String::from_utf8_lossy(&output.stderr).trim()
        ));
    }
    let mut paths: Vec<String> = String::from_utf8_lossy(&output.stdout)
        .split('\0')
        .filter(|path| !path.is_empty())
        .map(str::to_owned)
        .collect();
    paths.sort();
    paths.dedup();
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        let full = root.join(&path);
        // Deleted or moved in the working tree, or a submodule: not there to be read.
        if !full.is_file() {
            continue;
        }
        let bytes = std::fs::read(&full).map_err(|e| format!("{path} cannot be read: {e}"))?;
        let text = String::from_utf8(bytes).ok();
        files.push(SourceFile { path, text });
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_files_are_told_apart() {
        for (path, production, test) in [
            ("domain/src/money.rs", true, false),
            ("adapters/files/src/csv.rs", true, false),
            ("domain/tests/it/main.rs", false, true),
            ("app/examples/embed.rs", false, true),
            ("app/src/cli/tests.rs", false, true),
            ("app/build.rs", false, false),
            ("README.md", false, false),
        ] {
            let file = SourceFile::new(path, "");
            assert_eq!(
                (file.is_production(), file.is_test()),
                (production, test),
                "{path}"
            );
        }
    }

    #[test]
    fn the_manifest_of_the_workspace_is_tracked() {
        let files = tracked(&root()).unwrap();
        assert!(files.iter().any(|f| f.path == "Cargo.toml"));
        assert!(files.is_sorted_by(|a, b| a.path < b.path));
    }
}
