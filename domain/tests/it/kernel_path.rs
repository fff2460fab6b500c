//! The order path of the kernel, stepped by hand: durable before sent, facts joined in any order,
//! nothing released that is not proven.

use ballast_domain::instrument::{AssetId, InstrumentId};
use ballast_domain::kernel::{
    BatchId, Command, Fact, HealthFact, Input, Query, Quotes, Record, Session, VenueReport,
};
use ballast_domain::market::LaneState;
use ballast_domain::money::{Cash, Weight};
use ballast_domain::orders::{ClientOrderId, OrderStatus, Side, TimeInForce};
use ballast_domain::risk::{Control, Mode, ModeScope};
use ballast_domain::strategy::Target;
use ballast_domain::time::Span;

use crate::scenario::{
    A, B, C, Desk, Scripted, Tape, World, accepted, assert_nothing_set_aside, canceled, close_of,
    dollars, execution, holding, targets, units, weights,
};

/// Two lanes at 100 for some days.
pub(crate) fn flat() -> Tape {
    Tape::of_closes(&[&[100.0; 8], &[100.0; 8]])
}

pub(crate) fn desk(script: Scripted) -> Desk {
    Desk::new(&World::shares(2), script, &flat())
}

pub(crate) fn buying_ten() -> Desk {
    desk(Scripted::new([(0, holding(&[(A, 10)]))]))
}

pub(crate) fn mode(scope: ModeScope, mode: Mode) -> Command {
    Command::SetMode {
        scope,
        mode,
        reason: "test".into(),
    }
}

#[test]
fn nothing_is_sent_before_its_batch_is_durable() {
    let mut d = buying_ten();
    d.slice(0);
    assert_eq!(d.kernel.counts().intents, 1);
    assert!(d.permits.is_empty());
    assert!(!d.kernel.is_quiescent());
    d.persist();
    let sent = d.sent();
    assert_eq!((sent.len(), sent[0].quantity), (1, units(10)));
    let c = d.kernel.counts();
    assert_eq!((c.intents, c.verdicts, c.permits, c.denied), (1, 1, 1, 0));
}

#[test]
fn an_answer_to_another_batch_halts_and_sends_nothing() {
    for spoil in [
        |id: BatchId| BatchId {
            sequence: id.sequence + 1,
            ..id
        },
        |id: BatchId| BatchId {
            digest: id.digest ^ 1,
            ..id
        },
    ] {
        let mut d = buying_ten();
        d.slice(0);
        let right = d.batches.pop_front().unwrap();
        let before = d.log.records.len();
        d.step(Input::Persisted(spoil(right)));
        assert!(d.permits.is_empty());
        assert!(
            d.alert_text().contains("a batch that was not next"),
            "{}",
            d.alert_text()
        );
        assert_eq!(d.kernel.mode(A), Mode::Halted);
        assert_eq!(
            d.log.records.len(),
            before + 1,
            "the mode is recorded once: {:?}",
            &d.log.records[before..]
        );
        // The right answer, late: the order ends as not sent and frees what it held.
        d.step(Input::Persisted(right));
        d.persist();
        assert!(d.permits.is_empty());
        assert_nothing_set_aside(&d.kernel);
        assert!(d.kernel.is_quiescent());
        let id = d.log.intents()[0].intent.client_id;
        assert_eq!(d.log.statuses(id), [OrderStatus::NotSent]);
    }
}

#[test]
fn an_answer_counts_once() {
    let mut d = buying_ten();
    d.slice(0);
    let id = d.batches.pop_front().unwrap();
    d.step(Input::Persisted(id));
    d.step(Input::Persisted(id));
    assert_eq!(d.permits.len(), 1);
    assert_eq!(d.kernel.mode(A), Mode::Halted);
}

