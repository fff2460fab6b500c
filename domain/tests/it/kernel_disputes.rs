//! What a difference between the books and the venue's report needs before it is believed, and what
//! ends it.

use ballast_domain::instrument::AssetId;
use ballast_domain::kernel::{
    AdjustmentKind, Books, Command, Difference, EventId, ExternalOrder, Fact, HealthFact, Input,
    Query, Record, Session, VenueReport, Watch, reconcile,
};
use ballast_domain::money::{Cash, Quantity};
use ballast_domain::orders::{ClientOrderId, Installation, OrderReport, OrderStatus, Side};
use ballast_domain::risk::Mode;
use ballast_domain::time::{Span, Timestamp};

use crate::kernel_path::flat;
use crate::scenario::{A, B, Desk, Scripted, World, accepted, canceled, execution, holding, units};

/// A desk that holds ten of A, with every difference believed at the third report.
fn holding_ten() -> Desk {
    let watch = Watch {
        confirmations: 3,
        cash_tolerance: Cash::from_units(5),
        ..Watch::new()
    };
    let lines = [(0, holding(&[(A, 10)])), (1, holding(&[(A, 20), (B, 1)]))];
    let mut d = Desk::watched_by(watch, &World::shares(2), Scripted::new(lines), &flat());
    let bought = d.trade(0).remove(0);
    d.fact(&execution(&bought, 1, 10, "100"));
    d.persist();
    d.queries.clear();
    d
}

/// Our own books as a report from `nanos` after now, changed.
fn report(d: &Desk, nanos: i64, change: impl Fn(&mut VenueReport)) -> VenueReport {
    let mut report = d.report();
    report.as_of = d.now + Span::from_nanos(nanos);
    change(&mut report);
    report
}

/// The venue shows `quantity` of A, `nanos` from now.
fn show(d: &mut Desk, nanos: i64, quantity: i64) {
    let shown = report(d, nanos, |r| r.positions[0].1 = units(quantity));
    d.step(Input::Report(&shown));
}

/// The venue shows `missing` units of cash less than our books, `nanos` from now.
fn show_cash(d: &mut Desk, nanos: i64, missing: i128) {
    let shown = report(d, nanos, |r| r.cash[0].1 -= Cash::from_units(missing));
    d.step(Input::Report(&shown));
}

fn disputes(d: &Desk) -> Vec<(Quantity, Quantity)> {
    let disputes = d.log.records.iter().filter_map(|r| match r {
        Record::Dispute(r) => Some((r.ours, r.theirs)),
        _ => None,
    });
    disputes.collect()
}

fn asked_for_the_account(d: &mut Desk) -> usize {
    let queries = std::mem::take(&mut d.queries);
    let account = queries.iter();
    account
        .filter(|q| matches!(q, Query::Account { .. }))
        .count()
}

#[test]
fn a_difference_is_believed_when_younger_reports_repeat_it() {
    let mut d = holding_ten();
    // The same instant again says nothing new, and another figure begins the count anew.
    for (nanos, quantity) in [(1, 6), (2, 6), (2, 6), (3, 7), (4, 7), (4, 7)] {
        show(&mut d, nanos, quantity);
        assert_eq!(d.kernel.mode(A), Mode::Active, "{nanos}");
        assert!(d.kernel.exposure().has_unknown(A), "it waits meanwhile");
    }
    assert_eq!(asked_for_the_account(&mut d), 1, "once, when it began");
    assert_eq!(disputes(&d), []);
    show(&mut d, 5, 7);
    assert_eq!(d.kernel.mode(A), Mode::CancelOnly);
    assert_eq!(disputes(&d), [(units(10), units(7))]);
    let alerts = d.alerts.len();
    show(&mut d, 6, 7);
    assert_eq!(d.alerts.len(), alerts, "said once");
    assert_eq!(disputes(&d).len(), 1);
    // Agreement ends it, and the record says so.
    show(&mut d, 7, 10);
    assert_eq!(disputes(&d)[1..], [(units(10), units(10))]);
    assert!(!d.kernel.exposure().has_unknown(A));
    assert_eq!(d.kernel.mode(A), Mode::CancelOnly, "a person releases it");
}

#[test]
fn a_difference_that_passes_is_not_recorded() {
    let mut d = holding_ten();
    show(&mut d, 1, 6);
    show(&mut d, 2, 6);
    assert_eq!(d.kernel.disputes().count(), 1);
    show(&mut d, 3, 10);
    assert_eq!(d.kernel.disputes().count(), 0);
    assert!(!d.kernel.exposure().has_unknown(A));
    assert_eq!(disputes(&d), []);
    assert!(d.alerts.is_empty());
}

