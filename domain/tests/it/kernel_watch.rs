//! Silence, refusals, deadlines and kills: what is not answered is asked for and never sent again.

use ballast_domain::instrument::{AssetId, InstrumentId};
use ballast_domain::kernel::{
    AdjustmentKind, Command, EventId, Fact, HealthFact, Input, Record, SendGate, Watch,
};
use ballast_domain::money::Quantity;
use ballast_domain::orders::{Intent, OrderReport, OrderStatus, Side};
use ballast_domain::risk::{Control, Mode, ModeScope};
use ballast_domain::time::{Span, Timestamp};

use crate::kernel_path::{flat, mode};
use crate::scenario::{
    A, B, Desk, Scripted, Tape, World, accepted, assert_nothing_set_aside, canceled, close_of,
    dollars, execution, holding, open_of, rejected, units, unknown,
};

fn watched(script: Scripted) -> Desk {
    Desk::watched(&World::shares(2), script, &flat())
}

fn buying_ten() -> Desk {
    watched(Scripted::new([(0, holding(&[(A, 10)]))]))
}

fn not_found(intent: &Intent, as_of: Timestamp) -> Fact {
    Fact::NotFound {
        client_id: intent.client_id,
        as_of,
    }
}

fn status(d: &Desk, intent: &Intent) -> OrderStatus {
    let found = d.kernel.orders().find(|o| o.intent.id == intent.id);
    found.unwrap().status()
}

/// EXE-07: an order that is not acknowledged in time is unknown once, is asked for, and is never
/// sent again.
#[test]
fn silence_past_its_limit_is_unknown_and_asked_for() {
    let mut d = buying_ten();
    let sent = d.trade(0).remove(0);
    d.seconds(4);
    assert_eq!(status(&d, &sent), OrderStatus::Sent);
    assert!(d.asked().is_empty());
    d.seconds(1);
    assert_eq!(status(&d, &sent), OrderStatus::Unknown);
    assert_eq!(d.asked(), [sent.client_id]);
    assert_eq!(d.kernel.exposure().open(A, Side::Buy), units(10));
    for _ in 0..100 {
        d.seconds(5);
        d.persist();
    }
    assert!(d.permits.is_empty(), "nothing is sent again");
    assert_eq!(d.log.statuses(sent.client_id), [OrderStatus::Unknown]);
    assert!(d.asked().len() > 50, "it is asked for until it is answered");
    assert_eq!(status(&d, &sent), OrderStatus::Unknown);
}

/// EXE-09: a time-out whose order was accepted after all leaves one order; one that is proven dead
/// is followed by one with another id.
#[test]
fn an_unknown_order_is_adopted_or_proven_dead() {
    let mut d = buying_ten();
    let sent = d.trade(0).remove(0);
    d.fact(&unknown(&sent));
    d.fact(&Fact::Reported(OrderReport {
        client_id: sent.client_id,
        instrument: A,
        side: Side::Buy,
        status: OrderStatus::Accepted,
        filled: Quantity::ZERO,
    }));
    assert_eq!(status(&d, &sent), OrderStatus::Accepted);
    d.fact(&execution(&sent, 1, 10, "100"));
    d.persist();
    assert!(d.permits.is_empty());
    assert_nothing_set_aside(&d.kernel);

    let mut d = buying_ten();
    let sent = d.trade(0).remove(0);
    d.fact(&unknown(&sent));
    let fence = close_of(0) + Span::from_seconds(5) + Watch::new().propagation;
    let later = |n| fence + Span::from_nanos(n);
    // Before its fence, exactly at it, and twice the same answer prove nothing.
    for as_of in [close_of(0), fence, later(1), later(1), later(1)] {
        d.fact(&not_found(&sent, as_of));
        assert_eq!(status(&d, &sent), OrderStatus::Unknown, "{as_of}");
    }
    d.fact(&not_found(&sent, later(2)));
    assert_eq!(status(&d, &sent), OrderStatus::Dead);
    d.persist();
    let again = d.sent().remove(0);
    assert_eq!((again.instrument, again.quantity), (A, units(10)));
    assert_ne!(again.client_id, sent.client_id);
    assert_eq!(again.client_id.plan, 2);
    d.fact(&execution(&again, 1, 10, "100"));
    assert_nothing_set_aside(&d.kernel);
    // The dead order lives after all: booked as it happened, and an incident.
    d.fact(&execution(&sent, 2, 10, "100"));
    assert_eq!(d.kernel.account().position(A).quantity, units(20));
    assert_eq!(d.kernel.mode(A), Mode::ReduceOnly);
}

