//! What a kernel takes back from its records: only in order, only once, and as it was.

use ballast_domain::instrument::AssetId;
use ballast_domain::kernel::{
    AdjustmentKind, Command, EventId, Fact, HealthFact, Input, Kernel, SendGate,
};
use ballast_domain::market::SplitRatio;
use ballast_domain::orders::Side;
use ballast_domain::risk::Mode;
use ballast_domain::time::Span;
use std::sync::Arc;

use crate::kernel_path::flat;
use crate::scenario::{
    A, B, Desk, Scripted, Tape, World, accepted, canceled, dollars, execution, holding, units,
};

fn new_kernel(world: &World, desk: &Desk) -> Kernel<Scripted> {
    let settings = desk.kernel.settings().clone();
    let gate = Arc::new(SendGate::new(2));
    Kernel::new(
        world.instruments.clone(),
        settings,
        Scripted::default(),
        gate,
    )
    .unwrap()
}

/// A watched desk that holds ten of A, and its world.
fn holding_ten() -> (World, Desk) {
    let world = World::shares(2);
    let script = Scripted::new([(0, holding(&[(A, 10)]))]);
    let mut d = Desk::watched(&world, script, &flat());
    let bought = d.trade(0).remove(0);
    d.fact(&execution(&bought, 1, 10, "100"));
    d.persist();
    (world, d)
}

#[test]
fn only_a_kernel_that_has_seen_nothing_can_be_restored() {
    let (world, d) = holding_ten();
    let mut kernel = new_kernel(&world, &d);
    assert!(kernel.restore().is_ok());
    let mut effects = ballast_domain::kernel::Effects::new();
    let stepped = HealthFact::ClockStepped { nanos: 1 };
    let mut kernel = new_kernel(&world, &d);
    kernel.step(d.now, Input::Health(&stepped), &mut effects);
    let error = kernel.restore().unwrap_err();
    assert!(error.to_string().contains("only a new kernel"), "{error}");
}

/// Each record leans on those before it: a gap is found where it is.
#[test]
fn records_with_a_gap_are_refused() {
    let (world, d) = holding_ten();
    let place = |kind: &str| d.log.records.iter().position(|r| r.kind() == kind);
    let intent = place("intent").unwrap();
    assert!(place("fill").unwrap() > intent);
    for (missing, twice, words) in [
        (Some(intent), None, "an order that was never wanted"),
        (None, Some(intent), "missing or repeated"),
    ] {
        let mut d = holding_ten().1;
        let order = d.log.intents()[0].intent;
        // A record of an order's status, as every cancel writes one.
        let script = Scripted::new([(0, holding(&[(A, 10)]))]);
        let mut canceling = Desk::watched(&world, script, &flat());
        let sent = canceling.trade(0).remove(0);
        canceling.fact(&accepted(&sent));
        assert_eq!(sent.client_id, order.client_id);
        d.log = canceling.log.clone();
        let mut kernel = new_kernel(&world, &d);
        let mut restore = kernel.restore().unwrap();
        let mut error = None;
        for (i, record) in d.log.records.iter().enumerate() {
            let times = match i {
                i if Some(i) == missing => 0,
                i if Some(i) == twice => 2,
                _ => 1,
            };
            for _ in 0..times {
                error = error.or(restore.record(record).err());
            }
        }
        let error = error.expect("the gap is noticed").to_string();
        assert!(error.contains(words), "{error}");
    }
}

/// A slot that was used up by a hold, or by a decision, is not decided again.
#[test]
fn a_slot_is_used_once_across_a_restart() {
    let world = World::shares(2);
    for script in [
        Scripted::new([(0, holding(&[(A, 10)]))]),
        Scripted::default(),
    ] {
        let mut d = Desk::watched(&world, script.clone(), &flat());
        d.trade(0);
        let mut d = d.restarted(&world, script);
        let before = d.log.records.len();
        d.slice(0);
        assert_eq!(d.log.records.len(), before, "{:?}", d.log.records.last());
        d.slice(1);
        assert!(d.log.records.len() > before, "the next slot is a new one");
    }
}

/// Events of the account are booked once, by their ids, also when the venue lists them again after a
/// restart; corrections by a person have no id and never stand in each other's way.
#[test]
fn an_event_is_booked_once_across_a_restart() {
    let (world, mut d) = holding_ten();
    let split = Fact::Split {
        id: EventId(4),
        instrument: A,
        ratio: SplitRatio { new: 2, old: 1 },
        quantity: units(20),
        cash_in_lieu: dollars("0"),
    };
    let transfer = Fact::Adjusted {
        id: EventId(5),
        kind: AdjustmentKind::Transfer,
        instrument: Some(B),
        asset: AssetId::BASE,
        quantity: units(3),
        amount: dollars("0"),
    };
    let dividend = Fact::Dividend {
        id: EventId(6),
        instrument: A,
        per_unit: "0.5".parse().unwrap(),
        amount: dollars("10"),
    };
    for fact in [&split, &transfer, &dividend] {
        d.fact(fact);
    }
    d.persist();
    let cash = d.kernel.account().cash();
    let again = d.restarted(&world, Scripted::default());
    for mut desk in [d, again] {
        for fact in [&split, &transfer, &dividend] {
            desk.fact(fact);
        }
        assert_eq!(desk.kernel.account().position(A).quantity, units(20));
        assert_eq!(desk.kernel.account().position(B).quantity, units(3));
        assert_eq!(desk.kernel.account().cash(), cash);
        assert!(desk.alerts.is_empty(), "{}", desk.alert_text());
    }
}