#[test]
fn a_mode_tightened_while_the_batch_is_written_keeps_the_order_home() {
    for tighten in [Mode::ReduceOnly, Mode::CancelOnly, Mode::Halted] {
        let mut d = buying_ten();
        d.slice(0);
        assert_eq!(d.kernel.exposure().open(A, Side::Buy), units(10));
        assert_eq!(d.kernel.exposure().reserved_cash(), dollars("1000"));
        d.step(Input::Command(&mode(ModeScope::Instrument(A), tighten)));
        d.persist();
        assert!(d.permits.is_empty(), "{tighten:?}");
        let id = d.log.intents()[0].intent.client_id;
        assert_eq!(d.log.statuses(id), [OrderStatus::NotSent]);
        assert_nothing_set_aside(&d.kernel);
        assert!(d.kernel.is_quiescent());
        assert_eq!(d.log.residuals(), [(1, A, 10)]);
    }
}

#[test]
fn a_reduction_passes_reduce_only_and_an_addition_does_not() {
    let script = Scripted::new([(0, holding(&[(A, 10)])), (1, holding(&[(A, 4), (B, 3)]))]);
    let mut d = desk(script);
    let buy = d.trade(0)[0];
    d.fact(&execution(&buy, 1, 10, "100"));
    d.step(Input::Command(&mode(ModeScope::Account, Mode::ReduceOnly)));
    let sent = d.trade(1);
    assert_eq!((sent.len(), sent[0].side), (1, Side::Sell));
    d.fact(&execution(&sent[0], 2, 6, "100"));
    d.persist();
    assert!(d.sent().is_empty(), "the addition is denied");
    let denied = &d.log.intents()[2];
    assert_eq!(
        denied.verdict.denied_by().collect::<Vec<_>>(),
        [Control::Mode]
    );
    assert_nothing_set_aside(&d.kernel);
}

#[test]
fn in_reduce_only_an_order_larger_than_what_is_left_stays_home() {
    let lines = [(0, 10), (1, 5), (2, 0)].map(|(row, n)| (row, holding(&[(A, n)])));
    let mut d = desk(Scripted::new(lines));
    let buy = d.trade(0)[0];
    d.fact(&execution(&buy, 1, 10, "100"));
    let sell = d.trade(1)[0];
    d.fact(&canceled(&sell));
    d.persist();
    d.slice(2);
    assert_eq!(d.kernel.exposure().open(A, Side::Sell), units(10));
    // While the sale of ten is written, a late fill of the sale before it leaves seven.
    d.fact(&execution(&sell, 2, 3, "100"));
    d.step(Input::Command(&mode(ModeScope::Account, Mode::ReduceOnly)));
    d.persist();
    assert!(d.permits.is_empty());
    assert_nothing_set_aside(&d.kernel);
}

#[test]
fn denied_orders_get_no_permit_and_become_residuals() {
    let mut world = World::shares(2);
    world.settings.limits.max_order_notional = Some(dollars("500"));
    let script = Scripted::new([(0, holding(&[(A, 10), (B, 5)]))]);
    let mut d = Desk::new(&world, script, &flat());
    let sent = d.trade(0);
    assert_eq!(sent.iter().map(|i| i.instrument).collect::<Vec<_>>(), [B]);
    let c = d.kernel.counts();
    assert_eq!((c.intents, c.verdicts, c.denied, c.permits), (2, 2, 1, 1));
    d.fact(&execution(&sent[0], 1, 5, "100"));
    assert_eq!(d.log.residuals(), [(1, A, 10)]);
}

#[test]
fn client_order_ids_are_used_once() {
    let lines = (0..8_usize).map(|i| {
        let n = i64::try_from(i).unwrap();
        (
            i,
            holding(&[(A, 5 + n % 2 * 5), (B, 10 - n % 2 * 5), (C, 3 + n)]),
        )
    });
    let tape = Tape::of_closes(&[&[100.0; 9], &[100.0; 9], &[100.0; 9]]);
    let run = World::shares(3).run(Scripted::new(lines), &tape).well();
    let intents = run.log.intents();
    let mut ids: Vec<ClientOrderId> = intents.iter().map(|i| i.intent.client_id).collect();
    assert!(ids.len() > 20, "{}", ids.len());
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), intents.len());
    let numbers: Vec<u64> = intents.iter().map(|i| i.intent.id.0).collect();
    assert_eq!(
        numbers,
        (0..u64::try_from(intents.len()).unwrap()).collect::<Vec<_>>()
    );
}

