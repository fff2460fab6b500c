//! Exact money: scaled integers behind newtypes, and every crossing from or to other numbers.
//!
//! A [`Price`] or [`Quantity`] counts units of `10^-scale` of its instrument; [`Cash`] counts units
//! of `10^-scale` of its asset. The scale lives in the instrument or asset, not in the value, so a
//! value is one machine word and arithmetic is integer arithmetic. Decimal is the type of every
//! edge; floats enter through named functions only ([`Price::from_market_data`], [`Weight::new`] and
//! [`Weight::leveraged`]) and leave through `to_f64`, for statistics.
//!
//! Overflow panics in every profile (`overflow-checks` stay on in release): a wrong sum of money is
//! worse than a stop.

mod division;
mod weight;

pub use division::{Rounding, divide};
pub(crate) use division::{quotient_and_rest, times};
pub use weight::Weight;

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use division::{by_a_billion, by_a_quadrillion};

/// The largest scale (digits after the point) of prices and quantities.
pub const MAX_SCALE: u8 = 12;
/// The largest scale of cash: enough for a price and a quantity of 9 digits each.
pub const MAX_CASH_SCALE: u8 = 18;

/// Powers of ten up to 10^18.
const POW10: [i64; 19] = {
    let mut table = [1_i64; 19];
    let mut i = 1;
    while i < 19 {
        table[i] = table[i - 1] * 10;
        i += 1;
    }
    table
};

/// `10^exponent`. Panics above 18.
pub const fn pow10(exponent: u8) -> i64 {
    POW10[exponent as usize]
}

macro_rules! scaled_integer {
    ($(#[$doc:meta])* $name:ident($inner:ty), $noun:literal) => {
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug, Serialize, Deserialize,
        )]
        $(#[$doc])*
        pub struct $name($inner);

        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(0);

            /// The count of the smallest unit.
            #[inline]
            pub const fn units(self) -> $inner {
                self.0
            }

            /// Whether this is exactly zero.
            #[inline]
            pub const fn is_zero(self) -> bool {
                self.0 == 0
            }

            /// Whether this is above zero.
            #[inline]
            pub const fn is_positive(self) -> bool {
                self.0 > 0
            }

            /// For statistics and display; the nearest f64.
            #[inline]
            pub fn to_f64(self, scale: u8) -> f64 {
                self.0 as f64 / pow10(scale) as f64
            }

            /// The exact text of this value, without trailing zeros after the point.
            pub fn text(self, scale: u8) -> String {
                fixed_point_text(self.0.into(), scale)
            }
        }

        impl Add for $name {
            type Output = Self;
            #[inline]
            fn add(self, other: Self) -> Self {
                Self(self.0 + other.0)
            }
        }

        impl AddAssign for $name {
            #[inline]
            fn add_assign(&mut self, other: Self) {
                self.0 += other.0;
            }
        }

        impl Sum for $name {
            #[inline]
            fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
                iter.fold(Self::ZERO, Add::add)
            }
        }

        impl $name {
            fn exact(value: Decimal, scale: u8) -> Result<Self> {
                exact_units(value, scale)
                    .and_then(|units| <$inner>::try_from(units).ok())
                    .map(Self)
                    .ok_or_else(|| not_exact($noun, value, scale))
            }

            /// As a decimal.
            ///
            /// # Errors
            /// `Execution` when the value has more than 28 significant digits.
            pub fn to_decimal(self, scale: u8) -> Result<Decimal> {
                Decimal::try_from_i128_with_scale(self.0.into(), u32::from(scale))
                    .map(|d| d.normalize())
                    .map_err(|_| {
                        Error::execution(concat!($noun, " does not fit into 28 digits"))
                            .context("units", self.0)
                            .context("scale", scale)
                    })
            }
        }
    };
}

/// What an amount may be that a price may not: below zero.
macro_rules! signed_amount {
    ($name:ident($inner:ty)) => {
        impl $name {
            /// From a count of the smallest unit.
            #[inline]
            pub const fn from_units(units: $inner) -> Self {
                Self(units)
            }

            /// Whether this is below zero.
            #[inline]
            pub const fn is_negative(self) -> bool {
                self.0 < 0
            }

            /// Without its sign.
            #[must_use]
            #[inline]
            pub const fn abs(self) -> Self {
                Self(self.0.abs())
            }

            /// From a decimal that must be exact at `scale`.
            ///
            /// # Errors
            /// `DataValidation` when digits beyond `scale` are not zero or the value is too large.
            pub fn from_decimal(value: Decimal, scale: u8) -> Result<Self> {
                Self::exact(value, scale)
            }
        }

        impl Sub for $name {
            type Output = Self;
            #[inline]
            fn sub(self, other: Self) -> Self {
                Self(self.0 - other.0)
            }
        }

        impl Neg for $name {
            type Output = Self;
            #[inline]
            fn neg(self) -> Self {
                Self(-self.0)
            }
        }

        impl SubAssign for $name {
            #[inline]
            fn sub_assign(&mut self, other: Self) {
                self.0 -= other.0;
            }
        }
    };
}

