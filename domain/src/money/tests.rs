//! Values at the edges of money: exact crossings, rounding directions and what cannot be made.

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[test]
fn each_rounding_direction_has_its_table() {
    use Rounding::{AwayFromZero, Down, TowardZero, Up};
    for (n, toward, away, down, up) in [
        (7, 2, 3, 2, 3),
        (-7, -2, -3, -3, -2),
        (6, 2, 2, 2, 2),
        (0, 0, 0, 0, 0),
    ] {
        assert_eq!(divide(n, 3, TowardZero), toward, "{n} toward zero");
        assert_eq!(divide(n, 3, AwayFromZero), away, "{n} away from zero");
        assert_eq!(divide(n, 3, Down), down, "{n} down");
        assert_eq!(divide(n, 3, Up), up, "{n} up");
    }
}

#[test]
fn decimals_cross_exactly_or_not_at_all() {
    assert_eq!(
        Price::from_decimal(dec("130.31"), 4).unwrap().units(),
        1_303_100
    );
    assert_eq!(
        Price::from_decimal(dec("130.310000"), 2).unwrap().units(),
        13_031
    );
    assert_eq!(Quantity::from_decimal(dec("-3"), 0).unwrap().units(), -3);
    let e = Price::from_decimal(dec("130.315"), 2).unwrap_err();
    assert!(
        e.to_string().contains("130.315 is not exact at 2 digits"),
        "{e}"
    );
    assert!(Price::from_decimal(dec("99999999999999"), 8).is_err());
    assert_eq!(Cash::from_units(-1_500).to_decimal(3).unwrap(), dec("-1.5"));
}

#[test]
fn text_is_exact_and_has_no_trailing_zeros() {
    assert_eq!(Cash::from_units(-1_000_001).text(6), "-1.000001");
    assert_eq!(Cash::from_units(5).text(6), "0.000005");
    assert_eq!(Price::from_units(1_303_100).text(4), "130.31");
    assert_eq!(Quantity::from_units(-7).text(0), "-7");
    assert_eq!(FixedPoint::new(12_340, 4).to_string(), "1.234");
}

#[test]
fn market_data_crosses_to_the_nearest_unit() {
    assert_eq!(
        Price::from_market_data(130.31, 4),
        Some(Price::from_units(1_303_100))
    );
    assert_eq!(Price::from_market_data(0.07, 2), Some(Price::from_units(7)));
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e300, 1e-9] {
        assert_eq!(Price::from_market_data(bad, 4), None, "{bad}");
    }
}

#[test]
fn prices_and_fees_round_against_us() {
    let p = Price::from_units(1_000_001);
    assert_eq!(p.worsened(Rate::from_bps(5), true).units(), 1_000_502);
    assert_eq!(p.worsened(Rate::from_bps(5), false).units(), 999_500);
    assert_eq!(p.worsened(Rate::ZERO, true), p);
    assert_eq!(Cash::from_units(10_001).fee(Rate::from_bps(5)).units(), 6);
    assert_eq!(Cash::from_units(-10_000).fee(Rate::from_bps(5)).units(), 5);
    let tick = Price::from_units(5);
    assert_eq!(
        Price::from_units(13).quantise(tick, Rounding::Down).units(),
        10
    );
    assert_eq!(
        Price::from_units(13).quantise(tick, Rounding::Up).units(),
        15
    );
}

#[test]
fn sizes_round_toward_zero_exposure() {
    let lot = Quantity::from_units(100);
    assert_eq!(
        Quantity::from_units(199).to_lots_toward_zero(lot).units(),
        100
    );
    assert_eq!(
        Quantity::from_units(-199).to_lots_toward_zero(lot).units(),
        -100
    );
    assert_eq!(
        Weight::leveraged(0.999_999_999_9).unwrap().units(),
        999_999_999
    );
    assert_eq!(
        Weight::leveraged(-0.999_999_999_9).unwrap().units(),
        -999_999_999
    );
    assert_eq!(
        Weight::from_units(333_333_333)
            .of(Cash::from_units(-10))
            .units(),
        -3
    );
}

#[test]
fn non_finite_weights_are_refused() {
    for bad in [f64::NAN, f64::INFINITY, -1001.0] {
        assert!(Weight::leveraged(bad).is_err(), "{bad}");
    }
}