#[test]
fn time_running_backwards_is_refused_and_halts() {
    let mut d = buying_ten();
    d.slice(1);
    d.now = close_of(0);
    let panel = d.panel.clone();
    d.step(Input::Slice(&panel.slice(0).unwrap()));
    assert!(d.alert_text().contains("time ran backwards"));
    assert_eq!(d.kernel.mode(A), Mode::Halted);
    assert_eq!(d.kernel.counts().intents, 0, "the slice was not taken");
    assert_eq!(d.kernel.now(), close_of(1));
    assert_eq!(
        d.log
            .records
            .iter()
            .filter(|r| matches!(r, Record::Mode(_)))
            .count(),
        1
    );
}

#[test]
fn a_newer_decision_takes_back_what_works_and_plans_anew() {
    let script = Scripted::new([(0, holding(&[(A, 50)])), (1, holding(&[(B, 60)]))]);
    let mut d = desk(script);
    let a = d.trade(0)[0];
    d.fact(&accepted(&a));
    d.fact(&execution(&a, 1, 20, "100"));
    assert_eq!(d.kernel.exposure().reserved_cash(), dollars("3000"));
    assert!(d.trade(1).is_empty(), "first the old order must end");
    assert_eq!(d.cancels, [a.client_id]);
    d.fact(&canceled(&a));
    d.persist();
    // Now the new decision: A is closed, then B is bought.
    let sell = d.sent()[0];
    assert_eq!(
        (sell.instrument, sell.side, sell.quantity),
        (A, Side::Sell, units(20))
    );
    d.fact(&execution(&sell, 2, 20, "100"));
    d.persist();
    let buy = d.sent()[0];
    assert_eq!((buy.instrument, buy.quantity), (B, units(60)));
    d.fact(&execution(&buy, 3, 60, "100"));
    d.persist();
    assert!(d.kernel.is_quiescent());
    assert_nothing_set_aside(&d.kernel);
    assert_eq!(d.log.residuals(), [(1, A, 30)]);
}

#[test]
fn a_superseded_decision_places_nothing_more() {
    // The second decision still has B to buy when the third comes and its sale is taken back.
    let script = Scripted::new([
        (0, holding(&[(A, 20)])),
        (1, holding(&[(A, 10), (B, 10)])),
        (2, holding(&[(A, 20)])),
    ]);
    let mut d = desk(script);
    let a = d.trade(0)[0];
    d.fact(&execution(&a, 1, 20, "100"));
    let sell = d.trade(1)[0];
    d.slice(2);
    d.fact(&canceled(&sell));
    d.persist();
    assert!(d.sent().is_empty(), "the third decision wants what is held");
    assert!(d.kernel.is_quiescent());
    assert_eq!(d.log.residuals(), [(2, A, -10), (2, B, 10)]);
}

#[test]
fn an_order_whose_batch_is_still_written_is_not_sent_once_a_newer_decision_came() {
    let script = Scripted::new([(0, holding(&[(A, 50)])), (1, holding(&[(B, 60)]))]);
    let mut d = desk(script);
    d.slice(0);
    let first = d.batches.pop_front().unwrap();
    d.slice(1);
    d.step(Input::Persisted(first));
    assert!(
        d.permits.is_empty(),
        "the old order must not leave any more"
    );
    d.persist();
    let sent = d.sent();
    assert_eq!(sent.iter().map(|i| i.instrument).collect::<Vec<_>>(), [B]);
    assert!(d.cancels.is_empty(), "nothing was there to take back");
    d.fact(&execution(&sent[0], 1, 60, "100"));
    d.persist();
    assert!(d.kernel.is_quiescent());
    assert_nothing_set_aside(&d.kernel);
}

#[test]
fn a_late_fill_of_a_superseded_order_counts_in_the_new_plan() {
    let script = Scripted::new([(0, holding(&[(A, 50)])), (1, holding(&[(A, 10)]))]);
    let mut d = desk(script);
    let a = d.trade(0)[0];
    d.slice(1);
    // The cancel came too late.
    d.fact(&execution(&a, 1, 50, "100"));
    d.persist();
    let sell = d.sent()[0];
    assert_eq!((sell.side, sell.quantity), (Side::Sell, units(40)));
    // The cancel's own answer changes nothing.
    d.fact(&canceled(&a));
    assert_eq!(d.kernel.account().position(A).quantity, units(50));
}

