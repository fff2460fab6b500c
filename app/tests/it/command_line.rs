//! Settings on the command line, errors as text and JSON, exit codes.

use std::fs;
use std::path::Path;

use ballast::exit::Exit;

use crate::fake::{FakeEngine, Plant, ballast};

fn check(config: &str, arguments: &[&str]) -> crate::fake::Used {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("my.toml");
    fs::write(&file, config).unwrap();
    let engine = FakeEngine::new(Plant::Nothing);
    let all: Vec<&str> = ["config", "check", file.to_str().unwrap()]
        .iter()
        .chain(arguments)
        .copied()
        .collect();
    let mut used = ballast(&engine, home.path(), &all);
    used.err = used.err.replace(home.path().to_str().unwrap(), "HOME");
    used
}

/// CFG-07: a misspelt key ends with exit code 2, its name, its place and the key that was meant.
#[test]
fn cfg_07_a_misspelt_key_is_refused_by_name() {
    let config = ballast::config::BREAKOUT.replace("max_position_weight", "max_positon_weight");
    let used = check(&config, &[]);
    assert_eq!(used.exit, Exit::Usage);
    insta::assert_snapshot!(used.err);
    let used = check(
        ballast::config::BREAKOUT,
        &["--set", "risk.max_gros=1", "--json"],
    );
    let json = used.json();
    assert_eq!(json["exit_code"], 2);
    assert_eq!(json["errors"][0]["hint"], "did you mean 'max_gross'?");
    assert_eq!(used.err, "");
}

#[test]
fn the_strategy_is_asked_about_its_parameters() {
    let good = ballast::config::BREAKOUT;
    assert_eq!(check(good, &[]).exit, Exit::Ok);
    for (set, message) in [
        (
            "strategy.parameters.refused=1",
            "unknown parameter 'refused'",
        ),
        ("strategy.name=brakout", "did you mean 'breakout'?"),
    ] {
        let used = check(good, &["--set", set]);
        assert_eq!(used.exit, Exit::Usage);
        assert!(used.err.contains(message), "{}", used.err);
    }
}

#[test]
fn show_names_the_layer_of_each_key() {
    let home = tempfile::tempdir().unwrap();
    let engine = FakeEngine::new(Plant::Nothing);
    let arguments = ["config", "show", "--set", "execution.fee_bps=10"];
    let used = ballast(&engine, home.path(), &arguments);
    assert_eq!(used.exit, Exit::Ok, "{used:?}");
    insta::assert_snapshot!(used.out);
    let arguments = [&arguments[..], &["--json"]].concat();
    let json = ballast(&engine, home.path(), &arguments).json();
    assert_eq!(json["origins"]["execution.fee_bps"], "--set");
    assert_eq!(json["config"]["execution"]["fee_bps"], 10.0);
}

#[test]
fn wrong_command_lines_end_with_2_and_help_with_0() {
    let home = tempfile::tempdir().unwrap();
    let engine = FakeEngine::new(Plant::Nothing);
    for (arguments, exit) in [
        (vec!["--help"], Exit::Ok),
        (vec!["backtest", "--help"], Exit::Ok),
        (vec!["--version"], Exit::Ok),
        (vec![], Exit::Usage),
        (vec!["bakctest"], Exit::Usage),
        (vec!["backtest", "--sett", "a=1"], Exit::Usage),
        (vec!["backtest", "missing.toml"], Exit::Usage),
        (vec!["backtest", "--set", "nothing"], Exit::Usage),
        (vec!["verify"], Exit::Usage),
    ] {
        let used = ballast(&engine, home.path(), &arguments);
        assert_eq!(used.exit, exit, "{arguments:?} {used:?}");
        assert_eq!(used.out.is_empty(), exit != Exit::Ok, "{used:?}");
        assert_eq!(used.err.is_empty(), exit == Exit::Ok, "{used:?}");
    }
    assert_eq!(engine.runs.get(), 0);
    let json = ballast(&engine, home.path(), &["bakctest", "--json"]).json();
    assert_eq!(json["exit_code"], 2);
}

/// EXE-20: the command line names no computation of the domain: it arranges commands and shows
/// what they give.
#[test]
fn exe_20_the_command_line_computes_nothing() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli");
    let mut seen = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for line in text
            .lines()
            .filter(|line| line.contains("ballast_domain::"))
        {
            let allowed = line.contains("ballast_domain::error::");
            assert!(allowed, "{}: {line}", path.display());
        }
        for computation in ["f64", "Decimal", " * ", " / ", ".sum()", ".sqrt()"] {
            let found = text.lines().find(|line| {
                line.contains(computation)
                    && !line.contains("Option<f64>")
                    && !line.contains("wall_seconds")
            });
            assert_eq!(found, None, "{}", path.display());
        }
        seen += 1;
    }
    assert_eq!(seen, 20, "a file of the command line was not looked at");
}
