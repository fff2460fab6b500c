//! The exchange core against quotes: latency, displayed size, the queue.

use super::trial::{A, exchange, id, limit, order, told, units};
use super::{Exchange, Quote, VenueRules};
use crate::money::Price;
use crate::orders::{Intent, OrderStatus, Side, TimeInForce};
use crate::time::{Span, Timestamp};

use Side::{Buy, Sell};

/// The millisecond.
fn ms(n: i64) -> Timestamp {
    Timestamp::EPOCH + Span::from_nanos(n * 1_000_000)
}

fn quote(bid: i64, bid_size: i64, ask: i64, ask_size: i64) -> Quote {
    Quote {
        bid: Price::from_units(bid),
        ask: Price::from_units(ask),
        bid_size: units(bid_size),
        ask_size: units(ask_size),
    }
}

/// A venue with a latency of 5 ms and a quote of 10 (100) / 12 (100) at time 0.
fn venue() -> Exchange {
    let mut venue = exchange(VenueRules {
        latency: Span::from_nanos(5_000_000),
        ..VenueRules::default()
    });
    venue.on_quote(A, quote(10, 100, 12, 100), ms(0)).unwrap();
    venue
}

fn gtc(intent: Intent) -> Intent {
    Intent {
        time_in_force: TimeInForce::Gtc,
        ..intent
    }
}

fn trade(venue: &mut Exchange, price: i64, size: i64, at: i64) {
    venue.on_trade(A, Price::from_units(price), units(size), ms(at));
}

/// The quote moves at 4 ms; an order that arrived at 0 is effective at 5, one at −1 at 4, where it
/// is not before the new quote.
#[test]
fn an_order_meets_the_quote_that_stands_when_it_takes_effect() {
    for (arrives, moves, expected) in [(0, 4, 15), (0, 6, 12), (-1, 5, 12), (0, 5, 15)] {
        let mut venue = venue();
        venue.receive(order(1, Buy, 10), ms(arrives));
        venue.advance(ms(3));
        assert_eq!(told(&mut venue), ["1 accepted"], "not yet in effect");
        venue
            .on_quote(A, quote(14, 100, 15, 100), ms(moves))
            .unwrap();
        venue.advance(ms(9));
        let filled = format!("1 buy 10 at {expected} fee 0 of 0");
        assert_eq!(told(&mut venue), [filled], "{arrives} {moves}");
    }
}

/// 100 are displayed: the second order gets what the first left, and the next quote the rest.
#[test]
fn takers_share_the_displayed_size_until_the_next_quote() {
    let mut venue = venue();
    venue.receive(gtc(order(1, Buy, 70)), ms(0));
    venue.receive(gtc(order(2, Buy, 70)), ms(0));
    let at_once = Intent {
        time_in_force: TimeInForce::Ioc,
        ..order(3, Buy, 5)
    };
    venue.receive(at_once, ms(0));
    venue.advance(ms(5));
    venue.advance(ms(6));
    assert_eq!(
        told(&mut venue)[3..],
        [
            "1 buy 70 at 12 fee 0 of 0",
            "2 buy 30 at 12 fee 0 of 0",
            "3 canceled at 0: not enough on offer for the rest",
        ]
    );
    venue.on_quote(A, quote(11, 5, 13, 100), ms(7)).unwrap();
    assert_eq!(told(&mut venue), ["2 buy 40 at 13 fee 0 of 0"]);
}

