//! Sales pay for purchases, books are compared after trades, and facts complete orders by themselves.

use ballast_domain::instrument::AssetId;
use ballast_domain::kernel::{
    AdjustmentKind, Command, EventId, Fact, HealthFact, Input, Query, Record, Session,
};
use ballast_domain::orders::{OrderReport, OrderStatus, Side};
use ballast_domain::risk::{Mode, ModeScope};
use ballast_domain::strategy::Target;
use ballast_domain::time::Span;

use crate::kernel_path::{flat, mode};
use crate::scenario::{
    A, B, Desk, Scripted, World, accepted, dollars, execution, holding, targets, units,
};

fn watched(script: Scripted) -> Desk {
    Desk::watched(&World::shares(2), script, &flat())
}

/// EXE-10: a rebalance from A to B sells first; the buys are sized by the cash the sales brought, fees
/// paid, and not before it is there. After the trade both books are compared: agreement changes
/// nothing, a difference is an alert, recorded, and stops additions to that instrument.
#[test]
fn sales_settle_before_buys_are_sized_and_books_are_compared_after() {
    // All 10,000 are in A: nothing is left to buy with.
    let all_in = |id| targets([(id, Target::Units(100.into()))]);
    let mut d = watched(Scripted::new([
        (0, all_in(A)),
        (1, all_in(B)),
        (3, holding(&[(B, 99)])),
        (4, holding(&[(B, 99)])),
    ]));
    let first = d.trade(0).remove(0);
    d.fact(&execution(&first, 1, 99, "100"));
    d.fact(&Fact::Canceled {
        client_id: first.client_id,
        filled: units(99),
        reason: "no cash for the fee".into(),
    });
    d.persist();
    let before = d.kernel.account().cash();
    assert_eq!(before, dollars("99.75"));
    let sale = d.trade(1);
    assert_eq!((sale.len(), sale[0].side), (1, Side::Sell));
    let sale = sale[0];
    d.fact(&accepted(&sale));
    // Half of it: no purchase yet, for the reduction is not confirmed.
    d.fact(&execution(&sale, 2, 50, "90"));
    d.persist();
    assert!(d.sent().is_empty(), "sales settle first");
    d.fact(&execution(&sale, 3, 49, "90"));
    d.persist();
    let cash = d.kernel.account().cash();
    assert_eq!(cash, before + dollars("8909.50"), "99 at 90, two fees");
    let buy = d.sent().remove(0);
    assert_eq!((buy.instrument, buy.side), (B, Side::Buy));
    assert_eq!(buy.quantity, units(90), "what 9,009.25 pay for at 100");
    d.fact(&execution(&buy, 4, 90, "100"));
    d.persist();

    // The broker agrees after the trade.
    d.seconds(1);
    d.agree();
    d.persist();
    assert!(d.alerts.is_empty(), "{}", d.alert_text());
    assert_eq!(d.kernel.mode(B), Mode::Active);

    // The broker holds less than we do, and says so again: an alert, and only reductions.
    for _ in 0..3 {
        d.seconds(5);
        let mut report = d.report();
        report.positions[1].1 = units(80);
        d.step(Input::Report(&report));
        d.persist();
    }
    let disputed: Vec<_> = d.kernel.disputes().collect();
    assert_eq!(disputed.len(), 1);
    assert_eq!(
        (disputed[0].0, disputed[0].1.ours, disputed[0].1.theirs),
        (B, units(90), units(80))
    );
    assert!(!d.alerts.is_empty());
    assert!(
        d.log
            .records
            .iter()
            .any(|r| matches!(r, Record::Dispute(x) if x.instrument == B))
    );
    // There is money for nine more, and the target asks for them.
    d.fact(&Fact::Adjusted {
        id: EventId(1),
        kind: AdjustmentKind::Transfer,
        instrument: None,
        asset: AssetId::BASE,
        quantity: units(0),
        amount: dollars("5000"),
    });
    assert!(
        d.trade(3).is_empty(),
        "nothing is added to what is disputed"
    );
    assert_eq!(
        d.kernel.account().position(B).quantity,
        units(90),
        "no trade is invented"
    );
    let adopt = Command::Adopt {
        instrument: B,
        reason: "the broker's statement".into(),
    };
    d.step(Input::Command(&adopt));
    assert_eq!(d.kernel.account().position(B).quantity, units(80));
    let release = mode(ModeScope::Instrument(B), Mode::Active);
    d.step(Input::Command(&release));
    let buy = d.trade(4).remove(0);
    assert_eq!((buy.instrument, buy.quantity), (B, units(19)));
}

