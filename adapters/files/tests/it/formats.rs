//! Everything that is read, and what comes out of it.

use std::io::Write;

use ballast_domain::calendar::Calendar;
use ballast_domain::market::{BarSize, Field, Fields, PriceBasis};
use ballast_files::{CsvMarketData, CsvOptions, DateFormat, DefectCode, check};
use ballast_ports::ErrorKind;
use proptest::prelude::*;

use crate::{bytes, open, options, refusal};

const HEADER: &str = "timestamp,open,high,low,close,volume";

/// Open and close time of each bar of the only symbol.
fn times(data: &CsvMarketData) -> Vec<(String, String)> {
    let series = data.series("x").unwrap();
    let text = |t: &ballast_domain::time::Timestamp| t.to_string().replace(".000000000Z", "Z");
    (series.bars.open_times().iter())
        .zip(series.bars.close_times())
        .map(|(open, close)| (text(open), text(close)))
        .collect()
}

/// DAT-01: a parsed fixture yields typed bars.
#[test]
fn dat_01_a_row_becomes_a_typed_bar() {
    let data = open(
        "AAPL.csv",
        "Date,Open,High,Low,Close,Volume,Adj Close\n2000-03-01,118.56,132.06,118.5,130.31,9616100,\
         4.18\n2000-03-02,127,127.94,120.69,122,2779100,3.9\n",
    );
    let series = data.series("AAPL").unwrap();
    let first = |field| series.bars.column(field)[0];
    assert_eq!(first(Field::Open), 118.56);
    assert_eq!(first(Field::High), 132.06);
    assert_eq!(first(Field::Low), 118.5);
    assert_eq!(first(Field::Close), 130.31);
    assert_eq!(first(Field::Volume), 9_616_100.0);
    let open_time = series.bars.open_times()[0];
    assert_eq!(open_time, "2000-03-01T00:00:00Z".parse().unwrap());
    assert_eq!(series.basis, PriceBasis::Raw);
    assert_eq!(data.inventory().extra_columns, ["Adj Close"]);
}

/// DAT-01: a missing column is reported by name, with the columns that were found.
#[test]
fn dat_01_a_missing_column_is_reported_by_name() {
    let e = CsvMarketData::open(&options(
        "AAPL.csv",
        "date,open,high,low,volume\n2000-03-01,1,1,1,1\n",
    ))
    .unwrap_err();
    assert_eq!(e.kind, ErrorKind::InvalidData);
    let text = e.chain();
    assert!(
        text.contains("column 'close' is missing; found: date, open, high, low, volume"),
        "{text}"
    );
    assert!(e.advice().is_some());
    // A job that needs closes only may say so.
    let closes = CsvOptions {
        required: Fields::CLOSE,
        ..options("AAPL.csv", "date,close\n2000-03-01,2\n")
    };
    let data = CsvMarketData::open(&closes).unwrap();
    assert_eq!(data.inventory().fields, Fields::CLOSE);
}

#[test]
fn every_time_format_gives_the_same_bars() {
    let day =
        |first: &str, second: &str| format!("{HEADER}\n{first},1,1,1,1,0\n{second},1,1,1,1,0\n");
    let expected = [
        (
            "2020-12-30T00:00:00Z".to_owned(),
            "2020-12-31T00:00:00Z".to_owned(),
        ),
        (
            "2020-12-31T00:00:00Z".to_owned(),
            "2021-01-01T00:00:00Z".to_owned(),
        ),
    ];
    for (first, second) in [
        ("2020-12-30", "2020-12-31"),
        ("20201230", "20201231"),
        ("12/30/2020", "12/31/2020"),
        ("30/12/2020", "31/12/2020"),
        ("2020-12-30T00:00:00Z", "2020-12-31T00:00:00Z"),
        ("2020-12-29T19:00:00-05:00", "2020-12-30T19:00:00-05:00"),
        ("2020-12-30 00:00:00", "2020-12-31 00:00:00"),
        ("1609286400", "1609372800"),
        ("1609286400000", "1609372800000"),
        ("1609286400000000", "1609372800000000"),
        ("1609286400000000000", "1609372800000000000"),
    ] {
        let data = open("x.csv", day(first, second));
        assert_eq!(times(&data), expected, "{first}");
        assert_eq!(data.inventory().bar, BarSize::DAY, "{first}");
        let naive = first.contains(' ');
        let codes: Vec<_> = data.warnings().iter().map(|w| w.code).collect();
        assert_eq!(
            codes,
            vec![DefectCode::NaiveTimestamp; usize::from(naive) * 2]
        );
    }
}

