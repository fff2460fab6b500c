//! The data contract over a corpus of damaged and of real files, where one is at hand.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ballast_domain::market::contract::{DEFAULT_MAX_AGE, Verdict};
use ballast_files::{ContractOptions, ContractReport, CsvSource, check_contract, load_checked};
use serde::Deserialize;

fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("BALLAST_CORPUS").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: BALLAST_CORPUS does not name a corpus folder");
    }
    folder
}

#[derive(Deserialize)]
struct Cases {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    file: String,
    symbol: String,
    bar: String,
    as_of: String,
    expected: Expected,
    sha256_of_clean_file: Option<String>,
}

#[derive(Deserialize)]
struct Expected {
    verdict: Verdict,
    reason_codes: Vec<String>,
    rows_left_after_cleaning: Option<u64>,
}

fn codes(report: &ContractReport) -> Vec<String> {
    let mut codes: Vec<String> = (report.defects.iter())
        .map(|d| serde_json::to_value(d.code).unwrap())
        .map(|code| in_its_words(code.as_str().unwrap()).to_owned())
        .collect();
    codes.sort();
    codes.dedup();
    codes
}

/// The corpus has one word for both ways out of a bar.
pub(crate) fn in_its_words(code: &str) -> &str {
    match code {
        "OPEN_ABOVE_HIGH" | "OPEN_BELOW_LOW" => "OPEN_OUT_OF_RANGE",
        "CLOSE_ABOVE_HIGH" | "CLOSE_BELOW_LOW" => "CLOSE_OUT_OF_RANGE",
        other => other,
    }
}

fn ask(case: &Case, root: &std::path::Path, expect: bool) -> ballast_ports::Result<ContractReport> {
    let symbol = Some(case.symbol.clone()).filter(|s| expect && s != "*");
    check_contract(&terms(case, root, symbol))
}

/// A checksum is held against a file only where the corpus gives one.
fn terms(case: &Case, root: &std::path::Path, symbol: Option<String>) -> ContractOptions {
    let sha256 = case.sha256_of_clean_file.as_ref();
    ContractOptions {
        checksum: sha256.map(|hex| format!("sha256:{hex}").parse().unwrap()),
        bar: Some(case.bar.parse().unwrap()),
        now: Some(case.as_of.parse().unwrap()),
        max_age: Some(DEFAULT_MAX_AGE),
        expect: symbol.into_iter().collect(),
        ..ContractOptions::new(CsvSource::Path(root.join(&case.file)))
    }
}

#[test]
fn verdicts_on_damaged_files_agree_with_the_corpus() {
    let Some(root) = corpus() else { return };
    let text = std::fs::read_to_string(root.join("dirty/expected.json")).unwrap();
    let cases: Cases = serde_json::from_str(&text).unwrap();
    let mut by_verdict: BTreeMap<Verdict, (u32, u32)> = BTreeMap::new();
    let mut by_code: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    let (mut rows_agree, mut rows_asked, mut named) = (0, 0, 0);
    let mut refused = 0;
    let mut differ = Vec::new();
    for case in &cases.cases {
        let report = ask(case, &root, false).unwrap();
        // Whether the symbol is expected by name or not changes nothing.
        let expecting = ask(case, &root, true).unwrap();
        assert_eq!(expecting.verdict, report.verdict, "{}", case.file);
        let found = codes(&report);
        let expected = &case.expected;
        let verdict = by_verdict.entry(expected.verdict).or_default();
        verdict.1 += 1;
        let is_same = report.verdict == expected.verdict;
        verdict.0 += u32::from(is_same);
        let listed = &expected.reason_codes;
        let is_named = listed.is_empty() || found.iter().any(|code| listed.contains(code));
        named += u32::from(is_named);
        for code in listed {
            let count = by_code.entry(code.clone()).or_default();
            count.1 += 1;
            count.0 += u32::from(found.contains(code));
        }
        let rows = expected.rows_left_after_cleaning;
        rows_asked += u32::from(rows.is_some());
        let same_rows = rows.is_none_or(|rows| rows == report.rows_usable);
        rows_agree += u32::from(same_rows && rows.is_some());
        if !is_same || !is_named || !same_rows {
            let why = EXPLAINED.iter().find(|(file, _)| *file == case.file);
            differ.push((
                format!(
                    "{}: {:?} {found:?} {} rows; expected {:?} {listed:?} {rows:?} rows",
                    case.file, report.verdict, report.rows_usable, expected.verdict
                ),
                why.map(|(_, why)| *why),
            ));
        }
        if expected.verdict == Verdict::Accept {
            refused += u32::from(report.verdict > Verdict::Warn);
        }
    }
    for (verdict, (agree, all)) in &by_verdict {
        println!("verdict {:<10} {agree:>3} of {all}", verdict.name());
    }
    for (code, (agree, all)) in &by_code {
        println!("code {code:<22} {agree:>3} of {all}");
    }
    let verdicts: u32 = by_verdict.values().map(|(agree, _)| agree).sum();
    let all = cases.cases.len();
    println!("{verdicts} verdicts of {all} files agree, {named} name a listed code");
    println!("{rows_agree} of {rows_asked} counts of usable rows agree");
    println!("{refused} controls refused");
    for (line, why) in &differ {
        println!("differs: {line}: {}", why.unwrap_or("NOT EXPLAINED"));
    }
    // What only a recorded checksum can see.
    for case in cases
        .cases
        .iter()
        .filter(|case| case.sha256_of_clean_file.is_some())
    {
        let options = ContractOptions {
            checksum: None,
            ..terms(case, &root, None)
        };
        let report = check_contract(&options).unwrap();
        let verdict = report.verdict.name();
        println!(
            "without its checksum {} is {verdict}: {:?}",
            case.file,
            codes(&report)
        );
    }
    assert!(all > 0, "the corpus holds no case");
    assert_eq!(refused, 0, "controls are refused");
    let unexplained: Vec<_> = differ.iter().filter(|(_, why)| why.is_none()).collect();
    assert!(unexplained.is_empty(), "{unexplained:#?}");
}

