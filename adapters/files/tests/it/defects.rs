//! What is refused, and how precisely it says so.

use ballast_domain::calendar::Calendar;
use ballast_files::{
    CsvMarketData, CsvOptions, CsvSource, DefectCode, DefectReport, Severity, check,
};
use std::error::Error;

use crate::{options, refusal};

const HEADER: &str = "timestamp,open,high,low,close,volume\n";
const GOOD: &str = "2020-01-01,10,12,9,11,5\n";

#[test]
fn each_defect_has_its_code_line_column_and_value() {
    use DefectCode::*;
    type Case = (
        &'static str,
        DefectCode,
        u64,
        Option<(&'static str, &'static str)>,
    );
    let cases: Vec<Case> = vec![
        (
            "2020-01-02,10,8,9,10,5\n",
            HighLtLow,
            3,
            Some(("high", "8")),
        ),
        (
            "2020-01-02,13,12,9,11,5\n",
            OpenAboveHigh,
            3,
            Some(("open", "13")),
        ),
        (
            "2020-01-02,10,12,9,8.5,5\n",
            CloseBelowLow,
            3,
            Some(("close", "8.5")),
        ),
        (
            "2020-01-02,10,12,9,,5\n",
            MissingValue,
            3,
            Some(("close", "")),
        ),
        (
            "2020-01-02,10,12,9,NaN,5\n",
            MissingValue,
            3,
            Some(("close", "NaN")),
        ),
        (
            "2020-01-02,10,12,0,11,5\n",
            NonPositivePrice,
            3,
            Some(("low", "0")),
        ),
        (
            "2020-01-02,10,12,9,11,-1\n",
            NegativeVolume,
            3,
            Some(("volume", "-1")),
        ),
        (
            "2020-01-02,10,inf,9,11,5\n",
            NotFinite,
            3,
            Some(("high", "inf")),
        ),
        (
            "2020-01-02,10,12,9,\"1,100.5\",5\n",
            BadNumber,
            3,
            Some(("close", "1,100.5")),
        ),
        ("2020-01-01,10,12,9,11,5\n", DuplicateTimestamp, 3, None),
        ("2020-01-01,10,12,9,10,5\n", DuplicateConflict, 3, None),
        ("2019-12-31,10,12,9,11,5\n", NotSorted, 3, None),
        (
            "2020-02-30,10,12,9,11,5\n",
            BadTimestamp,
            3,
            Some(("timestamp", "2020-02-30")),
        ),
        (
            "2020-01-02,10,12\n2020-01-03,10,12,9,11,5\n",
            BadRow,
            3,
            None,
        ),
        ("2020-01-02,10,12", Truncated, 3, None),
        (
            "timestamp,open,high,low,close,volume\n",
            BadTimestamp,
            3,
            None,
        ),
    ];
    for (row, code, line, cell) in cases {
        let report = check(&options("x.csv", format!("{HEADER}{GOOD}{row}"))).unwrap();
        let errors: Vec<_> = (report.defects.iter())
            .filter(|d| d.severity == Severity::Error)
            .collect();
        assert_eq!(errors.len(), 1, "{row}: {errors:?}");
        let found = errors[0];
        assert_eq!((found.code, found.row), (code, Some(line)), "{row}");
        let expected = cell.map(|(column, value)| (column.to_owned(), value.to_owned()));
        assert_eq!(
            found.column.clone().zip(found.value.clone()),
            expected,
            "{row}"
        );
        assert!(!found.hint.is_empty() && !found.message.is_empty());
        let text = refusal(&options("x.csv", format!("{HEADER}{GOOD}{row}")));
        assert!(
            text.contains("x.csv line 3") && text.contains("hint"),
            "{text}"
        );
    }
}

#[test]
fn all_defects_are_reported_at_once_five_of_a_kind() {
    let row = |day: u32| format!("2020-01-{day:02},10,12,9,oops{day},5\n");
    let rows: String = (2..=31).map(row).collect();
    let e = CsvMarketData::open(&options("x.csv", format!("{HEADER}{GOOD}{rows}"))).unwrap_err();
    let report: &DefectReport = e.source().unwrap().downcast_ref().unwrap();
    assert_eq!((report.groups[0].count, report.total), (30, 30));
    let text = e.chain();
    assert!(
        text.contains("30 defects") && text.contains("and 25 more such in close: 30 in all"),
        "{text}"
    );
    assert!(
        text.contains("x.csv line 7, x, close = 'oops6': not a plain number; hint: write it"),
        "{text}"
    );
    assert!(!text.contains("oops7"), "{text}");
}

