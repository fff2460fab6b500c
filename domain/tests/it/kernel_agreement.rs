//! What is written down about agreement with the venue, and what a restart makes of it.

use ballast_domain::kernel::{Fact, Input, Query, Record, Session, VenueReport, Watch};
use ballast_domain::orders::{Fill, Intent};
use ballast_domain::risk::Mode;
use ballast_domain::strategy::Decision;
use ballast_domain::time::{Span, Timestamp};

use crate::scenario::{
    A, Desk, Scripted, Tape, World, close_of, dollars, execution, holding, open_of, units,
};

const ROWS: usize = 12;

/// One more of A at every close.
fn accumulating() -> Scripted {
    let line = |row| -> (usize, Decision) {
        let more = i64::try_from(row).unwrap() + 1;
        (row, holding(&[(A, more)]))
    };
    Scripted::new((0..ROWS).map(line))
}

fn desk(remembered: usize) -> (World, Desk) {
    let mut world = World::shares(2);
    world.settings.remembered_orders = remembered;
    let tape = Tape::of_closes(&[&[100.0; ROWS][..]; 2]);
    let desk = Desk::watched(&world, accumulating(), &tape);
    (world, desk)
}

fn executed(intent: &Intent, trade: u128, time: Timestamp) -> Fill {
    match execution(intent, trade, intent.quantity.units(), "100") {
        Fact::Filled(fill) => Fill { time, ..fill },
        other => panic!("{other:?} is no execution"),
    }
}

fn agreements(desk: &Desk) -> Vec<Timestamp> {
    let of = |r: &Record| match r {
        Record::Agreement(r) => Some(r.as_of),
        _ => None,
    };
    desk.log.records.iter().filter_map(of).collect()
}

/// From when on the account was asked for last.
fn asked_since(desk: &mut Desk) -> Timestamp {
    let queries = std::mem::take(&mut desk.queries);
    let since = |q: &Query| match q {
        Query::Account { since } => Some(*since),
        Query::Order(..) => None,
    };
    queries.iter().rev().find_map(since).expect("it was asked")
}

/// Trades a row, with its execution at the close, and lets the books agree a minute later.
fn round(desk: &mut Desk, row: usize) -> Fill {
    let order = desk.trade(row).remove(0);
    let fill = executed(&order, row as u128 + 1, close_of(row));
    desk.fact(&Fact::Filled(fill));
    desk.persist();
    desk.seconds(60);
    desk.agree();
    desk.persist();
    fill
}

/// What the venue answers: its books are `held` of A, and it lists executions from `since` on.
fn answer(desk: &Desk, since: Timestamp, fills: &[Fill], held: i64) -> VenueReport {
    let listed = fills.iter().filter(|f| f.time >= since);
    VenueReport {
        since,
        fills: listed.copied().collect(),
        positions: vec![(A, units(held))],
        ..desk.report()
    }
}

/// A restart goes on from the last agreement that was written down, and lists again what the overlap
/// asks for.
#[test]
fn a_restart_asks_from_shortly_before_the_last_agreement() {
    let (world, mut desk) = desk(64);
    for row in 0..3 {
        round(&mut desk, row);
    }
    let agreed = *agreements(&desk).last().expect("the books agreed");
    assert_eq!(agreed, close_of(2) + Span::from_seconds(60));
    let mut again = desk.restarted(&world, accumulating());
    again.step(Input::Start);
    assert_eq!(asked_since(&mut again), agreed - Watch::new().look_back);
}

/// Executions of orders the kernel has long forgotten are not asked for again, so they cannot become
/// orphans; without the record of agreement they all come, and the account is reduced for good.
#[test]
fn a_restart_does_not_hear_of_orders_it_has_forgotten() {
    for recorded in [true, false] {
        let (world, mut desk) = desk(2);
        let fills: Vec<Fill> = (0..ROWS).map(|row| round(&mut desk, row)).collect();
        if !recorded {
            let kept = |r: &Record| !matches!(r, Record::Agreement(_));
            desk.log.records.retain(kept);
        }
        let mut again = desk.restarted(&world, accumulating());
        again.step(Input::Start);
        let since = asked_since(&mut again);
        let report = answer(&again, since, &fills, ROWS as i64);
        again.step(Input::Report(&report));
        again.persist();
        assert_eq!(again.kernel.session(), Session::Ready);
        assert_eq!(again.kernel.orphans().is_empty(), recorded);
        let mode = if recorded {
            Mode::Active
        } else {
            Mode::ReduceOnly
        };
        assert_eq!(again.kernel.mode(A), mode, "{}", again.alert_text());
    }
}

/// A venue that lies: its books did not show an execution yet when they agreed with ours. The overlap
/// is what finds it after a restart.
#[test]
fn a_late_execution_from_before_the_agreement_is_still_found() {
    let (world, mut desk) = desk(64);
    round(&mut desk, 0);
    let order = desk.trade(1).remove(0);
    let late = executed(&order, 99, desk.now + Span::from_seconds(1));
    desk.seconds(300);
    desk.agree();
    desk.persist();
    let agreed = *agreements(&desk).last().unwrap();
    assert!(late.time < agreed, "it is older than the agreement");
    let mut again = desk.restarted(&world, accumulating());
    again.step(Input::Start);
    let since = asked_since(&mut again);
    let report = answer(&again, since, &[late], 2);
    again.step(Input::Report(&report));
    assert_eq!(again.kernel.account().position(A).quantity, units(2));
    assert!(again.kernel.orphans().is_empty());
    assert_eq!(again.kernel.disputes().count(), 0);
}

/// Agreement is written when a reconciliation concludes, and at most once in a look back after that.
#[test]
fn agreement_is_written_down_at_a_bounded_rate() {
    let (_, mut desk) = desk(64);
    assert_eq!(agreements(&desk), [open_of(0)], "the start was reconciled");
    for _ in 0..200 {
        desk.seconds(10);
        desk.agree();
        desk.persist();
    }
    let written = agreements(&desk);
    let apart = Watch::new().look_back;
    let expected: Vec<_> = (0..4)
        .map(|n| open_of(0) + Span::from_nanos(apart.nanos() * n))
        .collect();
    assert_eq!(written, expected);
    // The same answer again, and an older one, are no news.
    let report = VenueReport {
        as_of: open_of(0),
        ..desk.report()
    };
    desk.step(Input::Report(&report));
    assert_eq!(agreements(&desk).len(), 4);
}

/// What does not agree, or could not be compared, is never written down as agreement.
#[test]
fn no_agreement_without_every_position_and_the_cash() {
    type Change = fn(&mut Desk, &mut VenueReport);
    let cases: [(&str, Change, bool); 4] = [
        ("all agree", |_, _| (), true),
        (
            "a position differs",
            |_, report| report.positions[0].1 = units(7),
            false,
        ),
        (
            "cash differs",
            |_, report| report.cash[0].1 = dollars("1"),
            false,
        ),
        (
            "an execution is younger than the report",
            |desk, _| {
                let order = desk.trade(1).remove(0);
                let young = desk.now + Span::from_seconds(3_600);
                desk.fact(&Fact::Filled(executed(&order, 50, young)));
            },
            false,
        ),
    ];
    for (what, change, written) in cases {
        let (_, mut desk) = desk(64);
        round(&mut desk, 0);
        let before = agreements(&desk).len();
        desk.now = close_of(1);
        let mut report = desk.report();
        change(&mut desk, &mut report);
        report.as_of = desk.now;
        desk.step(Input::Report(&report));
        desk.persist();
        assert_eq!(agreements(&desk).len() > before, written, "{what}");
    }
}