scaled_integer!(
    /// A price per unit of an instrument, on the instrument's price scale: above zero, or
    /// [`Price::ZERO`] for "there is none". No other value can be made:
    ///
    /// ```compile_fail
    /// let free = ballast_domain::money::Price(-1);
    /// ```
    #[serde(try_from = "i64")]
    Price(i64), "price"
);
scaled_integer!(
    /// A signed amount of an instrument, on the instrument's quantity scale. Negative is short.
    #[serde(transparent)]
    Quantity(i64), "quantity"
);
scaled_integer!(
    /// A signed amount of an asset, on the asset's scale.
    #[serde(transparent)]
    Cash(i128), "cash"
);
signed_amount!(Quantity(i64));
signed_amount!(Cash(i128));

impl TryFrom<i64> for Price {
    type Error = Error;

    /// As [`Price::new`], but that the absence of a price is read back too.
    fn try_from(units: i64) -> Result<Self> {
        if units == 0 {
            return Ok(Self::ZERO);
        }
        Self::new(units)
    }
}

impl Price {
    /// From a count of the smallest unit that someone else names.
    ///
    /// # Errors
    /// `DataValidation` unless `units` is above zero.
    pub fn new(units: i64) -> Result<Self> {
        if units <= 0 {
            return Err(Error::validation("a price must be above zero")
                .context("units", units)
                .hint("leave the instrument out where it has no price"));
        }
        Ok(Self(units))
    }

    /// From a count of the smallest unit that is known to be above zero. Panics when it is not.
    pub const fn from_units(units: i64) -> Self {
        assert!(units > 0, "a price must be above zero");
        Self(units)
    }

    /// From a decimal that must be exact at `scale`.
    ///
    /// # Errors
    /// `DataValidation` when it is not above zero, digits beyond `scale` are not zero, or the value
    /// is too large.
    pub fn from_decimal(value: Decimal, scale: u8) -> Result<Self> {
        Self::new(Self::exact(value, scale)?.0)
    }

    /// The crossing from market data into money: the nearest unit, ties away from zero.
    ///
    /// Market data carries f64 prices that were read from decimal text, so at a scale that covers
    /// the text's digits the result is exactly that text. `None` unless `value` is finite, positive
    /// and in range.
    #[inline]
    pub fn from_market_data(value: f64, scale: u8) -> Option<Self> {
        let scaled = value * pow10(scale) as f64;
        // 2^62 leaves headroom for slippage on top of the price.
        (value > 0.0 && (0.5..4_611_686_018_427_387_904.0).contains(&scaled))
            .then(|| Self(round_to_i64(scaled)))
    }

    /// The nearest multiple of `tick` in the `rounding` direction.
    #[must_use]
    pub fn quantise(self, tick: Self, rounding: Rounding) -> Self {
        let steps = divide(i128::from(self.0), i128::from(tick.0), rounding);
        Self(to_i64(steps) * tick.0)
    }

    /// This price worsened by `rate` for whoever buys (`buy`) or sells at it, rounded against them.
    #[must_use]
    pub fn worsened(self, rate: Rate, buy: bool) -> Self {
        if rate.0 == 0 {
            return self;
        }
        let factor = if buy {
            Rate::ONE.0 + rate.0
        } else {
            Rate::ONE.0 - rate.0
        };
        let (worse, rest) = by_a_billion(i128::from(self.0) * i128::from(factor));
        let units = worse + i128::from(buy && rest > 0) - i128::from(!buy && rest < 0);
        Self(to_i64(units.max(0)))
    }
}

impl Quantity {
    /// The largest multiple of `lot` that is not further from zero.
    #[must_use]
    #[inline]
    pub const fn to_lots_toward_zero(self, lot: Self) -> Self {
        // Most lots are one unit, and a division is slow.
        if lot.0 == 1 {
            return self;
        }
        Self(self.0 - self.0 % lot.0)
    }

    /// Whether this is a whole number of `lot`s.
    #[inline]
    pub const fn is_multiple_of(self, lot: Self) -> bool {
        lot.0 == 1 || self.0 % lot.0 == 0
    }
}