#[test]
fn ambiguous_dates_ask_for_the_format() {
    let text = format!("{HEADER}\n1/4/1999,1,1,1,1,0\n2/5/1999,1,1,1,1,0\n");
    let e = refusal(&options("x.csv", text.clone()));
    assert!(e.contains("set date_format to M/D/YYYY or D/M/YYYY"), "{e}");
    for (format, first) in [
        (DateFormat::MonthDayYear, "1999-01-04"),
        (DateFormat::DayMonthYear, "1999-04-01"),
    ] {
        let options = CsvOptions {
            date_format: Some(format),
            ..options("x.csv", text.clone())
        };
        let data = CsvMarketData::open(&options).unwrap();
        assert!(times(&data)[0].0.starts_with(first));
    }
}

#[test]
fn bar_sizes_are_found_and_timestamps_are_opens() {
    let text = format!(
        "{HEADER}\n2020-01-01T23:00:00Z,1,1,1,1,0\n2020-01-02T00:00:00Z,1,1,1,1,0\n\
         2020-01-02T05:00:00Z,1,1,1,1,0\n2020-01-02T06:00:00Z,1,1,1,1,0\n"
    );
    let data = open("x.csv", text.clone());
    assert_eq!(data.inventory().bar, BarSize::HOUR);
    let last = times(&data).pop().unwrap();
    assert_eq!(
        last,
        ("2020-01-02T06:00:00Z".into(), "2020-01-02T07:00:00Z".into())
    );
    let minutes = CsvOptions {
        bar: Some(BarSize::minutes(15).unwrap()),
        ..options("x.csv", text)
    };
    let data = CsvMarketData::open(&minutes).unwrap();
    assert_eq!(times(&data)[0].1, "2020-01-01T23:15:00Z");
    let one = refusal(&options(
        "x.csv",
        format!("{HEADER}\n2020-01-01T23:00:00Z,1,1,1,1,0\n"),
    ));
    assert!(one.contains("cannot be told from one row"), "{one}");
    let weekly = refusal(&options(
        "x.csv",
        format!("{HEADER}\n2020-01-01T00:00:00Z,1,1,1,1,0\n2020-01-08T00:00:00Z,1,1,1,1,0\n"),
    ));
    assert!(
        weekly.contains("604800 s apart, which is no bar size"),
        "{weekly}"
    );
}

#[test]
fn encodings_and_line_ends_do_not_matter() {
    let plain = format!("{HEADER}\n2020-01-01,1.5,2,1,1.25,7\n2020-01-02,1.5,2,1,1.75,7\n");
    let expected = open("x.csv", plain.clone());
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(plain.as_bytes()).unwrap();
    let quoted = plain.replace("2020-01-01", "\"2020-01-01\"");
    for (name, data) in [
        ("x.csv", plain.replace('\n', "\r\n").into_bytes()),
        ("x.csv", format!("\u{feff}{plain}").into_bytes()),
        (
            "x.csv",
            format!("\u{feff}{}", quoted.replace('\n', "\r\n")).into_bytes(),
        ),
        ("x.csv", format!("{plain}\n\n\n").into_bytes()),
        ("x.csv", plain.trim_end().as_bytes().to_vec()),
        ("x.csv.gz", packer.finish().unwrap()),
    ] {
        let data = open(name, data);
        assert_eq!(data.series("x"), expected.series("x"));
    }
}

#[test]
fn an_adjusted_column_replaces_the_close_and_scales_the_rest() {
    let text = "date,open,high,low,close,volume,Adj Close\n2020-01-01,10,12,8,11,100,5.5\n\
                2020-01-02,3,3,3,3,100,0.21\n";
    let adjusted = CsvOptions {
        adjust: Some("adj close".to_owned()),
        ..options("x.csv", text)
    };
    let data = CsvMarketData::open(&adjusted).unwrap();
    let series = data.series("x").unwrap();
    assert_eq!(series.basis, PriceBasis::BackAdjusted);
    let row = |i: usize| {
        [
            Field::Open,
            Field::High,
            Field::Low,
            Field::Close,
            Field::Volume,
        ]
        .map(|f| series.bars.column(f)[i])
    };
    assert_eq!(row(0), [5.0, 6.0, 4.0, 5.5, 100.0]);
    // Prices equal to the close stay equal to it: 3 × (0.21 / 3) is not 0.21 in f64.
    assert_eq!(row(1), [0.21, 0.21, 0.21, 0.21, 100.0]);
    let missing = CsvOptions {
        adjust: Some("Adjusted".to_owned()),
        ..adjusted
    };
    assert!(refusal(&missing).contains("column 'Adjusted' is missing"));
}