#[test]
fn a_report_older_than_the_last_one_compared_is_history() {
    let mut d = holding_ten();
    show(&mut d, 5, 10);
    show(&mut d, 4, 6);
    assert_eq!(d.kernel.disputes().count(), 0);
    show(&mut d, 5, 6);
    assert_eq!(d.kernel.disputes().count(), 1, "one as old is compared");
    show(&mut d, 4, 10);
    assert_eq!(
        d.kernel.disputes().count(),
        1,
        "and cannot be ended by history"
    );
}

#[test]
fn cash_may_differ_by_the_tolerance_and_not_by_more() {
    let mut d = holding_ten();
    for nanos in 1..5 {
        show_cash(&mut d, nanos, 5);
        show_cash(&mut d, nanos, -5);
    }
    assert_eq!(asked_for_the_account(&mut d), 0);
    assert_eq!(d.kernel.mode(A), Mode::Active);
    for missing in [6, -6] {
        let mut d = holding_ten();
        for nanos in [1, 2, 2] {
            show_cash(&mut d, nanos, missing);
            assert_eq!(d.kernel.mode(A), Mode::Active);
        }
        assert_eq!(asked_for_the_account(&mut d), 1);
        show_cash(&mut d, 3, missing);
        assert_eq!(d.kernel.mode(A), Mode::Halted);
        assert_eq!(d.alerts.len(), 1);
        show_cash(&mut d, 4, missing);
        assert_eq!(d.alerts.len(), 1, "said once");
    }
}

#[test]
fn another_difference_of_cash_or_agreement_in_between_begins_the_count_anew() {
    let mut d = holding_ten();
    for (nanos, missing) in [(1, 9), (2, 9), (3, 8), (4, 8), (5, 0), (6, 8), (7, 8)] {
        show_cash(&mut d, nanos, missing);
        assert_eq!(d.kernel.mode(A), Mode::Active, "{nanos}");
    }
    assert_eq!(asked_for_the_account(&mut d), 3, "at each beginning");
    show_cash(&mut d, 8, 8);
    assert_eq!(d.kernel.mode(A), Mode::Halted);
}

/// Cash moves with every position: where one differs, or is younger than the report, cash is not
/// compared.
#[test]
fn cash_is_compared_only_where_every_position_agrees() {
    let at = Timestamp::from_nanos;
    let (ours, theirs) = (Cash::from_units(100), Cash::from_units(90));
    let found = |position: i64, changed: i64, tolerance: i128| {
        let books = Books {
            positions: &[units(1), units(2)],
            changed_at: &[at(0), at(changed)],
            cash: &[ours],
            open: &[],
        };
        let report = VenueReport {
            as_of: at(5),
            positions: vec![(A, units(1)), (B, units(position))],
            cash: vec![(AssetId::BASE, theirs)],
            ..VenueReport::default()
        };
        reconcile(&books, &report, Cash::from_units(tolerance))
    };
    let cash = Difference::Cash {
        asset: AssetId::BASE,
        ours,
        theirs,
    };
    let position = Difference::Position {
        instrument: B,
        ours: units(2),
        theirs: units(3),
    };
    assert_eq!(found(2, 5, 9), [cash]);
    assert_eq!(found(2, 5, 10), []);
    assert_eq!(found(2, 6, 9), [], "younger than the report");
    assert_eq!(found(3, 5, 9), [position]);
}

/// An acknowledged order that a report does not list is asked for, unless the report may be too young
/// to know it: two seconds here.
#[test]
fn an_order_that_is_not_listed_is_asked_for_when_it_could_have_been() {
    for (age, asked) in [(0, false), (1, true)] {
        let mut d = holding_ten();
        let sent = d.trade(1);
        d.fact(&accepted(&sent[0]));
        d.asked();
        let late = Watch::new().propagation.nanos() + age;
        let shown = report(&d, late, |_| ());
        d.step(Input::Report(&shown));
        assert_eq!(d.asked() == [sent[0].client_id], asked, "{age} ns late");
        // One that has ended is missed by nobody.
        d.fact(&canceled(&sent[0]));
        let shown = report(&d, late + 1, |_| ());
        d.step(Input::Report(&shown));
        assert_eq!(d.asked(), []);
    }
}

