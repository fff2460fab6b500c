//! `metrics` through the real binary, on shipped data and against the reference libraries.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ballast_domain::market::Field;
use serde_json::Value;

fn metrics(file: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ballast"))
        .args(["metrics", "--input"])
        .arg(file)
        .args(arguments)
        .env("NO_COLOR", "1")
        .output()
        .unwrap()
}

fn json(output: &Output) -> Value {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn sample(folder: &Path, symbol: &str) -> PathBuf {
    let packed = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data/us-stocks.csv.gz");
    let options = ballast_files::CsvOptions::new(
        ballast_files::CsvSource::Path(packed),
        ballast_domain::calendar::Calendar::UsEquities,
    );
    let data = ballast_files::CsvMarketData::open(&options).unwrap();
    let series = data.series(symbol).unwrap();
    let mut text = "date,symbol,open,close\n".to_owned();
    for i in 0..series.bars.len() {
        let date = series.bars.open_times()[i].date();
        let [open, close] = [Field::Open, Field::Close].map(|f| series.bars.column(f)[i]);
        text += &format!("{date},{symbol},{open},{close}\n");
    }
    let file = folder.join(format!("{symbol}.csv"));
    std::fs::write(&file, text).unwrap();
    file
}

/// The same figures from prices, from equity and from returns; 252 bars a year is what the dates
/// of US stocks say.
#[test]
fn one_series_tells_one_story_in_every_kind() {
    let folder = tempfile::tempdir().unwrap();
    let file = sample(folder.path(), "AAPL");
    let prices = json(&metrics(&file, &["--kind", "prices", "--json"]));
    assert_eq!(prices["column"], "close");
    assert_eq!(prices["annualisation"], 252.0);
    let text = std::fs::read_to_string(&file).unwrap();
    let closes: Vec<f64> = (text.lines().skip(1))
        .map(|line| line.rsplit(',').next().unwrap().parse().unwrap())
        .collect();
    let total = closes.last().unwrap() / closes[0] - 1.0;
    assert!((prices["total_return"].as_f64().unwrap() - total).abs() < 1e-12);
    assert_eq!(prices["n"], closes.len() - 1);
    let equity = ["--kind", "equity", "--column", "CLOSE", "--json"];
    assert_eq!(json(&metrics(&file, &equity)), prices);
    // As pandas writes returns: the first cell is empty.
    let mut returns = "date,ret\n2020-01-01,\n".to_owned();
    for (i, w) in closes.windows(2).enumerate() {
        returns += &format!("{},{:e}\n", 20_000 + i, w[1] / w[0] - 1.0);
    }
    let other = folder.path().join("returns.csv");
    std::fs::write(&other, returns.replace("2020-01-01", "19999")).unwrap();
    let arguments = ["--kind", "returns", "--annualisation", "252", "--json"];
    let by_returns = json(&metrics(&other, &arguments));
    for key in ["sharpe", "max_drawdown", "cagr", "skew", "es_hist_0.95"] {
        let (a, b) = (by_returns[key].as_f64(), prices[key].as_f64());
        let (a, b) = (a.unwrap(), b.unwrap());
        assert!((a - b).abs() <= 1e-9 * b.abs(), "{key}: {a} {b}");
    }
}

#[test]
fn a_person_reads_a_table_and_a_mistake_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("nav.csv");
    std::fs::write(
        &file,
        "date,nav,cash\n2024-01-01,100,1\n2024-01-02,110,1\n2024-01-03,99,1\n",
    )
    .unwrap();
    let output = metrics(&file, &["--kind", "equity"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.starts_with("nav: 2 returns, 252 bars in a year"),
        "{text}"
    );
    let line = text.lines().find(|l| l.contains("max_drawdown ")).unwrap();
    assert!(line.contains("-10.00 %"), "{line}");
    for (arguments, code, says) in [
        (vec!["--kind", "prices"], 2, "nav, cash"),
        (
            vec!["--kind", "equity", "--column", "x"],
            2,
            "no column 'x'",
        ),
        (vec!["--kind", "returns", "--column", "nav"], 0, ""),
        (
            vec!["--kind", "equity", "--annualisation", "0"],
            2,
            "positive",
        ),
        (vec![], 2, "--kind"),
    ] {
        let output = metrics(&file, &arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?} {output:?}");
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(err.contains(says), "{arguments:?}: {err}");
    }
    std::fs::write(&file, "date,nav\n2024-01-01,100\n2024-01-02,-1\n").unwrap();
    let output = metrics(&file, &["--kind", "equity"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
}

/// Alpha, beta and the information ratio of a series that is twice its benchmark plus a constant are
/// known; drawdowns have their dates; moving figures start with a full window.
#[test]
fn a_benchmark_drawdowns_and_moving_figures_are_there_when_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file
    };
    let market = [0.01, -0.02, 0.015, -0.005, 0.02, -0.03, 0.01, 0.005];
    let (mut own, mut level) = (String::from("date,ret\n"), 100.0);
    let mut index = String::from("date,close\n2024-01-01,100\n");
    for (i, m) in market.iter().enumerate() {
        level *= 1.0 + m;
        let date = format!("2024-01-{:02}", i + 2);
        own += &format!("{date},{}\n", 0.001 + 2.0 * m);
        index += &format!("{date},{level}\n");
    }
    let (own, index) = (write("own.csv", own), write("index.csv", index));
    let index = index.to_str().unwrap();
    let mut arguments = vec!["--kind", "returns", "--annualisation", "252", "--json"];
    assert!(json(&metrics(&own, &arguments)).get("benchmark").is_none());
    arguments.extend(["--benchmark", index, "--drawdowns", "2", "--rolling", "3"]);
    let found = json(&metrics(&own, &arguments));
    let close = |value: &Value, expected: f64| {
        let got = value.as_f64().unwrap();
        assert!((got - expected).abs() < 1e-9, "{got} instead of {expected}");
    };
    // The first return starts before any date, so the benchmark is laid beside the other seven.
    let beside = &found["benchmark"];
    assert_eq!(
        (&beside["column"], &beside["n"]),
        (&"close".into(), &7.into())
    );
    close(&beside["beta"], 2.0);
    close(&beside["correlation"], 1.0);
    close(&beside["alpha"], 0.001 * 252.0);
    let active: Vec<f64> = market[1..].iter().map(|m| 0.001 + m).collect();
    let mean = active.iter().sum::<f64>() / 7.0;
    let squares: f64 = active.iter().map(|a| (a - mean) * (a - mean)).sum();
    let ratio = mean / (squares / 6.0).sqrt() * 252.0_f64.sqrt();
    close(&beside["information_ratio"], ratio);
    // +2.1 %, then −3.9 % and so on: the deepest loss lasts from the 6th to the 7th return.
    let deepest = &found["drawdowns"][0];
    assert_eq!(deepest["peak"], "2024-01-06");
    assert_eq!(deepest["trough"], "2024-01-07");
    assert!(deepest["recovery"].is_null());
    close(&deepest["depth"], 0.001 - 0.06);
    assert_eq!(found["drawdowns"][1]["peak"], "2024-01-02");
    let rolling = found["rolling"].as_array().unwrap();
    assert_eq!(rolling.len(), 8);
    assert!(rolling[1]["volatility"].is_null() && rolling[2]["beta"].is_null());
    close(&rolling[3]["beta"], 2.0);
    // For people.
    let output = metrics(&own, &[&arguments[..4], &arguments[5..]].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    for words in [
        "information_ratio",
        "not yet",
        "2024-01-06",
        "moving, at 2024-01-09",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    // A benchmark with a hole is refused with the date, and so is a window of one bar.
    let holed = std::fs::read_to_string(index).unwrap();
    let holed: String = (holed.lines().filter(|l| !l.starts_with("2024-01-05")))
        .map(|line| format!("{line}\n"))
        .collect();
    let holed = write("holed.csv", holed);
    let holed = holed.to_str().unwrap();
    for (extra, code, says) in [
        (["--benchmark", holed], 3, "2024-01-05"),
        (["--rolling", "1"], 2, "two bars or more"),
    ] {
        let output = metrics(&own, &[&arguments[..4], &extra].concat());
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(err.contains(says), "{err}");
    }
}

/// The rows of a corpus file between two dates, as a file of their own.
fn selection(root: &Path, folder: &Path, key: &str, panels: &[Value]) -> (PathBuf, String) {
    let (panel, symbol) = key.split_once(':').unwrap();
    if panel == "backtest" {
        let file = root.join(format!("oracles/backtests/{symbol}.csv"));
        return (file, "nav".to_owned());
    }
    let panel = panels.iter().find(|p| p["id"] == panel).unwrap();
    let word = |name: &str| panel[name].as_str().unwrap();
    let file = root.join("market").join(word("file").replace('*', symbol));
    let text = std::fs::read_to_string(file).unwrap();
    let mut lines = text.lines();
    let mut kept = lines.next().unwrap().to_owned() + "\n";
    for line in lines.filter(|l| l[..10] >= *word("start") && l[..10] <= *word("end")) {
        kept += &format!("{line}\n");
    }
    let file = folder.join("selection.csv");
    std::fs::write(&file, kept).unwrap();
    let column = if word("kind") == "close" {
        symbol
    } else {
        "close"
    };
    (file, column.to_owned())
}

#[test]
fn figures_equal_the_reference_libraries() {
    let Some(root) = std::env::var_os("BALLAST_CORPUS").map(PathBuf::from) else {
        eprintln!("skipped: BALLAST_CORPUS does not name a corpus folder");
        return;
    };
    let read = |name: &str| -> Value {
        serde_json::from_str(&std::fs::read_to_string(root.join(name)).unwrap()).unwrap()
    };
    let reference = read("oracles/metrics/metrics.json");
    let config = read("tools/oracle_config.json");
    let panels = config["panels"].as_array().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (mut series, mut figures) = (0, 0);
    for (key, entry) in reference["series"].as_object().unwrap() {
        let (file, column) = selection(&root, folder.path(), key, panels);
        let bars = entry["annualisation"].to_string();
        let arguments = [
            "--kind",
            "prices",
            "--column",
            &column,
            "--annualisation",
            &bars,
            "--json",
        ];
        let ours = json(&metrics(&file, &arguments));
        for (name, figure) in entry["metrics"].as_object().unwrap() {
            let expected = figure["value"].as_f64().unwrap();
            let got = ours[name]
                .as_f64()
                .unwrap_or_else(|| panic!("{key} {name}"));
            let tolerance = figure["rel_tol"].as_f64().unwrap() * expected.abs();
            assert!(
                (got - expected).abs() <= tolerance,
                "{key} {name}: {got} {expected}"
            );
            figures += 1;
        }
        // The dates alone say how many bars a year has.
        let found = json(&metrics(
            &file,
            &["--kind", "prices", "--column", &column, "--json"],
        ));
        assert_eq!(
            found["annualisation"].to_string(),
            format!("{bars}.0"),
            "{key}"
        );
        series += 1;
    }
    assert!(series > 0, "the corpus holds no series");
    println!("{figures} figures of {series} series agree through the binary");
}
