//! The catalog from the shell: in, proven, out, damaged, repaired, and a backtest over it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn ballast(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ballast"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap()
}

/// The answer as JSON, with the exit code the command must have.
fn json(folder: &Path, arguments: &[&str], exit: i32) -> Value {
    let output = ballast(folder, &[arguments, &["--json"]].concat());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(exit), "{arguments:?}: {text}");
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{arguments:?}: {e}: {text}"))
}

const IMPORT: [&str; 5] = [
    "data",
    "import",
    "data/us-stocks.csv.gz",
    "--actions",
    "data/us-stocks-actions.csv",
];

/// The sample data imported, with a config that names the catalog.
fn prepared() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let made = json(at, &["data", "sample", "data"], 0);
    assert_eq!(made["files"].as_array().unwrap().len(), 6);
    let done = json(at, &IMPORT, 0);
    assert_eq!(
        (&done["verdict"], &done["rows_usable"]),
        (&"warn".into(), &12_154.into())
    );
    let config = include_str!("../../examples/breakout.toml");
    let named = config.replace("\"sample:us-stocks\"", "\"catalog:ballast-data/catalog\"");
    assert_ne!(config, named);
    fs::write(at.join("catalog.toml"), named).unwrap();
    fs::write(at.join("files.toml"), config).unwrap();
    folder
}

