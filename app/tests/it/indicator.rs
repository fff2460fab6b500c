//! `ballast indicator` as a shell sees it.

use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn ballast(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ballast"))
        .arg("indicator")
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .output()
        .unwrap()
}

fn json(arguments: &[&str], folder: &Path) -> Value {
    let mut all = vec!["--json"];
    all.extend(arguments);
    let output = ballast(&all, folder);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Bars of a folder for the tests: one long file with a factor, one wide table of closes.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut long = "timestamp,open,high,low,close,volume,total_factor\n".to_owned();
    let mut wide = "date,AA,BB\n".to_owned();
    for (i, close) in [10.0, 12.0, 11.0, 13.0, 16.0, 14.0].into_iter().enumerate() {
        let (day, high, low) = (i + 1, close + 1.0, close - 1.0);
        let factor = if i < 3 { 0.5 } else { 1.0 };
        let _ = writeln!(
            long,
            "2024-01-0{day},{close},{high},{low},{close},100,{factor}"
        );
        let _ = writeln!(wide, "2024-01-0{day},{close},{}", close * close);
    }
    std::fs::write(folder.path().join("X.csv"), long).unwrap();
    std::fs::write(folder.path().join("closes.csv"), wide).unwrap();
    folder
}

/// SIG-02: values of the shell by hand, null in warm-up, in full precision.
#[test]
fn sig_02_the_shape_other_programs_rely_on() {
    let folder = folder();
    let answer = json(
        &["sma_4", "tr", "logret", "breakout_2", "--input", "X.csv"],
        folder.path(),
    );
    let keys: Vec<_> = answer.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["symbol", "timestamp", "values"]);
    assert_eq!(answer["symbol"], "X");
    assert_eq!(answer["timestamp"][0], "2024-01-01T00:00:00Z");
    let values = &answer["values"];
    let expected = serde_json::json!([null, null, null, 11.5, 13.0, 13.5]);
    assert_eq!(values["sma_4"], expected);
    let expected = serde_json::json!([null, 3.0, 2.0, 3.0, 4.0, 3.0]);
    assert_eq!(values["tr"], expected);
    let expected = serde_json::json!([null, null, 0.0, 0.0, 1.0, 0.0]);
    assert_eq!(values["breakout_2"], expected);
    let got = values["logret"][1].as_f64().unwrap();
    assert!((got - 1.2_f64.ln()).abs() < 1e-15, "{got}");
    assert_eq!(answer["timestamp"].as_array().unwrap().len(), 6);
}

#[test]
fn dates_factors_symbols_and_benchmarks_select() {
    let folder = folder();
    let dates = ["--start", "2024-01-03", "--end", "2024-01-05"];
    let mut arguments = vec!["sma_1", "don_hi_1", "--input", "X.csv"];
    arguments.extend(dates);
    arguments.extend(["--adjust", "total_factor"]);
    let answer = json(&arguments, folder.path());
    assert_eq!(
        answer["values"]["sma_1"],
        serde_json::json!([5.5, 13.0, 16.0])
    );
    assert_eq!(
        answer["values"]["don_hi_1"],
        serde_json::json!([6.0, 14.0, 17.0])
    );
    let arguments = [
        "beta_2",
        "vol_log_2",
        "--input",
        "closes.csv",
        "--symbol",
        "BB",
    ];
    let mut arguments = arguments.to_vec();
    arguments.extend(["--benchmark", "AA"]);
    let answer = json(&arguments, folder.path());
    // BB is the square of AA, so its log returns are twice as large.
    for beta in &answer["values"]["beta_2"].as_array().unwrap()[2..] {
        assert!((beta.as_f64().unwrap() - 2.0).abs() < 1e-9, "{beta}");
    }
    // The first of January 2024 was a Monday, the sixth a Saturday.
    assert_eq!(answer["annualisation"], 365.0);
    arguments.extend(["--annualisation", "1460"]);
    let twice = json(&arguments, folder.path());
    let last = |answer: &Value| answer["values"]["vol_log_2"][5].as_f64().unwrap();
    assert!((last(&twice) / last(&answer) - 2.0).abs() < 1e-12);
}

/// ERR-11: what cannot be computed is refused with the next thing to type.
#[test]
fn err_11_refusals_teach() {
    let folder = folder();
    for (arguments, code, expected) in [
        (vec!["smaa_5", "--input", "X.csv"], 2, "did you mean 'sma'?"),
        (
            vec!["macd_12", "--input", "X.csv"],
            2,
            "write it like macd_12_26_9",
        ),
        (
            vec!["tr", "--input", "closes.csv"],
            2,
            "choose one with --symbol",
        ),
        (
            vec!["tr", "--input", "closes.csv", "--symbol", "A"],
            2,
            "did you mean 'AA'?",
        ),
        (
            vec!["tr", "--input", "closes.csv", "--symbol", "AA"],
            3,
            "the data has no highs and lows",
        ),
        (
            vec!["tr", "--input", "X.csv", "--start", "2025-01-01"],
            3,
            "choose dates between the first and the last bar",
        ),
        (vec!["tr", "--input", "Y.csv"], 3, "check the path"),
        (vec!["tr"], 2, "--input"),
        (
            vec!["vol_log_2", "--input", "X.csv", "--annualisation", "0"],
            2,
            "use 365 for daily crypto",
        ),
    ] {
        let output = ballast(&arguments, folder.path());
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?} {err}");
        assert!(err.contains(expected), "{err}");
    }
}

#[test]
fn people_get_a_short_table_and_a_list() {
    let folder = folder();
    let output = ballast(&["sma_5", "--input", "X.csv"], folder.path());
    let text = String::from_utf8(output.stdout).unwrap();
    insta::assert_snapshot!(text);
    let output = ballast(&["--list"], folder.path());
    let text = String::from_utf8(output.stdout).unwrap();
    for word in ["macd_12_26_9", "slow + signal - 2", "Wilder", "drawdown"] {
        assert!(text.contains(word), "{text}");
    }
}