/// Orders of others count on their side, together, as the last report lists them.
#[test]
fn orders_of_others_add_up_on_each_side() {
    let mut d = holding_ten();
    let order = |side, open| ExternalOrder {
        instrument: A,
        side,
        open: units(open),
    };
    let all = [
        order(Side::Buy, 6),
        order(Side::Sell, 3),
        order(Side::Buy, 5),
        order(Side::Sell, 1),
    ];
    let shown = report(&d, 1, |r| r.external = all.to_vec());
    d.step(Input::Report(&shown));
    assert_eq!(d.kernel.exposure().external(A), (units(11), units(4)));
    assert_eq!(d.kernel.exposure().external(B), (units(0), units(0)));
    assert_eq!(d.kernel.exposure().worst_case(A, units(10)), units(21));
    show(&mut d, 2, 10);
    assert_eq!(d.kernel.exposure().external(A), (units(0), units(0)));
}

/// An order with the id of another installation is not ours to miss.
#[test]
fn only_an_unknown_order_of_this_installation_means_lost_records() {
    for (installation, halts) in [(2, false), (1, true)] {
        let mut d = holding_ten();
        let unknown = OrderReport {
            client_id: ClientOrderId {
                installation: Installation::new(installation).unwrap(),
                decision: 99,
                plan: 1,
                leg: 0,
            },
            instrument: A,
            side: Side::Buy,
            status: OrderStatus::Accepted,
            filled: Quantity::ZERO,
        };
        for nanos in 1..4 {
            let shown = report(&d, nanos, |r| r.orders = vec![unknown]);
            d.step(Input::Report(&shown));
        }
        let mode = if halts { Mode::Halted } else { Mode::Active };
        assert_eq!(d.kernel.mode(A), mode, "installation {installation}");
        assert_eq!(d.alerts.len(), usize::from(halts), "said once");
    }
}

/// A session ends by a report of its own time: made when it began, less what the venue lags behind.
#[test]
fn a_report_from_before_a_doubt_does_not_end_it() {
    let lag = Watch::new().propagation.nanos();
    for (nanos, session) in [(-lag - 1, Session::Doubtful), (-lag, Session::Ready)] {
        let mut d = holding_ten();
        d.seconds(60);
        d.step(Input::Health(&HealthFact::ClockStepped { nanos: 1 }));
        assert_eq!(d.kernel.mode(A), Mode::ReduceOnly);
        show(&mut d, nanos, 10);
        assert_eq!(d.kernel.session(), session, "{nanos}");
    }
}

#[test]
fn there_is_nothing_to_adopt_without_a_dispute() {
    let mut d = holding_ten();
    let before = d.log.records.len();
    d.step(Input::Command(&Command::Adopt {
        instrument: A,
        reason: "test".into(),
    }));
    assert!(d.alert_text().contains("no dispute to settle"));
    assert_eq!(d.log.records.len(), before);
    for nanos in 1..4 {
        show(&mut d, nanos, 7);
    }
    d.step(Input::Command(&Command::Adopt {
        instrument: A,
        reason: "test".into(),
    }));
    assert_eq!(d.kernel.account().position(A).quantity, units(7));
    assert_eq!(d.kernel.mode(A), Mode::ReduceOnly, "released that far");
}

/// What a report lists explains what it shows: it is booked before anything is compared.
#[test]
fn events_of_a_report_are_booked_before_it_is_compared() {
    let mut d = holding_ten();
    let paid_in = Fact::Adjusted {
        id: EventId(8),
        kind: AdjustmentKind::Transfer,
        instrument: None,
        asset: AssetId::BASE,
        quantity: units(0),
        amount: Cash::from_units(700),
    };
    let cash = d.kernel.account().cash();
    for nanos in 1..5 {
        let shown = report(&d, nanos, |r| {
            r.events = vec![paid_in.clone()];
            r.cash[0].1 = cash + Cash::from_units(700);
        });
        d.step(Input::Report(&shown));
    }
    assert_eq!(
        d.kernel.account().cash(),
        cash + Cash::from_units(700),
        "once"
    );
    let capital = d.kernel.account().ledger().capital(AssetId::BASE);
    assert_eq!(capital.units(), 10_000_000_700, "paid in, not earned");
    assert_eq!(d.kernel.mode(A), Mode::Active);
    assert_eq!(asked_for_the_account(&mut d), 0);
}