#[test]
fn a_catalog_is_listed_shown_exported_and_taken_in_again() {
    let folder = prepared();
    let at = folder.path();
    let list = json(at, &["data", "list"], 0);
    assert_eq!(list["series"].as_array().unwrap().len(), 5);
    assert_eq!(list["generation"], 1);
    let text = String::from_utf8(ballast(at, &["data", "list"]).stdout).unwrap();
    assert!(
        text.contains("MSFT") && text.contains("2013-03-01"),
        "{text}"
    );
    let shown = json(at, &["data", "show", "MSFT"], 0);
    let actions = shown["series"][0]["corporate_actions"].as_array().unwrap();
    assert_eq!(actions.len(), 38);
    let unknown = ballast(at, &["data", "show", "MSTF"]);
    assert_eq!(unknown.status.code(), Some(3));
    let text = String::from_utf8(unknown.stderr).unwrap();
    assert!(text.contains("did you mean 'MSFT'?"), "{text}");
    for file in ["out.parquet", "out.csv"] {
        let export = [
            "data",
            "export",
            file,
            "--actions",
            "actions.csv",
            "--total-return",
        ];
        assert_eq!(json(at, &export, 0)["bars"], 12_154);
        // The same data: nothing is new.
        let again = json(at, &["data", "import", file, "--actions", "actions.csv"], 0);
        assert_eq!(
            (&again["files"], &again["generation"]),
            (&0.into(), &1.into())
        );
        // Every command reads it.
        let spec = ["indicator", "sma_20", "--input", file, "--symbol", "MSFT"];
        let values = json(at, &spec, 0);
        assert_eq!(values["values"]["sma_20"].as_array().unwrap().len(), 3_270);
        let weigh = [
            "weights",
            "inverse_vol",
            "--input",
            file,
            "--start",
            "2012-06-01",
        ];
        assert_eq!(json(at, &weigh, 0)["symbols"].as_array().unwrap().len(), 5);
    }
    assert_eq!(
        fs::read_to_string(at.join("actions.csv"))
            .unwrap()
            .lines()
            .count(),
        96
    );
    let only = ["data", "export", "msft.parquet", "--symbols", "MSFT"];
    json(at, &only, 0);
    let figures = json(
        at,
        &["metrics", "--input", "msft.parquet", "--kind", "prices"],
        0,
    );
    assert!(figures["sharpe"].is_number(), "{figures}");
    // A bar that changed is refused, and nothing changes.
    let text = fs::read_to_string(at.join("out.csv")).unwrap();
    let (line, rest) = text.split_once('\n').unwrap();
    let (first, rest) = rest.split_once('\n').unwrap();
    let cells: Vec<&str> = first.split(',').collect();
    let last = format!("{},{}", cells[..6].join(","), "1");
    let changed = format!("{line}\n{last},1\n{rest}");
    fs::write(at.join("changed.csv"), changed).unwrap();
    let refused = json(at, &["data", "import", "changed.csv"], 3);
    let message = refused["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("contradict"), "{refused}");
    assert_eq!(json(at, &["data", "list"], 0)["generation"], 1);
}

/// TST-04: the data pipeline: a backtest over the catalog trades as one over the files it was made of.
#[test]
fn a_backtest_over_the_catalog_equals_one_over_the_files() {
    let folder = prepared();
    let at = folder.path();
    for name in ["catalog", "files"] {
        let out = format!("run-{name}");
        let config = format!("{name}.toml");
        json(at, &["backtest", &config, "--out", &out], 0);
    }
    for file in [
        "fills.csv",
        "ledger.csv",
        "equity.csv",
        "weights.csv",
        "decisions.jsonl",
    ] {
        let read = |run: &str| fs::read_to_string(at.join(run).join(file)).unwrap();
        // Each decision says where its prices come from, and nothing else differs.
        let (catalog, files) = (r#""source":"catalog""#, r#""source":"files""#);
        let of_catalog = read("run-catalog");
        let named = of_catalog.matches(catalog).count();
        let lines = of_catalog.lines().count();
        assert_eq!(named, if file == "decisions.jsonl" { lines } else { 0 });
        assert!(
            of_catalog.replace(catalog, files) == read("run-files"),
            "{file}"
        );
    }
    let contradiction = [
        "backtest",
        "catalog.toml",
        "--set",
        "data.calendar=utc_24x7",
    ];
    let refused = json(at, &contradiction, 2);
    let hint = refused["errors"][0]["hint"].as_str().unwrap();
    assert!(hint.contains("calendar of the catalog"), "{refused}");
}

/// Damage is state that cannot be trusted: 6, until a second source restores it.
#[test]
fn damage_is_found_named_and_repaired() {
    let folder = prepared();
    let at = folder.path();
    assert_eq!(json(at, &["data", "verify"], 0)["files"], 57);
    let list = json(at, &["data", "list"], 0);
    let path = list["series"][4]["years"][3]["path"]
        .as_str()
        .unwrap()
        .to_owned();
    let file = at.join("ballast-data/catalog").join(&path);
    let mut bytes = fs::read(&file).unwrap();
    bytes[100] ^= 1;
    fs::write(&file, bytes).unwrap();
    let report = json(at, &["data", "verify"], 6);
    assert_eq!(report["damaged"][0]["path"], path.as_str());
    json(at, &["data", "show", "MSFT"], 6);
    json(at, &["data", "export", "x.csv"], 6);
    json(at, &["backtest", "catalog.toml"], 6);
    // A file that does not hold it repairs nothing.
    let other = [
        "data",
        "repair",
        "--from",
        "data/sp500.csv.gz",
        "--symbols",
        "MSFT",
    ];
    let report = json(at, &other, 6);
    assert_eq!(
        report["unrepaired"].as_array().unwrap().len(),
        1,
        "{report}"
    );
    let from = [
        "data",
        "repair",
        "--from",
        "data/us-stocks.csv.gz",
        "--actions",
        "data/us-stocks-actions.csv",
    ];
    let report = json(at, &from, 0);
    assert_eq!(report["repaired"][0]["path"], path.as_str());
    assert!(
        json(at, &["data", "verify"], 0)["damaged"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    // The manifest: from another home.
    let mut second = vec!["--home", "second"];
    second.extend(IMPORT);
    json(at, &second, 0);
    let manifest = at.join("ballast-data/catalog/manifest");
    let mut bytes = fs::read(&manifest).unwrap();
    bytes[100] ^= 1;
    fs::write(&manifest, bytes).unwrap();
    json(at, &["data", "verify"], 6);
    json(at, &["data", "import", "data/us-stocks.csv.gz"], 6);
    let report = json(at, &["data", "repair", "--from", "second"], 0);
    assert_eq!(report["manifest_restored"], true);
    assert_eq!(json(at, &["data", "verify"], 0)["files"], 57);
}

/// Nothing is repaired or dropped unasked.
#[test]
fn an_import_repairs_and_drops_only_when_told() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let mut text = "date,open,high,low,close,volume\n".to_owned();
    for day in (1..=20).rev() {
        text += &format!("2024-01-{day:02},10,12,9,11,100\n");
    }
    fs::write(
        at.join("X.csv"),
        text.replace("100\n2024-01-10,10,12", "100\n2024-01-10,10,8"),
    )
    .unwrap();
    let refused = json(at, &["data", "import", "X.csv"], 3);
    let hint = refused["errors"][0]["hint"].as_str().unwrap();
    assert!(hint.contains("--drop-rows"), "{refused}");
    json(at, &["data", "import", "X.csv", "--repair"], 3);
    json(at, &["data", "list"], 3);
    let done = json(at, &["data", "import", "X.csv", "--drop-rows"], 0);
    assert_eq!(done["series"][0]["bars_added"], 19, "{done}");
}
