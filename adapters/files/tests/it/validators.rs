//! One test a rule of the data contract: the same small file, with one thing wrong.

use std::error::Error as _;

use ballast_domain::calendar::Calendar;
use ballast_domain::market::contract::{DefectCode, Verdict};
use ballast_domain::market::{Field, Fields};
use ballast_files::{
    ContractOptions, ContractPolicy, CsvMarketData, CsvOptions, DefectReport, check_contract,
};
use ballast_ports::ErrorKind;

use crate::bytes;

const HEADER: &str = "date,open,high,low,close,volume";

/// Twenty good rows of a month; `edit` changes or replaces some.
fn rows(edit: impl Fn(usize) -> Option<&'static str>) -> String {
    let row = |i: usize| {
        let good = format!("10,12,9,11,{}", 100 + i);
        let values = edit(i).unwrap_or(&good);
        format!("2024-01-{:02},{values}\n", i + 1)
    };
    (0..20).map(row).collect()
}

/// What strict loading says.
fn refusal(text: String) -> (DefectReport, String) {
    let source = bytes("x.csv", text);
    let error = CsvMarketData::open(&CsvOptions::new(source, Calendar::Utc24x7)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidData);
    let report = error.source().unwrap().downcast_ref::<DefectReport>();
    (report.unwrap().clone(), error.chain())
}

fn verdict(text: &str, policy: ContractPolicy) -> (Verdict, Vec<DefectCode>, u64) {
    let report = check_contract(&ContractOptions {
        policy,
        ..ContractOptions::new(bytes("x.csv", text.to_owned()))
    })
    .unwrap();
    let codes = report.defects.iter().map(|d| d.code).collect();
    (report.verdict, codes, report.rows_usable)
}

/// VAL-01: a file without a row is refused as empty, by the loader and by the contract.
#[test]
fn val_01_an_empty_data_set_is_refused() {
    for text in [String::new(), format!("{HEADER}\n")] {
        let (report, words) = refusal(text.clone());
        assert_eq!(report.groups[0].code, DefectCode::Empty);
        assert!(
            words.contains("empty") || words.contains("no row"),
            "{words}"
        );
        let found = verdict(&text, ContractPolicy::default());
        assert_eq!(found, (Verdict::Reject, vec![DefectCode::Empty], 0));
    }
}

/// VAL-02: every missing column is named, and which are required can be chosen.
#[test]
fn val_02_missing_columns_are_named_and_required_ones_chosen() {
    let (report, words) = refusal("date,open,high\n2024-01-01,1,2\n".to_owned());
    assert_eq!(report.total, 3);
    for column in ["low", "close", "volume"] {
        let words_for = format!("column '{column}' is missing; found: date, open, high");
        assert!(words.contains(&words_for), "{words}");
    }
    let only_two = || bytes("x.csv", "date,close,high\n2024-01-01,1,2\n");
    for (required, opens) in [
        (Fields::ALL, false),
        (Fields::of(&[Field::Close, Field::Volume]), false),
        (Fields::of(&[Field::Close, Field::High]), true),
    ] {
        let options = CsvOptions {
            required,
            ..CsvOptions::new(only_two(), Calendar::Utc24x7)
        };
        assert_eq!(CsvMarketData::open(&options).is_ok(), opens, "{required:?}");
    }
}

/// VAL-03: ten rows with the high below the low are counted, and five of them shown.
#[test]
fn val_03_inverted_bars_are_counted_and_five_are_shown() {
    let broken = rows(|i| (5..15).contains(&i).then_some("10,9,12,10,100"));
    let (report, words) = refusal(format!("{HEADER}\n{broken}"));
    let [group] = report.groups.as_slice() else {
        panic!("one kind: {words}");
    };
    assert_eq!((group.code, group.count), (DefectCode::HighLtLow, 10));
    let lines: Vec<_> = group.samples.iter().filter_map(|d| d.row).collect();
    assert_eq!(lines, [7, 8, 9, 10, 11]);
    assert!(words.contains("10 defects in the data"), "{words}");
    assert!(
        words.contains("and 5 more such in high: 10 in all"),
        "{words}"
    );
    assert_eq!(words.matches("high is below low").count(), 5, "{words}");
}