/// A dispute outlives the program, and so does its end.
#[test]
fn a_dispute_is_taken_back_with_its_quarantine() {
    let (world, mut d) = holding_ten();
    for _ in 0..3 {
        d.seconds(1);
        let mut report = d.report();
        report.positions[0].1 = units(7);
        d.step(Input::Report(&report));
    }
    d.persist();
    let mut again = d.restarted(&world, Scripted::default());
    let taken: Vec<_> = again.kernel.disputes().collect();
    assert_eq!(taken.len(), 1);
    assert_eq!((taken[0].0, taken[0].1.theirs), (A, units(7)));
    assert!(again.kernel.exposure().has_unknown(A));
    assert_eq!(again.kernel.mode(A), Mode::CancelOnly);
    again.step(Input::Start);
    again.step(Input::Command(&Command::Adopt {
        instrument: A,
        reason: "the venue's statement".into(),
    }));
    again.persist();
    assert_eq!(again.kernel.account().position(A).quantity, units(7));
    let settled = again.restarted(&world, Scripted::default());
    assert_eq!(settled.kernel.disputes().count(), 0);
    assert!(!settled.kernel.exposure().has_unknown(A));
    assert_eq!(settled.kernel.account().position(A).quantity, units(7));
}

/// A rebalance whose end is in the records is not taken up again; one that is not is planned anew.
#[test]
fn only_a_rebalance_without_an_end_is_taken_up_again() {
    for ended in [true, false] {
        let world = World::shares(2);
        let script = Scripted::new([(0, holding(&[(A, 10), (B, 5)]))]);
        let mut d = Desk::watched(&world, script.clone(), &flat());
        let sent = d.trade(0);
        d.fact(&accepted(&sent[0]));
        if ended {
            d.fact(&canceled(&sent[0]));
            d.fact(&canceled(&sent[1]));
            assert_eq!(d.log.residuals(), [(1, A, 10), (1, B, 5)]);
        }
        d.persist();
        let residuals = d.log.residuals().len();
        let mut d = d.restarted(&world, script);
        d.step(Input::Start);
        for order in &sent {
            d.fact(&canceled(order));
        }
        d.now = d.now + Span::from_seconds(1);
        d.agree();
        d.persist();
        assert_eq!(d.log.residuals().len() > residuals, !ended);
        assert_eq!(d.kernel.exposure().open(A, Side::Buy), units(0));
    }
}

/// Four of ten are bought when the program ends and the units are split, two new for one. What is
/// missing then is twelve of twenty, not two of ten: the targets of before the split were kept once.
#[test]
fn a_split_rescales_what_an_interrupted_rebalance_still_wants() {
    for split_before_the_restart in [true, false] {
        let world = World::shares(2);
        let script = Scripted::new([(0, holding(&[(A, 10)]))]);
        let mut d = Desk::watched(&world, script.clone(), &flat());
        let bought = d.trade(0).remove(0);
        d.fact(&accepted(&bought));
        d.fact(&execution(&bought, 1, 4, "100"));
        let split = Fact::Split {
            id: EventId(4),
            instrument: A,
            ratio: SplitRatio { new: 2, old: 1 },
            quantity: units(8),
            cash_in_lieu: dollars("0"),
        };
        if split_before_the_restart {
            d.fact(&split);
        }
        d.persist();
        let mut d = d.restarted(&world, script);
        d.step(Input::Start);
        if !split_before_the_restart {
            d.fact(&split);
        }
        d.fact(&Fact::Canceled {
            client_id: bought.client_id,
            filled: units(8),
            reason: "asked".into(),
        });
        d.now = d.now + Span::from_seconds(1);
        d.agree();
        d.persist();
        assert!(d.sent().is_empty(), "its leg had its order");
        assert_eq!(
            d.log.residuals(),
            [(1, A, 12)],
            "{split_before_the_restart}"
        );
    }
}

/// A start shows the bars first. The split divides the mark of a bar before it, also of one that closes
/// as it takes effect; a mark of a bar after it was divided once more.
#[test]
fn a_split_that_is_taken_back_divides_no_mark_of_the_new_units() {
    let world = World::shares(1);
    let prices: [(f64, f64); 4] = [(100.0, 100.0), (100.0, 100.0), (50.0, 50.0), (50.0, 50.0)];
    let script = Scripted::new([(0, holding(&[(A, 10)]))]);
    let mut d = Desk::watched(&world, script, &Tape::new(&[&prices]));
    let bought = d.trade(0).remove(0);
    d.fact(&execution(&bought, 1, 10, "100"));
    d.slice(1);
    d.fact(&Fact::Split {
        id: EventId(4),
        instrument: A,
        ratio: SplitRatio { new: 2, old: 1 },
        quantity: units(20),
        cash_in_lieu: dollars("0"),
    });
    d.persist();
    assert_eq!(d.now, d.panel.slice(1).unwrap().time());
    assert_eq!(d.kernel.account().mark(A), 50.0);
    for bars in [2, 3] {
        let mut kernel = new_kernel(&world, &d);
        for row in 0..bars {
            kernel.warm(&d.panel.slice(row).unwrap());
        }
        let mut restore = kernel.restore().unwrap();
        for record in &d.log.records {
            restore.record(record).unwrap();
        }
        restore.finish().unwrap();
        assert_eq!(kernel.account().mark(A), 50.0, "{bars} bars");
        assert_eq!(kernel.account().equity(), d.kernel.account().equity());
    }
}
