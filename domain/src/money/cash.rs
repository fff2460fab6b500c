//! Cash: signed amounts of an asset, shares of it and fees on it.

use super::amount::{scaled_integer, signed_amount};
use super::division::{by_a_billion, times};
use super::{Rate, Shares};
use crate::error::Result;

scaled_integer!(
    /// A signed amount of an asset, on the asset's scale.
    #[serde(transparent)]
    Cash(i128), "cash"
);
signed_amount!(Cash(i128));

impl Cash {
    /// The share `weight` of this amount, rounded towards zero exposure. The weight counts to 1e-15,
    /// all a double holds near 1: coarser shares would show in the value of a portfolio.
    ///
    /// # Errors
    /// As [`Weight::leveraged`](super::Weight::leveraged).
    pub fn share(self, weight: f64) -> Result<Self> {
        self.shares().of(weight)
    }

    /// For many shares of this amount.
    #[inline]
    pub(crate) const fn shares(self) -> Shares {
        Shares::of_amount(self)
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
