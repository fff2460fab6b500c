//! Reconciliation: a pure comparison, disputes instead of invented trades, an account adopted by a
//! person only.

use ballast_domain::instrument::{AssetId, InstrumentId};
use ballast_domain::kernel::{
    Books, Command, Difference, ExternalOrder, Fact, HealthFact, Input, Query, Record, Session,
    VenueReport, reconcile,
};
use ballast_domain::money::{Cash, Quantity};
use ballast_domain::orders::{ClientOrderId, Fill, Installation, OrderReport, OrderStatus, Side};
use ballast_domain::risk::{Control, Mode};
use ballast_domain::time::{Span, Timestamp};
use proptest::prelude::*;

use crate::kernel_path::flat;
use crate::scenario::{A, B, Desk, Scripted, World, accepted, dollars, execution, holding, units};

fn watched(script: Scripted) -> Desk {
    Desk::watched(&World::shares(2), script, &flat())
}

/// A desk that holds ten of A.
fn holding_ten() -> Desk {
    let mut d = watched(Scripted::new([
        (0, holding(&[(A, 10)])),
        (1, holding(&[(A, 20), (B, 1)])),
    ]));
    let bought = d.trade(0).remove(0);
    d.fact(&execution(&bought, 1, 10, "100"));
    d.persist();
    d
}

fn fills(fact: &Fact) -> Fill {
    match fact {
        Fact::Filled(fill) => *fill,
        _ => unreachable!("an execution"),
    }
}

fn at(n: i64) -> Timestamp {
    Timestamp::from_nanos(n)
}

proptest! {
    /// I-24: the result depends on what a report says and not on the order in which it says it,
    /// and looking twice shows the same.
    #[test]
    fn reconciling_is_a_function_of_content(
        ours in prop::collection::vec(-3_i64..4, 4),
        theirs in prop::collection::vec(-3_i64..4, 4),
        changed in prop::collection::vec(0_i64..4, 4),
        open in prop::collection::vec(any::<bool>(), 3),
        as_of in 0_i64..4,
        turn in 0_usize..4,
    ) {
        let positions: Vec<_> = ours.iter().map(|q| units(*q)).collect();
        let changed_at: Vec<_> = changed.iter().map(|t| at(*t)).collect();
        let id = |leg| ClientOrderId { leg, ..ClientOrderId::default() };
        let books = Books {
            positions: &positions,
            changed_at: &changed_at,
            cash: &[Cash::ZERO],
            open: &[id(0), id(1), id(2)],
        };
        let mut report = VenueReport {
            as_of: at(as_of),
            positions: theirs.iter().enumerate().map(|(i, q)| (InstrumentId::from_index(i), units(*q))).collect(),
            orders: (0_u16..3).filter(|i| open[usize::from(*i)]).map(|i| OrderReport {
                client_id: id(i),
                instrument: A,
                side: Side::Buy,
                status: OrderStatus::Accepted,
                filled: Quantity::ZERO,
            }).collect(),
            ..VenueReport::default()
        };
        let found = reconcile(&books, &report, Cash::ZERO);
        prop_assert_eq!(&found, &reconcile(&books, &report, Cash::ZERO));
        report.positions.rotate_left(turn);
        report.orders.reverse();
        prop_assert_eq!(&found, &reconcile(&books, &report, Cash::ZERO));
        // Exactly what differs, and nothing that changed after the report was made.
        for i in 0..4 {
            let differs = found.iter().any(|d| matches!(d, Difference::Position { instrument, .. } if instrument.index() == i));
            prop_assert_eq!(differs, ours[i] != theirs[i] && changed[i] <= as_of);
        }
        let missing = found.iter().filter(|d| matches!(d, Difference::NotListed(_))).count();
        prop_assert_eq!(missing, open.iter().filter(|o| !**o).count());
    }

    /// I-05: facts about one order in any order and any number end in the same books.
    #[test]
    fn facts_of_one_order_join_in_any_order(
        seed in any::<u64>(),
        repeats in prop::collection::vec(0_usize..7, 0..8),
    ) {
        let play = |order: &[usize]| {
            let mut d = watched(Scripted::new([(0, holding(&[(A, 10)]))]));
            let sent = d.trade(0).remove(0);
            let facts = [
                Fact::OutcomeUnknown { client_id: sent.client_id, reason: "lost".into() },
                accepted(&sent),
                execution(&sent, 1, 3, "100"),
                execution(&sent, 2, 4, "101"),
                Fact::Canceled { client_id: sent.client_id, filled: units(7), reason: "venue".into() },
                Fact::Expired { client_id: sent.client_id, filled: units(7) },
                Fact::Voided(fills(&execution(&sent, 1, 3, "100"))),
            ];
            for i in order {
                d.fact(&facts[*i]);
            }
            d.persist();
            let order = d.kernel.orders().next().unwrap();
            let state = (order.status(), order.filled(), order.reported(), order.is_complete());
            (state, d.kernel.account().ledger().clone(), d.kernel.exposure().clone())
        };
        let straight = play(&[0, 1, 2, 3, 4, 5, 6]);
        prop_assert_eq!(straight.0, (OrderStatus::Canceled, units(4), units(7), true));
        let mut order: Vec<usize> = (0..7).chain(repeats).collect();
        let mut state = seed | 1;
        for i in (1..order.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let j = usize::try_from(state >> 33).unwrap() % (i + 1);
            order.swap(i, j);
        }
        prop_assert_eq!(play(&order).1.cash(AssetId::BASE), straight.1.cash(AssetId::BASE));
        let shuffled = play(&order);
        prop_assert_eq!(shuffled.0, straight.0);
        prop_assert_eq!(shuffled.1.position(A).quantity, straight.1.position(A).quantity);
        prop_assert_eq!(shuffled.2, straight.2);
    }
}