#[test]
fn whole_files_are_refused_with_a_reason() {
    use DefectCode::*;
    let utf16: Vec<u8> = std::iter::once(0xfeff_u16)
        .chain(HEADER.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    for (data, code, text) in [
        (Vec::new(), Empty, "the file is empty"),
        (HEADER.as_bytes().to_vec(), Empty, "no row below the header"),
        (
            b"date,A,B\n2020-01-01,,\n".to_vec(),
            Empty,
            "there is no bar",
        ),
        (utf16, BadEncoding, "UTF-16"),
        (
            format!("{HEADER}{GOOD}\0").into_bytes(),
            BadEncoding,
            "line 3: the file has NUL",
        ),
        (
            b"timestamp,close\n2020-01-01,\xff\n".to_vec(),
            BadEncoding,
            "line 2: the file is not",
        ),
        (vec![0x1f, 0x8b, 8, 0, 0], Truncated, "cut short"),
        (
            vec![0x1f, 0x8b, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9],
            BadEncoding,
            "gzip",
        ),
        (
            format!("{HEADER}{GOOD}").replace(',', ";").into_bytes(),
            MissingColumn,
            "separate the columns by commas",
        ),
    ] {
        let report = check(&options("x.csv", data.clone())).unwrap();
        assert!(report.defects.iter().any(|d| d.code == code), "{report:?}");
        assert_eq!(report.rows_usable, 0);
        let refused = refusal(&options("x.csv", data));
        assert!(refused.contains(text), "{refused}");
    }
}

#[test]
fn defects_are_listed_by_line_whatever_found_them() {
    let rows = "2020-01-03,10,12,9,11,5\n2020-01-02,10,12,9,11,5\n2020-01-04,10,12,9,x,5\n";
    let report = check(&options(
        "x.csv",
        format!("{HEADER}{GOOD}{rows}2020-01-01,1,1,1,1,1\n"),
    ));
    let lines: Vec<_> = report
        .unwrap()
        .defects
        .iter()
        .map(|d| (d.row, d.code))
        .collect();
    assert_eq!(
        lines,
        [
            (Some(4), DefectCode::NotSorted),
            (Some(5), DefectCode::BadNumber),
            (Some(6), DefectCode::NotSorted),
            (Some(6), DefectCode::DuplicateConflict),
        ]
    );
}

#[test]
fn symbols_are_kept_apart() {
    let header = "symbol,date,open,high,low,close,volume\n";
    let row = |symbol: &str, day: u32| format!("{symbol},2020-01-{day:02},1,1,1,1,0\n");
    let text = format!("{header}{}{}{}", row("A", 1), row("B", 1), row("A ", 2));
    let report = check(&options("x.csv", text)).unwrap();
    assert_eq!(report.symbols, ["A", "B"]);
    assert_eq!(
        (report.errors, report.warnings, report.rows_usable),
        (0, 1, 3)
    );
    let text = format!("{header}{}{}", row("BTC", 1), row("btc", 2));
    let e = refusal(&options("x.csv", text));
    assert!(e.contains("'BTC' and 'btc' differ only in case"), "{e}");
    let e = refusal(&options("x.csv", format!("{header}{}", row("", 1))));
    assert!(e.contains("the symbol is empty"), "{e}");
    // In a folder the file's name is the symbol.
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("A.csv"),
        format!("{header}{}", row("B", 1)),
    )
    .unwrap();
    let source = CsvSource::Path(folder.path().to_owned());
    let e = refusal(&CsvOptions::new(source, Calendar::Utc24x7));
    assert!(e.contains("another symbol in the file of A"), "{e}");
}

#[test]
fn a_folder_holds_no_wide_tables_beside_other_files() {
    let folder = tempfile::tempdir().unwrap();
    let source = || CsvSource::Path(folder.path().to_owned());
    let closes = "date,A,B\n2020-01-01,1,2\n";
    std::fs::write(folder.path().join("first.csv"), closes).unwrap();
    let alone = check(&CsvOptions::new(source(), Calendar::Utc24x7)).unwrap();
    assert_eq!((alone.errors, alone.symbols.len()), (0, 2));
    std::fs::write(folder.path().join("second.csv"), closes).unwrap();
    let e = refusal(&CsvOptions::new(source(), Calendar::Utc24x7));
    assert!(
        e.contains("second.csv line 1: column 'close' is missing"),
        "{e}"
    );
}

#[test]
fn dates_without_a_session_or_outside_the_calendar_are_refused_with_a_hint() {
    let shares = |rows: &str| CsvOptions {
        calendar: Calendar::UsEquities,
        ..options("x.csv", format!("{HEADER}{rows}"))
    };
    for (row, expected) in [
        ("2020-01-01,1,1,1,1,0\n", "line 2"),
        ("1985-03-01,1,1,1,1,0\n", "line"),
    ] {
        let e = CsvMarketData::open(&shares(row)).unwrap_err();
        assert_eq!(
            e.kind,
            ballast_ports::ErrorKind::InvalidData,
            "{}",
            e.chain()
        );
        assert!(e.chain().contains(expected), "{}", e.chain());
        assert!(
            e.chain().contains("hint") || e.advice().is_some(),
            "{}",
            e.chain()
        );
    }
    let open = CsvMarketData::open(&shares("2020-01-02,1,1,1,1,0\n")).unwrap();
    let first = open.inventory().symbols.values().next().unwrap().first;
    assert_eq!(first.to_string(), "2020-01-02T14:30:00.000000000Z");
}

#[test]
fn times_off_the_grid_are_refused() {
    let hours = |extra: &str| {
        let row = |hour: u32| format!("2020-01-01T{hour:02}:00:00Z,1,1,1,1,0\n");
        let rows: String = (0..4).map(row).collect();
        refusal(&options("x.csv", format!("{HEADER}{rows}{extra}")))
    };
    let e = hours("2020-01-01T04:00:07Z,1,1,1,1,0\n");
    assert!(
        e.contains("line 6") && e.contains("whole number of bars"),
        "{e}"
    );
    let e = hours("2020-01-02,1,1,1,1,0\n");
    assert!(e.contains("a date without a time"), "{e}");
    let e = refusal(&options(
        "x.csv",
        format!("{HEADER}1577836800,1,1,1,1,0\n1577923200000,1,1,1,1,0\n"),
    ));
    assert!(
        e.contains("a count of milliseconds among counts of seconds"),
        "{e}"
    );
}
