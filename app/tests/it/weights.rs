//! `weights` through the real binary: every input shape, refusals, and the reference libraries.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use ballast_domain::weighting::WeightingMethod;
use serde_json::Value;

fn weights(arguments: &[&str], input: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ballast"))
        .arg("weights")
        .args(arguments)
        .arg("--input")
        .arg(input)
        .env("NO_COLOR", "1")
        .output()
        .unwrap()
}

fn json(output: &Output) -> Value {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn shipped() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data/us-stocks.csv.gz")
}

const WIDE: &str = "date,B,A\n2021-01-01,10,5\n2021-01-02,11,5.1\n2021-01-03,10,5.3\n\
                    2021-01-04,12,5.2\n2021-01-05,12.5,5.4\n";

/// The same closes as a wide table, a long file and a folder give the same weights.
#[test]
fn every_input_shape_gives_the_same_weights() {
    let folder = tempfile::tempdir().unwrap();
    let wide = folder.path().join("wide.csv");
    fs::write(&wide, WIDE).unwrap();
    let (mut long, mut a, mut b) = (
        "date,symbol,close\n".to_owned(),
        "date,close\n".to_owned(),
        "date,close\n".to_owned(),
    );
    for line in WIDE.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        long += &format!("{0},B,{1}\n{0},A,{2}\n", cells[0], cells[1], cells[2]);
        b += &format!("{},{}\n", cells[0], cells[1]);
        a += &format!("{},{}\n", cells[0], cells[2]);
    }
    fs::write(folder.path().join("long.csv"), long).unwrap();
    let parts = folder.path().join("parts");
    fs::create_dir(&parts).unwrap();
    fs::write(parts.join("A.csv"), a).unwrap();
    fs::write(parts.join("B.csv"), b).unwrap();
    let methods = [
        "equal",
        "inverse_vol",
        "hrp_single",
        "risk_parity_erc",
        "--json",
    ];
    let of = |name: &str| json(&weights(&methods, &folder.path().join(name)));
    let from_wide = of("wide.csv");
    assert_eq!(from_wide["asof"], "2021-01-05");
    // Symbols are listed as the file has them; a folder has its files by name.
    assert_eq!(from_wide["symbols"], serde_json::json!(["B", "A"]));
    assert_eq!(of("long.csv"), from_wide);
    assert_eq!(of("parts")["symbols"], serde_json::json!(["A", "B"]));
    for method in &methods[..4] {
        for symbol in ["A", "B"] {
            let of = |answer: &Value| answer["weights"][method][symbol].as_f64().unwrap();
            assert!(
                (of(&from_wide) - of(&of_parts(&parts, method))).abs() < 1e-14,
                "{method}"
            );
        }
    }
    // Three returns up to the fourth day.
    let some = [
        "inverse_vol",
        "--lookback",
        "3",
        "--asof",
        "2021-01-04",
        "--json",
    ];
    let whole = ["inverse_vol", "--end", "2021-01-04T00:00:00Z", "--json"];
    assert_eq!(json(&weights(&some, &wide)), json(&weights(&whole, &wide)));
}

fn of_parts(parts: &Path, method: &str) -> Value {
    json(&weights(&[method, "--json"], parts))
}

/// WGT-04: every method answers on shipped data, from the shell, and reads well.
#[test]
fn wgt_04_every_method_answers_from_the_shell() {
    let names = WeightingMethod::ALL.map(WeightingMethod::name);
    let mut arguments: Vec<&str> = names.to_vec();
    arguments.extend([
        "--symbols",
        "AAPL,MSFT,IBM",
        "--asof",
        "2012-06-29",
        "--lookback",
        "250",
    ]);
    arguments.extend(["--cap", "0.4", "--target-vol", "0.1"]);
    for cap in ["AAPL=546e9", "MSFT=256e9", "IBM=224e9"] {
        arguments.extend(["--market-cap", cap]);
    }
    let text = String::from_utf8(weights(&arguments, &shipped()).stdout).unwrap();
    insta::assert_snapshot!(text);
    arguments.push("--json");
    let answer = json(&weights(&arguments, &shipped()));
    let keys: Vec<&String> = answer.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["asof", "symbols", "weights"]);
    for name in names {
        let entries = answer["weights"][name].as_object().unwrap();
        assert_eq!(entries.len(), 3, "{name}");
        let sum: f64 = entries.values().map(|w| w.as_f64().unwrap()).sum();
        let targets = name == "inverse_vol_vol_target";
        assert!(
            (sum - 1.0).abs() < 1e-12 || targets && sum < 1.0,
            "{name} {sum}"
        );
    }
    let help = Command::new(env!("CARGO_BIN_EXE_ballast"))
        .args(["weights", "--help"])
        .output();
    let help = String::from_utf8(help.unwrap().stdout).unwrap();
    for name in names {
        assert!(help.contains(&format!("\n  {name} ")), "{name}: {help}");
    }
}

