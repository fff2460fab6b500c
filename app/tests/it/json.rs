//! `--json`: every command answers with one object and nothing else, in success and in failure.

use std::fs;

use ballast::exit::Exit;
use serde_json::{Deserializer, Value};

use crate::fake::{FakeEngine, Plant, Used, ballast, finished};

/// The only value on standard output.
fn one_object(used: &Used) -> Value {
    let values: Vec<Value> = Deserializer::from_str(&used.out)
        .into_iter()
        .map(|value| value.unwrap_or_else(|e| panic!("{e}: {used:?}")))
        .collect();
    assert_eq!(values.len(), 1, "{used:?}");
    assert!(values[0].is_object(), "{used:?}");
    assert!(used.out.ends_with("}\n"), "{used:?}");
    assert!(!used.out.contains('\u{1b}'), "{used:?}");
    values[0].clone()
}

#[test]
fn every_command_answers_with_one_object() {
    let home = tempfile::tempdir().unwrap();
    let engine = FakeEngine::new(Plant::Nothing);
    let run = finished(&engine, home.path(), &[]);
    let run = run.to_str().unwrap();
    let closes = home.path().join("closes.csv");
    let mut rows = String::from("date,open,high,low,close,volume\n");
    for day in 1..=28 {
        rows += &format!("2024-02-{day:02},10,12,9,{}.5,100\n", 10 + day % 2);
    }
    fs::write(&closes, rows).unwrap();
    let wide = home.path().join("wide.csv");
    fs::write(
        &wide,
        "date,A,B\n2024-01-02,1,2\n2024-01-03,2,3\n2024-01-04,1,4\n2024-01-05,3,3\n",
    )
    .unwrap();
    let (closes, wide) = (closes.to_str().unwrap(), wide.to_str().unwrap());
    let made = home.path().join("made");
    let packed = home.path().join("packed.tar.gz");
    let pages = home.path().join("pages");
    let account = home.path().join("accounts/main");
    crate::journal::made(&account);
    let paper = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/paper-breakout.toml");
    let cases: Vec<(Vec<&str>, &str)> = vec![
        (vec!["journal", "verify"], "head_hash"),
        (vec!["backtest"], "result_id"),
        (vec!["config", "check"], "ok"),
        (vec!["config", "show"], "origins"),
        (vec!["verify", run], "verdict"),
        (vec!["weights", "equal", "--input", wide], "weights"),
        (vec!["runs"], "runs"),
        (
            vec!["runs", "archive", run, "--out", packed.to_str().unwrap()],
            "blake3",
        ),
        (vec!["explain", run, "AAPL"], "decision"),
        (vec!["report", "compare", run, run], "figures"),
        (vec!["indicator", "sma_3", "--input", closes], "values"),
        (vec!["indicator", "--list"], "indicators"),
        (vec!["data", "check", closes], "verdict"),
        (
            vec!["metrics", "--input", closes, "--kind", "prices"],
            "sharpe",
        ),
        (vec!["init", made.to_str().unwrap()], "files"),
        (vec!["completions", "fish"], "script"),
        (vec!["man", "--out", pages.to_str().unwrap()], "pages"),
        (
            vec!["trade", paper, "--set", "run.start=2013-01-15"],
            "stop",
        ),
        (vec!["status", "main"], "next_command"),
        (vec!["kill", "paper", "--reason", "a test"], "thrown_now"),
        (vec!["resume", "paper", "--reason", "a test"], "session"),
    ];
    // No command is forgotten here.
    let help = ballast(&engine, home.path(), &["--help"]).out;
    let list = help.split_once("\nCommands:\n").unwrap().1;
    for line in list.lines().take_while(|line| line.starts_with("  ")) {
        let name = line.split_whitespace().next().unwrap();
        let known = cases.iter().any(|(arguments, _)| arguments[0] == name);
        assert!(
            known || name == "help" || line.starts_with("    "),
            "{name}"
        );
    }
    for (arguments, key) in &cases {
        let needs_samples = ["init", "trade", "resume"].contains(&arguments[0]);
        if cfg!(not(feature = "sample-data")) && needs_samples {
            continue;
        }
        let with_json: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
        let used = ballast(&engine, home.path(), &with_json);
        assert_eq!(used.exit, Exit::Ok, "{used:?}");
        assert!(one_object(&used).get(key).is_some(), "{used:?}");
        assert_eq!(used.err, "", "{arguments:?}");
        // A failure is one object too, with its exit code and what went wrong.
        let wrong: Vec<&str> = with_json.iter().copied().chain(["--nonsense"]).collect();
        let used = ballast(&engine, home.path(), &wrong);
        let failure = one_object(&used);
        assert_eq!(failure["exit_code"], used.exit.code(), "{used:?}");
        assert!(!failure["errors"].as_array().unwrap().is_empty());
    }
}

/// OBS-07: the answer of a run and its manifest have its time and its peak memory, as figures and
/// in words.
#[test]
fn obs_07_a_run_says_how_long_it_took_and_how_much_memory() {
    let home = tempfile::tempdir().unwrap();
    let engine = FakeEngine::new(Plant::Nothing);
    let answer = one_object(&ballast(&engine, home.path(), &["backtest", "--json"]));
    let folder = std::path::Path::new(answer["directory"].as_str().unwrap());
    let manifest: Value =
        serde_json::from_str(&fs::read_to_string(folder.join("manifest.json")).unwrap()).unwrap();
    for key in ["wall_seconds", "peak_memory_bytes"] {
        assert!(answer[key].is_number(), "{key}");
        assert_eq!(answer[key], manifest[key], "{key}");
    }
    assert_eq!(answer["peak_memory_bytes"], 64 << 20);
    let text = ballast(&engine, home.path(), &["backtest"]).out;
    let line = text.lines().find(|l| l.contains("time, peak memory"));
    assert!(line.is_some_and(|l| l.ends_with("64.0 MiB")), "{text}");
}
