//! `data check` through the real binary: words, JSON, exit codes.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn check(file: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ballast"))
        .args(["data", "check"])
        .arg(file)
        .args(arguments)
        .env("NO_COLOR", "1")
        .output()
        .unwrap()
}

/// Twelve daily bars from 2024-01-01 on, the fifth with its high below its low.
fn file(folder: &Path) -> std::path::PathBuf {
    let mut text = "timestamp,open,high,low,close,volume\n".to_owned();
    for day in 1..=12 {
        let close = 100 + day % 3;
        let high = if day == 5 { 90 } else { 103 };
        text += &format!("2024-01-{day:02}T00:00:00Z,101,{high},99,{close},{day}\n");
    }
    let file = folder.join("BTC-USD.csv");
    std::fs::write(&file, text).unwrap();
    file
}

#[test]
fn a_verdict_has_its_shape_and_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(folder.path());
    let output = check(&file, &["--json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let keys: Vec<_> = json.as_object().unwrap().keys().cloned().collect();
    let expected = ["defects", "rows", "rows_usable", "symbols", "verdict"];
    let mut sorted = keys.clone();
    sorted.sort();
    assert_eq!(sorted, expected);
    assert_eq!(json["verdict"], "drop_rows");
    assert_eq!(
        (&json["rows"], &json["rows_usable"]),
        (&12.into(), &11.into())
    );
    assert_eq!(json["symbols"], serde_json::json!(["BTC-USD"]));
    let defect = &json["defects"][0];
    let mut keys: Vec<_> = defect.as_object().unwrap().keys().collect();
    keys.sort();
    let expected = [
        "code",
        "column",
        "hint",
        "message",
        "row",
        "symbol",
        "timestamp",
    ];
    assert_eq!(keys, expected);
    assert_eq!(defect["code"], "HIGH_LT_LOW");
    assert_eq!(defect["row"], 6);
    for (arguments, code) in [
        (vec!["--strict"], 3),
        (vec!["--now", "2024-01-14"], 0),
        (vec!["--now", "2024-02-14"], 3),
        (vec!["--now", "2024-02-14", "--max-age-hours", "1000"], 0),
        (vec!["--max-age-hours", "24"], 3),
        (
            vec![
                "--expect",
                "BTC-USD",
                "--bar",
                "1d",
                "--calendar",
                "utc_24x7",
            ],
            0,
        ),
        (vec!["--expect", "BTC-USD,ETH-USD"], 3),
        (vec!["--bar", "7d"], 2),
        (vec!["--now", "soon"], 2),
        (vec!["--max-age-hours", "-1"], 2),
    ] {
        let output = check(&file, &arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?} {output:?}");
    }
    let absent = check(&folder.path().join("absent.csv"), &[]);
    assert_eq!(absent.status.code(), Some(3), "{absent:?}");
}

#[test]
fn a_person_reads_what_is_wrong_where_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(folder.path());
    let text = String::from_utf8(check(&file, &[]).stdout).unwrap();
    for part in [
        "drop_rows: ",
        "11 of 12 rows usable, BTC-USD",
        "HIGH_LT_LOW          line 6, BTC-USD, 2024-01-05T00:00:00Z, column high",
        "high is below low: '90'",
        "hint: correct the row or remove it",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let parquet = folder.path().join("x.parquet");
    std::fs::write(&parquet, b"PAR1").unwrap();
    let output = check(&parquet, &[]);
    assert_eq!(output.status.code(), Some(3));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("reject: ") && text.contains("cut short"),
        "{text}"
    );
}

/// The shipped market data, each file as a user would check it.
#[test]
fn shipped_data_keeps_every_row() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data");
    let mut files = 0;
    for name in ["us-stocks.csv.gz", "sp500.csv.gz", "nasdaq.csv.gz"] {
        let output = check(&data.join(name), &["--json"]);
        assert_eq!(output.status.code(), Some(0), "{name}");
        let json: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(
            json["rows"], json["rows_usable"],
            "{name} {}",
            json["defects"]
        );
        files += 1;
    }
    assert_eq!(files, 3);
}
