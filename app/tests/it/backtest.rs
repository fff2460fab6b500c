//! `backtest`: what a run directory holds, and what is left when a run fails.

use std::fs;
use std::path::Path;

use ballast::exit::Exit;
use ballast::run_directory::{MANIFEST, RunDirectory, RunFile};

use crate::fake::{FakeEngine, Plant, ballast, ballast_interrupted, finished};

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// REP-08: one identity stands in the summary, the manifest, the report and the answer.
#[test]
fn rep_08_one_identity_stands_on_everything_a_run_writes() {
    let home = tempfile::tempdir().unwrap();
    let engine = FakeEngine::new(Plant::Nothing);
    let used = ballast(&engine, home.path(), &["backtest", "--json"]);
    let answer = used.json();
    let path = Path::new(answer["directory"].as_str().unwrap());
    let run = RunDirectory::open(path).unwrap();
    let manifest = run.manifest();
    let summary: serde_json::Value =
        serde_json::from_str(&run.text(RunFile::Summary).unwrap()).unwrap();
    for key in [
        "result_id",
        "config_hash",
        "data_hash",
        "program_version",
        "seed",
    ] {
        assert_eq!(answer[key], summary[key], "{key}");
        let manifest = serde_json::to_value(&manifest.identity).unwrap();
        assert_eq!(manifest[key], summary[key], "{key}");
        assert!(!summary[key].is_null(), "{key}");
    }
    assert_eq!(answer["run_id"], manifest.run_id.as_str());
    let report = run.text(RunFile::Report).unwrap();
    assert!(report.contains(&manifest.identity.result_id), "{report}");
    for key in [
        "total_return",
        "sharpe",
        "max_drawdown",
        "trades",
        "fees",
        "final_equity",
    ] {
        assert!(summary[key].is_number(), "{key}");
    }
    assert!(summary["metrics"]["sharpe"].is_number());
    assert!(summary.get("run_id").is_none());
}

/// TST-04: a backtest through the program, from settings to a directory that proves itself.
#[test]
fn a_run_directory_is_complete_and_its_manifest_proves_it() {
    let home = tempfile::tempdir().unwrap();
    let engine = FakeEngine::new(Plant::Nothing);
    let path = finished(&engine, home.path(), &[]);
    let mut expected: Vec<_> = RunFile::ALL.map(|file| file.name().to_owned()).into();
    expected.push(MANIFEST.to_owned());
    expected.sort();
    assert_eq!(names(&path), expected);
    let run = RunDirectory::open(&path).unwrap();
    assert_eq!(run.damage().unwrap(), []);
    for entry in &run.manifest().files {
        let bytes = fs::read(path.join(entry.path.name())).unwrap();
        assert_eq!(blake3::hash(&bytes).to_hex().to_string(), entry.blake3);
        assert_eq!(bytes.len() as u64, entry.size);
    }
    let id = &run.manifest().identity.result_id;
    let name = path.file_name().unwrap().to_str().unwrap();
    assert_eq!(name, format!("20260131T160000Z-{id}"));
    assert_eq!(run.manifest().peak_memory_bytes, Some(64 << 20));
    // The same second and result: another folder.
    let second = finished(&engine, home.path(), &[]);
    assert_eq!(
        second.file_name().unwrap().to_str().unwrap(),
        format!("{name}-2")
    );
}

/// REP-01: two runs of the same settings have one result id and two run ids.
#[test]
fn rep_01_run_ids_are_new_and_result_ids_are_not() {
    let home = tempfile::tempdir().unwrap();
    let engine = FakeEngine::new(Plant::Nothing);
    let run = |arguments: &[&str]| {
        let path = finished(&engine, home.path(), arguments);
        RunDirectory::open(&path).unwrap().manifest().clone()
    };
    let (a, b) = (run(&[]), run(&["--set", "execution.fee_bps=5.0"]));
    assert_eq!(a.identity, b.identity);
    assert_ne!(a.run_id, b.run_id);
    let other = run(&["--set", "run.seed=7"]);
    assert_ne!(a.identity.result_id, other.identity.result_id);
}

#[test]
fn the_answer_reads_well() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let engine = FakeEngine::new(Plant::Nothing);
    let used = ballast(
        &engine,
        home.path(),
        &["backtest", "--out", out.to_str().unwrap()],
    );
    assert_eq!(used.exit, Exit::Ok, "{used:?}");
    let id = RunDirectory::open(&out)
        .unwrap()
        .manifest()
        .identity
        .result_id
        .clone();
    let text = used
        .out
        .replace(home.path().to_str().unwrap(), "HOME")
        .replace(&id, "RESULT_ID");
    insta::assert_snapshot!(text);
    assert_eq!(used.err, "");
    let quiet = ballast(&engine, home.path(), &["backtest", "--quiet"]);
    assert_eq!((quiet.exit, quiet.out.as_str()), (Exit::Ok, ""));
}

