//! What a run's manifest and the instruments are made from.

use ballast_domain::calendar::Calendar;
use ballast_domain::market::BarSize;
use ballast_files::{CsvMarketData, CsvOptions, CsvSource};

use crate::{bytes, open, options};

const BARS: &str = "symbol,date,open,high,low,close,volume\nA,2020-01-01,1.25,1.5,1,1.1250,0.12345\n\
                    A,2020-01-02,1,1,1,1,0\nB,2020-01-01,3,3,3,3.0,0\n";

#[test]
fn rows_symbols_and_digits_are_counted() {
    let data = open("x.csv", BARS);
    let inventory = data.inventory();
    assert_eq!((inventory.rows, inventory.bar), (3, BarSize::DAY));
    let a = &inventory.symbols["A"];
    assert_eq!((a.bars, a.price_decimals), (2, 3));
    assert_eq!(a.last, "2020-01-02T00:00:00Z".parse().unwrap());
    assert_eq!(inventory.symbols["B"].price_decimals, 0);
}

#[test]
fn one_file_has_the_hash_that_b3sum_prints() {
    let data = open("x.csv", BARS);
    let expected = format!("blake3:{}", blake3::hash(BARS.as_bytes()).to_hex());
    assert_eq!(data.inventory().data_hash, expected);
    assert_eq!(data.inventory().files[0].bytes, BARS.len() as u64);
}

#[test]
fn the_hash_covers_every_file_and_no_folder() {
    let write = |a: &str, actions: &str, name: &str| {
        let folder = tempfile::tempdir().unwrap();
        let text =
            |close: &str| format!("date,open,high,low,close,volume\n2020-01-01,1,9,1,{close},0\n");
        std::fs::write(folder.path().join(format!("{name}.csv")), text(a)).unwrap();
        std::fs::write(folder.path().join("B.csv"), text("2")).unwrap();
        let source = CsvSource::Path(folder.path().to_owned());
        let options = CsvOptions {
            actions: Some(bytes(
                "actions.csv",
                format!("date,symbol,kind,value\n{actions}"),
            )),
            ..CsvOptions::new(source, Calendar::Utc24x7)
        };
        let data = CsvMarketData::open(&options).unwrap();
        let names: Vec<_> = data
            .inventory()
            .files
            .iter()
            .map(|f| f.name.clone())
            .collect();
        assert_eq!(names, [&format!("{name}.csv"), "B.csv", "actions.csv"]);
        data.inventory().data_hash.clone()
    };
    let first = write("1", "", "A");
    assert_eq!(first, write("1", "", "A"), "another folder, the same bytes");
    assert_ne!(first, write("2", "", "A"));
    assert_ne!(first, write("1", "", "AA"), "a symbol is renamed");
    assert_ne!(first, write("1", "2020-01-01,A,split,2\n", "A"));
}

#[test]
fn debug_output_does_not_print_the_data() {
    let text = format!("{:?}", options("x.csv", BARS));
    assert!(
        text.contains("bytes)") && !text.contains("1.1250"),
        "{text}"
    );
}
