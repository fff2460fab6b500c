//! What the venue says, in any order, twice, late or wrong: joined, booked, kept, never guessed.

use ballast_domain::instrument::InstrumentId;
use ballast_domain::kernel::{EventId, Fact, Input, Record};
use ballast_domain::money::Quantity;
use ballast_domain::orders::{ClientOrderId, Fill, OrderReport, OrderStatus, Side};
use ballast_domain::risk::{Mode, ModeScope};

use crate::kernel_path::{buying_ten, desk, mode};
use crate::scenario::{
    A, B, Desk, Scripted, accepted, assert_nothing_set_aside, canceled, dollars, execution,
    holding, rejected, units, unknown,
};

/// Every order of the items, each visited once.
fn permutations<T: Clone>(items: &[T], visit: &mut impl FnMut(&[T])) {
    fn go<T: Clone>(items: &mut Vec<T>, from: usize, visit: &mut impl FnMut(&[T])) {
        if from == items.len() {
            return visit(items);
        }
        for i in from..items.len() {
            items.swap(from, i);
            go(items, from + 1, visit);
            items.swap(from, i);
        }
    }
    go(&mut items.to_vec(), 0, visit);
}

/// What must not depend on the order in which facts arrive.
fn outcome(d: &Desk) -> String {
    let account = d.kernel.account();
    let p = account.position(A);
    let status = d.kernel.orders().next().unwrap().status();
    format!(
        "{status:?} {} holds {} for {} cash {} fees {} {:?}",
        d.kernel.orders().next().unwrap().filled().units(),
        p.quantity.units(),
        p.cost.units(),
        account.cash().units(),
        account
            .ledger()
            .fees(ballast_domain::instrument::AssetId::BASE)
            .units(),
        d.kernel.exposure()
    )
}

#[test]
fn every_order_and_repetition_of_the_same_facts_gives_the_same_account() {
    let mut outcomes = std::collections::BTreeSet::new();
    let mut runs = 0;
    let start = || {
        let mut d = buying_ten();
        let order = d.trade(0)[0];
        (d, order)
    };
    let (_, order) = start();
    let facts = [
        accepted(&order),
        unknown(&order),
        execution(&order, 1, 4, "100.10"),
        execution(&order, 2, 3, "100.20"),
        canceled(&order),
    ];
    permutations(&facts, &mut |p| {
        for doubled in 0..=p.len() {
            let (mut d, _) = start();
            for (i, fact) in p.iter().enumerate() {
                d.fact(fact);
                if i == doubled {
                    d.fact(fact);
                }
            }
            if doubled == p.len() {
                p.iter().for_each(|f| d.fact(f));
            }
            d.persist();
            assert!(d.alerts.is_empty(), "{p:?}: {}", d.alert_text());
            assert_nothing_set_aside(&d.kernel);
            assert!(d.kernel.is_quiescent(), "{p:?}");
            outcomes.insert(outcome(&d));
            runs += 1;
        }
    });
    assert_eq!(runs, 120 * 6);
    assert_eq!(outcomes.len(), 1, "{outcomes:#?}");
    let only = outcomes.first().unwrap();
    // 10000 − 4 × 100.10 − 3 × 100.20 − 2 × 0.25
    assert!(
        only.contains("Canceled 7 holds 7 for 701000000 cash 9298500000"),
        "{only}"
    );
}

#[test]
fn an_order_of_unknown_outcome_that_comes_back_settles_once() {
    // B is bought beside A, so a second count of A's end would close the plan under B.
    let script = Scripted::new([
        (0, holding(&[(A, 10), (B, 10)])),
        (1, holding(&[(A, 20), (B, 20)])),
    ]);
    for late in [false, true] {
        let mut d = desk(script.clone());
        let (a, b) = {
            let sent = d.trade(0);
            (sent[0], sent[1])
        };
        d.fact(&unknown(&a));
        d.fact(&accepted(&a));
        d.fact(&execution(&a, 1, 4, "100"));
        if !late {
            d.fact(&execution(&a, 2, 6, "100"));
        }
        d.persist();
        assert_eq!(d.kernel.exposure().open(B, Side::Buy), units(10));
        assert!(!d.kernel.is_quiescent(), "B is still working");
        d.fact(&execution(&b, 1, 10, "100"));
        if late {
            d.fact(&execution(&a, 2, 6, "100"));
        }
        d.persist();
        assert!(d.kernel.is_quiescent());
        assert_nothing_set_aside(&d.kernel);
        // And the desk can go on.
        let sent = d.trade(1);
        assert_eq!(sent.len(), 2);
        for (i, order) in (5..).zip(&sent) {
            d.fact(&execution(order, i, 10, "100"));
        }
        d.persist();
        assert!(d.kernel.is_quiescent());
        assert_nothing_set_aside(&d.kernel);
        assert!(d.alerts.is_empty(), "{}", d.alert_text());
    }
}