impl Cash {
    /// The share `weight` of this amount, rounded towards zero exposure. The weight counts to 1e-15,
    /// all a double holds near 1: coarser shares would show in the value of a portfolio.
    ///
    /// # Errors
    /// As [`Weight::leveraged`].
    pub fn share(self, weight: f64) -> Result<Self> {
        Weight::require_usable(weight)?;
        let weight = truncate_to_i64(weight * 1e15);
        // Split so that large amounts at fine scales cannot overflow the product.
        let (whole, rest) = by_a_quadrillion(self.0);
        let (part, _) = by_a_quadrillion(i128::from(rest) * i128::from(weight));
        Ok(Self(times(whole, weight.into()) + part))
    }

    /// `rate` of the absolute amount, rounded against us (up).
    #[must_use]
    pub const fn fee(self, rate: Rate) -> Self {
        // Split so that large amounts at fine scales cannot overflow the product.
        let (whole, rest) = by_a_billion(self.0.abs());
        let (part, left) = by_a_billion(rest as i128 * rate.0 as i128);
        Self(times(whole, rate.0 as i128) + part + if left > 0 { 1 } else { 0 })
    }
}

/// A share or rate of money in units of 1e-9: fees, slippage, haircuts. 5 bps is 500 000 units.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Rate(i64);

impl Rate {
    /// No rate.
    pub const ZERO: Self = Self(0);
    /// 100 %.
    pub const ONE: Self = Self(1_000_000_000);

    /// From units of 1e-9.
    pub const fn from_units(units: i64) -> Self {
        Self(units)
    }

    /// From whole basis points (1/10 000).
    pub const fn from_bps(bps: i64) -> Self {
        Self(bps * 100_000)
    }

    /// From a decimal fraction (`0.0005` is 5 bps), exact to 1e-9.
    ///
    /// # Errors
    /// `DataValidation` when digits beyond 1e-9 are not zero.
    pub fn from_decimal(value: Decimal) -> Result<Self> {
        exact_units(value, 9)
            .and_then(|units| i64::try_from(units).ok())
            .map(Self)
            .ok_or_else(|| not_exact("rate", value, 9))
    }

    /// In units of 1e-9.
    pub const fn units(self) -> i64 {
        self.0
    }

    /// The same rate `factor` times.
    #[must_use]
    pub const fn times(self, factor: i64) -> Self {
        Self(self.0 * factor)
    }

    /// As a fraction of one.
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// In basis points, for display.
    pub fn bps(self) -> f64 {
        self.0 as f64 / 1e5
    }
}

/// Exact integer units of `value` at `scale`, or `None` when digits would be lost.
fn exact_units(value: Decimal, scale: u8) -> Option<i128> {
    let value = value.normalize();
    let missing = u32::from(scale).checked_sub(value.scale())?;
    value.mantissa().checked_mul(10_i128.checked_pow(missing)?)
}

fn not_exact(noun: &str, value: Decimal, scale: u8) -> Error {
    Error::validation(format!(
        "{noun} {value} is not exact at {scale} digits after the point"
    ))
    .hint("round it to the scale of its instrument or asset, or define a finer scale")
}

fn fixed_point_text(units: i128, scale: u8) -> String {
    let one = i128::from(pow10(scale));
    let (whole, part) = (
        units.unsigned_abs() / one.unsigned_abs(),
        units.unsigned_abs() % one.unsigned_abs(),
    );
    let sign = if units < 0 { "-" } else { "" };
    if part == 0 {
        return format!("{sign}{whole}");
    }
    let digits = format!("{part:0width$}", width = usize::from(scale));
    format!("{sign}{whole}.{}", digits.trim_end_matches('0'))
}

/// Units that must fit the money range; leaving it stops the program rather than wrapping.
#[allow(
    clippy::expect_used,
    reason = "a documented panic: money beyond the range stops the program"
)]
fn to_i64(units: i128) -> i64 {
    i64::try_from(units).expect("money leaves the range of i64 units")
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "callers have checked the range"
)]
#[inline]
fn round_to_i64(value: f64) -> i64 {
    // As `round` does it, which is a call of the C library: halves go away from zero. What the cut
    // takes off is exact.
    let cut = value as i64;
    cut + i64::from(value - cut as f64 >= 0.5)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "callers have checked the range"
)]
fn truncate_to_i64(value: f64) -> i64 {
    value as i64
}

/// A value and its scale, for `Display`.
#[derive(Clone, Copy, Debug)]
pub struct FixedPoint {
    units: i128,
    scale: u8,
}

impl FixedPoint {
    /// `units` of `10^-scale`.
    pub const fn new(units: i128, scale: u8) -> Self {
        Self { units, scale }
    }
}

impl fmt::Display for FixedPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&fixed_point_text(self.units, self.scale))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
}
