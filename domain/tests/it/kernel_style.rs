//! Limit orders of a rebalance: a price, a deadline, and what becomes of the rest.

use ballast_domain::kernel::{Command, Fact, Input, LimitStyle, OrderStyle, SizeAt, Watch};
use ballast_domain::money::{Price, Quantity, Rate};
use ballast_domain::orders::{Intent, OrderType, Side, TimeInForce};
use ballast_domain::simulation::{FillPoint, LimitFills};
use ballast_domain::time::Span;

use crate::scenario::{
    A, B, Desk, Scripted, Tape, World, accepted, assert_nothing_set_aside, dollars, execution,
    holding, units, unknown,
};

fn style(last_resort: bool) -> OrderStyle {
    OrderStyle::Limit(LimitStyle {
        offset: Rate::from_bps(100),
        bars: 1,
        last_resort,
    })
}

fn world(last_resort: bool) -> World {
    let mut world = World::shares(2);
    world.settings.style = style(last_resort);
    world.settings.time_in_force = TimeInForce::Gtc;
    world.rules.limit_fills = LimitFills::ThroughBar;
    world
}

/// Ten of A wanted at the first bar, and nothing new later.
fn script() -> Scripted {
    Scripted::new([(0, holding(&[(A, 10)]))])
}

fn flat() -> Tape {
    Tape::of_closes(&[&[100.0; 8], &[100.0; 8]])
}

fn ended(intent: &Intent, filled: i64) -> Fact {
    Fact::Canceled {
        client_id: intent.client_id,
        filled: units(filled),
        reason: "asked".into(),
    }
}

/// A watched desk whose limit order for ten has four and whose deadline is over.
fn late(last_resort: bool) -> (Desk, Intent) {
    // Bars are days here, and the decision stands for as long.
    let watch = Watch {
        phase: Span::from_days(9),
        window: Span::from_days(9),
        ..Watch::new()
    };
    let mut d = Desk::watched_by(watch, &world(last_resort), script(), &flat());
    let limit = d.trade(0).remove(0);
    assert_eq!(limit.order_type, OrderType::Limit(Price::from_units(9_900)));
    d.fact(&accepted(&limit));
    d.fact(&execution(&limit, 1, 4, "99"));
    d.persist();
    assert!(d.cancels.is_empty());
    assert!(d.trade(1).is_empty());
    assert_eq!(d.cancels, [limit.client_id], "its bar is over");
    (d, limit)
}

/// EXE-23: without the policy the rest of a limit order is taken back and is a residual.
#[test]
fn without_the_policy_the_rest_is_a_residual() {
    let (mut d, limit) = late(false);
    d.fact(&ended(&limit, 4));
    d.persist();
    assert!(d.sent().is_empty());
    assert_eq!(d.log.residuals(), [(1, A, 6)]);
    assert_eq!(d.log.intents().len(), 1);
    assert_nothing_set_aside(&d.kernel);
}

/// EXE-23: with the policy the rest goes as one market order, recorded as such, and never before the
/// venue has said that nothing of the limit order works any more.
#[test]
fn with_the_policy_the_rest_goes_once_at_the_market_after_the_cancel_is_final() {
    let (mut d, limit) = late(true);
    for _ in 0..20 {
        // Silence, a refused cancel and a lost outcome prove nothing.
        d.seconds(5);
        d.persist();
        assert!(d.sent().is_empty());
    }
    d.fact(&Fact::CancelRejected {
        client_id: limit.client_id,
        reason: "busy".into(),
    });
    d.fact(&unknown(&limit));
    d.persist();
    assert!(d.sent().is_empty());
    // One more executed on the way.
    d.fact(&ended(&limit, 5));
    d.persist();
    assert!(d.sent().is_empty(), "an execution is still on its way");
    d.fact(&execution(&limit, 2, 1, "99"));
    d.persist();
    let market = d.sent();
    assert_eq!(market.len(), 1);
    let market = market[0];
    assert_eq!(
        (market.order_type, market.quantity),
        (OrderType::Market, units(5))
    );
    assert_ne!(market.client_id, limit.client_id);
    let records: Vec<_> = d.log.intents().iter().map(|r| r.last_resort).collect();
    assert_eq!(records, [false, true], "the record says so");
    // What that one leaves is a residual: there is no third.
    d.fact(&execution(&market, 3, 2, "101"));
    d.fact(&ended(&market, 2));
    d.persist();
    assert!(d.sent().is_empty());
    assert_eq!(d.log.residuals(), [(1, A, 3)]);
    assert_nothing_set_aside(&d.kernel);
}

/// EXE-23: an order that was filled while its cancel was on its way is followed by nothing.
#[test]
fn a_limit_that_fills_on_the_way_to_its_cancel_is_not_doubled() {
    let (mut d, limit) = late(true);
    d.fact(&execution(&limit, 2, 6, "99"));
    d.fact(&Fact::CancelRejected {
        client_id: limit.client_id,
        reason: "no such order".into(),
    });
    d.persist();
    assert!(d.sent().is_empty());
    assert_eq!(d.log.residuals(), []);
    assert_eq!(d.kernel.account().position(A).quantity, units(10));
}

