//! The exchange core against bars: volume, limits, orders over several bars, what it remembers.

use proptest::prelude::*;

use super::trial::{
    A, bars, dollars, exchange, exchange_with, hour, id, limit, order, told, trade_bar, units,
};
use super::{FeeAsset, FeeModel, FeeSchedule, LimitFills, VenueRules};
use crate::instrument::AssetId;
use crate::money::{Cash, Price, Rate};
use crate::orders::{Intent, OrderStatus, Side, TimeInForce};
use crate::time::Timestamp;

use Side::{Buy, Sell};

fn a_tenth() -> VenueRules {
    VenueRules {
        participation: Some(Rate::from_bps(1_000)),
        ..VenueRules::default()
    }
}

fn through() -> VenueRules {
    VenueRules {
        limit_fills: LimitFills::ThroughBar,
        ..VenueRules::default()
    }
}

/// A flat bar at 10 with this volume.
fn flat(volume: f64) -> [f64; 5] {
    [10.0, 10.0, 10.0, 10.0, volume]
}

fn waiting(intent: Intent, time_in_force: TimeInForce) -> Intent {
    Intent {
        time_in_force,
        ..intent
    }
}

/// 10 % of 100 units are 10: what is left works on, ends or is taken back by its time in force, and
/// every end says how much was executed in all.
#[test]
fn an_order_larger_than_its_share_of_the_volume_is_filled_in_parts() {
    use TimeInForce::{AtOpen, Day, Gtc, Ioc};
    let panel = bars(&[flat(100.0), flat(59.0), flat(0.0), flat(200.0)]);
    let all = [
        "1 accepted",
        "1 buy 10 at 10 fee 0 of 0",
        "1 buy 5 at 10 fee 0 of 0",
        "1 buy 15 at 10 fee 0 of 0",
    ];
    let first = [
        "1 accepted",
        "1 buy 10 at 10 fee 0 of 0",
        "1 canceled at 10: not enough volume for the rest",
    ];
    for (time_in_force, expected) in [
        (Day, &all[..]),
        (Gtc, &all),
        (Ioc, &first),
        (AtOpen, &first),
    ] {
        let mut venue = exchange(a_tenth());
        venue.receive(waiting(order(1, Buy, 30), time_in_force), hour(0));
        for row in 0..4 {
            trade_bar(&mut venue, &panel, row);
        }
        assert_eq!(told(&mut venue), expected, "{time_in_force:?}");
        assert!(!venue.has_work());
    }
}

#[test]
fn orders_share_the_volume_in_order_of_arrival_sales_first() {
    let panel = bars(&[flat(200.0), flat(100.0), flat(100.0)]);
    let mut venue = exchange(a_tenth());
    venue.receive(order(1, Buy, 20), hour(0));
    trade_bar(&mut venue, &panel, 0);
    told(&mut venue);
    venue.receive(order(2, Buy, 6), hour(1));
    venue.receive(order(3, Buy, 6), hour(1));
    venue.receive(order(4, Sell, 3), hour(1));
    trade_bar(&mut venue, &panel, 1);
    let facts = told(&mut venue);
    assert_eq!(
        facts[3..],
        [
            "4 sell 3 at 10 fee 0 of 0",
            "2 buy 6 at 10 fee 0 of 0",
            "3 buy 1 at 10 fee 0 of 0",
        ]
    );
    let partly = venue.order_report(id(3)).unwrap();
    assert_eq!(
        (partly.status, partly.filled),
        (OrderStatus::PartiallyFilled, units(1))
    );
    trade_bar(&mut venue, &panel, 2);
    assert_eq!(told(&mut venue), ["3 buy 5 at 10 fee 0 of 0"]);
    let done = venue.order_report(id(3)).unwrap();
    assert_eq!((done.status, done.filled), (OrderStatus::Filled, units(6)));
}

/// Bar 23 is the last of the day; a good-till-canceled order sees bar 24.
#[test]
fn a_day_order_ends_with_its_session_and_says_what_it_did() {
    let panel = bars(&[flat(10.0); 26]);
    for (time_in_force, ends) in [(TimeInForce::Day, true), (TimeInForce::Gtc, false)] {
        let mut venue = exchange(a_tenth());
        venue.receive(waiting(order(1, Buy, 90), time_in_force), hour(22));
        for row in 22..26 {
            trade_bar(&mut venue, &panel, row);
        }
        let facts = told(&mut venue);
        let fills = facts.iter().filter(|f| f.contains("buy 1")).count();
        assert_eq!(fills, if ends { 2 } else { 4 });
        assert_eq!(facts.last().unwrap() == "1 expired at 2", ends, "{facts:?}");
    }
}

