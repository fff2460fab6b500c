//! What a plan asks for: cash and budgets handed out leg by leg, one instrument or all of them closed,
//! and what is written down when nothing is traded.

use ballast_domain::kernel::{Command, Cut, Fact, Input, Quotes, Record, SizeAt};
use ballast_domain::market::LaneState;
use ballast_domain::money::{Rate, Weight};
use ballast_domain::orders::{Cause, OrderStatus, Side};
use ballast_domain::risk::Mode;

use crate::kernel_path::flat;
use crate::scenario::{
    A, B, C, Desk, Scripted, Tape, World, dollars, execution, holding, registry, share, units,
    weights,
};

fn three() -> Tape {
    Tape::of_closes(&[&[100.0; 8]; 3].map(|lane| &lane[..]))
}

fn liquidate(d: &mut Desk, instrument: Option<ballast_domain::instrument::InstrumentId>) {
    d.step(Input::Command(&Command::Liquidate {
        instrument,
        reason: "test".into(),
    }));
    d.persist();
}

/// A desk that holds ten of A and four of B.
fn holding_both(tape: &Tape, world: &World, next: Scripted) -> Desk {
    let mut d = Desk::watched(world, next, tape);
    for (n, order) in (1..).zip(d.trade(0)) {
        d.fact(&execution(&order, n, order.quantity.units(), "100"));
    }
    d.persist();
    d
}

#[test]
fn additions_share_the_cash_in_the_order_of_the_instruments() {
    let mut world = World::shares(3);
    world.exchange.opening_cash = dollars("1000");
    world.settings.limits.max_gross = Weight::from_units(5_000_000_000);
    world.settings.limits.max_leverage = Weight::from_units(5_000_000_000);
    let script = Scripted::new([(0, holding(&[(A, 4), (B, 4), (C, 4)]))]);
    let mut d = Desk::new(&world, script, &three());
    let sizes: Vec<_> = d.trade(0).iter().map(|i| i.quantity.units()).collect();
    assert_eq!(sizes, [4, 4, 2]);
    let intents = d.log.intents();
    let cuts: Vec<_> = intents.iter().map(|i| i.cut).collect();
    assert_eq!(cuts, [None, None, Some(Cut::Cash)]);
    assert!(intents.iter().all(|i| i.wanted == units(4)));
}

/// 200 dollars are left for B, and its smallest order is worth as much, or a dollar more.
#[test]
fn what_is_cut_below_the_smallest_order_is_not_placed() {
    for (smallest, placed) in [("200", 2), ("201", 1)] {
        let specs = ["A", "B"].map(|name| {
            let mut spec = share(name);
            spec.min_notional = smallest.parse().unwrap();
            spec
        });
        let mut world = World::new(registry(6, &specs));
        world.exchange.opening_cash = dollars("1000");
        let script = Scripted::new([(0, holding(&[(A, 8), (B, 8)]))]);
        let mut d = Desk::new(&world, script, &flat());
        assert_eq!(d.trade(0).len(), placed, "at least {smallest}");
        if placed == 1 {
            let buy = d.log.intents()[0].intent;
            d.fact(&execution(&buy, 1, 8, "100"));
            let cut = |r: &Record| matches!(r, Record::Residual(r) if r.cut == Some(Cut::Cash));
            assert!(d.log.records.iter().any(cut), "why it is missing");
        }
    }
}

/// B is held and has no part in the rebalance; at its mark of 120 it takes 6,000 of a budget of 90 % of
/// 11,000.
#[test]
fn what_is_held_outside_the_rebalance_takes_its_part_of_the_gross_budget() {
    let tape = Tape::of_closes(&[&[100.0; 4], &[100.0, 120.0, 120.0, 120.0]]);
    let mut world = World::shares(2);
    world.settings.limits.max_gross = Weight::from_units(900_000_000);
    let script = Scripted::new([(0, holding(&[(B, 50)])), (1, holding(&[(A, 80), (B, 50)]))]);
    let mut d = Desk::new(&world, script, &tape);
    let first = d.trade(0).remove(0);
    let Fact::Filled(mut fill) = execution(&first, 1, 50, "100") else {
        unreachable!("an execution")
    };
    fill.fee = dollars("0");
    d.fact(&Fact::Filled(fill));
    let buy = d.trade(1).remove(0);
    assert_eq!((buy.instrument, buy.quantity), (A, units(39)));
    assert_eq!(d.log.intents()[1].cut, Some(Cut::GrossBudget));
}

