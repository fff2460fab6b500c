//! File lengths: how long production files are, and which are too long.

use super::Finding;
use crate::repository::SourceFile;
use crate::rust_source;

/// Above this a file is refused, unless it is listed with a reason: then it is a warning.
const LONG: usize = 500;
/// Above this a file is refused, whatever the reason.
const TOO_LONG: usize = 900;
/// Files that may be longer than [`LONG`], and why they are one thing all the same.
const LISTED: &[(&str, &str)] = &[];

/// The lines of `file` that ship: up to its unit tests.
fn lines(file: &SourceFile) -> usize {
    rust_source::production_lines(&file.code())
}

/// Production files stay short; a longer one needs a reason, a very long one has none.
pub(super) fn short_files(files: &[SourceFile]) -> Vec<Finding> {
    judge(files, LISTED)
}

fn judge(files: &[SourceFile], listed: &[(&str, &str)]) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.is_production()) {
        let lines = lines(file);
        let reason = listed.iter().find(|(path, _)| *path == file.path);
        if lines > TOO_LONG {
            found.push(Finding::about(
                file,
                format!("{lines} production lines, and no file has more than {TOO_LONG}: split it"),
            ));
        } else if lines > LONG {
            let mut finding = Finding::about(
                file,
                match reason {
                    Some((_, why)) => format!("{lines} production lines ({why})"),
                    None => format!(
                        "{lines} production lines, above {LONG}: split it by its nouns, or list it \
                         with a reason in xtask/src/tidy/size.rs"
                    ),
                },
            );
            finding.warning = reason.is_some();
            found.push(finding);
        }
    }
    found
}

/// Count, median, 95th percentile (nearest rank) and the longest of the production files.
pub(super) fn summary(files: &[SourceFile]) -> String {
    let mut sizes: Vec<(usize, &str)> = files
        .iter()
        .filter(|file| file.is_production())
        .map(|file| (lines(file), file.path.as_str()))
        .collect();
    sizes.sort_unstable();
    let Some((longest, path)) = sizes.last() else {
        return "no production files".to_owned();
    };
    let rank = |percent: usize| sizes[(sizes.len() * percent).div_ceil(100) - 1].0;
    format!(
        "{} production files, lines: median {}, 95th percentile {}, longest {longest} ({path})",
        sizes.len(),
        rank(50),
        rank(95)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, lines: usize) -> SourceFile {
        SourceFile::new(path, "x\n".repeat(lines))
    }

    /// ARC-02: line 501 is refused; a listed file is a warning up to 900; tests do not count.
    #[test]
    fn arc_02_a_long_file_is_refused() {
        let tested = "x\n".repeat(500) + "#[cfg(test)]\nmod tests {\n" + &"y\n".repeat(900) + "}\n";
        for (file, refused, warned) in [
            (file("domain/src/a.rs", 500), false, false),
            (file("domain/src/a.rs", 501), true, false),
            (file("domain/src/b.rs", 501), false, true),
            (file("domain/src/b.rs", 900), false, true),
            (file("domain/src/b.rs", 901), true, false),
            (file("domain/tests/it/a.rs", 1000), false, false),
            (SourceFile::new("domain/src/a.rs", tested), false, false),
        ] {
            let found = judge(
                std::slice::from_ref(&file),
                &[("domain/src/b.rs", "one table")],
            );
            let got = (
                found.iter().any(|f| !f.warning),
                found.iter().any(|f| f.warning),
            );
            assert_eq!(got, (refused, warned), "{} {found:?}", file.path);
        }
    }

    #[test]
    fn sizes_are_summed_up_by_nearest_rank() {
        let files: Vec<_> = (1..=20)
            .map(|n| file(&format!("domain/src/f{n:02}.rs"), n))
            .collect();
        assert_eq!(
            summary(&files),
            "20 production files, lines: median 10, 95th percentile 19, longest 20 \
             (domain/src/f20.rs)"
        );
        assert_eq!(summary(&[]), "no production files");
    }
}
