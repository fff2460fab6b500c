//! The exchange core on margin: shorts, perpetuals, funding, borrowing, liquidation.

use proptest::prelude::*;

use super::trial::{
    A, B, bars, dollars, exchange, exchange_with, hour, limit, order, told, trade_bar, units,
};
use super::{FeeModel, FundingRate, MarginTerms, VenueRules};
use crate::money::{Cash, Rate, Weight};
use crate::orders::{Intent, Side};
use crate::portfolio::MarginModel;

use MarginModel::{CrossMarginedPerpetual, Margin};
use Side::{Buy, Sell};

fn terms(model: MarginModel) -> MarginTerms {
    MarginTerms {
        model,
        maintenance: Some(Rate::from_bps(2_500)),
        liquidation_fee: Rate::from_bps(100),
        ..MarginTerms::carrying(Weight::from_units(2_000_000_000))
    }
}

fn on(model: MarginModel) -> VenueRules {
    VenueRules {
        margin: Some(terms(model)),
        ..VenueRules::default()
    }
}

fn at(price: f64) -> [f64; 5] {
    [price, price, price, price, 1_000.0]
}

/// 10,000 dollars at an initial rate of one half carry 20,000 of exposure, long or short; a fee of
/// 1 % takes its part: 198 × 100 / 2 + 198 = 10,098 is too much, 196 × 51 = 9,996 is not.
#[test]
fn exposure_grows_to_the_initial_requirement_and_no_further() {
    let panel = bars(&[at(100.0)]);
    for model in [Margin, CrossMarginedPerpetual] {
        for (side, fee, expected) in [(Buy, 0, 200), (Sell, 0, 200), (Buy, 100, 196)] {
            let mut venue = exchange_with(on(model), FeeModel::Proportional(Rate::from_bps(fee)));
            venue.receive(order(1, side, 300), hour(0));
            trade_bar(&mut venue, &panel, 0);
            assert_eq!(venue.position(A), side.signed(units(expected)), "{model:?}");
            let last = told(&mut venue).pop().unwrap();
            let ended = format!("1 canceled at {expected}: not enough margin for the rest");
            assert_eq!(last, ended);
        }
    }
}

/// A third of 30,000, rounded to nine digits either way, is not 10,000: leverage is exact.
#[test]
fn a_leverage_without_a_finite_rate_is_carried_to_the_last_unit() {
    let panel = bars(&[at(100.0)]);
    for (wanted, carried) in [(300, 300), (301, 300)] {
        let terms = MarginTerms::carrying(Weight::from_units(3_000_000_000));
        let mut venue = exchange(VenueRules {
            margin: Some(terms),
            ..VenueRules::default()
        });
        venue.receive(order(1, Sell, wanted), hour(0));
        trade_bar(&mut venue, &panel, 0);
        assert_eq!(venue.position(A), units(-carried));
    }
    // And what a venue without a maintenance requirement let in, it never closes.
    let mut venue = exchange(VenueRules {
        margin: Some(MarginTerms::carrying(Weight::from_units(3_000_000_000))),
        ..VenueRules::default()
    });
    let panel = bars(&[at(100.0), at(900.0)]);
    venue.receive(order(1, Sell, 300), hour(0));
    trade_bar(&mut venue, &panel, 0);
    trade_bar(&mut venue, &panel, 1);
    assert_eq!(
        (venue.position(A), venue.equity()),
        (units(-300), dollars(-230_000))
    );
}

/// 100 long at 100, sold at 110, and 50 more: the notional moves on margin, only the profit does
/// for a perpetual; equity is the same.
#[test]
fn cash_moves_by_notional_on_margin_and_by_profit_for_perpetuals() {
    let panel = bars(&[at(100.0), at(110.0), at(105.0)]);
    for (model, bought, flipped) in [
        (Margin, dollars(0), dollars(16_500)),
        (CrossMarginedPerpetual, dollars(10_000), dollars(11_000)),
    ] {
        let mut venue = exchange(on(model));
        venue.receive(order(1, Buy, 100), hour(0));
        trade_bar(&mut venue, &panel, 0);
        assert_eq!((venue.cash(), venue.equity()), (bought, dollars(10_000)));
        venue.receive(order(2, Sell, 150), hour(1));
        trade_bar(&mut venue, &panel, 1);
        assert_eq!((venue.cash(), venue.equity()), (flipped, dollars(11_000)));
        trade_bar(&mut venue, &panel, 2);
        assert_eq!(
            (venue.position(A), venue.equity()),
            (units(-50), dollars(11_250))
        );
    }
}