/// EXE-23: a restart is a deadline as well: the limit is cleared up first, the rest goes once.
#[test]
fn after_a_restart_the_rest_goes_once() {
    for (policy, orders) in [(false, 0), (true, 1)] {
        let world = world(policy);
        let mut d = Desk::watched(&world, script(), &flat());
        let limit = d.trade(0).remove(0);
        d.fact(&accepted(&limit));
        d.fact(&execution(&limit, 1, 4, "99"));
        d.persist();
        d.seconds(1);
        let mut again = d.restarted(&world, script());
        again.now = d.now + Span::from_seconds(1);
        again.step(ballast_domain::kernel::Input::Start);
        again.persist();
        assert!(again.sent().is_empty());
        again.fact(&ended(&limit, 4));
        again.now = again.now + Span::from_seconds(1);
        again.agree();
        again.persist();
        let sent = again.sent();
        assert_eq!(sent.len(), orders, "policy {policy}");
        if let Some(market) = sent.first() {
            assert_eq!(
                (market.order_type, market.quantity),
                (OrderType::Market, units(6))
            );
            let twice = again.restarted(&world, script());
            again = twice;
            again.now = again.now + Span::from_seconds(1);
            again.step(ballast_domain::kernel::Input::Start);
            again.fact(&ended(market, 0));
            again.now = again.now + Span::from_seconds(1);
            again.agree();
            again.persist();
            assert!(again.sent().is_empty(), "it went at the market before");
        }
        assert_eq!(again.log.residuals(), [(1, A, 6)], "policy {policy}");
    }
}

/// EXE-23 in bars: a limit a percent below rests through the next bar; one that is not reached is
/// taken back at its close, and with the policy the market takes the rest at the open after it.
#[test]
fn bars_fill_limits_they_trade_through_and_the_policy_decides_about_the_rest() {
    let dips = Tape::new(&[&[
        (100.0, 100.0),
        (100.0, 98.0),
        (100.0, 100.0),
        (100.0, 100.0),
    ]]);
    let rises = Tape::new(&[&[
        (100.0, 100.0),
        (101.0, 103.0),
        (104.0, 104.0),
        (104.0, 104.0),
    ]]);
    for (tape, policy, fills, residual) in [
        (&dips, false, vec!["close1 buy 10 of 0 at 99"], 0),
        (&dips, true, vec!["close1 buy 10 of 0 at 99"], 0),
        (&rises, false, vec![], 10),
        (&rises, true, vec!["open2 buy 9 of 0 at 104"], 1),
    ] {
        let mut world = World {
            instruments: crate::scenario::shares(1),
            ..world(policy)
        };
        // Ten at 99 cost less than there is, ten at 104 more.
        world.exchange.opening_cash = crate::scenario::dollars("1030");
        let run = world.run(script(), tape).well();
        let shown: Vec<_> = run.tape_of_fills();
        let shown: Vec<_> = shown
            .iter()
            .map(|s| s.split(" fee").next().unwrap())
            .collect();
        assert_eq!(shown, fills, "policy {policy}");
        let missing: i64 = run.log.residuals().iter().map(|r| r.2).sum();
        assert_eq!(missing, residual, "policy {policy}");
        let market = run.log.intents().iter().filter(|r| r.last_resort).count();
        assert_eq!(market, usize::from(policy && residual > 0));
        assert_eq!(run.exchange.working().len(), 0);
    }
}

/// Sales rest above and buys below, and reductions are through before additions begin.
#[test]
fn reductions_have_their_deadline_before_additions_begin() {
    let script = Scripted::new([(0, holding(&[(A, 10)])), (2, holding(&[(B, 10)]))]);
    let mut d = Desk::watched(&world(true), script, &flat());
    let bought = d.trade(0).remove(0);
    d.fact(&execution(&bought, 1, 10, "99"));
    d.persist();
    d.trade(1);
    let sale = d.trade(2).remove(0);
    assert_eq!(sale.order_type, OrderType::Limit(Price::from_units(10_100)));
    assert_eq!(sale.side, Side::Sell);
    d.trade(3);
    d.fact(&ended(&sale, 0));
    d.persist();
    let market = d.sent().remove(0);
    assert_eq!(
        (market.side, market.order_type),
        (Side::Sell, OrderType::Market)
    );
    assert!(market.reduce_only);
    d.fact(&execution(&market, 2, 10, "100"));
    d.persist();
    let buy = d.sent().remove(0);
    assert_eq!(buy.instrument, B);
    assert_eq!(buy.order_type, OrderType::Limit(Price::from_units(9_900)));
    assert_eq!(d.kernel.account().position(A).quantity, Quantity::ZERO);
}

