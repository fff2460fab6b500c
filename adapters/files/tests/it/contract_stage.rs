//! Loading through the data contract: what is refused, what is left out, what is said.

use std::path::{Path, PathBuf};

use ballast_domain::calendar::Calendar;
use ballast_domain::market::contract::Verdict;
use ballast_files::{
    ContractOptions, ContractStage, CsvMarketData, CsvOptions, CsvSource, DefectCode, Severity,
    Strictness, check_contract,
};
use ballast_ports::{ErrorKind, Result};
use serde::Deserialize;

fn open(file: &Path, strictness: Strictness, calendar: Option<Calendar>) -> Result<CsvMarketData> {
    let source = CsvSource::Path(file.to_owned());
    CsvMarketData::open(&CsvOptions {
        bar: Some("1d".parse().unwrap()),
        contract: Some(ContractStage {
            strictness,
            calendar,
        }),
        ..CsvOptions::new(source, calendar.unwrap_or(Calendar::Utc24x7))
    })
}

/// Thirty daily bars from 2024-01-01 on; `change` may replace the row of a day, or leave it out.
fn file(folder: &Path, change: impl Fn(u32) -> Option<String>) -> PathBuf {
    let mut text = "timestamp,open,high,low,close,volume\n".to_owned();
    for day in 1..=30 {
        let usual = || {
            let close = 100 + day % 3;
            format!("2024-01-{day:02}T00:00:00Z,101,103,99,{close},{day}\n")
        };
        text += &change(day).unwrap_or_else(usual);
    }
    let file = folder.join("BTC-USD.csv");
    std::fs::write(&file, text).unwrap();
    file
}

/// VAL-09: strict refuses order, repetition and bad values with every place; lenient uses the rest,
/// in order, and says what it left out.
#[test]
fn strict_refuses_what_lenient_leaves_out_and_says() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(folder.path(), |day| match day {
        5 => Some("2024-01-05T00:00:00Z,101,90,99,100,5\n".to_owned()),
        9 => Some("2024-01-09T00:00:00Z,101,103,99,abc,5\n".to_owned()),
        12 => Some(
            "2024-01-13T00:00:00Z,101,103,99,101,13\n2024-01-12T00:00:00Z,101,103,99,100,12\n"
                .to_owned(),
        ),
        13 => Some(String::new()),
        20 => Some("2024-01-20T00:00:00Z,101,103,99,102,20\n".repeat(2)),
        _ => None,
    });
    let calendar = Some(Calendar::Utc24x7);
    let error = open(&file, Strictness::Strict, calendar).unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidData);
    let text = format!("{}", std::error::Error::source(&error).unwrap());
    for part in [
        "line 6, BTC-USD, high = '90'",
        "line 10, BTC-USD, close = 'abc'",
        "line 14, BTC-USD: the row is earlier than one above it",
        "repeats the bar of line",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let data = open(&file, Strictness::Lenient, calendar).unwrap();
    let bars = &data.series("BTC-USD").unwrap().bars;
    assert_eq!(bars.len(), 28);
    assert!(bars.open_times().windows(2).all(|pair| pair[0] < pair[1]));
    let mut codes: Vec<_> = data.warnings().iter().map(|d| d.code).collect();
    codes.sort_unstable();
    codes.dedup();
    for code in [
        DefectCode::HighLtLow,
        DefectCode::BadNumber,
        DefectCode::NotSorted,
        DefectCode::DuplicateTimestamp,
    ] {
        assert!(codes.contains(&code), "{code:?} {codes:?}");
    }
    let silent = data
        .warnings()
        .iter()
        .all(|d| d.severity == Severity::Warning);
    assert!(silent, "what was let pass is no error");
}

#[test]
fn what_only_the_contract_knows_is_seen_and_expectations_need_a_calendar() {
    let folder = tempfile::tempdir().unwrap();
    // A close of a tenth between two ordinary ones: no cell is wrong, and no market does that.
    let spike = file(folder.path(), |day| {
        (day == 15).then(|| "2024-01-15T00:00:00Z,10.1,10.3,9.9,10,15\n".to_owned())
    });
    let calendar = Some(Calendar::Utc24x7);
    let error = open(&spike, Strictness::Strict, calendar).unwrap_err();
    let text = format!("{}", std::error::Error::source(&error).unwrap());
    assert!(text.contains("line 16, BTC-USD"), "{text}");
    let data = open(&spike, Strictness::Lenient, calendar).unwrap();
    assert_eq!(data.series("BTC-USD").unwrap().bars.len(), 29);
    // Half a month is missing: nothing to be done about it, unless nobody said what to expect.
    let gap = file(folder.path(), |day| {
        (8..=24).contains(&day).then(String::new)
    });
    assert!(open(&gap, Strictness::Strict, calendar).is_err());
    assert!(open(&gap, Strictness::Lenient, calendar).is_err());
    let data = open(&gap, Strictness::Strict, None).unwrap();
    assert_eq!(data.warnings()[0].code, DefectCode::GapTooLong);
}

#[derive(Deserialize)]
struct Cases {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    file: String,
    bar: String,
}

