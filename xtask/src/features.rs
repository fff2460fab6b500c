//! docs/features.md: the checklist rows that a test proves, collected from the tests themselves.
//!
//! A test proves a row by starting its name with the id (`wgt_01_…`, several ids in a row are fine)
//! or by naming it in its doc comment (`/// WGT-01: …`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::repository::{self, SourceFile};

/// The generated page.
pub const PAGE: &str = "docs/features.md";
/// The ids a test may name, each with its sentence.
const SENTENCES: &str = include_str!("features.txt");
/// The families of ids on the checklist.
const FAMILIES: &[&str] = &[
    "DAT", "VAL", "ERR", "SIG", "WGT", "BT", "REP", "CFG", "ARC", "EXE", "DOC", "CI", "RSK", "OBS",
    "CAC", "RES", "SLO", "SEC", "TST", "SCR", "ANT",
];

/// An id of the checklist, ordered by family as listed, then by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id {
    family: usize,
    number: u8,
}

impl Id {
    fn new(family: &str, number: &str) -> Option<Self> {
        if number.len() != 2 || !number.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        Some(Self {
            family: FAMILIES.iter().position(|known| *known == family)?,
            number: number.parse().ok()?,
        })
    }

    /// The id written `WGT-01`.
    fn parse(text: &str) -> Option<Self> {
        let (family, number) = text.split_once('-')?;
        Self::new(family, number)
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{:02}", FAMILIES[self.family], self.number)
    }
}

/// The ids at the start of a test's name and those in its doc comment.
fn ids(name: &str, docs: &str) -> BTreeSet<Id> {
    let mut ids = BTreeSet::new();
    let parts: Vec<&str> = name.split('_').collect();
    for pair in parts.chunks(2) {
        let [family, number] = pair else { break };
        match Id::new(&family.to_uppercase(), number) {
            Some(id) if *family == family.to_lowercase() => ids.insert(id),
            _ => break,
        };
    }
    let word = |c: char| !(c.is_ascii_alphanumeric() || c == '-');
    ids.extend(docs.split(word).filter_map(Id::parse));
    ids
}

/// Every test of `file` that names an id, as (name, ids).
fn tests(file: &SourceFile) -> Vec<(String, BTreeSet<Id>)> {
    let code = file.code();
    let mut found = Vec::new();
    let (mut docs, mut is_test, mut depth) = (String::new(), false, 0_i32);
    for (text, code) in file.text().lines().zip(code.lines()) {
        let line = code.trim();
        if depth > 0 || line.starts_with("#[") {
            // An attribute, perhaps over several lines; `#[test]`, `#[tokio::test(…)]`.
            if depth == 0 {
                let path = line[2..].split(['(', ']']).next().unwrap_or_default();
                is_test |= path
                    .rsplit("::")
                    .next()
                    .is_some_and(|last| last.trim() == "test");
            }
            depth += balance(line);
            continue;
        }
        if let Some(doc) = text.trim().strip_prefix("///").filter(|_| line.is_empty()) {
            docs.push_str(doc);
            docs.push('\n');
        } else if !line.is_empty() {
            if is_test && let Some(name) = function_name(line) {
                let ids = ids(name, &docs);
                if !ids.is_empty() {
                    found.push((name.to_owned(), ids));
                }
            }
            docs.clear();
            is_test = false;
        }
    }
    found
}

fn balance(line: &str) -> i32 {
    line.chars().fold(0, |depth, c| match c {
        '[' | '(' => depth + 1,
        ']' | ')' => depth - 1,
        _ => depth,
    })
}

fn function_name(line: &str) -> Option<&str> {
    let line = line.strip_prefix("pub ").unwrap_or(line);
    let line = line.strip_prefix("async ").unwrap_or(line);
    let rest = line.strip_prefix("fn ")?;
    Some(&rest[..rest.find(|c: char| !(c.is_alphanumeric() || c == '_'))?])
}

/// The sentences by id.
fn sentences(text: &str) -> Result<BTreeMap<Id, &str>, String> {
    let mut table = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let row = line
            .split_once(' ')
            .and_then(|(id, sentence)| Some((Id::parse(id)?, sentence)));
        let Some((id, sentence)) = row else {
            return Err(format!(
                "xtask/src/features.txt: no id and sentence: {line}"
            ));
        };
        if table.insert(id, sentence).is_some() {
            return Err(format!("xtask/src/features.txt: {id} stands twice"));
        }
    }
    Ok(table)
}

/// The page for the tests in `files`.
///
/// # Errors
/// A test names an id that has no sentence in `table`.
fn page(files: &[SourceFile], table: &str) -> Result<String, String> {
    let sentences = sentences(table)?;
    let mut proofs: BTreeMap<Id, BTreeSet<String>> = BTreeMap::new();
    let mut unknown = String::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        for (name, ids) in tests(file) {
            let place = format!("{}::{name}", file.path);
            for id in ids {
                if !sentences.contains_key(&id) {
                    unknown += &format!("{place} names {id}, which has no sentence\n");
                }
                proofs.entry(id).or_default().insert(place.clone());
            }
        }
    }
    if !unknown.is_empty() {
        return Err(unknown + "correct the test, or add the sentence to xtask/src/features.txt");
    }
    let mut text = String::from(
        "# What is proven\n\n\
         Generated by `cargo xtask features` from the tests that name a checklist id: a row is here\n\
         because a test would fail without it. Do not edit by hand.\n\n\
         | id | what holds | proven by |\n|---|---|---|\n",
    );
    for (id, places) in &proofs {
        let places: Vec<String> = places.iter().map(|place| format!("`{place}`")).collect();
        text += &format!("| {id} | {} | {} |\n", sentences[id], places.join("<br>"));
    }
    text += &format!("\n{} rows.\n", proofs.len());
    Ok(text)
}