#[test]
fn a_liquidation_of_one_instrument_leaves_the_others_alone() {
    let script = Scripted::new([(0, holding(&[(A, 10), (B, 4)]))]);
    let mut d = holding_both(&flat(), &World::shares(2), script);
    liquidate(&mut d, Some(A));
    let sold = d.sent();
    assert_eq!(sold.len(), 1);
    assert_eq!(
        (sold[0].instrument, sold[0].side, sold[0].quantity),
        (A, Side::Sell, units(10))
    );
    assert_eq!(d.kernel.mode(A), Mode::ReduceOnly);
    assert_eq!(d.kernel.mode(B), Mode::Active);
}

/// Too little is fresh for a rebalance, and enough to close what is.
#[test]
fn a_liquidation_does_not_wait_for_what_is_stale() {
    let lines = [
        (0, holding(&[(A, 10), (B, 10)])),
        (1, holding(&[(A, 5), (B, 10)])),
    ];
    let tape = flat().without(1, B, LaneState::Hole);
    let mut d = holding_both(&tape, &World::shares(2), Scripted::new(lines));
    assert!(d.trade(1).is_empty(), "half of the gross is stale");
    liquidate(&mut d, None);
    let sold = d.sent();
    assert_eq!(sold.len(), 1);
    assert_eq!((sold[0].instrument, sold[0].quantity), (A, units(10)));
}

/// What is wanted and not held counts like what is held.
#[test]
fn a_target_without_fresh_data_counts_against_the_fresh_share() {
    let tape = flat().without(0, B, LaneState::Hole);
    let world = World::shares(2);
    let script = Scripted::new([(0, weights(&[(A, 0.3), (B, 0.1)]))]);
    let mut d = Desk::new(&world, script, &tape);
    assert!(d.trade(0).is_empty());
    let decided = d.log.records.iter().find_map(|r| match r {
        Record::Decision(d) => Some((d.fresh_share, d.planned)),
        _ => None,
    });
    let (fresh, planned) = decided.unwrap();
    assert!((fresh - 0.75).abs() < 1e-12, "{fresh}");
    assert!(!planned);
}

/// A decision that moves nothing is a hold, or a decision with its idle legs where those are kept.
#[test]
fn a_decision_that_moves_nothing_is_recorded_as_such() {
    for idle in [false, true] {
        let mut world = World::shares(2);
        world.settings.record_idle_legs = idle;
        let same = holding(&[(A, 10), (B, 4)]);
        let script = Scripted::new([(0, same.clone()), (1, same)]);
        let mut d = holding_both(&flat(), &world, script);
        let before = d.log.records.len();
        assert!(d.trade(1).is_empty());
        let kinds: Vec<_> = d.log.records[before..].iter().map(Record::kind).collect();
        let expected: &[_] = if idle {
            &["decision", "leg", "leg"]
        } else {
            &["hold"]
        };
        assert_eq!(kinds, expected);
        let said = |r: &Record| matches!(r, Record::Hold(h) if h.reason.contains("worth a trade"));
        assert_eq!(d.log.records[before..].iter().any(said), !idle);
    }
}

/// Each command that orders something is a cause of its own, also after a restart.
#[test]
fn causes_of_commands_are_counted_across_a_restart() {
    let world = World::shares(2);
    let script = Scripted::new([(0, holding(&[(A, 10), (B, 4)]))]);
    let mut d = holding_both(&flat(), &world, script.clone());
    liquidate(&mut d, Some(A));
    let sold = d.sent().remove(0);
    d.fact(&execution(&sold, 7, 10, "100"));
    d.persist();
    let mut d = d.restarted(&world, script);
    liquidate(&mut d, Some(B));
    let causes = d.log.records.iter().filter_map(|r| match r {
        Record::Decision(d) => Some(d.cause),
        _ => None,
    });
    let causes: Vec<_> = causes.skip(1).collect();
    assert_eq!(causes, [Cause::Operator(1), Cause::Operator(2)]);
}

/// Complete orders beyond the number that is remembered are the journal's business: what the venue
/// still says about them is kept aside.
#[test]
fn as_many_ended_orders_are_remembered_as_the_settings_say() {
    let mut world = World::shares(2);
    world.settings.remembered_orders = 2;
    let lines = (0..6).map(|row| (row, holding(&[(A, 10 + i64::try_from(row).unwrap())])));
    let mut d = Desk::new(&world, Scripted::new(lines), &flat());
    let mut all = Vec::new();
    for row in 0..6 {
        let order = d.trade(row).remove(0);
        let trade = u128::try_from(row).unwrap();
        d.fact(&execution(&order, trade, order.quantity.units(), "100"));
        d.persist();
        all.push(order);
    }
    let known: Vec<_> = d.kernel.orders().map(|o| o.intent.id).collect();
    assert_eq!(known, [all[3].id, all[4].id, all[5].id]);
    assert!(d.kernel.orders().all(|o| o.status() == OrderStatus::Filled));
    // Seen again: known, and said twice.
    d.fact(&execution(&all[3], 3, 1, "100"));
    assert!(d.kernel.orphans().is_empty());
    d.fact(&execution(&all[2], 2, 1, "100"));
    assert_eq!(d.kernel.orphans().len(), 1);
    assert_eq!(d.kernel.account().position(A).quantity, units(15));
}