/// What was refused once under a decision is not tried again.
#[test]
fn each_leg_gets_one_order_a_direction_under_a_decision() {
    let mut d = desk(Scripted::new([(0, holding(&[(A, 10), (B, 10)]))]));
    let sent = d.trade(0);
    for order in &sent {
        d.fact(&Fact::Rejected {
            client_id: order.client_id,
            reason: "test".into(),
        });
    }
    d.persist();
    assert!(d.sent().is_empty());
    assert!(d.kernel.is_quiescent());
    assert_eq!(d.kernel.counts().intents, 2);
    assert_eq!(d.log.residuals(), [(1, A, 10), (1, B, 10)]);
    assert_nothing_set_aside(&d.kernel);
}

#[test]
fn the_number_of_plans_under_a_decision_is_bounded() {
    // Flat → sell A, then buy B; and A is oversold by a fill nobody ordered, so that a third plan
    // would have something to do.
    let script = Scripted::new([(0, holding(&[(A, 20)])), (1, holding(&[(A, 10), (B, 10)]))]);
    for (max_plans, plans) in [(2, 2), (5, 3)] {
        let mut world = World::shares(2);
        world.settings.max_plans = max_plans;
        let mut d = Desk::new(&world, script.clone(), &flat());
        let a = d.trade(0)[0];
        d.fact(&execution(&a, 1, 20, "100"));
        let sell = d.trade(1)[0];
        d.fact(&execution(&sell, 2, 10, "100"));
        d.persist();
        let buy = d.sent()[0];
        assert_eq!(buy.instrument, B);
        // A second execution of the ended sale leaves less of A than wanted.
        d.fact(&execution(&sell, 3, 4, "100"));
        d.fact(&execution(&buy, 4, 10, "100"));
        d.step(Input::Command(&mode(
            ModeScope::Instrument(A),
            Mode::Active,
        )));
        d.persist();
        let last = d.log.intents().last().unwrap().intent.client_id.plan;
        assert_eq!(last, plans, "max_plans {max_plans}");
    }
}

#[test]
fn a_killed_gate_makes_every_later_permit_worthless_until_a_person_releases() {
    let script =
        Scripted::new((0..6).map(|i| (i, holding(&[(A, 10 + i64::try_from(i).unwrap())]))));
    let mut d = desk(script);
    // Killed while the batch is being written: the permit is minted after the kill.
    d.slice(0);
    d.gate.kill();
    d.persist();
    let permit = d.permits.pop().unwrap();
    let back = permit.redeem(&d.gate, d.now).unwrap_err();
    d.fact(&Fact::NotSent {
        client_id: back.intent().client_id,
        reason: "killed".into(),
    });
    d.persist();
    // The kernel has not heard of it yet: still nothing leaves.
    d.slice(1);
    d.persist();
    let permit = d.permits.pop().unwrap();
    let back = permit.redeem(&d.gate, d.now).unwrap_err();
    d.fact(&Fact::NotSent {
        client_id: back.intent().client_id,
        reason: "killed".into(),
    });
    d.persist();
    // It hears: halted, no permit at all.
    d.step(Input::Health(&HealthFact::Killed {
        reason: "test".into(),
    }));
    d.slice(2);
    d.persist();
    assert!(d.permits.is_empty());
    assert_eq!(d.kernel.mode(A), Mode::Halted);
    // A person releases.
    d.step(Input::Command(&mode(ModeScope::Account, Mode::Active)));
    let sent = d.trade(3);
    assert_eq!(sent.len(), 1);
    assert_nothing_after(&mut d, &sent[0]);
}

fn assert_nothing_after(d: &mut Desk, order: &ballast_domain::orders::Intent) {
    d.fact(&canceled(order));
    d.persist();
    assert_nothing_set_aside(&d.kernel);
}

