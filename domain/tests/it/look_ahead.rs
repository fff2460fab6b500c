//! No decision knows a later bar: whatever comes after T is redrawn, decisions up to T stay.

use std::sync::Arc;

use ballast_domain::calendar::Calendar;
use ballast_domain::error::Result;
use ballast_domain::instrument::{InstrumentId, Instruments};
use ballast_domain::kernel::{Kernel, SendGate};
use ballast_domain::market::{Fields, LaneRow, LaneState, Panel, PriceBasis};
use ballast_domain::money::{Cash, Rate};
use ballast_domain::simulation::{
    self, Exchange, ExchangeSettings, FeeModel, FillPoint, SlippageModel,
};
use ballast_domain::strategy::{
    Decision, Requirements, SleeveAction, Slot, State, Strategy, Target, Targets, View,
};
use ballast_domain::time::{Span, Timestamp};
use ballast_testkit::permits::permissive_settings;

use ballast_domain::strategies::{Below, Entry, Sizing, SmaCrossParameters, SmaCrossUnits};

use crate::panels::{eventful_walk, shares};
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
        Decision::Sleeves(sleeves) => {
            let targets = sleeves.iter().filter_map(|s| match &s.action {
                SleeveAction::Targets(targets, _) => Some(targets),
                SleeveAction::Hold(_) => None,
            });
            let entries = targets.flat_map(Targets::entries);
            Some(entries.map(|e| (e.instrument, e.target)).collect())
        }
        Decision::Hold(_) => None,
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

/// One lane of back-adjusted daily bars with these closes.
fn back_adjusted(closes: &[f64]) -> Panel {
    let mut panel = Panel::new(1, Fields::ALL, PriceBasis::BackAdjusted);
    for (day, close) in (0_i64..).zip(closes) {
        let open_time = Timestamp::EPOCH + Span::from_days(day);
        let row = [LaneRow {
            state: LaneState::Present,
            values: [*close; 5],
        }];
        panel
            .push_row(open_time, open_time + Span::from_days(1), &row, &[])
            .expect("valid rows");
    }
    panel
}

fn backtest<S: Strategy>(instruments: &Instruments, panel: &Panel, strategy: S) -> Result<()> {
    let gate = Arc::new(SendGate::new(1));
    let settings = permissive_settings(Calendar::Utc24x7);
    let mut kernel = Kernel::new(instruments.clone(), settings, strategy, gate)?;
    let venue = ExchangeSettings {
        fill_point: FillPoint::NextOpen,
        fees: FeeModel::Proportional(Rate::ZERO),
        slippage: SlippageModel::Proportional(Rate::ZERO),
        opening_cash: Cash::from_units(10_000_000_000_000_000),
        delisting_haircut: Rate::ZERO,
    };
    let mut exchange = Exchange::new(instruments.clone(), venue);
    simulation::run(&mut kernel, &mut exchange, panel, &mut ()).map(drop)
}

/// Buys below a price level: meaningless on back-adjusted data, and says so.
#[derive(Debug)]
struct BelowFifty {
    declared: bool,
}

impl Strategy for BelowFifty {
    fn name(&self) -> &str {
        "below_fifty"
    }

    fn requirements(&self) -> Requirements {
        let level_dependent = self.declared;
        Requirements {
            fields: Fields::CLOSE,
            lookback: 1,
            warm_up: 1,
            level_dependent,
        }
    }

    fn on_slice(&mut self, _: &View<'_>) {}

    fn decide(&mut self, _: Slot, view: &View<'_>) -> Decision {
        let id = InstrumentId(0);
        let below = view.slice().close(id).is_some_and(|close| close < 50.0);
        let targets = Targets::new();
        let weight = Target::Weight(0.5);
        Decision::Targets(
            if below {
                targets.with(id, weight)
            } else {
                targets
            },
            "level".into(),
        )
    }

    fn save(&self) -> State {
        State::default()
    }

    fn restore(&mut self, _: &State) -> Result<()> {
        Ok(())
    }
}

/// BT-02: a vendor that rewrites the past when a later split comes must not change decisions. A
/// rule that declares its levels is refused on such data; one that hides them is caught.
#[test]
fn bt_02_a_level_rule_on_back_adjusted_prices_is_refused_or_caught() {
    let closes: Vec<f64> = (0..60_u32).map(|i| 80.0 + 5.0 * f64::from(i % 7)).collect();
    // The same bars as the vendor shows them before and after a 2-for-1 split beyond their end.
    let before = back_adjusted(&closes);
    let after = back_adjusted(&closes.iter().map(|c| c / 2.0).collect::<Vec<_>>());
    let instruments = shares(1);
    let decisions = |strategy: &mut dyn Strategy, panel: &Panel| {
        run(strategy, &instruments, panel, 0..closes.len(), |_, _| ())
    };
    let hidden = || BelowFifty { declared: false };
    assert_ne!(
        decisions(&mut hidden(), &before),
        decisions(&mut hidden(), &after)
    );
    let parameters = SmaCrossParameters {
        fast: 3,
        slow: 5,
        sizing: Sizing::EqualWeight,
        entry: Entry::State,
        below: Below::Flat,
    };
    let scale_free = || SmaCrossUnits::new(&parameters, &instruments).expect("valid parameters");
    assert_eq!(
        decisions(&mut scale_free(), &before),
        decisions(&mut scale_free(), &after)
    );

    let refused = backtest(&instruments, &before, BelowFifty { declared: true });
    let text = refused
        .expect_err("a declared level rule is refused")
        .to_string();
    assert!(
        text.contains("a rule on price levels cannot use back-adjusted prices"),
        "{text}"
    );
    backtest(&instruments, &before, scale_free()).expect("a scale-free rule may run");
}