#[test]
fn without_a_fence_absence_never_proves_anything() {
    let script = Scripted::new([(0, holding(&[(A, 10)]))]);
    let mut d = watched(script.clone());
    let without = Watch {
        fenced: false,
        ..Watch::new()
    };
    let mut d2 = Desk::watched_by(without, &World::shares(2), script, &flat());
    let sent = d.trade(0).remove(0);
    let same = d2.trade(0).remove(0);
    for desk in [&mut d, &mut d2] {
        desk.fact(&unknown(&sent));
        for n in 1..9 {
            desk.fact(&not_found(&sent, close_of(0) + Span::from_seconds(n * 10)));
        }
    }
    assert_eq!(status(&d, &sent), OrderStatus::Dead);
    assert_eq!(status(&d2, &same), OrderStatus::Unknown);
}

#[test]
fn an_unknown_order_blocks_its_instrument_and_no_other() {
    let script = Scripted::new([(0, holding(&[(A, 10)])), (1, holding(&[(A, 20), (B, 5)]))]);
    let mut d = watched(script);
    let sent = d.trade(0).remove(0);
    d.fact(&unknown(&sent));
    let next = d.trade(1);
    assert_eq!(next.len(), 1);
    assert_eq!((next[0].instrument, next[0].quantity), (B, units(5)));
    assert_eq!(status(&d, &sent), OrderStatus::Unknown);
}

/// I-09: the same request refused for the same reason three times stops the instrument.
#[test]
fn equal_rejections_stop_the_instrument() {
    let lines = (0..6).map(|row| (row, holding(&[(A, 10 + row as i64)])));
    let mut d = watched(Scripted::new(lines));
    for (row, reason) in [(0, "lot"), (1, "price"), (2, "price")] {
        let sent = d.trade(row).remove(0);
        d.fact(&rejected(&sent, reason));
        d.persist();
        assert_eq!(d.kernel.mode(A), Mode::Active, "{row}");
    }
    let sent = d.trade(3).remove(0);
    d.fact(&rejected(&sent, "price"));
    d.fact(&rejected(&sent, "price"));
    assert_eq!(d.kernel.mode(A), Mode::CancelOnly);
    assert_eq!(d.kernel.mode(B), Mode::Active);
    assert!(d.trade(4).is_empty());
}

/// I-09: five orders in a row without any answer stop the account; one answer in between begins
/// the count anew.
#[test]
fn a_venue_that_does_not_answer_stops_the_account() {
    let ids: Vec<InstrumentId> = (0..5).map(InstrumentId).collect();
    for answered in [false, true] {
        let all: Vec<_> = ids.iter().map(|id| (*id, 10)).collect();
        let flat = Tape::of_closes(&[&[100.0; 8]; 5].map(|l| &l[..]));
        let script = Scripted::new([(0, holding(&all))]);
        let mut d = Desk::watched(&World::shares(5), script, &flat);
        let sent = d.trade(0);
        for (i, order) in sent.iter().enumerate() {
            if answered && i == 3 {
                d.fact(&accepted(order));
            } else {
                d.fact(&unknown(order));
            }
        }
        let expected = if answered {
            Mode::Active
        } else {
            Mode::CancelOnly
        };
        assert_eq!(d.kernel.mode(A), expected);
    }
}

#[test]
fn a_phase_that_takes_too_long_is_taken_back_and_the_plans_go_on() {
    let script = Scripted::new([(0, holding(&[(A, 10)])), (1, holding(&[(B, 10)]))]);
    let mut d = watched(script);
    let bought = d.trade(0).remove(0);
    d.fact(&execution(&bought, 1, 10, "100"));
    d.persist();
    let sale = d.trade(1).remove(0);
    assert_eq!(sale.side, Side::Sell);
    d.fact(&accepted(&sale));
    d.fact(&execution(&sale, 2, 4, "100"));
    d.seconds(59);
    assert!(d.cancels.is_empty());
    d.seconds(1);
    assert_eq!(d.cancels, [sale.client_id]);
    d.fact(&Fact::Canceled {
        client_id: sale.client_id,
        filled: units(4),
        reason: "asked".into(),
    });
    d.persist();
    let bought = d.sent().remove(0);
    assert_eq!((bought.instrument, bought.side), (B, Side::Buy));
    d.fact(&execution(&bought, 3, 10, "100"));
    d.persist();
    assert_eq!(d.log.residuals(), [(2, A, -6)]);
}