#[test]
fn a_writer_that_was_superseded_sends_nothing_more() {
    let mut d = desk(Scripted::new([
        (0, holding(&[(A, 10)])),
        (1, holding(&[(A, 20)])),
    ]));
    d.gate.supersede_writer(2);
    d.slice(0);
    d.persist();
    let permit = d.permits.pop().unwrap();
    assert!(permit.redeem(&d.gate, d.now).is_err());
}

#[test]
fn a_permit_expires() {
    let mut world = World::shares(2);
    world.settings.permit_lifetime = Span::from_seconds(60);
    let script = Scripted::new([(0, holding(&[(A, 10)]))]);
    let mut d = Desk::new(&world, script, &flat());
    d.slice(0);
    d.persist();
    let permit = d.permits.pop().unwrap();
    assert_eq!(permit.expires_at(), close_of(0) + Span::from_seconds(60));
    assert!(
        permit
            .redeem(&d.gate, close_of(0) + Span::from_seconds(61))
            .is_err()
    );
}

/// I-82: automatic logic tightens, only a command releases.
#[test]
fn health_tightens_and_a_command_releases() {
    let mut d = buying_ten();
    for (fact, expected) in [
        (HealthFact::ClockStepped { nanos: 1 }, Mode::ReduceOnly),
        (HealthFact::ExecutionReportsDown, Mode::CancelOnly),
        (HealthFact::ClockStepped { nanos: 1 }, Mode::CancelOnly),
        (
            HealthFact::JournalFailed {
                reason: "full".into(),
            },
            Mode::Halted,
        ),
        (HealthFact::ExecutionReportsDown, Mode::Halted),
    ] {
        d.step(Input::Health(&fact));
        assert_eq!(d.kernel.mode(A), expected, "{fact:?}");
    }
    // A person releases the mode; the session ends by proof alone.
    d.step(Input::Command(&mode(ModeScope::Account, Mode::Active)));
    assert_eq!(d.kernel.mode(A), Mode::CancelOnly);
    d.step(Input::Health(&HealthFact::ExecutionReportsUp));
    assert_eq!(d.kernel.mode(A), Mode::CancelOnly);
    assert_eq!(d.kernel.session(), Session::Reconciling);
    let report = VenueReport {
        as_of: d.now,
        cash: vec![(AssetId::BASE, d.kernel.account().cash())],
        ..VenueReport::default()
    };
    d.step(Input::Report(&report));
    assert_eq!(d.kernel.mode(A), Mode::Active);
    let modes = d.log.records.iter().filter_map(|r| match r {
        Record::Mode(m) => Some(m.mode.name()),
        Record::Session(s) => Some(s.session.name()),
        _ => None,
    });
    assert_eq!(
        modes.collect::<Vec<_>>(),
        [
            "doubtful",
            "down",
            "halted",
            "active",
            "reconciling",
            "ready"
        ]
    );
    let account = |q: &Query| matches!(q, Query::Account { .. });
    assert_eq!(d.queries.iter().filter(|q| account(q)).count(), 2);
}

#[test]
fn a_target_that_cannot_be_meant_alerts_and_leaves_the_targets_before_it_alone() {
    let bad = [
        weights(&[(A, f64::NAN)]),
        weights(&[(A, f64::INFINITY)]),
        weights(&[(B, 0.1), (InstrumentId(7), 0.1)]),
        weights(&[(A, 1_000_001.0)]),
        targets([(A, Target::Units("0.5".parse().unwrap()))]),
        targets([(A, Target::Notional("0.0000001".parse().unwrap()))]),
    ];
    for decision in bad {
        let mut world = World::shares(2);
        world.settings.record_idle_legs = true;
        let script = Scripted::new([
            (0, holding(&[(A, 10), (B, 10)])),
            (1, decision.clone()),
            (2, holding(&[(A, 11), (B, 10)])),
        ]);
        let mut d = Desk::new(&world, script, &flat());
        for (i, order) in (1..).zip(d.trade(0)) {
            d.fact(&execution(&order, i, 10, "100"));
        }
        d.persist();
        assert!(d.trade(1).is_empty(), "{decision:?}");
        assert_eq!(d.alerts.len(), 1, "{decision:?}: {}", d.alert_text());
        let sent = d.trade(2);
        assert_eq!(sent.len(), 1, "{decision:?}");
        assert_eq!((sent[0].instrument, sent[0].quantity), (A, units(1)));
    }
}