/// Files that loading refuses and a check does not: it joins no symbols written in two ways, takes no
/// row for another symbol's, and expects bars on the grid and within sessions.
const STRICTER: [&str; 6] = [
    "035_mixed_zone",
    "036_off_grid",
    "070_mixed_case_symbols",
    "072_wrong_symbol_rows",
    "084_minute_sparse_ok",
    "085_minute_fat_finger",
];

/// Over the damaged corpus a load never uses what a check rejects, nor a bar that it calls unusable:
/// strict opens what needs no repair (but a byte order mark or blanks), lenient what is not rejected,
/// with as many bars as are usable. Where loading is stricter is listed by name.
#[test]
fn loads_agree_with_the_check_over_the_corpus() {
    let Some(root) = std::env::var_os("BALLAST_CORPUS").map(PathBuf::from) else {
        eprintln!("skipped: BALLAST_CORPUS does not name a corpus folder");
        return;
    };
    let text = std::fs::read_to_string(root.join("dirty/expected.json")).unwrap();
    let cases: Cases = serde_json::from_str(&text).unwrap();
    let (mut compared, mut parquet, mut stricter, mut differing) = (0, 0, 0, Vec::new());
    for case in &cases.cases {
        let source = CsvSource::Path(root.join(&case.file));
        let bar = Some(case.bar.parse().unwrap());
        let mut verdicts = Vec::new();
        for calendar in [Calendar::Utc24x7, Calendar::UsEquities] {
            let checked = check_contract(&ContractOptions {
                bar,
                calendar: Some(calendar),
                ..ContractOptions::new(source.clone())
            });
            verdicts.push((calendar, checked));
        }
        for (calendar, checked) in verdicts {
            let load = |strictness| {
                CsvMarketData::open(&CsvOptions {
                    bar,
                    contract: Some(ContractStage {
                        strictness,
                        calendar: Some(calendar),
                    }),
                    ..CsvOptions::new(source.clone(), calendar)
                })
            };
            let (strict, lenient) = (load(Strictness::Strict), load(Strictness::Lenient));
            let Ok(checked) = checked else {
                assert!(strict.is_err() && lenient.is_err(), "{}", case.file);
                continue;
            };
            compared += 1;
            parquet += u32::from(case.file.ends_with(".parquet"));
            let bars = lenient.as_ref().map(|data| {
                let lanes = data.inventory().symbols.keys();
                lanes
                    .filter_map(|s| data.series(s))
                    .map(|s| s.bars.len() as u64)
                    .sum::<u64>()
            });
            let usable = (checked.verdict < Verdict::Reject).then_some(checked.rows_usable);
            let harmless = [DefectCode::Bom, DefectCode::SymbolCase];
            let only_harmless = (checked.defects.iter())
                .all(|d| d.code.verdict() <= Verdict::Warn || harmless.contains(&d.code));
            let clean = checked.verdict <= Verdict::Warn
                || (checked.verdict == Verdict::Repair && only_harmless);
            let refused = strict.is_err() && lenient.is_err();
            if refused && STRICTER.iter().any(|name| case.file.contains(name)) {
                stricter += 1;
            } else if strict.is_ok() != clean || bars.ok() != usable {
                differing.push(format!(
                    "{} {calendar:?}: check {:?} with {:?}, strict {:?}, lenient {:?}",
                    case.file,
                    checked.verdict,
                    usable,
                    strict.as_ref().map(|_| ()).map_err(ToString::to_string),
                    lenient.as_ref().map(|_| ()).map_err(ToString::to_string),
                ));
            }
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
    println!("{compared} loads compared with the check, {parquet} of Parquet, {stricter} stricter");
    assert!(compared > 100 && parquet > 10);
}

/// A level that halves for good looks like a split that nobody gave; once it is given, nothing is
/// said.
#[test]
fn a_split_that_is_given_is_not_suspected() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(folder.path(), |day| {
        (day >= 15).then(|| {
            let close = 50 + day % 3;
            format!("2024-01-{day:02}T00:00:00Z,51,53,49,{close},{day}\n")
        })
    });
    let open = |actions: Option<&str>| {
        let actions = actions.map(|text| {
            let file = folder.path().join("actions.csv");
            std::fs::write(&file, format!("date,symbol,kind,value\n{text}\n")).unwrap();
            CsvSource::Path(file)
        });
        let options = CsvOptions {
            bar: Some("1d".parse().unwrap()),
            contract: Some(ContractStage {
                strictness: Strictness::Strict,
                calendar: Some(Calendar::Utc24x7),
            }),
            actions,
            ..CsvOptions::new(CsvSource::Path(file.clone()), Calendar::Utc24x7)
        };
        let opened = CsvMarketData::open(&options).unwrap();
        let codes = opened.warnings().iter().map(|w| w.code);
        codes.filter(|c| *c == DefectCode::PossibleSplit).count()
    };
    assert_eq!(open(None), 1);
    assert_eq!(open(Some("2024-01-15,BTC-USD,split,2")), 0);
    // A split of another day explains nothing.
    assert_eq!(open(Some("2024-01-14,BTC-USD,split,2")), 1);
}