/// I-60: a report from before an execution cannot undo it.
#[test]
fn a_report_older_than_an_execution_changes_nothing() {
    let mut d = holding_ten();
    let mut stale = d.report();
    stale.positions = vec![];
    stale.as_of = Timestamp::from_nanos(Timestamp::EPOCH.nanos() - 1);
    let before = d.log.records.len();
    for _ in 0..3 {
        d.step(Input::Report(&stale));
    }
    assert_eq!(d.kernel.disputes().count(), 0);
    assert_eq!(d.log.records.len(), before);
    assert_eq!(d.kernel.account().position(A).quantity, units(10));
}

/// I-23: what nothing explains is disputed, never traded away; the instrument is quarantined, the
/// others go on, and a person's word settles it as a correction.
#[test]
fn a_difference_is_disputed_and_adopted_by_a_person_only() {
    let mut d = holding_ten();
    let mut other = d.report();
    other.positions = vec![(A, units(7))];
    other.as_of = d.now + Span::from_nanos(1);
    d.step(Input::Report(&other));
    // Once may be a lagging read: the instrument waits, and everything is asked for again.
    let seen: Vec<_> = d.kernel.disputes().collect();
    assert_eq!((seen.len(), seen[0].0, seen[0].1.theirs), (1, A, units(7)));
    assert_eq!(d.kernel.mode(A), Mode::Active);
    let all = Query::Account {
        since: Timestamp::MIN,
    };
    assert!(d.queries.contains(&all));
    d.step(Input::Report(&other));
    assert_eq!(
        d.kernel.mode(A),
        Mode::Active,
        "the same report says nothing new"
    );
    other.as_of = d.now + Span::from_nanos(2);
    d.step(Input::Report(&other));
    assert_eq!(d.kernel.mode(A), Mode::CancelOnly);
    assert_eq!(d.kernel.mode(B), Mode::Active);
    let sent = d.trade(1);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].instrument, B);
    assert_eq!(
        d.kernel.account().position(A).quantity,
        units(10),
        "nothing is invented"
    );

    let cash = d.kernel.account().cash();
    d.step(Input::Command(&Command::Adopt {
        instrument: A,
        reason: "sold by hand".into(),
    }));
    assert_eq!(d.kernel.account().position(A).quantity, units(7));
    assert_eq!(d.kernel.account().cash(), cash);
    assert_eq!(d.kernel.disputes().count(), 0);
    assert_eq!(d.kernel.account().ledger().trial_balance(), Cash::ZERO);
    assert_eq!(d.log.fills().len(), 1, "a correction is no trade");
    assert!(
        d.log
            .records
            .iter()
            .any(|r| matches!(r, Record::Adjustment(a) if a.quantity == units(-3)))
    );
}