/// Limit 10 under bars that come closer: inside the bar it needs a low below it.
#[test]
fn a_resting_limit_is_met_inside_the_bar_at_the_better_of_open_and_limit() {
    let panel = bars(&[
        [12.0, 13.0, 11.0, 12.0, 1.0],
        [12.0, 13.0, 10.0, 12.0, 1.0],
        [12.0, 13.0, 9.0, 12.0, 1.0],
    ]);
    let mut venue = exchange(through());
    venue.receive(limit(1, Buy, 5, 10), hour(0));
    trade_bar(&mut venue, &panel, 0);
    trade_bar(&mut venue, &panel, 1);
    assert_eq!(told(&mut venue), ["1 accepted"]);
    trade_bar(&mut venue, &panel, 2);
    assert_eq!(told(&mut venue), ["1 buy 5 at 10 fee 0 of 0"]);
    assert_eq!(
        venue.executions().next().unwrap().time,
        hour(3),
        "at the close"
    );

    // A gap through the limit gives the open; the plain rule never looks inside a bar.
    let gap = bars(&[[8.0, 9.0, 7.0, 9.0, 1.0], [12.0, 13.0, 7.0, 12.0, 1.0]]);
    let mut venue = exchange(through());
    venue.receive(limit(1, Buy, 5, 10), hour(0));
    trade_bar(&mut venue, &gap, 0);
    assert_eq!(told(&mut venue)[1], "1 buy 5 at 8 fee 0 of 0");
    let mut plain = exchange(VenueRules::default());
    plain.receive(limit(1, Buy, 5, 10), hour(1));
    trade_bar(&mut plain, &gap, 1);
    assert_eq!(told(&mut plain), ["1 accepted", "1 expired at 0"]);
}

#[test]
fn a_post_only_order_is_refused_when_it_would_trade_at_once() {
    let panel = bars(&[flat(1.0)]);
    let post = |intent: Intent| Intent {
        post_only: true,
        ..intent
    };
    let mut venue = exchange(through());
    venue.receive(post(limit(1, Buy, 5, 9)), hour(0));
    trade_bar(&mut venue, &panel, 0);
    for (number, side, price) in [(2, Buy, 9), (3, Buy, 10), (4, Sell, 10), (5, Sell, 11)] {
        venue.receive(post(limit(number, side, 5, price)), hour(1));
    }
    venue.receive(post(order(6, Buy, 5)), hour(1));
    let mut plain = exchange(VenueRules::default());
    plain.receive(post(limit(7, Buy, 5, 9)), hour(1));
    assert_eq!(
        [told(&mut venue), told(&mut plain)].concat(),
        [
            "1 rejected: no price yet to judge a post-only order by",
            "2 accepted",
            "3 rejected: post-only, and it would trade at once",
            "4 rejected: post-only, and it would trade at once",
            "5 accepted",
            "6 rejected: a post-only order needs a limit",
            "7 rejected: post-only orders need a book; bars have none",
        ]
    );
    let refused = venue.order_report(id(3)).unwrap();
    assert_eq!(refused.status, OrderStatus::Rejected);
}

/// Ids usually grow; one that does not is looked for among all that work.
#[test]
fn a_twin_of_a_working_order_is_refused_whatever_came_between() {
    let mut venue = exchange(VenueRules::default());
    for number in [2, 5, 2, 3, 5, 3, 1, 6] {
        venue.receive(limit(number, Buy, 5, 9), hour(0));
    }
    assert_eq!(
        told(&mut venue),
        [
            "2 accepted",
            "5 accepted",
            "2 rejected: duplicate client order id",
            "3 accepted",
            "5 rejected: duplicate client order id",
            "3 rejected: duplicate client order id",
            "1 accepted",
            "6 accepted",
        ]
    );
}

#[test]
fn reduce_only_orders_share_what_can_be_reduced() {
    let panel = bars(&[flat(1.0); 2]);
    let mut venue = exchange(VenueRules::default());
    venue.receive(order(1, Buy, 10), hour(0));
    trade_bar(&mut venue, &panel, 0);
    told(&mut venue);
    for (number, side) in [(2, Sell), (3, Sell), (4, Buy)] {
        venue.receive(
            Intent {
                reduce_only: true,
                ..order(number, side, 7)
            },
            hour(1),
        );
    }
    trade_bar(&mut venue, &panel, 1);
    assert_eq!(
        told(&mut venue)[3..],
        [
            "2 sell 7 at 10 fee 0 of 0",
            "3 sell 3 at 10 fee 0 of 0",
            "3 canceled at 3: not enough units for the rest",
            "4 canceled at 0: nothing is left to reduce",
        ]
    );
    assert!(venue.position(A).is_zero());
}

#[test]
fn makers_and_takers_pay_their_rates_and_another_asset_pays_while_it_lasts() {
    let schedule = FeeSchedule {
        maker: Rate::from_bps(100),
        taker: Rate::from_bps(200),
        minimum: dollars(1),
        paid_in: Some(FeeAsset {
            asset: AssetId(1),
            scale: 2,
            price: dollars(2),
        }),
    };
    let rules = VenueRules {
        other_cash: vec![(AssetId(1), Cash::from_units(120))],
        ..through()
    };
    let panel = bars(&[[10.0, 10.0, 10.0, 10.0, 1.0], [10.0, 10.0, 8.0, 10.0, 1.0]]);
    let mut venue = exchange_with(rules, FeeModel::Schedule(schedule));
    venue.receive(order(1, Buy, 10), hour(0));
    venue.receive(order(2, Buy, 1), hour(0));
    venue.receive(limit(3, Buy, 10, 9), hour(0));
    trade_bar(&mut venue, &panel, 0);
    trade_bar(&mut venue, &panel, 1);
    assert_eq!(
        told(&mut venue)[3..],
        [
            // 2 % of 100 dollars are 2 dollars: one coin. Then 20 cents of a coin are left.
            "1 buy 10 at 10 fee 100 of 1",
            // 2 % of 10 are 20 cents; the minimum is a dollar, half a coin, which is not there.
            "2 buy 1 at 10 fee 100 of 0",
            // 1 % of 90, and at least a dollar.
            "3 buy 10 at 9 fee 100 of 0",
        ]
    );
    assert_eq!(venue.balance(AssetId(1)).units(), 20);
    assert_eq!(venue.cash(), dollars(10_000 - 100 - 11 - 91));
}