#[test]
fn an_unknown_outcome_keeps_its_reservation_and_blocks_its_instrument_until_a_fact_comes() {
    let script = Scripted::new([
        (0, holding(&[(A, 10)])),
        (1, holding(&[(A, 20), (B, 5)])),
        (2, holding(&[(A, 12), (B, 5)])),
    ]);
    let mut d = desk(script);
    let a = d.trade(0)[0];
    d.fact(&unknown(&a));
    d.persist();
    assert!(d.kernel.is_quiescent(), "the plan goes on without the leg");
    assert_eq!(d.kernel.exposure().open(A, Side::Buy), units(10));
    assert_eq!(d.kernel.exposure().reserved_cash(), dollars("1000"));
    assert!(d.kernel.exposure().has_unknown(A));

    let sent = d.trade(1);
    assert_eq!(sent.iter().map(|i| i.instrument).collect::<Vec<_>>(), [B]);
    assert_eq!(d.kernel.counts().denied, 0, "A is not even asked for");
    d.fact(&execution(&sent[0], 1, 5, "100"));
    d.persist();

    d.fact(&execution(&a, 2, 10, "100"));
    d.persist();
    assert_nothing_set_aside(&d.kernel);
    let sent = d.trade(2);
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].instrument, sent[0].quantity), (A, units(2)));
}

#[test]
fn an_unknown_reduction_blocks_the_instrument_within_its_own_saga() {
    // A flips to short: after the unknown reduction the addition must be denied by the block.
    let script = Scripted::new([(0, holding(&[(A, 10)])), (1, holding(&[(B, 30)]))]);
    let mut d = desk(script);
    let a = d.trade(0)[0];
    d.fact(&execution(&a, 1, 10, "100"));
    let sell = d.trade(1)[0];
    assert_eq!((sell.instrument, sell.side), (A, Side::Sell));
    d.fact(&unknown(&sell));
    d.persist();
    let buy = d.sent()[0];
    assert_eq!((buy.instrument, buy.side), (B, Side::Buy));
    d.fact(&execution(&buy, 2, 30, "100"));
    assert_eq!(d.log.residuals(), [(1 + 1, A, -10)]);
}

#[test]
fn fills_after_a_final_status_are_booked_once() {
    let mut d = buying_ten();
    let a = d.trade(0)[0];
    d.fact(&canceled(&a));
    for _ in 0..2 {
        d.fact(&execution(&a, 1, 4, "100"));
    }
    assert_eq!(d.kernel.account().position(A).quantity, units(4));
    assert_eq!(d.kernel.account().cash(), dollars("9599.75"));
    assert_nothing_set_aside(&d.kernel);
    let order = d.kernel.orders().next().unwrap();
    assert_eq!(
        (order.status(), order.filled()),
        (OrderStatus::Canceled, units(4))
    );
}

#[test]
fn more_than_ordered_is_booked_and_is_an_incident() {
    let mut d = buying_ten();
    let a = d.trade(0)[0];
    d.fact(&execution(&a, 1, 7, "100"));
    d.fact(&execution(&a, 2, 7, "100"));
    assert_eq!(d.kernel.account().position(A).quantity, units(14));
    assert!(
        d.alert_text().contains("more than was ordered"),
        "{}",
        d.alert_text()
    );
    assert_eq!(d.kernel.mode(A), Mode::ReduceOnly);
    // The plan gives back what was too much: a reduction, which the mode lets through.
    d.persist();
    let sell = d.sent()[0];
    assert_eq!((sell.side, sell.quantity), (Side::Sell, units(4)));
    d.fact(&execution(&sell, 3, 4, "100"));
    d.persist();
    assert_nothing_set_aside(&d.kernel);
    assert!(d.kernel.is_quiescent());
}

#[test]
fn a_fill_of_an_order_that_never_left_is_booked_and_is_an_incident() {
    let mut d = buying_ten();
    d.slice(0);
    d.step(Input::Command(&mode(
        ModeScope::Instrument(A),
        Mode::CancelOnly,
    )));
    d.persist();
    let intent = d.log.intents()[0].intent;
    d.fact(&execution(&intent, 1, 10, "100"));
    assert_eq!(d.kernel.account().position(A).quantity, units(10));
    assert!(d.alert_text().contains("never left"), "{}", d.alert_text());
}

#[test]
fn a_fact_about_a_foreign_order_is_kept_and_stops_additions() {
    let foreign = ClientOrderId {
        decision: 77,
        ..ClientOrderId::default()
    };
    let mut d = desk(Scripted::new([(0, holding(&[(A, 10)]))]));
    d.fact(&Fact::Accepted { client_id: foreign });
    assert_eq!(d.kernel.orphans().len(), 1);
    assert_eq!(d.kernel.mode(B), Mode::ReduceOnly);
    assert!(d.alert_text().contains("not known here"));
    assert!(d.trade(0).is_empty());
}