/// ERR-11: what cannot be weighed says why, with the exit code of its family.
#[test]
fn err_11_refusals_teach() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let wide = file("wide.csv", WIDE);
    let twins = file(
        "twins.csv",
        "date,A,B\n2021-01-01,1,2\n2021-01-02,2,4\n2021-01-03,1,2\n2021-01-04,3,6\n",
    );
    let holed = file(
        "holed.csv",
        "date,A,B\n2021-01-01,1,\n2021-01-02,2,4\n2021-01-03,1,2\n",
    );
    let still = file(
        "still.csv",
        "date,A,B\n2021-01-01,1,2\n2021-01-02,2,2\n2021-01-03,1,2\n",
    );
    for (arguments, input, code, said) in [
        (vec!["hrp_singel"], &wide, 2, "did you mean 'hrp_single'?"),
        (
            vec!["inverse_vol_capped"],
            &wide,
            2,
            "inverse_vol_capped needs --cap",
        ),
        (
            vec!["inverse_vol_vol_target"],
            &wide,
            2,
            "needs --target-vol",
        ),
        (
            vec!["market_cap"],
            &wide,
            2,
            "market_cap needs --market-cap",
        ),
        (
            vec!["market_cap", "--market-cap", "A=1"],
            &wide,
            2,
            "'B' has no market value",
        ),
        (
            vec!["equal", "--market-cap", "C=1"],
            &wide,
            2,
            "'C=1' is no market value",
        ),
        (
            vec!["equal", "--cap", "-1"],
            &wide,
            2,
            "--cap must be above zero",
        ),
        (
            vec!["equal", "--covariance", "ew_2"],
            &wide,
            2,
            "no covariance 'ew_2'",
        ),
        (
            vec!["equal", "--symbols", "A,C"],
            &wide,
            2,
            "no symbol 'C' in the input",
        ),
        (
            vec!["equal", "--symbols", "A,A"],
            &wide,
            2,
            "'A' is named twice",
        ),
        (
            vec!["equal", "--asof", "now"],
            &wide,
            2,
            "neither a date nor an instant",
        ),
        (
            vec!["equal", "--asof", "2020-01-01"],
            &wide,
            3,
            "no bar is left",
        ),
        (
            vec!["equal", "--lookback", "1"],
            &wide,
            3,
            "too few returns for a covariance",
        ),
        (
            vec!["min_variance_unconstrained"],
            &twins,
            3,
            "the covariance is singular",
        ),
        (
            vec!["equal"],
            &holed,
            3,
            "'B' has no close on a bar that others have",
        ),
        (vec!["inverse_vol"], &still, 3, "symbol: B"),
    ] {
        let output = weights(&arguments, input);
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?} {err}");
        assert!(err.contains(said), "{arguments:?} {err}");
    }
    // What shrinks makes twins usable; an option nobody looks at is named.
    let shrunk = [
        "min_variance_unconstrained",
        "--covariance",
        "ledoit_wolf",
        "--cap",
        "0.5",
    ];
    let text = String::from_utf8(weights(&shrunk, &twins).stdout).unwrap();
    assert!(text.contains("not used by these methods: --cap"), "{text}");
}

/// WGT-04: the binary gives the reference weights of every panel and method of the corpus.
#[test]
fn wgt_04_the_binary_equals_the_reference_libraries() {
    let Some(root) = std::env::var_os("BALLAST_CORPUS") else {
        eprintln!("skipped: BALLAST_CORPUS is not set");
        return;
    };
    let root = Path::new(&root);
    let mut compared = 0;
    for id in ["crypto10_2021", "crypto10_full", "etf12", "sp10_2008"] {
        let text = fs::read_to_string(root.join(format!("oracles/weights/{id}.json"))).unwrap();
        let reference: Value = serde_json::from_str(&text).unwrap();
        let panel = &reference["panel"];
        let number = |name: &str| panel[name].to_string();
        let string = |name: &str| panel[name].as_str().unwrap().to_owned();
        let file = string("file");
        // A wide table is used as it is; of a folder the panel names its symbols.
        let input = root.join("market").join(file.trim_end_matches("/*.csv"));
        let methods = reference["methods"].as_object().unwrap();
        let mut arguments: Vec<String> = methods.keys().cloned().collect();
        for (option, value) in [
            ("--start", string("start")),
            ("--asof", string("end")),
            ("--cap", number("cap")),
            ("--target-vol", number("target_vol")),
            ("--max-leverage", number("max_leverage")),
            ("--annualisation", number("annualisation")),
        ] {
            arguments.extend([option.to_owned(), value]);
        }
        if string("kind") == "ohlcv" {
            let symbols = reference["columns"].as_array().unwrap().iter();
            let symbols: Vec<&str> = symbols.map(|s| s.as_str().unwrap()).collect();
            arguments.extend(["--symbols".to_owned(), symbols.join(",")]);
        }
        arguments.push("--json".to_owned());
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let answer = json(&weights(&arguments, &input));
        assert_eq!(answer["asof"], reference["last"], "{id}");
        assert_eq!(answer["symbols"], reference["columns"], "{id}");
        for (name, entry) in methods {
            let tolerance = entry["tolerance"].as_f64().unwrap();
            for (symbol, want) in entry["weights"].as_object().unwrap() {
                let got = answer["weights"][name][symbol].as_f64().unwrap();
                let error = (got - want.as_f64().unwrap()).abs();
                assert!(error <= tolerance, "{id} {name} {symbol}: {error:e}");
                compared += 1;
            }
        }
    }
    println!("{compared} weights from the shell agree");
    assert_eq!(compared, 420);
}