/// A liquidation uses up no slot: at the instant of a slot, or twice at one instant, with nothing to
/// close, it once left a second record of the same slot, which a journal takes for a slot used twice.
#[test]
fn a_liquidation_of_nothing_uses_up_no_slot() {
    let mut d = Desk::watched(&World::shares(2), Scripted::default(), &flat());
    d.trade(0);
    liquidate(&mut d, None);
    liquidate(&mut d, Some(B));
    let said: Vec<_> = d.log.records.iter().filter_map(Record::once).collect();
    assert_eq!(said.len(), 1, "the slot: {said:?}");
    let reasons = d.log.records.iter().filter_map(|r| match r {
        Record::Mode(m) => Some(m.reason.as_str()),
        _ => None,
    });
    assert_eq!(
        reasons.collect::<Vec<_>>(),
        [
            "liquidation: test",
            "liquidation: test: nothing to close",
            "liquidation: test",
            "liquidation: test: nothing to close",
        ]
    );
}

/// One that waits for an order to end is replaced by the next one, and the record says so.
#[test]
fn a_liquidation_that_is_superseded_is_recorded_as_such() {
    let script = Scripted::new([(0, holding(&[(A, 10)]))]);
    let mut d = Desk::watched(&World::shares(2), script, &flat());
    let bought = d.trade(0).remove(0);
    d.fact(&execution(&bought, 1, 4, "100"));
    d.persist();
    liquidate(&mut d, Some(A));
    liquidate(&mut d, None);
    let superseded = |r: &Record| matches!(r, Record::Mode(m) if m.reason.contains("superseded"));
    assert!(d.log.records.iter().any(superseded));
    let said: Vec<_> = d.log.records.iter().filter_map(Record::once).collect();
    let slots = said.iter().filter(|o| o.to_string().starts_with("slot"));
    assert_eq!(slots.count(), 1, "{said:?}");
    assert!(d.sent().is_empty(), "the purchase has not ended");
    d.fact(&crate::scenario::canceled(&bought));
    d.persist();
    assert_eq!(d.sent().remove(0).quantity, units(4));
}

/// Two bars of lag are two bars.
#[test]
fn a_decision_takes_effect_after_its_lag() {
    for lag in 0..=2 {
        let mut world = World::shares(2);
        world.settings.signal_lag = lag;
        let script = Scripted::new([(1, holding(&[(A, 10)]))]);
        let mut d = Desk::new(&world, script, &flat());
        let sent: Vec<_> = (0..5).map(|row| d.trade(row).len()).collect();
        let expected: Vec<_> = (0..5).map(|row| usize::from(row == 1 + lag)).collect();
        assert_eq!(sent, expected, "lag {lag}");
    }
}

/// A price that is none leaves its lane alone, and the others are traded.
#[test]
fn a_quote_that_is_no_price_is_a_hole() {
    for bad in [
        Some(0.0),
        Some(-1.0),
        Some(f64::NAN),
        Some(f64::INFINITY),
        None,
    ] {
        let mut world = World::shares(2);
        world.settings.size_at = SizeAt::Fill;
        world.settings.min_fresh_share = 0.0;
        let script = Scripted::new([(0, weights(&[(A, 0.5), (B, 0.25)]))]);
        let mut d = Desk::new(&world, script, &flat());
        d.trade(0);
        let prices = [bad, Some(50.0)];
        d.step(Input::Quotes(&Quotes { prices: &prices }));
        d.persist();
        let sent = d.sent();
        assert_eq!(sent.len(), 1, "{bad:?}");
        assert_eq!((sent[0].instrument, sent[0].quantity), (B, units(50)));
        assert_eq!(d.kernel.account().mark(A), 100.0, "the close it had");
        let fresh = d.log.records.iter().find_map(|r| match r {
            Record::Decision(decision) => Some(decision.fresh_share),
            _ => None,
        });
        assert_eq!(fresh, Some(0.25 / 0.75), "{bad:?}: A is not fresh");
        // The next bar has every price again.
        d.fact(&crate::scenario::canceled(&sent[0]));
        d.slice(1);
        let good = [Some(50.0); 2];
        d.step(Input::Quotes(&Quotes { prices: &good }));
        assert_eq!(d.kernel.account().mark(A), 50.0);
    }
}