/// TST-12, DAT-22: the stream's facts complete an order, and nobody asks the venue about it.
#[test]
fn a_fill_from_the_stream_completes_an_order_without_a_query() {
    let mut d = watched(Scripted::new([(0, holding(&[(A, 10)]))]));
    let sent = d.trade(0).remove(0);
    d.queries.clear();
    d.fact(&accepted(&sent));
    d.fact(&execution(&sent, 1, 4, "100"));
    d.fact(&execution(&sent, 2, 6, "100"));
    d.persist();
    let order = d.kernel.orders().find(|o| o.intent.id == sent.id).unwrap();
    assert_eq!(order.status(), OrderStatus::Filled);
    assert!(order.is_complete() && d.kernel.is_quiescent());
    assert_eq!(d.queries, [], "no question was asked");
    // Nor later: its timers find nothing to ask, and the account is looked at as where nothing was
    // ordered.
    let mut idle = watched(Scripted::default());
    idle.trade(0);
    idle.queries.clear();
    for desk in [&mut d, &mut idle] {
        for _ in 0..60 {
            desk.seconds(1);
            desk.persist();
        }
    }
    assert_eq!(d.queries.len(), idle.queries.len());
    assert!(d.asked().is_empty());
}

/// TST-12, DAT-22: while the stream is down questions take over: the order at its deadline, the whole
/// account every few seconds, and their answers complete it.
#[test]
fn without_the_stream_queries_complete_an_order() {
    let mut d = watched(Scripted::new([(0, holding(&[(A, 10)]))]));
    let sent = d.trade(0).remove(0);
    d.queries.clear();
    d.step(Input::Health(&HealthFact::ExecutionReportsDown));
    d.persist();
    assert_eq!(d.kernel.session(), Session::Down);
    let mut asked = Vec::new();
    for _ in 0..12 {
        d.seconds(1);
        d.persist();
        asked.extend(std::mem::take(&mut d.queries));
    }
    let about_it = |q: &Query| matches!(q, Query::Order(_, id) if *id == sent.client_id);
    assert!(asked.iter().any(about_it), "{asked:?}");
    assert!(
        asked.iter().any(|q| matches!(q, Query::Account { .. })),
        "{asked:?}"
    );
    d.fact(&Fact::Reported(OrderReport {
        client_id: sent.client_id,
        instrument: A,
        side: Side::Buy,
        status: OrderStatus::Filled,
        filled: units(10),
    }));
    d.persist();
    let order = d.kernel.orders().find(|o| o.intent.id == sent.id).unwrap();
    assert_eq!(
        (order.status(), order.reported(), order.is_complete()),
        (OrderStatus::Filled, units(10), false),
        "the answer counts; its executions are not known yet"
    );
    // How it executed is in the account's report.
    let mut report = d.report();
    let Fact::Filled(fill) = execution(&sent, 1, 10, "100") else {
        unreachable!("an execution");
    };
    report.as_of = d.now + Span::from_nanos(1);
    report.positions[0].1 = units(10);
    report.cash[0].1 = dollars("8999.75");
    report.fills = vec![fill];
    d.step(Input::Report(&report));
    d.persist();
    let order = d.kernel.orders().find(|o| o.intent.id == sent.id).unwrap();
    assert_eq!(
        (order.status(), order.filled()),
        (OrderStatus::Filled, units(10))
    );
    assert!(order.is_complete());
    assert_eq!(d.kernel.account().position(A).quantity, units(10));
    assert_eq!(d.kernel.account().cash(), dollars("8999.75"));
}