#[test]
fn a_cancel_without_an_answer_blocks_the_instrument_until_the_order_ends() {
    let script = Scripted::new([
        (0, holding(&[(A, 10)])),
        (1, holding(&[(A, 20), (B, 5)])),
        (2, holding(&[(A, 20), (B, 5)])),
    ]);
    let mut d = watched(script);
    let first = d.trade(0).remove(0);
    d.fact(&accepted(&first));
    assert!(
        d.trade(1).is_empty(),
        "the next decision waits for the cancel"
    );
    assert_eq!(d.cancels, [first.client_id]);
    d.seconds(5);
    d.persist();
    // No answer: the plans go on without it, and its instrument waits.
    let next = d.sent();
    assert_eq!(next.len(), 1);
    assert_eq!(next[0].instrument, B);
    assert_eq!(d.kernel.exposure().open(A, Side::Buy), units(10));
    assert_eq!(d.asked(), [first.client_id]);
    d.fact(&execution(&next[0], 7, 5, "100"));
    d.fact(&execution(&first, 1, 10, "100"));
    d.persist();
    let rest = d.trade(2).remove(0);
    assert_eq!((rest.instrument, rest.quantity), (A, units(10)));
}

/// A refused cancel is asked for again when its timer fires, never at the pace of the refusals.
#[test]
fn a_refused_cancel_goes_again_at_the_pace_of_the_timer() {
    let mut d = buying_ten();
    let sent = d.trade(0).remove(0);
    d.fact(&accepted(&sent));
    d.gate.kill();
    d.step(Input::Health(&HealthFact::Killed {
        reason: "test".into(),
    }));
    d.persist();
    let before = d.cancels.len();
    assert_eq!(before, 1);
    for _ in 0..50 {
        d.fact(&Fact::CancelRejected {
            client_id: sent.client_id,
            reason: "too late".into(),
        });
    }
    assert_eq!(
        d.cancels.len(),
        before,
        "a refusal is not a reason to repeat"
    );
    assert_eq!(d.asked().len(), 50, "each refusal is asked about");
    for _ in 0..20 {
        d.seconds(5);
    }
    assert!((10..=21).contains(&(d.cancels.len() - before)));
}

#[test]
fn an_order_that_ends_with_executions_on_their_way_is_not_planned_over() {
    let script = Scripted::new([(0, holding(&[(A, 10)])), (1, holding(&[(A, 10)]))]);
    let mut d = watched(script);
    let sent = d.trade(0).remove(0);
    d.fact(&accepted(&sent));
    d.fact(&Fact::Canceled {
        client_id: sent.client_id,
        filled: units(4),
        reason: "venue".into(),
    });
    // Four are executed by the venue's count and not shown yet: they stay set aside.
    assert_eq!(d.kernel.exposure().open(A, Side::Buy), units(4));
    assert!(d.kernel.exposure().has_unknown(A));
    assert!(
        d.trade(1).is_empty(),
        "nothing is planned before they are shown"
    );
    d.fact(&execution(&sent, 1, 4, "100"));
    assert_nothing_set_aside(&d.kernel);
    assert_eq!(d.kernel.account().position(A).quantity, units(4));
}

/// I-13: a reduce-only order is taken back when the position no longer covers it.
#[test]
fn a_reduction_that_the_position_no_longer_covers_is_taken_back() {
    let script = Scripted::new([(0, holding(&[(A, 10)])), (1, holding(&[(A, 2)]))]);
    let mut d = watched(script);
    let bought = d.trade(0).remove(0);
    d.fact(&execution(&bought, 1, 10, "100"));
    d.persist();
    let sale = d.trade(1).remove(0);
    assert!(sale.reduce_only);
    d.fact(&accepted(&sale));
    d.fact(&Fact::Adjusted {
        id: EventId(9),
        kind: AdjustmentKind::External,
        instrument: Some(A),
        asset: AssetId::BASE,
        quantity: units(-5),
        amount: dollars("500"),
    });
    assert_eq!(d.cancels, [sale.client_id]);
    assert_eq!(d.kernel.mode(A), Mode::ReduceOnly);
}

/// RSK-13, I-80: after a kill nothing is sent, what works is taken back, and a restart stays killed
/// until a person releases it.
#[test]
fn a_kill_cancels_sends_nothing_and_survives_a_restart() {
    let world = World::shares(2);
    let script = Scripted::new([(0, holding(&[(A, 10)])), (1, holding(&[(B, 10)]))]);
    let mut d = Desk::watched(&world, script.clone(), &flat());
    let sent = d.trade(0).remove(0);
    d.fact(&accepted(&sent));
    d.gate.kill();
    let killed = HealthFact::Killed {
        reason: "test".into(),
    };
    d.step(Input::Health(&killed));
    assert_eq!(d.cancels, [sent.client_id]);
    d.persist();
    assert!(d.trade(1).is_empty());
    d.fact(&canceled(&sent));
    d.persist();

    let mut d = d.restarted(&world, script);
    assert_eq!(d.kernel.mode(A), Mode::Halted);
    d.step(Input::Start);
    d.agree();
    assert_eq!(d.kernel.mode(A), Mode::Halted);
    d.step(Input::Command(&mode(ModeScope::Account, Mode::Active)));
    assert_eq!(d.kernel.mode(A), Mode::Active);
}