fn rows(page: &str) -> usize {
    page.lines().filter(|line| line.starts_with("| ")).count() - 1
}

/// Writes the page.
///
/// # Errors
/// A test names an unknown id, or the page cannot be written.
pub fn write(root: &Path) -> Result<String, String> {
    let text = page(&repository::tracked(root)?, SENTENCES)?;
    let path = root.join(PAGE);
    std::fs::create_dir_all(root.join("docs"))
        .and_then(|()| std::fs::write(path, &text))
        .map_err(|e| format!("{PAGE} cannot be written: {e}"))?;
    Ok(format!(
        "features: {} rows written to {PAGE}\n",
        rows(&text)
    ))
}

/// Says whether the page is up to date.
///
/// # Errors
/// A test names an unknown id, or the page is missing or differs from what the tests give.
pub fn check(root: &Path) -> Result<String, String> {
    let text = page(&repository::tracked(root)?, SENTENCES)?;
    let committed = std::fs::read_to_string(root.join(PAGE)).unwrap_or_default();
    compare(&committed, &text)?;
    Ok(format!("features: {} rows, up to date\n", rows(&text)))
}

fn compare(committed: &str, generated: &str) -> Result<(), String> {
    if committed == generated {
        return Ok(());
    }
    let (old, new): (BTreeSet<_>, BTreeSet<_>) =
        (committed.lines().collect(), generated.lines().collect());
    let mut text = format!("{PAGE} is out of date; run `cargo xtask features`\n");
    for line in old.difference(&new) {
        text += &format!("- {line}\n");
    }
    for line in new.difference(&old) {
        text += &format!("+ {line}\n");
    }
    Err(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "# id sentence\nWGT-01 One.\nWGT-10 Ten.\nBT-02 Two.\n";

    fn page_of(text: &str) -> Result<String, String> {
        page(&[SourceFile::new("domain/src/x.rs", text)], TABLE)
    }

    #[test]
    fn ids_come_from_names_and_doc_comments_of_tests_only() {
        for (text, rows) in [
            ("#[test]\nfn wgt_01_x() {}", vec!["WGT-01"]),
            ("#[test]\nfn wgt_10_bt_02_x() {}", vec!["WGT-10", "BT-02"]),
            (
                "/// WGT-01: x, see BT-02.\n#[test]\nfn x() {}",
                vec!["WGT-01", "BT-02"],
            ),
            (
                "#[tokio::test(\n  start_paused = true\n)]\nasync fn bt_02_x() {}",
                vec!["BT-02"],
            ),
            ("#[test]\n// why\n\nfn bt_02_x() {}", vec!["BT-02"]),
            (
                "#![proptest_config(x)]\n#[test]\nfn bt_02_x(a in 0..1) {}",
                vec!["BT-02"],
            ),
            ("/// WGT-01\nfn x() {}", vec![]),
            ("fn wgt_01_x() {}", vec![]),
            ("#[cfg(test)]\nmod wgt_01_x {}", vec![]),
            ("#[test]\nfn a() {}\nfn wgt_01_x() {}", vec![]),
            ("#[test]\nfn x_wgt_01() {}", vec![]),
            ("let s = \"\n#[test]\nfn wgt_01_x() {}\n\";", vec![]),
        ] {
            let page = page_of(text).unwrap();
            let got: Vec<&str> = page
                .lines()
                .filter_map(|line| line.strip_prefix("| ")?.split(' ').next())
                .filter(|id| *id != "id")
                .collect();
            assert_eq!(got, rows, "{text}");
        }
    }

    #[test]
    fn a_row_has_its_sentence_and_every_proof() {
        let page = page(
            &[
                SourceFile::new("b/src/x.rs", "#[test]\nfn wgt_10_b() {}"),
                SourceFile::new("a/src/x.rs", "#[test]\nfn wgt_10_a() {}"),
            ],
            TABLE,
        )
        .unwrap();
        assert!(
            page.contains("| WGT-10 | Ten. | `a/src/x.rs::wgt_10_a`<br>`b/src/x.rs::wgt_10_b` |\n"),
            "{page}"
        );
        assert!(page.ends_with("\n1 rows.\n"));
    }

    #[test]
    fn an_unknown_id_is_refused() {
        assert_eq!(
            page_of("#[test]\nfn wgt_99_x() {}").unwrap_err(),
            "domain/src/x.rs::wgt_99_x names WGT-99, which has no sentence\ncorrect the test, or \
             add the sentence to xtask/src/features.txt"
        );
        assert!(
            page(&[], "WGT-1 short")
                .unwrap_err()
                .contains("no id and sentence")
        );
        assert!(
            page(&[], "BT-02 a\nBT-02 b")
                .unwrap_err()
                .contains("stands twice")
        );
    }

    #[test]
    fn a_page_out_of_date_is_refused_with_its_rows() {
        let old = page_of("#[test]\nfn bt_02_old() {}").unwrap();
        let new = page_of("#[test]\nfn bt_02_new() {}").unwrap();
        compare(&new, &new).unwrap();
        let refusal = compare(&old, &new).unwrap_err();
        assert!(refusal.contains("run `cargo xtask features`"));
        assert!(refusal.contains("- | BT-02 | Two. | `domain/src/x.rs::bt_02_old`"));
        assert!(refusal.contains("+ | BT-02 | Two. | `domain/src/x.rs::bt_02_new`"));
    }

    #[test]
    fn every_sentence_of_the_real_table_is_one_sentence() {
        for (id, sentence) in sentences(SENTENCES).unwrap() {
            assert!(
                sentence.ends_with('.') && sentence.len() < 110,
                "{id} {sentence}"
            );
        }
    }
}