/// 200 long at 100 with 10,000: at 67 equity is 3,400 and 25 % of 13,400 are 3,350; at 66 they are
/// 3,200 and 3,300, so everything working ends and the position is closed at 66 with 132 of fee.
#[test]
fn an_account_below_maintenance_is_liquidated_at_the_mark_with_its_fee() {
    let panel = bars(&[at(100.0), at(67.0), at(66.0), at(90.0)]);
    for (model, paid) in [(Margin, 1_306_800), (CrossMarginedPerpetual, -693_200)] {
        let mut venue = exchange(on(model));
        venue.receive(order(1, Buy, 200), hour(0));
        trade_bar(&mut venue, &panel, 0);
        trade_bar(&mut venue, &panel, 1);
        let waiting = Intent {
            time_in_force: crate::orders::TimeInForce::Gtc,
            ..limit(2, Buy, 1, 1)
        };
        venue.receive(waiting, hour(2));
        trade_bar(&mut venue, &panel, 2);
        trade_bar(&mut venue, &panel, 3);
        assert_eq!(
            told(&mut venue),
            [
                "1 accepted",
                "1 buy 200 at 100 fee 0 of 0",
                "2 accepted",
                "2 canceled at 0: the account is being liquidated",
                &format!("liquidation of 0 by -200 for {paid}"),
            ]
        );
        assert_eq!(
            (venue.cash(), venue.equity()),
            (dollars(3_068), dollars(3_068))
        );
        let report = venue.report(hour(0), hour(4));
        assert_eq!((report.events.len(), report.positions.len()), (1, 0));
    }
}

/// 160 long at 100 with 10,000: at 50 equity is 2,000 and so is a quarter of 8,000. What is required
/// is there; a dollar lower it is not.
#[test]
fn equity_that_equals_the_requirement_is_enough() {
    let panel = bars(&[at(100.0), at(50.0), at(49.0)]);
    let mut venue = exchange(on(Margin));
    venue.receive(order(1, Buy, 160), hour(0));
    trade_bar(&mut venue, &panel, 0);
    trade_bar(&mut venue, &panel, 1);
    assert_eq!(
        (venue.position(A), venue.equity()),
        (units(160), dollars(2_000))
    );
    trade_bar(&mut venue, &panel, 2);
    assert_eq!(venue.position(A), units(0));
}

/// A short worth a tenth of the largest cash there is, at a rate of 100 %, for a day: the plain
/// product of charge and time would overflow.
#[test]
fn charges_on_the_largest_positions_do_not_overflow() {
    let day = crate::time::Span::from_days(1).nanos();
    let year = crate::time::Span::from_days(365).nanos();
    let amount = Cash::from_units(i128::MAX / 10);
    let due = super::margin::share(amount, day.into(), year.into());
    assert_eq!(due.units(), i128::MAX / 10 / 365 + 1);
    let paid = super::funding::received(amount, Rate::from_bps(-1));
    assert_eq!(paid.units(), i128::MAX / 10 / 10_000);
}

/// Only as much as is needed is closed, the largest first: B's 100 at 50 stay.
#[test]
fn a_liquidation_stops_when_the_requirement_is_met() {
    let panel = bars(&[at(100.0), at(53.0)]);
    let mut venue = exchange(on(CrossMarginedPerpetual));
    venue.receive(order(1, Buy, 150), hour(0));
    let other = Intent {
        instrument: B,
        ..order(2, Sell, 100)
    };
    venue.receive(other, hour(0));
    trade_bar(&mut venue, &panel, 0);
    // 10,000 − 7,050 = 2,950 against a quarter of 7,950 + 5,000 = 3,237.5.
    trade_bar(&mut venue, &panel, 1);
    let last = told(&mut venue).pop().unwrap();
    assert_eq!(last, "liquidation of 0 by -150 for -712950");
    assert_eq!(
        (venue.position(A), venue.position(B)),
        (units(0), units(-100))
    );
}

