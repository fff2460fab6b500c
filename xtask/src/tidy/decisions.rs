//! Decision records: numbered without gaps, complete, and really there when something cites one.

use std::collections::BTreeMap;

use super::Finding;
use crate::repository::SourceFile;

const FOLDER: &str = "docs/decisions/";
/// The parts of a record, in this order.
const PARTS: &[&str] = &[
    "Status",
    "Context",
    "Decision",
    "Consequences",
    "Alternatives",
    "References",
];

/// The number in the name `NNNN-title.md` of a record; `None` for any other name.
fn number(file: &SourceFile) -> Option<usize> {
    let name = file.path.strip_prefix(FOLDER)?.strip_suffix(".md")?;
    let (number, title) = name.split_once('-')?;
    let digits = number.len() == 4 && number.bytes().all(|b| b.is_ascii_digit());
    let slug = title
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    (digits && slug && !title.is_empty()).then(|| number.parse().ok())?
}

/// Records count up from 0001 without gap or double; 0000 is the template. Each has all its parts.
pub(super) fn numbered_and_complete(files: &[SourceFile]) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut records = BTreeMap::new();
    for file in files.iter().filter(|file| file.path.starts_with(FOLDER)) {
        let Some(number) = number(file) else {
            if file.name() != "README.md" {
                found.push(Finding::about(
                    file,
                    "a decision record is called NNNN-title-in-lowercase.md",
                ));
            }
            continue;
        };
        if let Some(twin) = records.insert(number, file) {
            found.push(Finding::about(
                file,
                format!("number {number:04} is taken by {}", twin.path),
            ));
        }
        found.extend(parts(file, number == 0));
    }
    let numbers = records.iter().filter(|(number, _)| **number > 0);
    for (expected, (&number, file)) in (1..).zip(numbers) {
        if number != expected {
            found.push(Finding::about(
                file,
                format!("record {expected:04} is missing before this one: number without gaps"),
            ));
            break;
        }
    }
    found
}

/// Each part is there, in order, and has text; the template may leave the text out.
fn parts(file: &SourceFile, template: bool) -> Vec<Finding> {
    let headings: Vec<&str> = file
        .text()
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .map(str::trim)
        .filter(|heading| PARTS.contains(heading))
        .collect();
    if headings != PARTS {
        let message = format!("a record has the parts {}, in this order", PARTS.join(", "));
        return vec![Finding::about(file, message)];
    }
    let empty = |part: &&&str| {
        let heading = format!("## {part}");
        !file
            .text()
            .lines()
            .skip_while(|line| line.trim_end() != heading)
            .skip(1)
            .take_while(|line| !line.starts_with("## "))
            .any(|line| !line.trim().is_empty())
    };
    PARTS
        .iter()
        .filter(empty)
        .filter(|_| !template)
        .map(|part| Finding::about(file, format!("the part {part} is empty")))
        .collect()
}

/// A record that code or documentation cites by path exists.
pub(super) fn references_resolve(files: &[SourceFile]) -> Vec<Finding> {
    let known: Vec<usize> = files.iter().filter_map(number).collect();
    let mut found = Vec::new();
    for file in files {
        // These rules plant broken references in their own tests.
        if file.path.starts_with("xtask/") {
            continue;
        }
        for (n, line) in file.text().lines().enumerate() {
            for (at, mark) in line.match_indices("decisions/") {
                let cited: String = line[at + mark.len()..]
                    .chars()
                    .take_while(char::is_ascii_digit)
                    .collect();
                let missing =
                    cited.len() == 4 && cited.parse().is_ok_and(|number| !known.contains(&number));
                if missing {
                    found.push(Finding::new(
                        &file.path,
                        n + 1,
                        format!("there is no decision record {cited}"),
                    ));
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str, text: &str) -> SourceFile {
        SourceFile::new(format!("{FOLDER}{name}"), text)
    }

    fn complete() -> String {
        PARTS
            .iter()
            .map(|part| format!("## {part}\n\nText.\n\n"))
            .collect()
    }

    /// DOC-02: a gap, a double, a bad name, a missing part and an empty part are each refused.
    #[test]
    fn doc_02_a_broken_set_of_records_is_refused() {
        let text = complete();
        let template = text.replace("Text.", "");
        let fine = vec![
            record("README.md", ""),
            record("0000-template.md", &template),
            record("0001-one.md", &text),
            record("0002-two.md", &text),
        ];
        assert_eq!(numbered_and_complete(&fine), []);
        assert_eq!(numbered_and_complete(&[]), []);
        for (planted, message) in [
            (
                record("0004-four.md", &text),
                "record 0003 is missing before this one: number without gaps",
            ),
            (
                record("0002-twin.md", &text),
                "number 0002 is taken by docs/decisions/0002-two.md",
            ),
            (
                record("Three.md", &text),
                "a decision record is called NNNN-title-in-lowercase.md",
            ),
            (
                record("0003-x.md", &text.replace("## Alternatives", "## Others")),
                "a record has the parts Status, Context, Decision, Consequences, Alternatives, \
                 References, in this order",
            ),
            (
                record(
                    "0003-x.md",
                    &text.replace("## Context\n\nText.", "## Context\n"),
                ),
                "the part Context is empty",
            ),
        ] {
            let mut files = fine.clone();
            files.push(planted);
            let found = numbered_and_complete(&files);
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!(found[0].message, message);
        }
    }

    #[test]
    fn a_cited_record_must_exist() {
        let one = record("0001-one.md", &complete());
        for (text, refused) in [
            ("// see docs/decisions/0001-one.md", false),
            ("// see docs/decisions/0009", true),
            ("// see docs/decisions/", false),
        ] {
            let files = [one.clone(), SourceFile::new("domain/src/x.rs", text)];
            assert_eq!(!references_resolve(&files).is_empty(), refused, "{text}");
        }
    }
}
