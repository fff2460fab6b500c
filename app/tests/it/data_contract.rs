//! Backtests load through the data contract: refused when strict, said when lenient.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A hundred days; the high of the fifth is below its low, and one day is there twice.
fn poisoned(folder: &Path) -> PathBuf {
    let mut text = "timestamp,open,high,low,close,volume\n".to_owned();
    let first = ballast_domain::time::Timestamp::from_date("2024-01-01".parse().unwrap()).unwrap();
    for day in 0..100_i64 {
        let date = (first + ballast_domain::time::Span::from_days(day)).date();
        let high = if day == 4 { 90 } else { 103 };
        let close = 100 + day % 3;
        let row = format!("{date}T00:00:00Z,101,{high},99,{close},{}\n", day + 1);
        text += &row.repeat(if day == 50 { 2 } else { 1 });
    }
    let file = folder.join("BTC-USD.csv");
    fs::write(&file, text).unwrap();
    file
}

fn backtest(file: &Path, run: &Path, contract: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ballast"))
        .args([
            "backtest",
            "--quiet",
            "--strategy",
            "equal_weight",
            "--data",
        ])
        .arg(file)
        .args(["--set", "data.calendar=utc_24x7"])
        .args(["--set", "instruments.kind=spot"])
        .args(["--set", &format!("data.contract={contract}")])
        .arg("--out")
        .arg(run)
        .env("NO_COLOR", "1")
        .current_dir(file.parent().unwrap())
        .output()
        .unwrap()
}

/// Poisoned data stop a backtest before it begins: exit 3, every place named, and no stage
/// behind the data leaves a trace.
#[test]
fn strict_refuses_poisoned_data_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    let (file, run) = (poisoned(folder.path()), folder.path().join("run"));
    let output = backtest(&file, &run, "strict");
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    for part in [
        "2 defects in the data",
        "line 6, BTC-USD, high = '90'",
        "line 53, BTC-USD: repeats the bar of line 52",
        "hint: ",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!run.exists(), "a refused run leaves nothing");
}

#[test]
fn lenient_runs_on_the_rest_and_says_what_it_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let (file, run) = (poisoned(folder.path()), folder.path().join("run"));
    let output = backtest(&file, &run, "lenient");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let summary: Value =
        serde_json::from_slice(&fs::read(run.join("summary.json")).unwrap()).unwrap();
    assert_eq!(summary["bars"], 99);
    let findings = summary["data_findings"].as_array().unwrap();
    let told: Vec<_> = findings
        .iter()
        .map(|f| {
            let word = |key: &str| f[key].as_str().unwrap().to_owned();
            (
                word("code"),
                word("symbol"),
                word("consequence"),
                word("first"),
            )
        })
        .collect();
    let expected = [
        ("HIGH_LT_LOW", "dropped", "BTC-USD.csv line 6"),
        ("DUPLICATE_TIMESTAMP", "repaired", "BTC-USD.csv line 53"),
    ];
    assert_eq!(told.len(), expected.len(), "{told:?}");
    let report = fs::read_to_string(run.join("report.html")).unwrap();
    for (found, (code, consequence, first)) in told.iter().zip(expected) {
        let (a, b, c, d) = found;
        assert_eq!(
            (&**a, &**b, &**c, &**d),
            (code, "BTC-USD", consequence, first)
        );
        assert!(report.contains(code), "{code}");
    }
}

/// VAL-19: every command that computes from prices holds them against the contract first. One price
/// that no market makes ends each of them before anything is computed or left behind.
#[test]
fn val_19_every_way_in_holds_prices_against_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let of = |spike: bool| {
        let mut text = "timestamp,open,high,low,close,volume\n".to_owned();
        let first = ballast_domain::time::Timestamp::from_date("2024-01-01".parse().unwrap());
        for day in 0..100_i64 {
            let date = (first.unwrap() + ballast_domain::time::Span::from_days(day)).date();
            let close = if spike && day == 40 {
                1_000
            } else {
                100 + day % 7
            };
            text += &format!("{date},{close},{close},{close},{close},{}\n", day + 1);
        }
        let file = folder.path().join("BTC-USD.csv");
        fs::write(&file, text).unwrap();
        file
    };
    let run = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_ballast"))
            .args(arguments)
            .env("NO_COLOR", "1")
            .current_dir(folder.path())
            .output()
            .unwrap()
    };
    let ways: [&[&str]; 6] = [
        &["indicator", "sma_5", "--input", "BTC-USD.csv"],
        &["weights", "equal", "--input", "BTC-USD.csv"],
        &["metrics", "--input", "BTC-USD.csv", "--kind", "prices"],
        &["data", "check", "BTC-USD.csv"],
        &["data", "import", "BTC-USD.csv", "--home", "home"],
        &[
            "backtest",
            "--quiet",
            "--strategy",
            "equal_weight",
            "--data",
            "BTC-USD.csv",
            "--set",
            "data.calendar=utc_24x7",
            "--set",
            "instruments.kind=spot",
            "--out",
            "run",
        ],
    ];
    for spike in [true, false] {
        of(spike);
        for way in ways {
            let output = run(way);
            let said = String::from_utf8_lossy(&output.stderr).into_owned()
                + &String::from_utf8_lossy(&output.stdout);
            if spike && way[1] != "check" {
                assert_eq!(output.status.code(), Some(3), "{way:?}: {said}");
                assert!(said.contains("line 42"), "{way:?}: {said}");
            } else if spike {
                assert!(said.contains("drop_rows") && said.contains("42"), "{said}");
            } else {
                assert!(output.status.success(), "{way:?}: {said}");
            }
        }
        assert_eq!(folder.path().join("run").exists(), !spike);
        assert_eq!(folder.path().join("home/catalog").exists(), !spike);
    }
}