/// RSK-14: a flag set between two orders of one batch keeps the second home.
#[test]
fn a_halt_between_two_orders_of_a_batch_stops_the_second() {
    let mut d = watched(Scripted::new([(0, holding(&[(A, 10), (B, 10)]))]));
    d.slice(0);
    d.persist();
    let mut permits = std::mem::take(&mut d.permits).into_iter();
    let (first, second) = (permits.next().unwrap(), permits.next().unwrap());
    assert!(first.redeem(&d.gate, d.now).is_ok());
    d.gate.kill();
    let kept = second.redeem(&d.gate, d.now).unwrap_err();
    assert_eq!(kept.intent().instrument, B);
}

/// RSK-28: which of a new buy, a reducing sale, a cancel and a liquidation each state lets through.
#[test]
fn each_kind_of_stop_lets_through_what_it_says() {
    let dry = "dry run";
    type Row = (&'static str, Option<Command>, Option<HealthFact>, [bool; 4]);
    let table: [Row; 6] = [
        ("active", None, None, [true, true, true, true]),
        (
            "kill switch",
            None,
            Some(HealthFact::Killed {
                reason: "test".into(),
            }),
            [false, false, true, false],
        ),
        (
            "panic halt",
            Some(mode(ModeScope::Account, Mode::CancelOnly)),
            None,
            [false, false, true, false],
        ),
        (
            "emergency liquidation",
            Some(mode(ModeScope::Account, Mode::ReduceOnly)),
            None,
            [false, true, true, true],
        ),
        (
            "strategy suspension",
            Some(mode(ModeScope::Strategy, Mode::CancelOnly)),
            None,
            [false, false, true, true],
        ),
        (dry, None, None, [false, false, true, false]),
    ];
    for (name, command, health, expected) in table {
        // Hold 10 of A, with an order for B still working.
        let prepared = |next| {
            let lines = [
                (0, holding(&[(A, 10)])),
                (1, holding(&[(A, 10), (B, 3)])),
                (2, next),
            ];
            let mut d = watched(Scripted::new(lines));
            let bought = d.trade(0).remove(0);
            d.fact(&execution(&bought, 1, 10, "100"));
            d.persist();
            let working = d.trade(1).remove(0);
            d.fact(&accepted(&working));
            if let Some(command) = &command {
                d.step(Input::Command(command));
            }
            if let Some(fact) = &health {
                d.gate.kill();
                d.step(Input::Health(fact));
            }
            d.persist();
            (d, working)
        };
        let leaves = |d: &mut Desk| {
            let dry_gate = SendGate::dry_run(1);
            let permits = std::mem::take(&mut d.permits).into_iter();
            let gate = if name == dry { &dry_gate } else { &*d.gate };
            permits.filter_map(|p| p.redeem(gate, d.now).ok()).count() > 0
        };
        let mut seen = [false; 4];
        for (case, next) in [holding(&[(A, 20), (B, 3)]), holding(&[(A, 5), (B, 3)])]
            .into_iter()
            .enumerate()
        {
            let (mut d, working) = prepared(next);
            d.slice(2);
            d.fact(&canceled(&working));
            d.persist();
            seen[case] = leaves(&mut d);
            seen[2] |= d.cancels.contains(&working.client_id);
        }
        let (mut d, working) = prepared(holding(&[(A, 10), (B, 3)]));
        d.step(Input::Command(&Command::Liquidate {
            instrument: None,
            reason: "test".into(),
        }));
        d.fact(&canceled(&working));
        d.persist();
        seen[3] = leaves(&mut d);
        assert_eq!(seen, expected, "{name}: buy, reduce, cancel, liquidate");
    }
}

#[test]
fn a_liquidation_closes_everything_and_opens_nothing() {
    let script = Scripted::new([(0, holding(&[(A, 10), (B, 4)])), (1, holding(&[(A, 30)]))]);
    let mut d = watched(script);
    for (n, order) in (1..).zip(d.trade(0)) {
        d.fact(&execution(&order, n, order.quantity.units(), "100"));
    }
    d.persist();
    d.step(Input::Command(&Command::Liquidate {
        instrument: None,
        reason: "exchange in trouble".into(),
    }));
    d.persist();
    let sold = d.sent();
    assert_eq!(sold.len(), 2);
    assert!(sold.iter().all(|i| i.side == Side::Sell && i.reduce_only));
    for (n, order) in (10..).zip(&sold) {
        d.fact(&execution(order, n, order.quantity.units(), "100"));
    }
    d.persist();
    assert!(
        d.trade(1).is_empty(),
        "nothing is opened before a person releases it"
    );
    let denied = d.log.intents().last().unwrap().verdict;
    assert_eq!(denied.denied_by().collect::<Vec<_>>(), [Control::Mode]);
    let told =
        d.log.records.iter().any(
            |r| matches!(r, Record::Mode(m) if m.reason == "liquidation: exchange in trouble"),
        );
    assert!(told);
}

#[test]
fn a_slot_is_used_once() {
    let mut d = buying_ten();
    assert_eq!(d.trade(0).len(), 1);
    let before = d.log.records.len();
    d.slice(0);
    d.persist();
    assert!(d.permits.is_empty());
    assert_eq!(d.log.records.len(), before);
    assert!(open_of(1) > close_of(0));
}

/// I-13: an execution that is taken back leaves less to sell; what would sell more is taken back.
#[test]
fn a_void_takes_back_the_reductions_it_leaves_uncovered() {
    let world = World::shares(2);
    let script = [(0, holding(&[(A, 10)])), (1, holding(&[(A, 2)]))];
    let mut d = Desk::watched(&world, Scripted::new(script), &flat());
    let bought = d.trade(0).remove(0);
    let first = execution(&bought, 1, 4, "100");
    d.fact(&first);
    d.fact(&execution(&bought, 2, 6, "100"));
    d.persist();
    let sold = d.trade(1).remove(0);
    assert!(sold.reduce_only);
    d.fact(&accepted(&sold));
    let Fact::Filled(first) = first else {
        unreachable!("an execution")
    };
    assert!(d.cancels.is_empty());
    d.fact(&Fact::Voided(first));
    assert_eq!(d.cancels, [sold.client_id], "8 for sale, 6 held");
}

/// I-58: where nothing ever proves that an order is dead, it is asked for ever more rarely, and
/// never given up.
#[test]
fn an_order_that_stays_unknown_is_asked_for_ever_more_rarely() {
    let watch = Watch {
        fenced: false,
        audit: Span::from_seconds(300),
        ..Watch::new()
    };
    let script = Scripted::new([(0, holding(&[(A, 10)]))]);
    let mut d = Desk::watched_by(watch, &World::shares(2), script, &flat());
    let sent = d.trade(0).remove(0);
    d.fact(&unknown(&sent));
    d.asked();
    let mut asked = Vec::new();
    for _ in 0..4 {
        d.seconds(3_600);
        asked.push(d.asked().len());
    }
    assert!((10..70).contains(&asked[0]), "{asked:?}");
    assert!(
        asked[1..].iter().all(|n| (11..=13).contains(n)),
        "{asked:?}"
    );
}

/// Plans that all come back unspent end by themselves, with an alarm: nobody plans for ever what nobody
/// sends. Where nothing is to be sent, that is no failure.
#[test]
fn plans_that_never_leave_end_in_cancel_only() {
    for (max_unsent, expected) in [(5, Mode::CancelOnly), (0, Mode::Active)] {
        let watch = Watch {
            max_unsent,
            ..Watch::new()
        };
        let growing = Scripted::new((0..8).map(|row| (row, holding(&[(A, 10 + 5 * row as i64)]))));
        let mut d = Desk::watched_by(watch, &World::shares(2), growing, &flat());
        let wrong = SendGate::new(d.gate.writer_epoch() + 7);
        for row in 0..8 {
            d.slice(row);
            // A plan whose order never left is followed by another one of the same decision.
            for _ in 0..20 {
                d.persist();
                for permit in std::mem::take(&mut d.permits) {
                    let client_id = permit.intent().client_id;
                    assert!(permit.redeem(&wrong, d.now).is_err());
                    let reason = "wrong gate".into();
                    d.fact(&Fact::NotSent { client_id, reason });
                }
            }
        }
        assert_eq!(d.kernel.mode(A), expected);
        let told = d.alert_text().contains("never left");
        assert_eq!(told, max_unsent > 0, "{}", d.alert_text());
        let sends = d.kernel.counts().intents - d.kernel.counts().denied;
        assert!(if told { sends == 5 } else { sends > 20 }, "{sends}");
    }
}