/// VAL-04: open and close may not leave the range of their bar; each of the four ways has its own
/// kind and words.
#[test]
fn val_04_open_and_close_stay_within_their_bar() {
    use DefectCode::{CloseAboveHigh, CloseBelowLow, OpenAboveHigh, OpenBelowLow};
    for (bad, code, words) in [
        (
            "10,12,9,12.5,1",
            CloseAboveHigh,
            "the price is above the high",
        ),
        ("10,12,9,8.5,1", CloseBelowLow, "the price is below the low"),
        (
            "12.5,12,9,10,1",
            OpenAboveHigh,
            "the price is above the high",
        ),
        ("8.5,12,9,10,1", OpenBelowLow, "the price is below the low"),
    ] {
        let text = format!("{HEADER}\n{}", rows(|i| (i == 7).then_some(bad)));
        let (report, _) = refusal(text.clone());
        let sample = &report.groups[0].samples[0];
        assert_eq!((report.total, sample.code), (1, code), "{bad}");
        assert_eq!((sample.message.as_str(), sample.row), (words, Some(9)));
        let found = verdict(&text, ContractPolicy::default());
        assert_eq!(found, (Verdict::DropRows, vec![code], 19));
    }
    // Touching the edges is no defect.
    let edges = format!("{HEADER}\n{}", rows(|i| (i == 7).then_some("12,12,9,9,1")));
    assert_eq!(
        verdict(&edges, ContractPolicy::default()).0,
        Verdict::Accept
    );
}

/// VAL-05: missing values of two columns are counted for each.
#[test]
fn val_05_missing_values_are_counted_by_column() {
    let holes = rows(|i| match i {
        2..10 => Some("10,12,9,NaN,100"),
        12..15 => Some(",12,9,11,100"),
        _ => None,
    });
    let (report, words) = refusal(format!("{HEADER}\n{holes}"));
    let found: Vec<_> = (report.groups.iter())
        .map(|g| (g.code, g.column.as_deref().unwrap(), g.count))
        .collect();
    let missing = DefectCode::MissingValue;
    assert_eq!(found, [(missing, "close", 8), (missing, "open", 3)]);
    assert!(
        words.contains("and 3 more such in close: 8 in all"),
        "{words}"
    );
    assert!(words.contains("11 defects in the data"), "{words}");
}

/// VAL-10: a time of day without a zone rejects the file when zones are required, and is read as
/// UTC, with a warning, when they are not.
#[test]
fn val_10_whether_times_need_a_zone_is_a_policy() {
    let hour = |i: usize| format!("2024-01-01 {i:02}:00:00,10,12,9,11,{i}1\n");
    let naive = format!("{HEADER}\n{}", (0..20).map(hour).collect::<String>());
    let policy = |require_zone| ContractPolicy {
        require_zone,
        ..ContractPolicy::default()
    };
    let codes = vec![DefectCode::NaiveTimestamp; 20];
    let (required, tolerated) = (policy(true), policy(false));
    assert_eq!(
        verdict(&naive, required),
        (Verdict::Reject, codes.clone(), 0)
    );
    assert_eq!(verdict(&naive, tolerated), (Verdict::Warn, codes, 20));
    assert_eq!(ContractPolicy::default(), required);
    let zoned = naive.replace(":00:00,", ":00:00Z,");
    for policy in [required, tolerated] {
        assert_eq!(verdict(&zoned, policy), (Verdict::Accept, vec![], 20));
    }
}

/// VAL-11: rows that lack a value are left out, or reject the file, as the policy says.
#[test]
fn val_11_whether_values_may_be_missing_is_a_policy() {
    let holes = rows(|i| (i == 4).then_some("10,12,9,NaN,100"));
    let text = format!("{HEADER}\n{holes}");
    let policy = |allow_missing| ContractPolicy {
        allow_missing,
        ..ContractPolicy::default()
    };
    let codes = vec![DefectCode::MissingValue];
    assert_eq!(
        verdict(&text, policy(true)),
        (Verdict::DropRows, codes.clone(), 19)
    );
    assert_eq!(verdict(&text, policy(false)), (Verdict::Reject, codes, 0));
    assert_eq!(ContractPolicy::default(), policy(true));
}

/// A header of many columns and a file of one row a symbol once took the square of their number:
/// half a minute and more for a megabyte, also in a release build.
#[test]
fn work_grows_with_the_file_and_not_with_its_square() {
    let begun = std::time::Instant::now();
    let columns: String = (0..100_000).map(|i| format!(",{i:x}")).collect();
    assert!(refusal(format!("date{columns}\n")).1.contains("no row"));
    let row = |i: usize| format!("2024-01-02,s{i:x},10,12,9,11,{i}\n");
    let labelled: String = (0..20_000).map(row).collect();
    let text = format!("date,symbol,open,high,low,close,volume\n{labelled}");
    let found = verdict(&text, ContractPolicy::default());
    assert_eq!((found.0, found.2), (Verdict::Accept, 20_000));
    let took = begun.elapsed();
    assert!(took.as_secs() < 30, "{took:?}");
}
