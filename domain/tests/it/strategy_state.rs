//! Killed at any bar and restored, every strategy goes on as if nothing had happened.

use std::sync::Arc;

use ballast_domain::instrument::Instruments;
use ballast_domain::kernel::{Kernel, Record, SendGate};
use ballast_domain::market::Panel;
use ballast_domain::simulation::{self, BarClose, Exchange, Sink};
use ballast_domain::strategies::{
    BreakoutInverseVolatility, BreakoutParameters, EqualWeightHold, EqualWeightParameters,
};
use ballast_domain::strategy::{Decision, State, Strategy};

use crate::panels::{eventful_walk, shares};
use crate::roster::{ROSTER, run};
use crate::scenario::{World, dollars};

const BARS: usize = 300;

#[test]
fn a_kill_at_every_bar_changes_no_later_decision() {
    for (label, make) in ROSTER {
        let (instruments, panel) = eventful_walk(11, BARS, None);
        let mut states: Vec<State> = Vec::new();
        let mut strategy = make(&instruments);
        let whole = run(&mut strategy, &instruments, &panel, 0..BARS, |_, s| {
            states.push(s.save());
        });
        let acts = whole
            .iter()
            .filter(|d| !matches!(d, Decision::Hold(_)))
            .count();
        assert!(
            acts >= 3,
            "{label} decides {acts} times: too few to prove anything"
        );
        let mut amnesia_shows = 0;
        for (row, state) in states.iter().enumerate() {
            // As a journal keeps it.
            let text = serde_json::to_string(state).unwrap();
            let mut restored = make(&instruments);
            restored
                .restore(&serde_json::from_str(&text).unwrap())
                .unwrap();
            assert_eq!(&restored.save(), state, "{label}, row {row}");
            let rest = row + 1..BARS;
            let later = run(&mut restored, &instruments, &panel, rest.clone(), |_, _| ());
            assert!(
                later == whole[row + 1..],
                "{label} differs after a kill at row {row}"
            );
            assert_eq!(
                &restored.save(),
                states.last().unwrap(),
                "{label}, row {row}"
            );
            let mut fresh = make(&instruments);
            let forgetful = run(&mut fresh, &instruments, &panel, rest, |_, _| ());
            amnesia_shows += usize::from(forgetful != whole[row + 1..]);
        }
        // Without the restore the comparison above fails, so it does compare something.
        assert!(amnesia_shows > BARS / 2, "{label}: {amnesia_shows}");
    }
}

#[test]
fn a_state_is_taken_by_its_own_strategy_alone() {
    let instruments = shares(5);
    let states: Vec<State> = ROSTER
        .iter()
        .map(|(_, make)| make(&instruments).save())
        .collect();
    for (i, (label, make)) in ROSTER.iter().enumerate() {
        for (j, state) in states.iter().enumerate() {
            let mut strategy = make(&instruments);
            let taken = strategy.restore(state);
            assert_eq!(
                taken.is_ok(),
                i == j,
                "{label} from {}: {taken:?}",
                ROSTER[j].0
            );
            assert_eq!(
                strategy.save(),
                states[i],
                "{label}: a refused restore changed it"
            );
        }
    }
}

/// ERR-11: a state of another strategy, parameter or instrument is refused with both named.
#[test]
fn err_11_a_foreign_state_teaches() {
    let breakout = |parameters: &BreakoutParameters, lanes: usize| {
        BreakoutInverseVolatility::new(parameters, &shares(lanes)).unwrap()
    };
    let usual = BreakoutParameters::default();
    let other = BreakoutParameters {
        cap: 0.3,
        ..usual.clone()
    };
    let state = breakout(&usual, 2).save();
    let equal = EqualWeightHold::new(&EqualWeightParameters::default(), &shares(2)).unwrap();
    let mut cut = state.clone();
    cut.words.pop();
    let mut long = state.clone();
    long.words.push(0);
    for (mut strategy, state, text) in [
        (
            breakout(&usual, 2),
            equal.save(),
            "saved state belongs to strategy 'equal_weight', not to 'breakout'; \
             hint: restore each strategy from the state it saved itself",
        ),
        (
            breakout(&other, 2),
            state.clone(),
            "saved state was made with cap 0.4, this one has 0.3 (strategy = breakout); \
             hint: restore with the parameters and instruments it was saved with, or warm up again",
        ),
        (
            breakout(&usual, 3),
            state.clone(),
            "saved state was made with lanes 2, this one has 3; \
             hint: restore with the parameters it was saved with, or warm up again",
        ),
        (
            breakout(&usual, 2),
            long,
            "saved state is longer than expected (words_left = 1, words = WORDS); \
             hint: the state is damaged or belongs to something else; warm up again",
        ),
    ] {
        let text = text.replace("WORDS", &state.words.len().to_string());
        assert_eq!(strategy.restore(&state).unwrap_err().to_string(), text);
    }
    let e = breakout(&usual, 2).restore(&cut).unwrap_err().to_string();
    assert!(e.starts_with("saved state ends too early"), "{e}");
}

