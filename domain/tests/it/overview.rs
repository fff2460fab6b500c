//! The overview of an account, worked out from its records, agrees with the kernel that wrote them.

use ballast_domain::instrument::AssetId;
use ballast_domain::kernel::{
    AdjustmentKind, Command, EventId, Fact, Input, LineValue, Once, Overview, Record, Session,
};
use ballast_domain::market::SplitRatio;
use ballast_domain::orders::OrderStatus;
use ballast_domain::risk::{Mode, ModeScope};

use crate::kernel_path::{flat, mode};
use crate::scenario::{
    A, B, Desk, Scripted, World, accepted, canceled, dollars, execution, holding, units, unknown,
};

fn overview(d: &Desk) -> Overview {
    let mut overview = Overview::new();
    for record in &d.log.records {
        overview.take(record, &mut std::collections::BTreeSet::new());
    }
    overview
}

/// Positions, open orders, session and disputes, told by the records and by the kernel.
#[track_caller]
fn agree(d: &Desk) -> Overview {
    let told = overview(d);
    for id in d.kernel.instruments().ids() {
        let held = d.kernel.account().position(id).quantity;
        assert_eq!(told.position(id), held, "{id:?}");
    }
    // That an order was sent is not recorded: what was written down may have left.
    let known = |s| {
        if s == OrderStatus::Sent {
            OrderStatus::Recorded
        } else {
            s
        }
    };
    let open = d.kernel.orders().filter(|o| !o.is_complete());
    let open: Vec<_> = open
        .map(|o| {
            (
                o.intent.client_id,
                known(o.status()),
                o.open_quantity(),
                o.intent.quantity,
            )
        })
        .collect();
    let listed: Vec<_> = told
        .orders()
        .map(|(id, o)| (id, o.status, o.open_quantity(), o.quantity))
        .collect();
    assert_eq!(listed, open);
    assert_eq!(told.session(), Some(d.kernel.session()));
    let disputes: Vec<_> = d
        .kernel
        .disputes()
        .map(|(id, x)| (id, x.ours, x.theirs))
        .collect();
    assert_eq!(told.disputes().collect::<Vec<_>>(), disputes);
    assert!(told.lines().iter().all(|line| told.value(*line).is_some()));
    told
}

#[test]
fn records_tell_of_orders_and_positions_what_the_kernel_knows() {
    let script = Scripted::new([(0, holding(&[(A, 10), (B, 10)]))]);
    let mut d = Desk::watched(&World::shares(2), script, &flat());
    let sent = d.trade(0);
    agree(&d);
    let Fact::Filled(first) = execution(&sent[0], 1, 4, "100") else {
        unreachable!("an execution")
    };
    let unseen = ballast_domain::orders::Fill {
        trade_id: ballast_domain::orders::TradeId(9),
        quantity: units(1),
        ..first
    };
    let split = Fact::Split {
        id: EventId(4),
        instrument: A,
        ratio: SplitRatio { new: 2, old: 1 },
        quantity: units(8),
        cash_in_lieu: dollars("0"),
    };
    let reported = Fact::Canceled {
        client_id: sent[0].client_id,
        filled: units(20),
        reason: "venue".into(),
    };
    let steps = [
        accepted(&sent[0]),
        unknown(&sent[1]),
        Fact::Filled(first),
        // Doubled, and the order with it: 8 done of 20.
        split,
        // Taken back before it was seen: of the 12 that work, one less does.
        Fact::Voided(unseen),
        execution(&sent[0], 2, 5, "50"),
        // Ended with 20 by the venue's count, of which 14 are shown.
        reported,
        execution(&sent[0], 3, 6, "50"),
        // Lost, then dead by its gate, then executed all the same.
        execution(&sent[1], 4, 3, "100"),
        canceled(&sent[1]),
        Fact::Voided(ballast_domain::orders::Fill {
            instrument: B,
            client_id: sent[1].client_id,
            trade_id: ballast_domain::orders::TradeId(4),
            quantity: units(3),
            ..first
        }),
    ];
    for fact in &steps {
        d.fact(fact);
        agree(&d);
    }
    let told = agree(&d);
    assert_eq!(told.orders().count(), 0, "nothing is open");
    assert_eq!(told.position(A), units(8 + 5 + 6));
    assert_eq!(told.positions().count(), 1, "none of B");
}

