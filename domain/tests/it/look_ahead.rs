//! No decision knows a later bar: whatever comes after T is redrawn, decisions up to T stay.

use ballast_domain::error::Result;
use ballast_domain::instrument::{InstrumentId, Instruments};
use ballast_domain::market::{Fields, Panel};
use ballast_domain::strategy::{
    Decision, Requirements, Slot, State, Strategy, Target, Targets, View,
};

use crate::panels::eventful_walk;
use crate::roster::{ROSTER, run};

const BARS: usize = 300;
const SEEDS: u64 = 10;
/// The last bars that stay; the last third sees the delisting.
const TURNS: [usize; 6] = [70, 95, 120, 150, 180, 199];

/// What redrawing the future did to a strategy's decisions.
#[derive(Debug, Default)]
struct Verdict {
    cases: usize,
    /// Cases in which a decision at or before T changed: it knew what came later.
    leaks: usize,
    /// Cases in which a later target changed: it looks at what happens at all. Reasons and notes do
    /// not count, since they change with every price.
    reacts: usize,
}

impl Verdict {
    fn reacting_percent(&self) -> f64 {
        100.0 * self.reacts as f64 / self.cases as f64
    }
}

/// Runs a strategy over each panel and its redrawn twin. `make` gets the panel so that a cheating
/// one can keep it.
fn examine(make: impl Fn(&Instruments, &Panel) -> Box<dyn Strategy>) -> Verdict {
    let mut verdict = Verdict::default();
    let decisions = |seed, turn| {
        let (instruments, panel) = eventful_walk(seed, BARS, turn);
        let mut strategy = make(&instruments, &panel);
        run(&mut strategy, &instruments, &panel, 0..BARS, |_, _| ())
    };
    for seed in 0..SEEDS {
        let straight = decisions(seed, None);
        for turn in TURNS {
            let redrawn = decisions(seed, Some((turn, seed + 1_000)));
            let after = turn + 1;
            verdict.cases += 1;
            verdict.leaks += usize::from(straight[..after] != redrawn[..after]);
            let mut later = straight[after..].iter().zip(&redrawn[after..]);
            verdict.reacts += usize::from(later.any(|(a, b)| wanted(a) != wanted(b)));
        }
    }
    verdict
}

/// What a decision asks for; `None` for a hold.
fn wanted(decision: &Decision) -> Option<Vec<(InstrumentId, Target)>> {
    match decision {
        Decision::Targets(targets, _) => {
            let entries = targets.entries().iter();
            Some(entries.map(|e| (e.instrument, e.target)).collect())
        }
        Decision::Hold(_) | Decision::Sleeves(_) => None,
    }
}

#[test]
fn bt_02_no_built_in_strategy_looks_ahead() {
    for (label, make) in ROSTER {
        let verdict = examine(|instruments, _| make(instruments));
        let percent = verdict.reacting_percent();
        println!(
            "{label}: a later target changes in {percent:.1} % of {} cases",
            verdict.cases
        );
        assert_eq!(verdict.leaks, 0, "{label} looks ahead: {verdict:?}");
        assert!(percent >= 90.0, "{label} hardly reacts: {verdict:?}");
    }
}

/// Holds the first share whenever the next close is higher, from a panel it should not have.
struct Cheat {
    panel: Panel,
}

impl Strategy for Cheat {
    fn name(&self) -> &str {
        "cheat"
    }

    fn requirements(&self) -> Requirements {
        Requirements {
            fields: Fields::CLOSE,
            lookback: 1,
            warm_up: 1,
            level_dependent: false,
        }
    }

    fn on_slice(&mut self, _view: &View<'_>) {}

    fn decide(&mut self, _slot: Slot, view: &View<'_>) -> Decision {
        let id = InstrumentId(0);
        let next = self.panel.slice(view.slice().index() + 1);
        let tomorrow = next.and_then(|slice| slice.close(id));
        let mut targets = Targets::new();
        if tomorrow > view.slice().close(id) {
            targets = targets.with(id, Target::Weight(1.0));
        }
        Decision::Targets(targets, "known in advance".into())
    }

    fn save(&self) -> State {
        State::default()
    }

    fn restore(&mut self, _state: &State) -> Result<()> {
        Ok(())
    }
}

#[test]
fn bt_02_a_strategy_that_reads_the_next_bar_is_caught() {
    let verdict = examine(|_, panel| {
        Box::new(Cheat {
            panel: panel.clone(),
        })
    });
    println!(
        "the cheat is caught in {} of {} cases",
        verdict.leaks, verdict.cases
    );
    // It asks only whether the next close is higher, so about half of the new futures give it away.
    assert!(verdict.leaks >= verdict.cases / 4, "{verdict:?}");
}