#[test]
fn a_fill_that_names_another_instrument_or_side_halts() {
    for (instrument, side) in [(B, Side::Buy), (A, Side::Sell)] {
        let mut d = buying_ten();
        let a = d.trade(0)[0];
        let Fact::Filled(fill) = execution(&a, 1, 10, "100") else {
            unreachable!()
        };
        d.fact(&Fact::Filled(Fill {
            instrument,
            side,
            ..fill
        }));
        assert_eq!(d.kernel.mode(A), Mode::Halted);
        assert_eq!(d.kernel.orphans().len(), 1);
        assert_eq!(d.kernel.account().cash(), dollars("10000"), "not booked");
    }
}

#[test]
fn a_fact_about_an_instrument_that_does_not_exist_is_kept_aside() {
    let nowhere = InstrumentId(9);
    let amount = dollars("1");
    for fact in [
        Fact::Dividend {
            id: EventId(3),
            instrument: nowhere,
            per_unit: "1".parse().unwrap(),
            amount,
        },
        Fact::Delisted {
            id: EventId(4),
            instrument: nowhere,
            amount,
        },
        Fact::Split {
            id: EventId(5),
            instrument: nowhere,
            ratio: ballast_domain::market::SplitRatio { new: 2, old: 1 },
            quantity: units(0),
            cash_in_lieu: amount,
        },
        Fact::Funding {
            id: EventId(6),
            instrument: nowhere,
            asset: ballast_domain::instrument::AssetId::BASE,
            amount,
        },
    ] {
        let mut d = buying_ten();
        d.fact(&fact);
        assert_eq!(d.kernel.orphans(), std::slice::from_ref(&fact));
        assert_eq!(d.kernel.mode(A), Mode::ReduceOnly, "{fact:?}");
    }
}

/// Every kind of fact about an order nobody here knows is kept once, and nothing is guessed from it.
#[test]
fn whatever_the_venue_says_about_a_foreign_order_is_kept_once() {
    let mut d = buying_ten();
    let order = d.trade(0)[0];
    let client_id = ClientOrderId {
        decision: 77,
        ..order.client_id
    };
    let foreign = ballast_domain::orders::Intent { client_id, ..order };
    let Fact::Filled(fill) = execution(&foreign, 1, 10, "100") else {
        unreachable!("an execution")
    };
    let facts = [
        accepted(&foreign),
        unknown(&foreign),
        canceled(&foreign),
        rejected(&foreign, "no"),
        Fact::Filled(fill),
        Fact::Voided(fill),
        Fact::Reported(reported(&foreign, OrderStatus::Accepted)),
        Fact::NotFound {
            client_id,
            as_of: d.now,
        },
        Fact::CancelRejected {
            client_id,
            reason: "no".into(),
        },
    ];
    for fact in facts.iter().chain(&facts) {
        d.fact(fact);
    }
    assert_eq!(d.kernel.orphans(), facts);
    let kept = d.log.records.iter();
    let kept = kept.filter(|r| matches!(r, Record::Orphan(_)));
    assert_eq!(kept.count(), facts.len());
    assert_eq!(d.alerts.len(), facts.len());
    assert_eq!(d.kernel.mode(B), Mode::ReduceOnly);
    assert_eq!(d.kernel.account().cash(), dollars("10000"));
}

fn reported(order: &ballast_domain::orders::Intent, status: OrderStatus) -> OrderReport {
    OrderReport {
        client_id: order.client_id,
        instrument: order.instrument,
        side: order.side,
        status,
        filled: Quantity::ZERO,
    }
}

/// Our id on another instrument, or on the other side: ids are mixed up, and nothing can be trusted.
#[test]
fn a_report_that_names_another_instrument_or_side_halts_once() {
    for (instrument, side) in [(B, Side::Buy), (A, Side::Sell)] {
        let mut d = buying_ten();
        let order = d.trade(0)[0];
        let wrong = Fact::Reported(OrderReport {
            instrument,
            side,
            ..reported(&order, OrderStatus::Accepted)
        });
        for _ in 0..3 {
            d.fact(&wrong);
        }
        assert_eq!(d.kernel.mode(A), Mode::Halted);
        assert_eq!(d.kernel.orphans(), [wrong]);
        assert_eq!(d.alerts.len(), 1, "{}", d.alert_text());
        let status = d.kernel.orders().next().unwrap().status();
        assert_eq!(status, OrderStatus::Sent, "nothing was learnt from it");
    }
}