#[test]
fn contradicting_options_are_refused() {
    let options = CsvOptions {
        basis: PriceBasis::BackAdjusted,
        actions: Some(bytes("actions.csv", "date,symbol,kind,value\n")),
        ..options("x.csv", format!("{HEADER}\n2020-01-01,1,1,1,1,0\n"))
    };
    let e = CsvMarketData::open(&options).unwrap_err();
    assert_eq!(e.kind, ErrorKind::Config);
    assert!(e.chain().contains("adjusted prices contain them already"));
}

#[test]
fn unreadable_paths_are_named() {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in [
        (folder.path().join("none.csv"), "none.csv"),
        (folder.path().to_owned(), "the folder has no data file"),
    ] {
        let source = ballast_files::CsvSource::Path(path);
        let e = check(&CsvOptions::new(source, Calendar::Utc24x7)).unwrap_err();
        assert_eq!(e.kind, ErrorKind::NotFound);
        assert!(e.chain().contains(text), "{}", e.chain());
        assert!(e.advice().is_some());
    }
}

proptest! {
    /// Whatever is in a file, reading it ends with bars or with defects, never with a panic.
    #[test]
    fn any_bytes_are_read_or_refused(data in prop::collection::vec(any::<u8>(), 0..400)) {
        let report = check(&options("x.csv", data)).unwrap();
        prop_assert!(report.rows_usable > 0 || report.errors > 0);
    }

    /// The same for cells that look almost right, below a good header.
    #[test]
    fn any_cells_are_read_or_refused(
        rows in prop::collection::vec(("[0-9/:TZ -]{0,20}", "[0-9.eE+-]{0,8}"), 1..20)
    ) {
        let mut text = format!("{HEADER}\n");
        for (time, price) in rows {
            text += &format!("{time},{price},{price},{price},{price},0\n");
        }
        let report = check(&options("x.csv", text)).unwrap();
        prop_assert!(report.rows_usable > 0 || report.errors > 0);
    }

    /// Scaling never carries the close past a high or low one bit away from it.
    #[test]
    fn adjusted_bars_keep_their_order(close in 0.01_f64..1e5, adjusted in 1e-4_f64..1e5) {
        let (high, low) = (close.next_up(), close.next_down());
        let text = format!(
            "date,open,high,low,close,volume,adj\n\
             2020-01-01,{high},{high},{low},{close},0,{adjusted}\n"
        );
        let options = CsvOptions { adjust: Some("adj".to_owned()), ..options("x.csv", text) };
        prop_assert_eq!(check(&options).unwrap().rows_usable, 1);
    }

    /// Prices survive text to the last bit.
    #[test]
    fn prices_are_read_to_the_last_bit(price in 1e-8_f64..1e9) {
        let data = open("x.csv", format!("{HEADER}\n2020-01-01,{price},{price},{price},{price},0\n"));
        let read = data.series("x").unwrap().bars.column(Field::Close)[0];
        prop_assert_eq!(read.to_bits(), price.to_bits());
    }
}

#[test]
fn a_column_dated_with_slashes_has_times_when_they_have_one_reading() {
    let times = |dates: [&str; 2]| {
        let text = format!("Date,Close\n{},1\n{},2\n", dates[0], dates[1]);
        let source = ballast_files::CsvSource::Bytes {
            name: "x.csv".to_owned(),
            data: text.into_bytes().into(),
        };
        let column = ballast_files::read_column(&source, None, &["close"]).unwrap();
        assert_eq!(column.values.len(), 2);
        column
            .times
            .iter()
            .map(|t| t.date().to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        times(["1/4/1999", "1/13/1999"]),
        ["1999-01-04", "1999-01-13"]
    );
    assert_eq!(
        times(["4/1/1999", "13/1/1999"]),
        ["1999-01-04", "1999-01-13"]
    );
    for unclear in [
        ["1/4/1999", "1/5/1999"],
        ["1/13/1999", "13/1/1999"],
        ["1/14/1999", "1/13/1999"],
    ] {
        assert!(times(unclear).is_empty(), "{unclear:?}");
    }
}