/// Verdicts that differ on purpose, and why.
const EXPLAINED: [(&str, &str); 1] = [(
    "dirty/205_bitflip_plain_mantissa.parquet",
    "bytes that are not those recorded are rejected, not warned about",
)];

/// Every file with a lossless repair, repaired: the same bars as the file it was made from.
#[test]
fn repaired_files_equal_their_originals() {
    let Some(root) = corpus() else { return };
    let text = std::fs::read_to_string(root.join("dirty/expected.json")).unwrap();
    let cases: Cases = serde_json::from_str(&text).unwrap();
    let clean = (cases.cases.iter()).find(|case| case.file == "dirty/000_clean.csv");
    let two = (cases.cases.iter()).find(|case| case.file == "dirty/071_two_symbols_ok.csv");
    let load = |case: &Case, at_most| {
        let symbol = Some(case.symbol.clone()).filter(|symbol| symbol != "*");
        load_checked(&terms(case, &root, symbol), at_most)
    };
    let clean = load(clean.unwrap(), Verdict::Accept).unwrap().series;
    let two = load(two.unwrap(), Verdict::Accept).unwrap().series;
    let (mut count, mut equal) = (0, 0);
    for case in &cases.cases {
        if case.expected.verdict != Verdict::Repair {
            continue;
        }
        count += 1;
        // Nothing is repaired unasked.
        assert!(load(case, Verdict::Warn).is_err(), "{}", case.file);
        let repaired = load(case, Verdict::Repair).unwrap().series;
        let original = if case.symbol == "*" { &two } else { &clean };
        let is_equal = repaired == *original;
        equal += u32::from(is_equal);
        println!("repaired {:<42} equal: {is_equal}", case.file);
    }
    println!("{equal} of {count} repaired files equal their originals");
    assert!(count > 0 && equal == count);
}

/// Real files, each by itself: large moves, splits, sparse minutes, quiet and halted days are no
/// reason to refuse them or to drop a row. Files of quotes have no bars, and files of coins that
/// are not listed yet begin with rows without values; both are left out here.
#[test]
fn real_files_keep_every_row() {
    let Some(root) = corpus() else { return };
    let mut count: BTreeMap<Verdict, u32> = BTreeMap::new();
    let mut refused = Vec::new();
    for folder in REAL {
        for entry in std::fs::read_dir(root.join("market").join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if !name.contains(".csv") || name.contains("quote") {
                continue;
            }
            let options = ContractOptions::new(CsvSource::Path(path));
            let report = check_contract(&options).unwrap();
            *count.entry(report.verdict).or_default() += 1;
            if report.verdict > Verdict::Warn {
                let shown: Vec<_> = report.defects.iter().take(3).collect();
                refused.push(format!("{folder}/{name}: {:?} {shown:?}", report.verdict));
            }
        }
    }
    println!("real files: {count:?}");
    assert!(
        count.values().sum::<u32>() > 0,
        "the corpus holds no real file"
    );
    assert!(refused.is_empty(), "{refused:#?}");
}

const REAL: [&str; 10] = [
    "crypto_1d",
    "crypto_1d_recent",
    "crypto_1h",
    "us_equity_wiki",
    "us_equity_1d",
    "index_1d",
    "minute",
    "etf_1d",
    "etf_close",
    "sp500_close",
];