#[test]
fn a_resting_order_waits_behind_what_was_displayed_before_it() {
    let mut venue = venue();
    venue.receive(gtc(limit(1, Buy, 30, 10)), ms(0));
    venue.advance(ms(5));
    trade(&mut venue, 10, 60, 6);
    assert_eq!(told(&mut venue), ["1 accepted"]);
    assert_eq!(venue.working()[0].ahead, Some(units(40)));
    // Less is displayed than it thought: others went away.
    venue.on_quote(A, quote(10, 15, 12, 100), ms(7)).unwrap();
    trade(&mut venue, 10, 25, 8);
    assert_eq!(told(&mut venue), ["1 buy 10 at 10 fee 0 of 0"]);
    // More is displayed: they are behind it.
    venue.on_quote(A, quote(10, 500, 12, 100), ms(9)).unwrap();
    trade(&mut venue, 10, 5, 10);
    assert_eq!(told(&mut venue), ["1 buy 5 at 10 fee 0 of 0"]);
    // A trade below its price went through it, the ask below its price meets it.
    trade(&mut venue, 9, 4, 11);
    venue.on_quote(A, quote(7, 1, 9, 100), ms(12)).unwrap();
    assert_eq!(
        told(&mut venue),
        ["1 buy 4 at 10 fee 0 of 0", "1 buy 11 at 10 fee 0 of 0"]
    );
    assert_eq!(
        venue.order_report(id(1)).unwrap().status,
        OrderStatus::Filled
    );
}

#[test]
fn below_the_best_price_the_queue_is_unknown_and_nothing_is_assumed() {
    let mut venue = venue();
    venue.receive(gtc(limit(1, Buy, 10, 9)), ms(0));
    venue.advance(ms(5));
    trade(&mut venue, 9, 1_000, 6);
    assert_eq!(told(&mut venue), ["1 accepted"]);
    venue.on_quote(A, quote(9, 20, 12, 100), ms(7)).unwrap();
    trade(&mut venue, 9, 25, 8);
    assert_eq!(told(&mut venue), ["1 buy 5 at 9 fee 0 of 0"]);
}

#[test]
fn one_trade_is_shared_by_price_then_arrival_and_never_counted_twice() {
    let mut venue = venue();
    venue.on_quote(A, quote(10, 0, 13, 100), ms(0)).unwrap();
    for (number, price) in [(1, 10), (2, 10), (3, 11)] {
        venue.receive(gtc(limit(number, Buy, 10, price)), ms(0));
    }
    venue.receive(gtc(limit(4, Sell, 10, 12)), ms(0));
    venue.advance(ms(5));
    trade(&mut venue, 10, 25, 6);
    assert_eq!(
        told(&mut venue)[4..],
        [
            "3 buy 10 at 11 fee 0 of 0",
            "1 buy 10 at 10 fee 0 of 0",
            "2 buy 5 at 10 fee 0 of 0",
        ]
    );
}

#[test]
fn a_post_only_order_is_judged_when_it_takes_effect() {
    let post = |number, price| Intent {
        post_only: true,
        ..gtc(limit(number, Buy, 10, price))
    };
    let mut late = venue();
    late.receive(post(1, 11), ms(0));
    late.on_quote(A, quote(10, 1, 11, 50), ms(3)).unwrap();
    late.advance(ms(5));
    assert_eq!(
        told(&mut late),
        [
            "1 accepted",
            "1 canceled at 0: post-only, and it would have traded at once"
        ]
    );
    let mut prompt = exchange(VenueRules::default());
    prompt.on_quote(A, quote(10, 1, 11, 50), ms(3)).unwrap();
    prompt.receive(post(1, 11), ms(3));
    prompt.receive(post(2, 10), ms(3));
    assert_eq!(
        told(&mut prompt),
        [
            "1 rejected: post-only, and it would trade at once",
            "2 accepted"
        ]
    );
}

#[test]
fn a_crossed_or_empty_quote_is_refused_and_changes_nothing() {
    let mut venue = venue();
    for bad in [
        quote(12, 1, 12, 1),
        quote(13, 1, 12, 1),
        Quote {
            bid: Price::ZERO,
            ..quote(10, 1, 12, 1)
        },
        quote(10, -1, 12, 1),
    ] {
        let error = venue.on_quote(A, bad, ms(1)).unwrap_err().to_string();
        assert!(error.contains("quote"), "{error}");
    }
    venue.receive(order(1, Sell, 1), ms(1));
    venue.receive(order(2, Buy, 1), ms(1));
    venue.advance(ms(6));
    assert_eq!(told(&mut venue)[3], "2 buy 1 at 12 fee 0 of 0");
}
