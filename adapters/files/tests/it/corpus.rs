//! The same reader over a corpus of real and of damaged files, where one is at hand.

use std::path::PathBuf;

use ballast_domain::calendar::Calendar;
use ballast_domain::market::Fields;
use ballast_files::{CsvOptions, CsvSource, check};
use serde::Deserialize;

use crate::contract_corpus::in_its_words;

fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("BALLAST_CORPUS").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: BALLAST_CORPUS does not name a corpus folder");
    }
    folder
}

#[derive(Deserialize)]
struct Expected {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    file: String,
    expected: Verdict,
}

#[derive(Deserialize)]
struct Verdict {
    verdict: String,
    reason_codes: Vec<String>,
}

/// Defects that need more than one bar's values, a clock or a calendar of another market: they are
/// the business of market-data validation, not of reading a file.
const BEYOND_READING: [&str; 11] = [
    "PRICE_SPIKE",
    "ZERO_VOLUME_RUN",
    "STUCK_PRICE",
    "FUTURE_TIMESTAMP",
    "STALE_DATA",
    "PARTIAL_BAR",
    "MISSING_BAR",
    "GAP_TOO_LONG",
    "POSSIBLE_SPLIT",
    "NON_SESSION_DAY",
    "CORRUPT",
];

#[test]
fn damaged_files_are_refused_for_the_right_reason_and_good_ones_are_not() {
    let Some(corpus) = corpus() else { return };
    let text = std::fs::read_to_string(corpus.join("dirty/expected.json")).unwrap();
    let expected: Expected = serde_json::from_str(&text).unwrap();
    let mut seen = 0;
    for case in expected.cases {
        let source = CsvSource::Path(corpus.join(&case.file));
        let report = check(&CsvOptions::new(source, Calendar::Utc24x7)).unwrap();
        let codes: Vec<String> = report
            .defects
            .iter()
            .map(|d| serde_json::to_value(d.code).unwrap())
            .map(|code| in_its_words(code.as_str().unwrap()).to_owned())
            .collect();
        let listed = &case.expected.reason_codes;
        if case.expected.verdict == "accept" {
            assert_eq!(report.errors, 0, "{}: {:?}", case.file, report.defects);
        } else if !listed.iter().any(|c| BEYOND_READING.contains(&c.as_str())) {
            assert!(
                codes.iter().any(|c| listed.contains(c)),
                "{}: expected one of {listed:?}, found {codes:?}",
                case.file
            );
        }
        seen += 1;
    }
    assert!(seen >= 60, "only {seen} cases");
}

#[test]
fn real_files_have_no_defect() {
    let Some(corpus) = corpus() else { return };
    for (folder, required) in [
        ("crypto_1d", Fields::ALL),
        ("crypto_1h", Fields::ALL),
        ("us_equity_wiki", Fields::ALL),
        ("index_1d", Fields::ALL),
        ("etf_close", Fields::CLOSE),
        ("sp500_close", Fields::CLOSE),
    ] {
        let source = CsvSource::Path(corpus.join("market").join(folder));
        let options = CsvOptions {
            required,
            ..CsvOptions::new(source, Calendar::Utc24x7)
        };
        let report = check(&options).unwrap();
        let shown: Vec<_> = report
            .defects
            .iter()
            .take(3)
            .map(ToString::to_string)
            .collect();
        assert_eq!(report.errors, 0, "{folder}: {shown:?}");
        assert!(report.rows_usable > 0);
    }
}