#[test]
fn a_report_shows_the_account_and_says_from_when_it_is_complete() {
    let panel = bars(&[flat(100.0); 3]);
    let rules = VenueRules {
        remembered: 2,
        ..a_tenth()
    };
    let mut venue = exchange(rules);
    venue.receive(order(1, Buy, 25), hour(0));
    for row in 0..3 {
        trade_bar(&mut venue, &panel, row);
    }
    venue.receive(order(2, Buy, 1), hour(3));
    let report = venue.report(Timestamp::MIN, hour(3));
    assert!(
        report.since > hour(0) && report.since < hour(1),
        "one is forgotten"
    );
    let fills: Vec<_> = report.fills.iter().map(|f| f.quantity.units()).collect();
    assert_eq!(fills, [10, 5]);
    assert_eq!(report.orders.len(), 1);
    assert_eq!(report.positions, [(A, units(25))]);
    assert_eq!(report.cash, [(AssetId::BASE, dollars(9_750))]);
    assert_eq!(venue.report(hour(2), hour(3)).fills.len(), 1);
    assert!(venue.order_report(id(9)).is_none());
}

proptest! {
    /// Whatever the volumes: no bar gives more than its share, no order executes beyond its size,
    /// executions add up to positions, and every order ends or works with the right count.
    #[test]
    fn parts_never_add_up_to_more_than_the_volume_or_the_order(
        volumes in prop::collection::vec(0_u32..400, 1..8),
        sizes in prop::collection::vec(1_i64..60, 1..6),
    ) {
        let rows: Vec<_> = volumes.iter().map(|v| flat(f64::from(*v))).collect();
        let panel = bars(&rows);
        let mut venue = exchange(a_tenth());
        for (size, number) in sizes.iter().zip(0..) {
            venue.receive(waiting(order(number, Buy, *size), TimeInForce::Gtc), hour(0));
        }
        let mut held = 0;
        for (row, volume) in volumes.iter().enumerate() {
            trade_bar(&mut venue, &panel, row);
            let now = venue.position(A).units();
            prop_assert!(now - held <= i64::from(volume / 10));
            held = now;
        }
        let wanted: i64 = sizes.iter().sum();
        let offered: i64 = volumes.iter().map(|v| i64::from(v / 10)).sum();
        prop_assert_eq!(held, wanted.min(offered));
        let mut left = offered;
        for (size, number) in sizes.iter().zip(0..) {
            let expected = left.clamp(0, *size);
            left -= expected;
            let report = venue.order_report(id(number)).unwrap();
            prop_assert_eq!(report.filled.units(), expected, "in order of arrival");
            let parts = venue.executions().filter(|f| f.client_id == id(number));
            prop_assert_eq!(parts.map(|f| f.quantity.units()).sum::<i64>(), expected);
            prop_assert_eq!(report.status == OrderStatus::Filled, expected == *size);
        }
    }

    /// A limit order never pays more than its limit, and never gets a price outside the bar.
    #[test]
    fn no_limit_executes_beyond_its_limit_or_outside_its_bar(
        bar in (50_i64..90, 0_i64..20, 0_i64..20, 0_i64..=20),
        price in 40_i64..110,
        buy in any::<bool>(),
    ) {
        let (open, up, down, at) = bar;
        let (high, low) = (open + up, open - down);
        let close = (low + at).min(high);
        let as_bar = [open, high, low, close, 1].map(|p| p as f64);
        let mut venue = exchange(through());
        let panel = bars(&[flat(1.0), as_bar]);
        venue.receive(order(0, Buy, 5), hour(0));
        trade_bar(&mut venue, &panel, 0);
        let side = if buy { Buy } else { Sell };
        venue.receive(limit(1, side, 5, price), hour(1));
        trade_bar(&mut venue, &panel, 1);
        let fill = venue.executions().find(|f| f.client_id == id(1)).copied();
        let reached = if buy { open <= price || low < price } else { open >= price || high > price };
        prop_assert_eq!(fill.is_some(), reached);
        if let Some(fill) = fill {
            let p = fill.price.units();
            prop_assert!(low <= p && p <= high);
            let allowed = if buy { p <= price } else { p >= price };
            prop_assert!(allowed);
            let better = if buy { open.min(price) } else { open.max(price) };
            prop_assert_eq!(fill.price, Price::from_units(better));
        }
    }
}
