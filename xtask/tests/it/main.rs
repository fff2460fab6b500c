//! The checks run over the real tree, so that `cargo test` refuses what `cargo xtask` would.

use std::process::Command;

use xtask::{graph, layers, metadata, repository, tidy};

/// ARC-01, EXE-20: the real crates lean on each other only as the table of layers allows.
#[test]
fn the_layers_hold() {
    let workspace = metadata::read(&repository::root()).unwrap();
    assert!(
        workspace
            .packages
            .iter()
            .any(|p| p.name == "ballast-domain")
    );
    assert!(workspace.resolved.len() > workspace.packages.len());
    if let Err(text) = layers::report(&workspace) {
        panic!("{text}");
    }
}

/// ARC-02, ARC-04, ARC-07, ARC-08, WGT-03, REP-09, CFG-14, DOC-02, CI-02, CI-03, CI-17, CI-18,
/// CI-20: the real tree is in order.
#[test]
fn the_tree_is_tidy() {
    let files = repository::tracked(&repository::root()).unwrap();
    if let Err(text) = tidy::report(&files) {
        panic!("{text}");
    }
}

/// TST-02: validators, retries and errors have the tests they need; counted on the page that is
/// generated from the tests.
#[test]
fn tst_02_validators_retries_and_errors_are_tested() {
    let page = std::fs::read_to_string(repository::root().join("docs/features.md")).unwrap();
    let count = |area: &str| {
        let rows = page
            .lines()
            .filter(|row| row.starts_with(&format!("| {area}")));
        let tests = rows.flat_map(|row| row.split('`').filter(|name| name.contains(".rs::")));
        tests.collect::<std::collections::BTreeSet<_>>().len()
    };
    assert!(count("VAL-") >= 25, "validators: {}", count("VAL-"));
    assert!(count("ERR-") >= 10, "errors: {}", count("ERR-"));
    let retries = ["RES-01 ", "RES-02 ", "RES-03 ", "RES-04 "].map(count);
    assert!(retries.iter().all(|n| *n > 0), "retries: {retries:?}");
}

/// DOC-03: the crate graph drawn in the documentation is the one cargo builds.
#[test]
fn the_drawn_graph_is_the_real_one() {
    if let Err(text) = graph::check(&repository::root()) {
        panic!("{text}");
    }
}

fn xtask(args: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(args)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

#[test]
fn help_lists_every_command_and_a_typo_is_refused_with_it() {
    let (code, help) = xtask(&["help"]);
    assert_eq!(code, Some(0));
    for command in [
        "check",
        "layers",
        "tidy",
        "features",
        "graph",
        "bench",
        "dashboard",
        "strangers-path",
        "guides",
        "bootstrap",
        "doctor",
        "help",
    ] {
        assert!(
            help.contains(&format!("\n  {command}")),
            "{command} in {help}"
        );
    }
    let (code, text) = xtask(&["layer"]);
    assert_eq!(code, Some(2));
    assert!(text.starts_with("no such command: layer\n") && text.ends_with(&help));
    assert_eq!(xtask(&[]), (Some(2), help));
}