#[test]
fn a_dispute_ends_when_the_missing_execution_comes() {
    let mut d = watched(Scripted::new([(0, holding(&[(A, 10)]))]));
    let bought = d.trade(0).remove(0);
    d.fact(&accepted(&bought));
    let mut report = d.report();
    report.positions = vec![(A, units(10))];
    report.cash = vec![];
    d.step(Input::Report(&report));
    assert_eq!(d.kernel.disputes().count(), 1);
    // The next report lists what the stream never said.
    report.as_of = d.now + Span::from_nanos(5);
    report.fills = vec![fills(&execution(&bought, 1, 10, "100"))];
    report.cash = vec![(AssetId::BASE, dollars("8999.75"))];
    d.step(Input::Report(&report));
    assert_eq!(d.kernel.disputes().count(), 0);
    assert!(!d.kernel.exposure().has_unknown(A));
    assert_eq!(d.kernel.account().position(A).quantity, units(10));
    assert_eq!(d.kernel.mode(A), Mode::Active);
}

#[test]
fn cash_that_nothing_explains_halts_the_account() {
    let mut d = holding_ten();
    let mut report = d.report();
    report.cash = vec![(
        AssetId::BASE,
        d.kernel.account().cash() - Cash::from_units(1),
    )];
    for n in 1..3 {
        assert_eq!(d.kernel.mode(A), Mode::Active);
        report.as_of = d.now + Span::from_nanos(n);
        d.step(Input::Report(&report));
    }
    assert_eq!(d.kernel.mode(A), Mode::Halted);
}

#[test]
fn an_order_with_our_id_that_no_record_knows_halts() {
    let mut d = holding_ten();
    let mut report = d.report();
    let client_id = ClientOrderId {
        installation: Installation::new(1).unwrap(),
        decision: 99,
        plan: 1,
        leg: 0,
    };
    report.orders = vec![OrderReport {
        client_id,
        instrument: A,
        side: Side::Buy,
        status: OrderStatus::Accepted,
        filled: Quantity::ZERO,
    }];
    d.step(Input::Report(&report));
    assert_eq!(d.kernel.mode(A), Mode::Halted);
    assert!(
        d.alert_text().contains("journal rolled back"),
        "{}",
        d.alert_text()
    );
}

/// I-25: orders that are not ours count at worst case.
#[test]
fn external_orders_are_inside_the_limits() {
    let mut world = World::shares(2);
    world.settings.limits.max_position_notional = Some(dollars("2500"));
    let script = Scripted::new([(0, holding(&[(A, 20)]))]);
    let mut d = Desk::watched(&world, script, &flat());
    let mut report = d.report();
    report.external = vec![ExternalOrder {
        instrument: A,
        side: Side::Buy,
        open: units(6),
    }];
    d.step(Input::Report(&report));
    assert_eq!(d.kernel.exposure().worst_case(A, Quantity::ZERO), units(6));
    assert!(d.trade(0).is_empty());
    let denied = d.log.intents()[0].verdict.denied_by().collect::<Vec<_>>();
    assert_eq!(denied, [Control::MaxPosition]);
}

/// I-66: an empty journal before an account that is not empty waits for a person.
#[test]
fn an_account_without_a_journal_is_adopted_by_a_person_only() {
    let world = World::shares(2);
    let script = Scripted::new([(0, holding(&[(A, 10)]))]);
    let grown = Desk::watched(&world, script.clone(), &flat());
    let mut d = grown.restarted(&world, script);
    d.log.records.clear();
    d = d.restarted(&world, Scripted::new([(0, holding(&[(A, 10)]))]));
    d.step(Input::Start);
    let mut report = VenueReport {
        as_of: d.now,
        cash: vec![(AssetId::BASE, dollars("5000"))],
        positions: vec![(B, units(3))],
        ..VenueReport::default()
    };
    for _ in 0..3 {
        d.step(Input::Report(&report));
    }
    assert_eq!(d.kernel.session(), Session::Reconciling);
    assert!(d.trade(0).is_empty());
    assert!(
        d.alert_text().contains("no journal yet"),
        "{}",
        d.alert_text()
    );
    d.step(Input::Command(&Command::AdoptAccount {
        reason: "first start".into(),
    }));
    assert_eq!(d.kernel.account().cash(), dollars("5000"));
    assert_eq!(d.kernel.account().position(B).quantity, units(3));
    report.as_of = d.now + Span::from_nanos(1);
    d.step(Input::Report(&report));
    assert_eq!(d.kernel.session(), Session::Ready);
}

#[test]
fn a_lost_path_of_reports_ends_by_proof() {
    let mut d = holding_ten();
    d.step(Input::Health(&HealthFact::ExecutionReportsDown));
    assert!(d.trade(1).is_empty());
    d.step(Input::Health(&HealthFact::ExecutionReportsUp));
    d.agree();
    d.persist();
    let sent = d.sent();
    assert_eq!(sent.len(), 2, "the decision waited inside its window");
}
