//! One kernel, several drivers: what they decide, order and get is the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ballast_domain::instrument::InstrumentId;
use ballast_domain::kernel::{Fact, Record};
use ballast_domain::market::Fields;
use ballast_domain::strategy::{
    Decision, Requirements, Slot, State, Strategy, Target, Targets, View,
};
use ballast_testkit::simworld::parity::{self, CONFIGS, Story, backtest, replay, session, tapes};
use ballast_testkit::simworld::tape::Told;
use ballast_testkit::simworld::{Lockstep, Plan, Planted};

/// Seeds of the delays, each config.
const DELAYS: u64 = 20;
/// Seed of the market and of what the strategy wants.
const SEED: u64 = 11;

fn plan(lockstep: Lockstep, delays: u64) -> Plan {
    Plan::in_lockstep(SEED, Lockstep { delays, ..lockstep })
}

fn same(
    name: &str,
    delays: u64,
    theirs: &Story,
    bug: Option<Planted>,
    plan: &Plan,
) -> Option<String> {
    match session(plan, bug) {
        Ok(ours) => ours.difference(theirs),
        Err(violation) => panic!("{name}, delays {delays}: {violation:?}"),
    }
}

/// EXE-23: limits with a deadline and a last resort are one of the configs.
///
/// From market data, config and seed alone the backtest driver and a session whose journal takes up
/// to 50 ms a write decide, order and get the same: four configs, three of them with partial fills.
#[test]
fn a_backtest_and_a_session_decide_order_and_get_the_same() {
    for (name, lockstep) in CONFIGS {
        let tested = backtest(&plan(lockstep, 0), None).expect("a backtest");
        println!(
            "{name}: {} decisions, {} orders, {} fills, {} of them partial",
            tested.decided(),
            tested.orders.len(),
            tested.fills.len(),
            tested.partial
        );
        assert!(
            tested.orders.len() > 50 && tested.fills.len() > 50,
            "{name}"
        );
        let market = tested.orders.iter().filter(|r| is_last_resort(r)).count();
        assert_eq!(market > 5, lockstep.through_bar, "{name}: {market}");
        assert_eq!(
            tested.partial > 0,
            lockstep.participation_bps.is_some(),
            "{name}"
        );
        for delays in 0..DELAYS {
            let difference = same(name, delays, &tested, None, &plan(lockstep, delays));
            assert_eq!(difference, None, "{name}, delays {delays}");
        }
    }
}

/// A feed that does not wait for what is on its way is found in every config.
#[test]
fn a_feed_that_waits_for_nobody_is_found() {
    for (name, lockstep) in CONFIGS {
        let tested = backtest(&plan(lockstep, 0), None).expect("a backtest");
        let hurried = session(&plan(lockstep, 0), Some(Planted::FeedHurries));
        let found = hurried.map_or(true, |story| story.difference(&tested).is_some());
        assert!(found, "{name}");
    }
}

/// A kernel whose plans depend on when writes become durable is found in every config; needs
/// `--features planted`.
#[cfg(feature = "planted")]
#[test]
fn a_dependence_on_the_arrival_of_writes_is_found() {
    let bug = Some(Planted::Kernel(
        ballast_domain::kernel::Bug::DecidesByPersisted,
    ));
    for (name, lockstep) in CONFIGS {
        let found = (0..DELAYS).filter(|delays| {
            let tested = backtest(&plan(lockstep, *delays), bug).expect("a backtest");
            same(name, *delays, &tested, bug, &plan(lockstep, *delays)).is_some()
        });
        let found = found.count();
        println!("{name}: {found} of {DELAYS} sessions differ");
        assert!(found > 0, "{name}");
    }
}

/// A tape of every input gives the same effects in a fresh kernel: of each process of days with
/// crashes, kills, a failing disk and a lying venue, restarts included.
#[test]
fn tapes_of_bad_days_replay_to_the_same_effects() {
    let (mut restarts, mut inputs) = (0, 0);
    for seed in 0..4 {
        let plan = Plan::from_seed(seed);
        for (n, tape) in tapes(&plan).iter().enumerate() {
            let again = replay(&plan, tape).expect("a replay");
            assert_eq!(again, tape.effects(), "seed {seed}, process {n}");
            restarts += usize::from(!tape.restored.is_empty());
            inputs += tape.inputs.len();
        }
    }
    println!("{inputs} inputs, {restarts} tapes begin with a restart");
    assert!(restarts >= 4 && inputs > 10_000, "{restarts} {inputs}");
}