#[test]
fn your_own_data_needs_no_config_and_the_run_holds_the_one_it_used() {
    let home = tempfile::tempdir().unwrap();
    let engine = FakeEngine::new(Plant::Nothing);
    let path = finished(
        &engine,
        home.path(),
        &["--data", "my.csv", "--strategy", "momentum"],
    );
    let text = fs::read_to_string(path.join("config.toml")).unwrap();
    let config = ballast::config::Config::from_toml(&text).unwrap();
    assert_eq!(config.data.source, "my.csv");
    assert_eq!(config.strategy.name, "momentum");
    let used = ballast(&engine, home.path(), &["backtest", "--data", "my.csv"]);
    assert_eq!(used.exit, Exit::Usage);
    assert!(used.err.contains("--strategy"), "{}", used.err);
}

#[test]
fn a_run_that_fails_leaves_nothing_behind() {
    for (plant, exit, message) in [
        (Plant::NoTrades, Exit::Bug, "the run wrote no trades.csv"),
        (Plant::Interrupted, Exit::Interrupted, "interrupted"),
        (Plant::Panic, Exit::Bug, "planted panic"),
    ] {
        let home = tempfile::tempdir().unwrap();
        let engine = FakeEngine::new(plant);
        let used = ballast(&engine, home.path(), &["backtest"]);
        assert_eq!(used.exit, exit, "{used:?}");
        assert!(used.err.contains(message), "{}", used.err);
        assert_eq!(names(&home.path().join("runs")), [""; 0], "{plant:?}");
    }
}

#[test]
fn ctrl_c_ends_a_run_with_130() {
    let home = tempfile::tempdir().unwrap();
    let engine = FakeEngine::new(Plant::Nothing);
    let used = ballast_interrupted(&engine, home.path(), &["backtest"], true);
    assert_eq!(
        (used.exit, used.err.as_str()),
        (Exit::Interrupted, "interrupted\n")
    );
    assert_eq!(names(&home.path().join("runs")), [""; 0]);
}

#[test]
fn a_destination_that_holds_something_is_refused_before_the_run() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("mine.txt"), "x").unwrap();
    let engine = FakeEngine::new(Plant::Nothing);
    let out = home.path().to_str().unwrap();
    let used = ballast(&engine, home.path(), &["backtest", "--out", out]);
    assert_eq!((used.exit, engine.runs.get()), (Exit::Usage, 0), "{used:?}");
    assert_eq!(names(home.path()), ["mine.txt"]);
}

/// `runs` lists what was run, oldest first, and says of a damaged run that it is one.
#[test]
fn runs_are_listed_with_their_figures() {
    let home = tempfile::tempdir().unwrap();
    let engine = FakeEngine::new(Plant::Nothing);
    let none = ballast(&engine, home.path(), &["runs", "--json"]).json();
    assert_eq!(none["runs"], serde_json::json!([]));
    let first = finished(&engine, home.path(), &[]);
    let second = finished(&engine, home.path(), &["--set", "run.seed=7"]);
    fs::write(second.join("summary.json"), "{}").unwrap();
    let listed = ballast(&engine, home.path(), &["runs", "--json"]).json();
    let listed = listed["runs"].as_array().unwrap().clone();
    assert_eq!(listed.len(), 2);
    let named = |path: &Path| {
        let text = path.display().to_string();
        listed.iter().find(|l| l["directory"] == text).unwrap()
    };
    let good = named(&first);
    assert_eq!(good["name"], "breakout");
    assert_eq!(good["total_return"], 1.250_000_5);
    assert_eq!(good["sharpe"], 0.8);
    let id = RunDirectory::open(&first)
        .unwrap()
        .manifest()
        .identity
        .clone();
    assert_eq!(good["result_id"], id.result_id);
    let problem = named(&second)["problem"].as_str().unwrap();
    assert_eq!(problem, "summary.json is not what the run wrote");
    assert!(named(&second)["total_return"].is_null());
    // What a killed run left is called by its name.
    let rest = home.path().join("runs/.x.partial");
    fs::create_dir(&rest).unwrap();
    let listed = ballast(&engine, home.path(), &["runs"]).out;
    let said = listed.split_once("/.x.partial\n").unwrap().1;
    assert!(said.starts_with("  unfinished: "), "{listed}");
}