/// VAL-23: what no price and no share can be is refused by their constructors, also on the way
/// back from a record; a weight that borrows says so by its constructor.
#[test]
fn val_23_invalid_values_cannot_be_made() {
    for units in [0, -1, i64::MIN] {
        assert!(Price::new(units).is_err(), "{units}");
        assert!(std::panic::catch_unwind(|| Price::from_units(units)).is_err());
    }
    assert_eq!(Price::new(1).unwrap().units(), 1);
    for text in ["0", "-0.01"] {
        assert!(
            Price::from_decimal(text.parse().unwrap(), 2).is_err(),
            "{text}"
        );
    }
    assert_eq!(serde_json::from_str::<Price>("0").unwrap(), Price::ZERO);
    let error = serde_json::from_str::<Price>("-1").unwrap_err().to_string();
    assert!(error.contains("a price must be above zero"), "{error}");
    for bad in [1.2, -1.000_001, f64::NAN, f64::INFINITY] {
        let error = Weight::new(bad).unwrap_err();
        assert_eq!(error.kind.name(), "signal_validation", "{bad}");
    }
    assert_eq!(Weight::new(1.0).unwrap(), Weight::ONE);
    assert_eq!(Weight::new(-1.0).unwrap().units(), -1_000_000_000);
    assert_eq!(Weight::leveraged(1.2).unwrap().units(), 1_200_000_000);
    assert!(Weight::leveraged(1_000.1).is_err());
    assert!(serde_json::from_str::<Weight>("1000000000001").is_err());
    assert!(std::panic::catch_unwind(|| Weight::from_units(i64::MIN)).is_err());
    // A price that costs take away altogether is none; it never turns negative.
    assert_eq!(
        Price::from_units(5).worsened(Rate::from_bps(20_000), false),
        Price::ZERO
    );
}

proptest! {
    #[test]
    fn decimal_round_trips(units in 1_i64..1_000_000_000_000, scale in 0_u8..=9) {
        let p = Price::from_units(units);
        prop_assert_eq!(Price::from_decimal(p.to_decimal(scale).unwrap(), scale).unwrap(), p);
        prop_assert_eq!(p.text(scale).parse::<Decimal>().unwrap(), p.to_decimal(scale).unwrap());
        let q = Quantity::from_units(-units);
        prop_assert_eq!(Quantity::from_decimal(q.to_decimal(scale).unwrap(), scale).unwrap(), q);
        prop_assert_eq!(q.text(scale).parse::<Decimal>().unwrap(), q.to_decimal(scale).unwrap());
    }

    #[test]
    fn quantise_is_idempotent(units in 1_i64..1_000_000, tick in 1_i64..1000) {
        for rounding in [Rounding::Down, Rounding::Up, Rounding::TowardZero, Rounding::AwayFromZero] {
            let tick = Price::from_units(tick);
            let once = Price::from_units(units).quantise(tick, rounding);
            prop_assert_eq!(once.quantise(tick, rounding), once);
        }
    }

    #[test]
    fn split_fee_equals_the_wide_product(amount in 0_i128..1_000_000_000_000_000_000_000, bps in 0_i64..10_000) {
        let rate = Rate::from_bps(bps);
        let wide = divide(amount * i128::from(rate.units()), 1_000_000_000, Rounding::Up);
        prop_assert_eq!(Cash::from_units(amount).fee(rate).units(), wide);
    }
}

proptest! {
    /// Shares, fees, limits and prices are those of the plain formulas in 128 bits, whatever
    /// the size of the amount and the sign of the rate.
    #[test]
    fn quick_formulas_equal_the_plain_ones(
        units in -(1_i128 << 90)..1_i128 << 90,
        shift in 0_u32..90,
        rate in -2_000_000_000_i64..4_000_000_000,
        whole in 0_i64..4,
        price in 1_i64..1 << 60,
        buy: bool,
    ) {
        let one = 1_000_000_000_i128;
        let cash = Cash::from_units(units >> shift);
        for weight in [rate, whole * 1_000_000_000] {
            let plain = cash.units() * i128::from(weight) / one;
            prop_assert_eq!(Weight::from_units(weight).of(cash).units(), plain);
        }
        let product = cash.units().abs() * i128::from(rate);
        let up = i128::from(product % one > 0);
        prop_assert_eq!(cash.fee(Rate::from_units(rate)).units(), product / one + up);
        let share = rate as f64 / 1e9;
        let weight = i128::from(truncate_to_i64(share * 1e15));
        let fine = 1_000_000_000_000_000_i128;
        let amount = cash.units();
        let plain = amount / fine * weight + amount % fine * weight / fine;
        prop_assert_eq!(cash.share(share).unwrap().units(), plain);
        let worse = i128::from(rate.abs() / 10);
        let factor = if buy { one + worse } else { one - worse };
        let direction = if buy { Rounding::Up } else { Rounding::Down };
        let plain = divide(i128::from(price) * factor, one, direction);
        let worsened = Price::from_units(price).worsened(Rate::from_units(rate.abs() / 10), buy);
        prop_assert_eq!(i128::from(worsened.units()), plain);
    }

    /// Market data rounds as the C library does: halves away from zero.
    #[test]
    fn market_data_rounds_as_the_library_does(value in 0.5_f64..4e15, halves in 1_i64..1 << 52) {
        let half = halves as f64 / 2.0;
        for value in [value, value / 1e9 + 0.5, half.max(0.5)] {
            let rounded = Price::from_market_data(value, 0).map(|p| p.units() as f64);
            prop_assert_eq!(rounded, Some(value.round()));
        }
    }
}