/// What bars cannot show honestly is refused by the name of its key.
#[test]
fn styles_that_bars_cannot_show_are_refused() {
    let tape = flat();
    let refused = |change: fn(&mut World), tape: &Tape| {
        let mut world = world(true);
        change(&mut world);
        world.run(script(), tape).error()
    };
    let same_close = refused(|w| w.exchange.fill_point = FillPoint::SameClose, &tape);
    assert!(
        same_close.contains("at the close the decision saw"),
        "{same_close}"
    );
    let at_fill = refused(|w| w.settings.size_at = SizeAt::Fill, &tape);
    assert!(
        at_fill.contains("from prices of the fill point"),
        "{at_fill}"
    );
    let one_price = refused(|w| w.rules.limit_fills = LimitFills::AtFillPoint, &tape);
    assert!(one_price.contains("at one price a bar"), "{one_price}");
    let closes = refused(
        |w| w.exchange.fill_point = FillPoint::NextClose,
        &tape.clone().close_only(),
    );
    assert!(closes.contains("missing columns"), "{closes}");
}

/// A limit of two bars works through two.
#[test]
fn a_limit_has_as_many_bars_as_its_style_says() {
    for bars in 1..=3 {
        let mut world = world(true);
        world.settings.style = OrderStyle::Limit(LimitStyle {
            offset: Rate::from_bps(100),
            bars,
            last_resort: true,
        });
        let mut d = Desk::new(&world, script(), &flat());
        let limit = d.trade(0).remove(0);
        d.fact(&accepted(&limit));
        for row in 1..usize::from(bars) {
            d.trade(row);
            assert_eq!(d.cancels, [], "bar {row} of {bars}");
        }
        d.trade(usize::from(bars));
        assert_eq!(d.cancels, [limit.client_id], "{bars} bars");
    }
}

/// What a person orders goes at the market, whatever the style.
#[test]
fn a_liquidation_is_at_the_market() {
    let mut d = Desk::watched(&world(true), script(), &flat());
    let bought = d.trade(0).remove(0);
    d.fact(&execution(&bought, 1, 10, "99"));
    d.persist();
    d.step(Input::Command(&Command::Liquidate {
        instrument: None,
        reason: "test".into(),
    }));
    d.persist();
    let sale = d.sent().remove(0);
    assert_eq!(
        (sale.side, sale.order_type),
        (Side::Sell, OrderType::Market)
    );
}

/// The last resort is for limits that had their time. One that the venue took back before is a
/// residual, and one that expired at its deadline is not.
#[test]
fn only_a_limit_that_had_its_time_is_followed() {
    let mut d = Desk::watched(&world(true), script(), &flat());
    let limit = d.trade(0).remove(0);
    d.fact(&accepted(&limit));
    d.fact(&ended(&limit, 0));
    d.persist();
    assert!(d.sent().is_empty());
    assert_eq!(d.log.residuals(), [(1, A, 10)]);

    let (mut d, limit) = late(true);
    d.fact(&Fact::Expired {
        client_id: limit.client_id,
        filled: units(4),
    });
    d.persist();
    let market = d.sent().remove(0);
    assert_eq!(market.quantity, units(6));
    // This one came back unspent: nothing left, so it goes once more.
    d.fact(&Fact::NotSent {
        client_id: market.client_id,
        reason: "the gate".into(),
    });
    d.persist();
    let again = d.sent().remove(0);
    assert_eq!(
        (again.order_type, again.quantity),
        (OrderType::Market, units(6))
    );
    assert_ne!(again.client_id, market.client_id);
}

/// Each leg has its own last resort: of two limits late by one bar only the unfilled one is followed.
#[test]
fn a_leg_that_filled_needs_no_last_resort() {
    let script = Scripted::new([(0, holding(&[(A, 10), (B, 20)]))]);
    let mut d = Desk::new(&world(true), script, &flat());
    let sent = d.trade(0);
    for order in &sent {
        d.fact(&accepted(order));
    }
    d.trade(1);
    assert_eq!(d.cancels, [sent[0].client_id, sent[1].client_id]);
    d.fact(&ended(&sent[0], 0));
    d.persist();
    assert!(d.sent().is_empty(), "B may still execute");
    d.fact(&execution(&sent[1], 1, 20, "99"));
    d.persist();
    let market = d.sent();
    assert_eq!(market.len(), 1);
    assert_eq!((market[0].instrument, market[0].quantity), (A, units(10)));
}

/// The market order is judged at the mark of its own moment, not at that of the decision.
#[test]
fn a_last_resort_is_valued_at_the_present_mark() {
    let tape = Tape::of_closes(&[&[100.0, 104.0, 104.0], &[100.0; 3]]);
    let mut d = Desk::new(&world(true), script(), &tape);
    let limit = d.trade(0).remove(0);
    d.fact(&accepted(&limit));
    d.trade(1);
    d.fact(&ended(&limit, 0));
    d.persist();
    let references: Vec<_> = d.log.intents().iter().map(|i| i.reference).collect();
    assert_eq!(
        references,
        [Price::from_units(10_000), Price::from_units(10_400)]
    );
    assert_eq!(d.kernel.exposure().reserved_cash(), dollars("1040"));
}