#[test]
fn a_damaged_state_is_refused_and_changes_nothing() {
    let (instruments, panel) = eventful_walk(5, 80, None);
    for (label, make) in ROSTER {
        let mut strategy = make(&instruments);
        run(&mut strategy, &instruments, &panel, 0..80, |_, _| ());
        let before = strategy.save();
        let words = before.words.len();
        for kept in (0..words).step_by(words.div_ceil(97)) {
            let cut = State {
                words: before.words[..kept].to_vec(),
            };
            assert!(
                strategy.restore(&cut).is_err(),
                "{label} took {kept} of {words} words"
            );
            assert_eq!(strategy.save(), before, "{label}");
        }
    }
}

/// SEC-14: a kernel that records its strategy's memory leaves a JSON snapshot with every slot; a fresh
/// strategy that takes the snapshot before a decision and is shown the bars since decides the same, byte
/// for byte. Without the snapshot it does not.
#[test]
fn sec_14_a_recorded_snapshot_reproduces_its_decision_byte_for_byte() {
    for (label, make) in ROSTER {
        let (instruments, panel) = eventful_walk(11, BARS, None);
        let records = recorded(make(&instruments), &instruments, &panel);
        let mut snapshots: Vec<(usize, String)> = Vec::new();
        let (mut decided, mut differs) = (0, 0);
        for record in &records {
            match record {
                Record::State(r) => {
                    let row = panel.close_times().partition_point(|t| *t < r.time);
                    // As a journal keeps it.
                    snapshots.push((row, serde_json::to_string(&r.state).unwrap()));
                }
                Record::Decision(r) => {
                    let slot = panel.close_times().partition_point(|t| *t < r.slot);
                    let before = snapshots.iter().rev().find(|(row, _)| *row < slot);
                    let mut restored = make(&instruments);
                    let mut from = 0;
                    if let Some((row, text)) = before {
                        restored
                            .restore(&serde_json::from_str(text).unwrap())
                            .unwrap();
                        from = row + 1;
                    }
                    let again = run(
                        &mut restored,
                        &instruments,
                        &panel,
                        from..slot + 1,
                        |_, _| (),
                    );
                    let bytes = |d: &Decision| serde_json::to_string(d).unwrap();
                    let last = bytes(again.last().unwrap());
                    assert_eq!(last, bytes(&r.decision), "{label}, decision {}", r.number);
                    let mut fresh = make(&instruments);
                    let without = run(&mut fresh, &instruments, &panel, from..slot + 1, |_, _| ());
                    differs += usize::from(bytes(without.last().unwrap()) != last);
                    decided += 1;
                }
                _ => {}
            }
        }
        assert!(decided >= 3, "{label}: {decided}");
        // Weights of a window are read from the bars; what entered when is memory.
        assert!(
            !label.starts_with("breakout") || differs * 2 >= decided,
            "{label}: {differs}"
        );
    }
}

/// The records of a run whose kernel writes down every slot and its strategy's memory.
fn recorded(strategy: Box<dyn Strategy>, instruments: &Instruments, panel: &Panel) -> Vec<Record> {
    #[derive(Default)]
    struct Kept(Vec<Record>);

    impl Sink for Kept {
        fn records(&mut self, records: &[Record]) -> ballast_domain::Result<()> {
            self.0.extend_from_slice(records);
            Ok(())
        }

        fn bar(&mut self, _: &BarClose<'_>) -> ballast_domain::Result<()> {
            Ok(())
        }
    }

    let mut world = World::new(instruments.clone()).on_margin();
    world.exchange.opening_cash = dollars("1000000");
    world.settings.record_state = true;
    world.settings.record_holds = true;
    world.settings.record_idle_legs = true;
    let gate = Arc::new(SendGate::new(1));
    let mut kernel = Kernel::new(instruments.clone(), world.settings, strategy, gate).unwrap();
    let mut exchange = Exchange::with_rules(instruments.clone(), world.exchange, world.rules);
    let mut kept = Kept::default();
    simulation::run(&mut kernel, &mut exchange, panel, &mut kept).unwrap();
    kept.0
}