/// A tape with an input that comes at another time, with a fact or an answer of the journal left out,
/// or with another price has other effects.
#[test]
fn a_changed_tape_gives_other_effects() {
    let plan = plan(CONFIGS[2].1, 0);
    let tape = tapes(&plan).pop().expect("one process");
    assert_eq!(replay(&plan, &tape).expect("a replay"), tape.effects());
    let mut changes = 0;
    for n in (0..tape.inputs.len()).step_by(101) {
        let mut without = tape.clone();
        without.inputs.remove(n);
        let mut later = tape.clone();
        later.inputs[n].0 = later.inputs[n].0 + ballast_domain::time::Span::from_days(2);
        // A bar between two slots is forgotten with the next one.
        let matters = matches!(tape.inputs[n].1, Told::Fact(_) | Told::Persisted(_));
        for changed in [Some(later), matters.then_some(without)]
            .into_iter()
            .flatten()
        {
            changes += 1;
            let effects = replay(&plan, &changed).expect("a replay");
            assert_ne!(effects, tape.effects(), "input {n}: {:?}", tape.inputs[n]);
        }
    }
    let fill = tape.inputs.iter().position(
        |(_, told)| matches!(told, Told::Fact(fact) if matches!(**fact, Fact::Filled(_))),
    );
    let mut other = tape.clone();
    if let Told::Fact(fact) = &mut other.inputs[fill.expect("a fill")].1
        && let Fact::Filled(fill) = fact.as_mut()
    {
        fill.price += ballast_domain::money::Price::from_units(1);
    }
    assert_ne!(replay(&plan, &other).expect("a replay"), tape.effects());
    assert!(changes > 20, "{changes}");
}

/// Wants what the inputs say, and now and then what a counter says that outlives the kernel.
#[derive(Debug)]
struct Moody {
    asked: Arc<AtomicU64>,
    moody: bool,
}

impl Strategy for Moody {
    fn name(&self) -> &str {
        "moody"
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

    fn decide(&mut self, slot: Slot, _: &View<'_>) -> Decision {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        let mood = if self.moody { asked % 7 } else { 0 };
        let minute = slot.time.nanos() / 60_000_000_000 % 5;
        let weight = 0.1 + 0.01 * (minute as f64 + mood as f64);
        let targets = Targets::new().with(InstrumentId(0), Target::Weight(weight));
        Decision::Targets(targets, "moody".into())
    }

    fn save(&self) -> State {
        State { words: Vec::new() }
    }

    fn restore(&mut self, _: &State) -> ballast_domain::Result<()> {
        Ok(())
    }
}

/// The tape of a backtest and its replay, and the same where a counter outside of all inputs plays a
/// part.
fn taped(moody: bool) -> (u64, u64) {
    let plan = plan(CONFIGS[0].1, 0);
    let asked = Arc::new(AtomicU64::new(0));
    let strategy = || Moody {
        asked: Arc::clone(&asked),
        moody,
    };
    let deck = parity::taped_backtest(&plan, strategy()).expect("a backtest");
    assert!(deck.inputs.len() > 250, "{}", deck.inputs.len());
    let again = parity::replay_backtest(&plan, strategy(), &deck).expect("a replay");
    (deck.effects(), again)
}

/// A tape of a backtest replays to the same effects, and what is no function of the inputs is found.
#[test]
fn a_backtest_replays_from_its_tape_and_hidden_state_is_found() {
    let (tape, again) = taped(false);
    assert_eq!(tape, again);
    let (tape, again) = taped(true);
    assert_ne!(tape, again);
}

fn is_last_resort(record: &Record) -> bool {
    matches!(record, Record::Intent(r) if r.last_resort)
}