/// Funding falls on what was held before the executions of the same instant.
#[test]
fn funding_is_paid_on_the_position_held_before_the_fills_of_its_instant() {
    let due = |h, bps| FundingRate {
        at: hour(h),
        instrument: A,
        rate: Rate::from_bps(bps),
    };
    let rules = VenueRules {
        funding: vec![due(0, 10), due(1, 10), due(2, -10), due(3, 10)],
        ..on(CrossMarginedPerpetual)
    };
    let panel = bars(&[at(100.0), at(110.0), at(120.0), at(130.0)]);
    let mut venue = exchange(rules);
    venue.receive(order(1, Buy, 10), hour(0));
    trade_bar(&mut venue, &panel, 0);
    venue.receive(order(2, Sell, 30), hour(1));
    trade_bar(&mut venue, &panel, 1);
    trade_bar(&mut venue, &panel, 2);
    venue.receive(order(3, Buy, 20), hour(3));
    trade_bar(&mut venue, &panel, 3);
    let facts = told(&mut venue);
    let of_interest: Vec<_> = facts.iter().filter(|f| !f.contains("accepted")).collect();
    assert_eq!(
        of_interest,
        [
            "1 buy 10 at 100 fee 0 of 0",
            // 0.1 % of 10 × 100, paid by the long.
            "funding -100",
            "2 sell 30 at 110 fee 0 of 0",
            // Shorts pay a negative rate, at the close known before the one of the instant: 100.
            "funding -200",
            "funding 220",
            "3 buy 20 at 130 fee 0 of 0",
        ]
    );
}

/// 3.65 % a year on a short of 100 × 100: one dollar a day.
#[test]
fn shorts_pay_for_what_they_borrow_by_the_time_they_hold_it() {
    let mut rules = on(Margin);
    let yearly = Rate::from_decimal("0.0365".parse().unwrap()).unwrap();
    rules.margin.as_mut().unwrap().borrow_a_year = yearly;
    let panel = bars(&[at(100.0); 25]);
    let mut venue = exchange(rules);
    venue.receive(order(1, Sell, 100), hour(0));
    for row in 0..25 {
        trade_bar(&mut venue, &panel, row);
    }
    let charges: Vec<_> = told(&mut venue).into_iter().skip(2).collect();
    assert_eq!(charges.len(), 24, "an hour each after the first");
    // 4 1/6 cents an hour, rounded up.
    assert!(
        charges.iter().all(|c| c == "borrow of 0 by 0 for -5"),
        "{charges:?}"
    );
}

#[test]
fn terms_and_rules_that_cannot_be_meant_are_refused_with_their_key() {
    let instruments = super::trial::instruments(crate::instrument::InstrumentKind::Spot);
    type Change = fn(&mut VenueRules);
    let cases: [(Change, &str); 9] = [
        (
            |r| r.margin.as_mut().unwrap().model = MarginModel::Cash,
            "margin.model",
        ),
        (
            |r| r.margin.as_mut().unwrap().max_leverage = Weight::ZERO,
            "margin.max_leverage",
        ),
        (
            |r| r.margin.as_mut().unwrap().maintenance = Some(Rate::from_bps(5_001)),
            "margin.maintenance",
        ),
        (
            |r| r.margin.as_mut().unwrap().maintenance = Some(Rate::ZERO),
            "margin.maintenance",
        ),
        (
            |r| r.margin.as_mut().unwrap().liquidation_fee = Rate::ONE,
            "margin.liquidation_fee",
        ),
        (|r| r.participation = Some(Rate::ZERO), "participation"),
        (
            |r| r.participation = Some(Rate::from_bps(10_001)),
            "participation",
        ),
        (|r| r.latency = crate::time::Span::from_nanos(-1), "latency"),
        (
            |r| r.other_cash = vec![(crate::instrument::AssetId::BASE, Cash::ZERO)],
            "other_cash",
        ),
    ];
    for (change, key) in cases {
        let mut rules = on(Margin);
        rules.validate(&instruments).unwrap();
        change(&mut rules);
        let error = rules.validate(&instruments).unwrap_err().to_string();
        assert!(error.contains(key), "{error}");
    }
}

proptest! {
    /// Whatever is traded, both models agree on equity, the perpetual within the rounding of its
    /// average cost, which is never in our favour; and when flat on cash.
    #[test]
    fn both_models_reach_the_same_equity(
        trades in prop::collection::vec((any::<bool>(), 1_i64..20, 80_u8..120), 1..20),
    ) {
        let rows: Vec<_> = trades.iter().map(|t| at(f64::from(t.2))).collect();
        let panel = bars(&rows);
        let mut venues = [exchange(on(Margin)), exchange(on(CrossMarginedPerpetual))];
        for (row, (buy, size, _)) in trades.iter().enumerate() {
            for venue in &mut venues {
                let number = u16::try_from(row).unwrap();
                let side = if *buy { Buy } else { Sell };
                venue.receive(order(number, side, *size), hour(0));
                trade_bar(venue, &panel, row);
            }
            let [margin, perpetual] = &venues;
            prop_assert_eq!(margin.position(A), perpetual.position(A));
            prop_assert_eq!(margin.equity(), perpetual.equity());
            if margin.position(A).is_zero() {
                prop_assert_eq!(margin.cash(), perpetual.cash());
            }
        }
    }
}
