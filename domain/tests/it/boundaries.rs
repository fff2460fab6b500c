//! Validation at the three boundaries: what is poisoned stops there, and nothing behind it is asked.

use std::cell::Cell;
use std::rc::Rc;

use ballast_domain::error::ErrorFamily;
use ballast_domain::market::{Bar, Bars, Fields};
use ballast_domain::strategy::{Decision, Requirements, Slot, State, Strategy, View};
use ballast_domain::time::Timestamp;

use crate::scenario::{A, Run, Tape, World, weights};

/// How often each stage behind the data was asked.
#[derive(Clone, Debug, Default)]
struct Calls {
    signals: Rc<Cell<u32>>,
    decisions: Rc<Cell<u32>>,
}

/// Holds `weight` of its one name from the first bar on, and needs volumes when told so.
#[derive(Debug)]
struct Counting {
    calls: Calls,
    weight: f64,
    fields: Fields,
}

impl Strategy for Counting {
    fn name(&self) -> &str {
        "counting"
    }

    fn requirements(&self) -> Requirements {
        Requirements {
            fields: self.fields,
            lookback: 1,
            warm_up: 1,
            level_dependent: false,
        }
    }

    fn on_slice(&mut self, _: &View<'_>) {
        self.calls.signals.set(self.calls.signals.get() + 1);
    }

    fn decide(&mut self, _: Slot, _: &View<'_>) -> Decision {
        self.calls.decisions.set(self.calls.decisions.get() + 1);
        weights(&[(A, self.weight)])
    }

    fn save(&self) -> State {
        State::default()
    }

    fn restore(&mut self, _: &State) -> ballast_domain::Result<()> {
        Ok(())
    }
}

fn run(weight: f64, fields: Fields, tape: &Tape) -> (Calls, Run<Counting>) {
    let calls = Calls::default();
    let strategy = Counting {
        calls: calls.clone(),
        weight,
        fields,
    };
    (calls, World::shares(1).run_strategy(strategy, tape))
}

fn stages(calls: &Calls, run: &Run<Counting>) -> [u64; 4] {
    let counts = run.kernel.counts();
    [
        u64::from(calls.signals.get()),
        u64::from(calls.decisions.get()),
        counts.intents,
        run.exchange.received(),
    ]
}

/// VAL-19: the clean run passes every stage. A poisoned bar stops at the data: no series, so no run.
/// Data without what the signal needs stop before it: no signal, decision, order. A poisoned target
/// stops before the order: signals and a decision, and no intent or order behind them.
#[test]
fn poison_stops_at_each_boundary_and_nothing_behind_it_is_asked() {
    let tape = Tape::of_closes(&[&[100.0; 4]]);
    let (calls, clean) = run(0.5, Fields::CLOSE, &tape);
    let clean = clean.well();
    let passed = stages(&calls, &clean);
    assert!(passed.iter().all(|n| *n > 0), "{passed:?}");

    // 1: data.
    let good = Bar {
        open_time: Timestamp::EPOCH,
        close_time: Timestamp::from_nanos(1),
        open: 10.0,
        high: 11.0,
        low: 9.0,
        close: 10.0,
        volume: 1.0,
    };
    for poisoned in [
        Bar { high: 8.0, ..good },
        Bar {
            close: f64::NAN,
            ..good
        },
        Bar { low: -1.0, ..good },
    ] {
        let mut bars = Bars::new(Fields::ALL);
        let error = bars.push(&poisoned).unwrap_err();
        assert_eq!(error.family(), ErrorFamily::Data, "{error}");
        assert_eq!(bars.len(), 0);
    }

    // 2: before signals.
    let (calls, blind) = run(
        0.5,
        Fields::ALL,
        &Tape::of_closes(&[&[100.0; 4]]).close_only(),
    );
    assert_eq!(
        blind.totals.as_ref().unwrap_err().family(),
        ErrorFamily::Data
    );
    assert_eq!(stages(&calls, &blind), [0; 4]);

    // 3: before orders.
    for weight in [f64::NAN, f64::INFINITY, 1e9] {
        let (calls, spoilt) = run(weight, Fields::CLOSE, &tape);
        let error = spoilt.totals.as_ref().unwrap_err();
        assert_eq!(error.family(), ErrorFamily::Signal, "{error}");
        let [signals, decisions, intents, orders] = stages(&calls, &spoilt);
        assert!(signals > 0 && decisions > 0);
        assert_eq!((intents, orders), (0, 0), "{weight}");
    }
}