/// A lane without a bar is fresh again as soon as a quote shows its price.
#[test]
fn a_quote_makes_up_for_a_bar_that_did_not_come() {
    let mut world = World::shares(2);
    world.settings.size_at = SizeAt::Fill;
    let script = Scripted::new([(1, weights(&[(A, 0.5), (B, 0.25)]))]);
    let mut d = Desk::new(&world, script, &flat().without(1, A, LaneState::Hole));
    d.trade(0);
    d.trade(1);
    let prices = [Some(50.0); 2];
    d.step(Input::Quotes(&Quotes { prices: &prices }));
    d.persist();
    let sizes: Vec<_> = d.sent().iter().map(|i| i.quantity).collect();
    assert_eq!(sizes, [units(100), units(50)]);
}

/// What an order of unknown outcome may still cost is not there for the next plan, which buys for the
/// rest instead of asking risk for all of it.
#[test]
fn cash_set_aside_for_an_unknown_order_cuts_the_next_purchase() {
    let script = Scripted::new([
        (0, weights(&[(A, 0.6)])),
        (1, weights(&[(A, 0.6), (B, 0.8)])),
    ]);
    let mut d = Desk::watched(&World::shares(2), script, &flat());
    let bought = d.trade(0).remove(0);
    d.fact(&crate::scenario::unknown(&bought));
    d.persist();
    let sent = d.trade(1);
    let sizes: Vec<_> = sent.iter().map(|i| (i.instrument, i.quantity)).collect();
    assert_eq!(sizes, [(B, units(40))]);
}

/// Fees of 1 % are paid from what is held: 5,000 of A sold and B bought leave (10,000 − 50) / 1.01.
#[test]
fn a_full_allocation_net_of_costs_leaves_room_for_its_fees() {
    let mut world = World::shares(2);
    world.settings.limits.fee_estimate = Rate::from_bps(100);
    world.settings.rebalance.net_of_costs = true;
    world.settings.record_idle_legs = true;
    let script = Scripted::new([(0, holding(&[(A, 50)])), (1, weights(&[(B, 1.0)]))]);
    let mut d = Desk::new(&world, script, &flat());
    let bought = d.trade(0).remove(0);
    let Fact::Filled(mut fill) = execution(&bought, 1, 50, "100") else {
        unreachable!("an execution")
    };
    fill.fee = dollars("0");
    d.fact(&Fact::Filled(fill));
    d.trade(1);
    let wanted = d.log.records.iter().rev().find_map(|r| match r {
        Record::Leg(l) if l.leg.instrument == B => Some((l.leg.target, l.leg.target_value)),
        _ => None,
    });
    assert_eq!(wanted, Some((units(98), dollars("9851.485148"))));
}

/// What is held already is not paid for again: (10,000 + 50) / 1.01 is left.
#[test]
fn a_full_allocation_net_of_costs_pays_only_for_what_is_missing() {
    let mut world = World::shares(2);
    world.settings.limits.fee_estimate = Rate::from_bps(100);
    world.settings.rebalance.net_of_costs = true;
    let script = Scripted::new([(0, holding(&[(A, 50)])), (1, weights(&[(A, 1.0)]))]);
    let mut d = Desk::new(&world, script, &flat());
    let bought = d.trade(0).remove(0);
    let Fact::Filled(mut fill) = execution(&bought, 1, 50, "100") else {
        unreachable!("an execution")
    };
    fill.fee = dollars("0");
    d.fact(&Fact::Filled(fill));
    d.trade(1);
    let wanted = d.log.records.iter().rev().find_map(|r| match r {
        Record::Leg(l) => Some((l.leg.target, l.leg.target_value)),
        _ => None,
    });
    assert_eq!(wanted, Some((units(99), dollars("9950.495049"))));
}

/// The digest that an answer must echo is of what is in the batch.
#[test]
fn batches_that_differ_in_an_order_have_different_digests() {
    let digest = |quantity| {
        let script = Scripted::new([(0, holding(&[(A, quantity)]))]);
        let mut d = Desk::new(&World::shares(2), script, &flat());
        d.slice(0);
        d.batches.back().unwrap().digest
    };
    assert_eq!(digest(10), digest(10));
    assert_ne!(digest(10), digest(11));
    assert_ne!(digest(10), digest(-10));
}
