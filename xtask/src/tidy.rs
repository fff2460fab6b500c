//! The rules of the tree that no compiler checks, each a small function over the tracked files.

mod code;
mod decisions;
mod globals;
mod guides;
mod links;
mod names;
mod panics;
mod paths;
mod pins;
mod quick_start;
mod size;
mod weighting;
mod workflow;

use crate::repository::SourceFile;

/// What a rule found in one place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file, from the root.
    pub path: String,
    /// The line, from 1; 0 when the finding is about the file.
    pub line: usize,
    /// What is wrong and what to do about it.
    pub message: String,
    /// A warning is printed and passes.
    pub warning: bool,
}

impl Finding {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            message: message.into(),
            warning: false,
        }
    }

    fn about(file: &SourceFile, message: impl Into<String>) -> Self {
        Self::new(&file.path, 0, message)
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.path)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        let kind = if self.warning { "warning: " } else { "" };
        write!(f, ": {kind}{}", self.message)
    }
}

type Rule = fn(&[SourceFile]) -> Vec<Finding>;

/// Every rule, in the order of the report.
const RULES: &[Rule] = &[
    size::short_files,
    names::telling_names,
    names::opening_sentence,
    code::nothing_unfinished,
    code::clock_in_one_place,
    code::randomness_from_a_seed,
    code::settings_in_one_place,
    globals::no_shared_state,
    globals::no_any,
    weighting::one_inverse_volatility,
    paths::no_machine_paths,
    decisions::numbered_and_complete,
    decisions::references_resolve,
    pins::dependencies_and_toolchain,
    pins::line_width,
    pins::lints_everywhere,
    panics::no_unwrap_in_production,
    workflow::least_privilege,
    workflow::same_as_local,
    quick_start::commands_run_in_ci,
    guides::guides_run_in_ci,
    links::links_lead_somewhere,
    links::map_is_complete,
];

/// Everything the rules find in `files`, sorted by rule, then by place.
pub fn check(files: &[SourceFile]) -> Vec<Finding> {
    let mut found = Vec::new();
    for rule in RULES {
        let mut findings = rule(files);
        findings.sort();
        found.append(&mut findings);
    }
    found
}

/// The sizes of the tree and its warnings, or everything that is wrong.
///
/// # Errors
/// A rule found something that is no warning; the message lists each place.
pub fn report(files: &[SourceFile]) -> Result<String, String> {
    let findings = check(files);
    let sizes = size::summary(files);
    let mut text = String::new();
    for finding in &findings {
        text += &format!("{finding}\n");
    }
    if findings.iter().any(|finding| !finding.warning) {
        return Err(text);
    }
    Ok(format!(
        "{text}tidy: {} files, {} rules; {sizes}\n",
        files.len(),
        RULES.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_name_place_and_weight() {
        let mut finding = Finding::new("a.rs", 3, "is odd");
        assert_eq!(finding.to_string(), "a.rs:3: is odd");
        finding.warning = true;
        finding.line = 0;
        assert_eq!(finding.to_string(), "a.rs: warning: is odd");
    }

    #[test]
    fn a_finding_fails_the_report_and_a_warning_does_not() {
        let todo = concat!("fn f() { to", "do!() }\n");
        let text = report(&[SourceFile::new("domain/src/x.rs", todo)]).unwrap_err();
        assert!(text.contains("domain/src/x.rs:1: "), "{text}");
        let fine = [
            SourceFile::new("domain/src/x.rs", "//! X.\n\nfn f() {}\n"),
            SourceFile::new("Cargo.lock", ""),
            SourceFile::new("rustfmt.toml", "max_width = 100\n"),
            SourceFile::new("rust-toolchain.toml", "channel = \"1.95.0\"\n"),
            SourceFile::new(
                "Cargo.toml",
                "[workspace.lints.rust]\nunsafe_code = \"forbid\"\nmissing_docs = \"deny\"\n\
                 [workspace.lints.clippy]\nall = { level = \"warn\", priority = -1 }\n",
            ),
        ];
        let text = report(&fine).unwrap();
        assert_eq!(
            text,
            format!(
                "tidy: 5 files, {} rules; 1 production files, lines: median 3, 95th percentile 3, \
                 longest 3 (domain/src/x.rs)\n",
                RULES.len()
            )
        );
    }
}
