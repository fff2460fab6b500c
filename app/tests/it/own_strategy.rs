//! A strategy of the caller's through the whole program: named in a config, run, reported, repeated.
#![cfg(feature = "sample-data")]

use ballast::drivers::FileEngine;
use ballast::exit::Exit;
use ballast::run_directory::{RunDirectory, RunFile};
use ballast::wiring::Strategies;
use ballast_domain::Result;
use ballast_domain::instrument::InstrumentId;
use ballast_domain::market::Fields;
use ballast_domain::strategy::{
    Decision, Requirements, Slot, State, Strategy, Target, Targets, View,
};

use crate::fake::ballast;

/// Half of the capital in the first instrument, always.
#[derive(Debug)]
struct HalfOfTheFirst;

impl Strategy for HalfOfTheFirst {
    fn name(&self) -> &str {
        "half_of_the_first"
    }

    fn requirements(&self) -> Requirements {
        Requirements {
            fields: Fields::CLOSE,
            lookback: 1,
            warm_up: 1,
            level_dependent: false,
        }
    }

    fn on_slice(&mut self, _: &View<'_>) {}

    fn decide(&mut self, _: Slot, _: &View<'_>) -> Decision {
        let targets = Targets::new().with(InstrumentId(0), Target::Weight(0.5));
        Decision::Targets(targets, "always".into())
    }

    fn save(&self) -> State {
        State::default()
    }

    fn restore(&mut self, _: &State) -> Result<()> {
        Ok(())
    }
}

const ARGUMENTS: [&str; 9] = [
    "backtest",
    "--set",
    "strategy.name=half",
    "--set",
    "strategy.parameters={}",
    "--set",
    "run.end=2000-12-29",
    "--set",
    "data.symbols=[\"AAPL\", \"IBM\"]",
];

#[test]
fn a_strategy_of_the_caller_runs_by_name_through_every_command() {
    let home = tempfile::tempdir().unwrap();
    let engine = FileEngine {
        strategies: Strategies::built_in().with("half", |_, _| Ok(Box::new(HalfOfTheFirst))),
        ..FileEngine::default()
    };
    let out = home.path().join("run");
    let place = ["--out", out.to_str().unwrap()];
    let used = ballast(&engine, home.path(), &[&ARGUMENTS[..], &place].concat());
    assert_eq!(used.exit, Exit::Ok, "{used:?}");
    let run = RunDirectory::open(&out).unwrap();
    let summary: serde_json::Value =
        serde_json::from_str(&run.text(RunFile::Summary).unwrap()).unwrap();
    assert_eq!(summary["strategy"], "half_of_the_first");
    let fills = run.rows(RunFile::Fills).unwrap();
    assert!(fills.len() > 1);
    let symbol = fills[0].iter().position(|c| c == "symbol").unwrap();
    assert!(fills[1..].iter().all(|row| row[symbol] == "AAPL"));
    assert!(
        run.text(RunFile::Report)
            .unwrap()
            .contains("half_of_the_first")
    );
    let used = ballast(&engine, home.path(), &["verify", place[1]]);
    assert_eq!((used.exit, used.out.as_str()), (Exit::Ok, "identical\n"));
    // The program without it refuses both and says what there is.
    for arguments in [&ARGUMENTS[..], &["verify", place[1]]] {
        let used = ballast(&FileEngine::default(), home.path(), arguments);
        assert_eq!(used.exit, Exit::Usage, "{used:?}");
        assert!(used.err.contains("unknown strategy 'half'"), "{used:?}");
    }
}