/// An order that never left and executes after all is open again with what is left of it.
#[test]
fn an_order_comes_back_in_the_overview_as_in_the_kernel() {
    let script = Scripted::new([(0, holding(&[(A, 10)]))]);
    let mut d = Desk::watched(&World::shares(2), script, &flat());
    let sent = d.trade(0).remove(0);
    d.fact(&Fact::NotSent {
        client_id: sent.client_id,
        reason: "the gate".into(),
    });
    d.fact(&execution(&sent, 1, 4, "100"));
    let told = agree(&d);
    let (_, order) = told.orders().next().unwrap();
    assert_eq!(
        (order.status, order.open_quantity()),
        (OrderStatus::PartiallyFilled, units(6))
    );
}

#[test]
fn modes_sessions_disputes_and_what_ends_a_position_are_lines() {
    let script = Scripted::new([(0, holding(&[(A, 10), (B, 10)]))]);
    let mut d = Desk::watched(&World::shares(2), script, &flat());
    assert_eq!(overview(&d).session(), Some(Session::Ready));
    assert_eq!(
        overview(&Desk::new(&World::shares(2), Scripted::default(), &flat())).session(),
        None
    );
    for (n, order) in (1..).zip(d.trade(0)) {
        d.fact(&execution(&order, n, 10, "100"));
    }
    d.step(Input::Command(&mode(ModeScope::Strategy, Mode::ReduceOnly)));
    for _ in 0..3 {
        d.seconds(1);
        let mut report = d.report();
        report.positions[1].1 = units(7);
        d.step(Input::Report(&report));
    }
    let told = agree(&d);
    assert_eq!(told.disputes().count(), 1);
    let modes: Vec<_> = told.modes().map(|m| (m.scope, m.mode)).collect();
    assert_eq!(
        modes,
        [
            (ModeScope::Strategy, Mode::ReduceOnly),
            (ModeScope::Instrument(B), Mode::CancelOnly)
        ]
    );
    assert_eq!(told.decision().unwrap().number, 1);
    d.step(Input::Command(&Command::Adopt {
        instrument: B,
        reason: "test".into(),
    }));
    d.fact(&Fact::Adjusted {
        id: EventId(5),
        kind: AdjustmentKind::Transfer,
        instrument: Some(A),
        asset: AssetId::BASE,
        quantity: units(-3),
        amount: dollars("0"),
    });
    let told = agree(&d);
    assert_eq!((told.position(A), told.position(B)), (units(7), units(7)));
    let held = told
        .lines()
        .into_iter()
        .filter_map(|line| match told.value(line) {
            Some(LineValue::Position(quantity)) => Some(quantity),
            _ => None,
        });
    assert_eq!(held.collect::<Vec<_>>(), [units(7), units(7)]);
    d.fact(&Fact::Delisted {
        id: EventId(6),
        instrument: A,
        amount: dollars("700"),
    });
    assert_eq!(agree(&d).positions().count(), 1);
}

/// An order, a trade and a slot are said once in the life of an account; whatever a person orders, and
/// everything that only explains, may be said again.
#[test]
fn what_is_said_once_is_an_order_a_trade_or_a_slot() {
    let script = Scripted::new([(0, holding(&[(A, 10)]))]);
    let mut d = Desk::watched(&World::shares(2), script, &flat());
    let sent = d.trade(0).remove(0);
    d.fact(&execution(&sent, 7, 10, "100"));
    d.persist();
    d.slice(1);
    d.step(Input::Command(&Command::Liquidate {
        instrument: None,
        reason: "test".into(),
    }));
    let once = d
        .log
        .records
        .iter()
        .filter_map(|r| Some((r.kind(), r.once()?)));
    let mut once: Vec<_> = once.collect();
    let sale = d.log.intents()[1].intent.client_id;
    let slot = |row| Once::Slot(crate::scenario::close_of(row).nanos());
    let mut expected = vec![
        ("decision", slot(0)),
        ("intent", Once::Order(sent.client_id)),
        ("fill", Once::Trade(0, 7)),
        ("hold", slot(1)),
        ("intent", Once::Order(sale)),
    ];
    once.sort_unstable();
    expected.sort_unstable();
    assert_eq!(once, expected);
    let decisions = d
        .log
        .records
        .iter()
        .filter(|r| matches!(r, Record::Decision(_)));
    assert_eq!(decisions.count(), 2, "the liquidation is one of no slot");
}
