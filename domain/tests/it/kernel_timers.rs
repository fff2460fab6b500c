//! When a silent venue is asked and how often, what an old timer still means, and when time is over.

use ballast_domain::kernel::{Command, Fact, HealthFact, Input, Query, Record, TimerId, Watch};
use ballast_domain::orders::{Intent, OrderStatus, Side};
use ballast_domain::risk::{Mode, ModeScope};
use ballast_domain::time::Span;

use crate::kernel_path::{flat, mode};
use crate::scenario::{
    A, B, Desk, Scripted, Tape, World, accepted, canceled, execution, holding, units, unknown,
};

fn watched_by(watch: Watch, script: Scripted) -> Desk {
    Desk::watched_by(watch, &World::shares(2), script, &flat())
}

fn watched(script: Scripted) -> Desk {
    watched_by(Watch::new(), script)
}

fn buying_ten(watch: Watch) -> (Desk, Intent) {
    let mut d = watched_by(watch, Scripted::new([(0, holding(&[(A, 10)]))]));
    let sent = d.trade(0).remove(0);
    d.asked();
    (d, sent)
}

fn seconds(n: i64) -> Span {
    Span::from_seconds(n)
}

/// The seconds from now on after which one of the questions was asked.
fn times_of(d: &mut Desk, until: i64, question: impl Fn(&Query) -> bool) -> Vec<i64> {
    d.queries.clear();
    let mut times = Vec::new();
    for second in 1..=until {
        d.seconds(1);
        d.persist();
        let asked = std::mem::take(&mut d.queries);
        if asked.iter().any(&question) {
            times.push(second);
        }
    }
    times
}

fn about_an_order(query: &Query) -> bool {
    matches!(query, Query::Order(..))
}

fn about_the_account(query: &Query) -> bool {
    matches!(query, Query::Account { .. })
}

fn status(d: &Desk, of: &Intent) -> OrderStatus {
    let order = d.kernel.orders().find(|o| o.intent.id == of.id);
    order.unwrap().status()
}

/// I-58: silence is asked about at its limit, then when the answer proves something (5 s to the fence
/// and 30 s more), then every 5 s eight times, then half as often, and never more rarely than the
/// account is looked at.
#[test]
fn questions_come_when_an_answer_can_prove_something_and_then_ever_more_rarely() {
    let first = [5, 35, 40, 45, 50, 55, 60, 65, 70];
    let second = [80, 90, 100, 110, 120, 130, 140, 150];
    for (audit, last) in [(300, vec![170]), (12, vec![162, 174])] {
        let watch = Watch {
            propagation: seconds(30),
            audit: seconds(audit),
            ..Watch::new()
        };
        let (mut d, _) = buying_ten(watch);
        let expected = [&first[..], &second, &last].concat();
        assert_eq!(times_of(&mut d, 180, about_an_order), expected);
    }
}

/// A cancel begins a wait of its own: the timer of the order before it proves nothing any more.
#[test]
fn only_the_last_timer_of_an_order_counts() {
    let (mut d, sent) = buying_ten(Watch::new());
    d.seconds(3);
    d.step(Input::Command(&mode(
        ModeScope::Instrument(A),
        Mode::CancelOnly,
    )));
    assert_eq!(d.cancels, [sent.client_id]);
    d.seconds(4);
    assert_eq!(status(&d, &sent), OrderStatus::Sent, "7 s, 4 of them asked");
    assert!(d.asked().is_empty());
    d.seconds(1);
    assert_eq!(status(&d, &sent), OrderStatus::Unknown);
    assert_eq!(d.asked(), [sent.client_id]);
    assert_eq!(d.cancels, [sent.client_id; 2], "and wanted back still");
    // Once it has ended no timer asks any more.
    d.fact(&canceled(&sent));
    assert!(times_of(&mut d, 60, about_an_order).is_empty());
}

#[test]
fn a_timer_that_is_not_armed_is_an_error_of_the_driver() {
    let (mut d, _) = buying_ten(Watch::new());
    let (timer, at) = d.timers.remove(0);
    d.now = d.now.max(at);
    d.step(Input::Timer(timer));
    assert!(d.alerts.is_empty(), "{}", d.alert_text());
    for twice_or_never in [timer, TimerId(999)] {
        d.alerts.clear();
        d.step(Input::Timer(twice_or_never));
        assert!(d.alert_text().contains("not armed"), "{}", d.alert_text());
    }
    assert_eq!(d.kernel.mode(A), Mode::Active);
}

/// The account is looked at every ten seconds, and every five while a position is disputed or time
/// itself cannot be trusted.
#[test]
fn the_account_is_looked_at_more_often_while_something_is_unsettled() {
    let quiet = || watched(Scripted::default());
    let mut d = quiet();
    assert_eq!(times_of(&mut d, 40, about_the_account), [5, 15, 25, 35]);

    let mut disputed = quiet();
    let mut report = disputed.report();
    report.positions[1].1 = units(1);
    disputed.step(Input::Report(&report));
    let often = times_of(&mut disputed, 20, about_the_account);
    assert_eq!(often, [5, 10, 15, 20]);

    let mut doubtful = quiet();
    doubtful.step(Input::Health(&HealthFact::ClockStepped { nanos: 1 }));
    let often = times_of(&mut doubtful, 20, about_the_account);
    assert_eq!(often, [5, 10, 15, 20]);
}

