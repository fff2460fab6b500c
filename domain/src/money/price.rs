//! Prices: above zero or none, and rounded against us where they are worsened.

use rust_decimal::Decimal;

use super::amount::scaled_integer;
use super::division::by_a_billion;
use super::{Rate, Rounding, divide, pow10};
use crate::error::{Error, Result};

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
