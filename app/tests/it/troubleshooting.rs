//! The troubleshooting guide against the program: every kind, every code, the right pairs.

use std::path::Path;

use ballast::drivers::RunError;
use ballast::exit::{Exit, Failure};
use ballast_domain::error::{Error, ErrorKind};
use ballast_domain::time::{Span, Timestamp};
use ballast_ports::ErrorKind as PortKind;

fn guide() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/troubleshooting.md");
    std::fs::read_to_string(path).unwrap()
}

/// The rows of the table whose first column is called `head`, cell by cell, without backquotes of
/// the first two.
fn rows(text: &str, section: &str) -> Vec<Vec<String>> {
    let part = text.split(&format!("\n## {section}\n")).nth(1).unwrap();
    let part = part.split("\n## ").next().unwrap();
    part.lines()
        .filter(|line| line.starts_with("| "))
        .skip(1)
        .map(|line| {
            let cells = line.trim_matches('|').split(" | ");
            cells
                .map(|cell| cell.trim().trim_matches('`').to_owned())
                .collect()
        })
        .collect()
}

/// One of each kind. The match makes a new kind fail to compile until it is in the list.
fn every_kind() -> Vec<ErrorKind> {
    let limit = || "1".to_owned();
    let all = vec![
        ErrorKind::DataMissing,
        ErrorKind::DataValidation,
        ErrorKind::DataStale {
            observed_at: Timestamp::MIN,
            age: Span::from_seconds(2),
            max_age: Span::from_seconds(1),
        },
        ErrorKind::CacheCorruption,
        ErrorKind::Signal,
        ErrorKind::SignalCalculation,
        ErrorKind::SignalValidation,
        ErrorKind::Execution,
        ErrorKind::OrderPlacement,
        ErrorKind::OrderFill,
        ErrorKind::Position,
        ErrorKind::InsufficientCapital {
            available: Some(limit()),
            required: None,
        },
        ErrorKind::Api,
        ErrorKind::ApiConnection,
        ErrorKind::ApiRateLimit,
        ErrorKind::ApiResponse,
        ErrorKind::Configuration,
        ErrorKind::ConfigurationMissing,
        ErrorKind::RiskLimit {
            limit: limit(),
            allowed: limit(),
            observed: limit(),
        },
        ErrorKind::Invariant,
        ErrorKind::BacktestInvariant,
    ];
    for kind in &all {
        match kind {
            ErrorKind::DataMissing
            | ErrorKind::DataValidation
            | ErrorKind::DataStale { .. }
            | ErrorKind::CacheCorruption
            | ErrorKind::Signal
            | ErrorKind::SignalCalculation
            | ErrorKind::SignalValidation
            | ErrorKind::Execution
            | ErrorKind::OrderPlacement
            | ErrorKind::OrderFill
            | ErrorKind::Position
            | ErrorKind::InsufficientCapital { .. }
            | ErrorKind::Api
            | ErrorKind::ApiConnection
            | ErrorKind::ApiRateLimit
            | ErrorKind::ApiResponse
            | ErrorKind::Configuration
            | ErrorKind::ConfigurationMissing
            | ErrorKind::RiskLimit { .. }
            | ErrorKind::Invariant
            | ErrorKind::BacktestInvariant => {}
        }
    }
    all
}

/// ERR-02: the kinds are 21, and the guide, which lists them all, calls the twelve of the checklist
/// by these names; an invalid config is `configuration`.
#[test]
fn err_02_the_specific_kinds_are_listed_and_distinct() {
    let names: Vec<_> = every_kind().iter().map(ErrorKind::name).collect();
    let distinct: std::collections::BTreeSet<_> = names.iter().collect();
    assert_eq!((names.len(), distinct.len()), (21, 21));
    for name in [
        "signal_calculation",
        "signal_validation",
        "order_placement",
        "order_fill",
        "position",
        "insufficient_capital",
        "api_connection",
        "api_rate_limit",
        "api_response",
        "configuration",
        "configuration_missing",
        "data_validation",
    ] {
        assert!(names.contains(&name), "{name}");
    }
}

/// What is wrong with a guide: a kind or code that is missing, invented, paired wrongly, or without
/// cause and remedy.
fn faults(guide: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut compare = |section: &str, expected: Vec<(String, String)>, cells: usize| {
        let rows = rows(guide, section);
        let pair = |row: &Vec<String>| (row[0].clone(), row[1].clone());
        let listed: Vec<_> = rows.iter().map(pair).collect();
        if listed != expected {
            faults.push(format!("{section}: {listed:?} is not {expected:?}"));
        }
        for row in rows {
            if row.len() != cells || row[1..].iter().any(String::is_empty) {
                faults.push(format!("{section}: {row:?} has an empty cell"));
            }
        }
    };
    let kinds = every_kind().into_iter().map(|kind| {
        let name = kind.name().to_owned();
        let exit = Failure::from(Error::new(kind, "x")).exit;
        (name, exit.code().to_string())
    });
    compare("Kinds of errors", kinds.collect(), 4);
    let ports = PortKind::ALL.into_iter().map(|kind| {
        let error = ballast_ports::Error::new(kind, "history", "x");
        let failure = Failure::from(RunError::Port(error));
        (
            kind.name().to_owned(),
            failure.errors[0].kind.name().to_owned(),
        )
    });
    compare("Errors of a port", ports.collect(), 4);
    let codes: Vec<_> = Exit::TABLE.map(|(exit, _)| exit.code().to_string()).into();
    let listed: Vec<_> = rows(guide, "Exit codes")
        .into_iter()
        .map(|r| r[0].clone())
        .collect();
    if listed != codes {
        faults.push(format!("exit codes {listed:?} are not {codes:?}"));
    }
    faults
}

/// DOC-05: the guide covers each error kind and each exit code, with cause and remedy.
#[test]
fn doc_05_the_guide_covers_every_kind_and_code() {
    assert_eq!(faults(&guide()), [""; 0]);
}

/// The twin: a guide that lacks a kind, pairs one wrongly or leaves a remedy out is found.
#[test]
fn a_guide_with_a_gap_is_found() {
    let guide = guide();
    let without = |kind: &str| {
        let lines = guide
            .lines()
            .filter(|l| !l.starts_with(&format!("| {kind} |")));
        lines.collect::<Vec<_>>().join("\n")
    };
    for kind in ["`data_stale`", "`order_fill`", "`circuit_open`", "7"] {
        assert_eq!(faults(&without(kind)).len(), 1, "{kind}");
    }
    let wrong = guide.replace("| `signal` | 2 |", "| `signal` | 3 |");
    assert_eq!(faults(&wrong).len(), 1);
    let empty = guide.replace("| find out who halted it and why |", "| |");
    assert_eq!(faults(&empty).len(), 1);
}