/// What a restart finds without an answer was not left unanswered by the venue.
#[test]
fn silence_across_a_restart_does_not_stop_the_account() {
    let world = World::shares(6);
    let all: Vec<_> = world.instruments.ids().map(|id| (id, 10)).collect();
    let tape = Tape::of_closes(&[&[100.0; 8]; 6].map(|l| &l[..]));
    let script = Scripted::new([(0, holding(&all))]);
    let mut d = Desk::watched(&world, script.clone(), &tape);
    assert_eq!(d.trade(0).len(), 6);
    let mut d = d.restarted(&world, script);
    d.step(Input::Start);
    let unknown = d
        .kernel
        .orders()
        .filter(|o| o.status() == OrderStatus::Unknown);
    assert_eq!(unknown.count(), 6);
    assert!(d.alerts.is_empty(), "{}", d.alert_text());
    assert!(!d.log.records.iter().any(|r| matches!(r, Record::Mode(_))));
}

/// Sells A, then buys B under one decision; the sale comes 30 s into its phase of 60 s.
#[test]
fn a_phase_ends_for_its_own_plan_only() {
    let script = Scripted::new([(0, holding(&[(A, 10)])), (1, holding(&[(B, 10)]))]);
    let mut d = watched(script);
    let bought = d.trade(0).remove(0);
    d.fact(&execution(&bought, 1, 10, "100"));
    d.persist();
    let sale = d.trade(1).remove(0);
    d.fact(&accepted(&sale));
    d.seconds(30);
    d.fact(&execution(&sale, 2, 10, "100"));
    d.persist();
    let buy = d.sent().remove(0);
    assert_eq!((buy.instrument, buy.client_id.plan), (B, 2));
    d.fact(&accepted(&buy));
    d.seconds(59);
    assert!(
        d.cancels.is_empty(),
        "the first plan's phase was over at 60 s"
    );
    d.seconds(1);
    assert_eq!(d.cancels, [buy.client_id]);
}

/// A liquidation 30 s after a decision has a phase and a window of its own.
#[test]
fn deadlines_of_an_older_decision_do_not_end_a_newer_one() {
    for (phase, window, ends) in [(60, 1_000, 60), (1_000, 60, 60)] {
        let watch = Watch {
            phase: seconds(phase),
            window: seconds(window),
            ..Watch::new()
        };
        // B waits for good, so that the decision is still running when the command comes.
        let script = Scripted::new([(0, holding(&[(A, 10), (B, 10)]))]);
        let mut d = watched_by(watch, script);
        let sent = d.trade(0);
        d.fact(&execution(&sent[0], 1, 10, "100"));
        d.fact(&accepted(&sent[1]));
        d.seconds(30);
        d.step(Input::Command(&Command::Liquidate {
            instrument: None,
            reason: "test".into(),
        }));
        assert_eq!(d.cancels, [sent[1].client_id]);
        d.fact(&canceled(&sent[1]));
        d.persist();
        let sale = d.sent().remove(0);
        assert_eq!((sale.instrument, sale.side), (A, Side::Sell));
        d.fact(&accepted(&sale));
        d.cancels.clear();
        d.seconds(ends - 1);
        assert_eq!(d.cancels, [], "phase {phase}, window {window}");
        d.seconds(1);
        assert_eq!(d.cancels, [sale.client_id]);
    }
}

/// The window runs from the slot, also where the session was not ready at the slot.
#[test]
fn a_decision_that_waited_for_the_session_has_what_is_left_of_its_window() {
    let watch = Watch {
        phase: seconds(1_000),
        ..Watch::new()
    };
    for (waited, trades) in [(100, true), (299, true), (300, false)] {
        let script = Scripted::new([(0, holding(&[(A, 10)]))]);
        let mut d = watched_by(watch.clone(), script);
        d.step(Input::Health(&HealthFact::ExecutionReportsDown));
        assert!(d.trade(0).is_empty());
        d.seconds(waited);
        d.step(Input::Health(&HealthFact::ExecutionReportsUp));
        d.agree();
        d.persist();
        let sent = d.sent();
        assert_eq!(sent.len(), usize::from(trades), "after {waited} s");
        let held = |r: &Record| matches!(r, Record::Hold(h) if h.reason.contains("window passed"));
        assert_eq!(d.log.records.iter().any(held), !trades);
        if let Some(order) = sent.first() {
            d.fact(&accepted(order));
            d.seconds(300 - waited - 1);
            assert!(d.cancels.is_empty());
            d.seconds(1);
            assert_eq!(d.cancels, [order.client_id], "300 s after the slot");
        }
    }
}