#[test]
fn a_fee_in_an_asset_that_does_not_exist_is_kept_aside() {
    let mut d = buying_ten();
    let order = d.trade(0)[0];
    let Fact::Filled(fill) = execution(&order, 1, 10, "100") else {
        unreachable!("an execution")
    };
    d.fact(&Fact::Filled(Fill {
        fee_asset: ballast_domain::instrument::AssetId(9),
        ..fill
    }));
    assert_eq!(d.kernel.orphans().len(), 1);
    assert_eq!(d.kernel.mode(A), Mode::ReduceOnly);
    assert_eq!(d.kernel.account().position(A).quantity, Quantity::ZERO);
}

/// The permit came back, and the venue has the order all the same: it counts again, and a person
/// looks.
#[test]
fn an_order_that_never_left_and_is_at_the_venue_counts_again() {
    let mut d = buying_ten();
    let order = d.trade(0)[0];
    d.fact(&Fact::NotSent {
        client_id: order.client_id,
        reason: "the gate".into(),
    });
    assert_nothing_set_aside(&d.kernel);
    assert!(d.alerts.is_empty());
    d.fact(&accepted(&order));
    assert!(d.alert_text().contains("thought never left"));
    assert_eq!(d.kernel.mode(A), Mode::ReduceOnly);
    assert_eq!(d.kernel.mode(B), Mode::Active);
    assert_eq!(d.kernel.exposure().open(A, Side::Buy), units(10));
    // A refusal is the venue's answer and no contradiction.
    let mut d = buying_ten();
    let order = d.trade(0)[0];
    d.fact(&rejected(&order, "no"));
    assert!(d.alerts.is_empty(), "{}", d.alert_text());
    // That it then executed is one.
    d.fact(&execution(&order, 1, 10, "100"));
    assert!(d.alert_text().contains("an order that it refused"));
    assert_eq!(d.kernel.account().position(A).quantity, units(10));
    assert_eq!(d.kernel.mode(A), Mode::ReduceOnly);
}

/// I-09: only the same request, refused in a row, stops its instrument. Refused (r) in between, another
/// side (s), one that was accepted (a), or executed without a word before (x), begin the count anew.
#[test]
fn refusals_are_counted_for_the_same_request_in_a_row() {
    for answers in ["rrr", "rrsrrr", "rrarrr", "rrxrrr"] {
        let wanted = answers.chars().zip(20..);
        let wanted = wanted.map(|(answer, n)| if answer == 's' { 2 } else { n });
        let lines = [10].into_iter().chain(wanted).enumerate();
        let lines = lines.map(|(row, n)| (row, holding(&[(A, n)])));
        let mut d = refusing(Scripted::new(lines));
        let bought = d.trade(0)[0];
        d.fact(&execution(&bought, 1, 10, "100"));
        d.persist();
        for (row, answer) in (1..).zip(answers.chars()) {
            assert_eq!(d.kernel.mode(A), Mode::Active, "{answers} before row {row}");
            let order = d.trade(row)[0];
            match answer {
                'a' => {
                    d.fact(&accepted(&order));
                    d.fact(&canceled(&order));
                }
                'x' => d.fact(&execution(&order, 2, order.quantity.units(), "100")),
                _ => d.fact(&rejected(&order, "no")),
            }
            d.persist();
        }
        assert_eq!(d.kernel.mode(A), Mode::CancelOnly, "{answers}");
        assert_eq!(d.kernel.mode(B), Mode::Active);
    }
}

fn refusing(script: Scripted) -> Desk {
    Desk::watched(
        &crate::scenario::World::shares(2),
        script,
        &crate::kernel_path::flat(),
    )
}

/// I-09: a person who releases the instrument without correcting the cause is stopped again, after as
/// many refusals as before, also across a restart. Once the count went on from where it was, past the
/// limit, and nothing ever stopped the instrument again.
#[test]
fn refusals_after_a_release_stop_the_instrument_again() {
    for restarts in [false, true] {
        let lines = (0..8).map(|row| (row, holding(&[(A, 10 + i64::try_from(row).unwrap())])));
        let script = Scripted::new(lines);
        let mut d = refusing(script.clone());
        for row in 0..3 {
            assert_eq!(d.kernel.mode(A), Mode::Active);
            let order = d.trade(row)[0];
            d.fact(&rejected(&order, "no"));
            d.persist();
        }
        assert_eq!(d.kernel.mode(A), Mode::CancelOnly);
        d.step(Input::Command(&mode(
            ModeScope::Instrument(A),
            Mode::Active,
        )));
        d.persist();
        if restarts {
            d = d.restarted(&crate::scenario::World::shares(2), script);
            d.step(Input::Start);
            d.agree();
            d.persist();
        }
        for row in 3..6 {
            assert_eq!(d.kernel.mode(A), Mode::Active, "{restarts}");
            let order = d.trade(row)[0];
            d.fact(&rejected(&order, "no"));
            d.persist();
        }
        assert_eq!(d.kernel.mode(A), Mode::CancelOnly, "{restarts}");
    }
}