#[test]
fn a_bad_target_does_not_spoil_the_targets_that_still_wait() {
    // The first decision waits for its predecessor's order to end when the bad one comes.
    let script = Scripted::new([
        (0, holding(&[(A, 10)])),
        (1, holding(&[(A, 20), (B, 5)])),
        (2, weights(&[(A, 0.1), (InstrumentId(7), 0.5)])),
    ]);
    let mut d = desk(script);
    let a = d.trade(0)[0];
    d.trade(1);
    d.trade(2);
    assert_eq!(d.alerts.len(), 1);
    d.fact(&canceled(&a));
    d.persist();
    let sent = d.sent();
    let wanted: Vec<_> = sent
        .iter()
        .map(|i| (i.instrument, i.quantity.units()))
        .collect();
    assert_eq!(wanted, [(A, 20), (B, 5)]);
}

#[test]
fn quotes_size_targets_that_wait_for_them() {
    let mut world = World::shares(2);
    world.settings.size_at = ballast_domain::kernel::SizeAt::Fill;
    let script = Scripted::new([(0, weights(&[(A, 0.5), (B, 0.01)]))]);
    let mut d = Desk::new(&world, script, &flat());
    assert!(d.trade(0).is_empty());
    assert!(d.kernel.wants_quotes());
    d.step(Input::Quotes(&Quotes {
        prices: &[Some(200.0), None],
    }));
    d.persist();
    let sent = d.sent();
    // 5000 / 200; B has no quote and is not traded.
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].instrument, sent[0].quantity), (A, units(25)));
}

/// I-10: orders of one plan are judged one after the other, each on top of those before it.
#[test]
fn the_verdicts_of_one_plan_add_up() {
    let mut world = World::shares(2);
    world.settings.limits.max_gross = Weight::from_units(120_000_000);
    world.settings.limits.cash_buffer = ballast_domain::money::Rate::from_bps(100);
    let script = Scripted::new([(0, weights(&[(A, 0.1), (B, 0.1)]))]);
    let mut d = Desk::new(&world, script, &flat());
    let sent = d.trade(0);
    let sizes: Vec<_> = sent.iter().map(|i| i.quantity.units()).collect();
    // Gross budget 1200: A takes 1000 of it, B is cut to 200.
    assert_eq!(sizes, [10, 2]);
    assert_eq!(
        d.kernel.exposure().reserved_cash(),
        Cash::from_units(1_200_000_000 + 12_000_000)
    );
}

#[test]
fn a_limit_the_plan_does_not_size_for_counts_the_orders_before() {
    let mut world = World::shares(2);
    world.settings.limits.max_leverage = Weight::from_units(150_000_000);
    let script = Scripted::new([(0, weights(&[(A, 0.1), (B, 0.1)]))]);
    let mut d = Desk::new(&world, script, &flat());
    assert_eq!(d.trade(0).len(), 1);
    let denied = d.log.intents()[1].verdict;
    assert_eq!(
        denied.denied_by().collect::<Vec<_>>(),
        [Control::MaxLeverage]
    );
    assert_eq!(denied.breach.unwrap().observed, dollars("2000"));
}

#[test]
fn lanes_without_a_fresh_bar_are_not_traded() {
    for state in [
        LaneState::Hole,
        LaneState::NotListed,
        LaneState::Closed,
        LaneState::Halted,
        LaneState::Delisted,
    ] {
        let mut world = World::shares(2);
        world.settings.min_fresh_share = 0.0;
        let script = Scripted::new([(1, holding(&[(A, 10), (B, 5)]))]);
        let tape = flat().without(1, A, state);
        let mut d = Desk::new(&world, script, &tape);
        d.trade(0);
        let sent = d.trade(1);
        assert_eq!(sent.len(), 1, "{state:?}");
        assert_eq!(sent[0].instrument, B);
        assert_eq!(sent[0].time_in_force, TimeInForce::Day);
    }
}