/// All cash is in A. Its sale is lost for a while, so nothing can be bought; when it turns out to be
/// executed, what lacked cash is bought after all, while the window is open.
#[test]
fn what_lacked_cash_is_bought_when_a_lost_sale_is_found() {
    let lost = || {
        let script = Scripted::new([(0, holding(&[(A, 99)])), (1, holding(&[(B, 90)]))]);
        let mut d = watched(script);
        let bought = d.trade(0).remove(0);
        d.fact(&execution(&bought, 1, 99, "100"));
        d.persist();
        let sale = d.trade(1).remove(0);
        d.fact(&unknown(&sale));
        d.persist();
        d.seconds(60);
        d.persist();
        assert!(d.sent().is_empty(), "there is nothing to pay with");
        assert_eq!(d.log.residuals(), []);
        (d, sale)
    };
    let (mut d, sale) = lost();
    d.fact(&execution(&sale, 2, 99, "100"));
    d.persist();
    let buy = d.sent().remove(0);
    assert_eq!((buy.instrument, buy.quantity), (B, units(90)));
    d.fact(&execution(&buy, 3, 90, "100"));
    d.persist();
    assert_eq!(d.log.residuals(), []);

    let (mut d, sale) = lost();
    d.seconds(239);
    assert_eq!(d.log.residuals(), [], "it may still come back");
    d.seconds(1);
    assert_eq!(d.log.residuals(), [(2, A, -99), (2, B, 90)]);
    d.fact(&execution(&sale, 2, 99, "100"));
    d.persist();
    assert!(d.sent().is_empty(), "its window is over");
}

/// A person's liquidation that waits for an order to end is not replaced by the strategy's next slot.
#[test]
fn a_decision_gives_way_to_a_liquidation_that_waits() {
    let lines = [
        (0, holding(&[(A, 10)])),
        (1, holding(&[(A, 10), (B, 5)])),
        (2, holding(&[(A, 20)])),
    ];
    let watch = Watch {
        window: Span::from_days(9),
        phase: Span::from_days(9),
        ..Watch::new()
    };
    let mut d = watched_by(watch, Scripted::new(lines));
    let bought = d.trade(0).remove(0);
    d.fact(&execution(&bought, 1, 10, "100"));
    d.persist();
    let working = d.trade(1).remove(0);
    d.fact(&accepted(&working));
    d.step(Input::Command(&Command::Liquidate {
        instrument: None,
        reason: "test".into(),
    }));
    assert!(d.trade(2).is_empty(), "the order before it has not ended");
    d.fact(&Fact::Canceled {
        client_id: working.client_id,
        filled: units(0),
        reason: "asked".into(),
    });
    d.persist();
    let sale = d.sent().remove(0);
    assert_eq!((sale.side, sale.quantity), (Side::Sell, units(10)));
    let intents = d.log.intents().len();
    d.fact(&execution(&sale, 2, 10, "100"));
    d.persist();
    assert_eq!(d.log.intents().len(), intents, "and nothing comes after it");
}

/// Executions are listed again from ten minutes before the last report with which everything agreed.
#[test]
fn the_account_is_asked_for_from_shortly_before_the_last_agreement() {
    let mut d = watched(Scripted::default());
    let since = |d: &mut Desk| {
        let mut asked = d.queries.drain(..).filter_map(|q| match q {
            Query::Account { since } => Some(since),
            Query::Order(..) => None,
        });
        asked.next_back()
    };
    assert_eq!(
        since(&mut d),
        Some(ballast_domain::time::Timestamp::MIN),
        "all of it at first"
    );
    for _ in 0..2 {
        d.seconds(20);
        d.agree();
        let agreed = d.now;
        d.seconds(20);
        assert_eq!(since(&mut d), Some(agreed - seconds(600)));
    }
}

/// A mode that stops one instrument takes back its orders and no others; an order that is lost is
/// wanted back as well.
#[test]
fn a_stop_takes_back_the_orders_of_its_scope() {
    for (scope, all) in [
        (ModeScope::Instrument(B), false),
        (ModeScope::Strategy, true),
    ] {
        let script = Scripted::new([(0, holding(&[(A, 10), (B, 10)]))]);
        let mut d = watched(script);
        let sent = d.trade(0);
        d.fact(&accepted(&sent[0]));
        d.fact(&unknown(&sent[1]));
        d.step(Input::Command(&mode(scope, Mode::ReduceOnly)));
        assert_eq!(d.cancels, [], "what reduces may work");
        d.step(Input::Command(&mode(scope, Mode::CancelOnly)));
        let mut expected = vec![sent[1].client_id];
        if all {
            expected.insert(0, sent[0].client_id);
        }
        assert_eq!(d.cancels, expected, "{scope:?}");
        d.fact(&canceled(&sent[1]));
        d.cancels.clear();
        d.step(Input::Command(&mode(scope, Mode::Halted)));
        assert!(!d.cancels.contains(&sent[1].client_id), "it has ended");
    }
}
