//! Many shares of one amount.

use super::division::{by_a_quadrillion, times};
use super::{Cash, Weight, truncate_to_i64};
use crate::error::Result;

/// An amount of which many shares are taken: what every share divides is divided once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shares {
    /// The amount is `whole × 10^15 + rest` units; both have its sign.
    whole: i128,
    rest: i64,
}

impl Shares {
    #[inline]
    pub(super) const fn of_amount(amount: Cash) -> Self {
        // Split so that large amounts at fine scales cannot overflow the product with a weight.
        let (whole, rest) = by_a_quadrillion(amount.0);
        Self { whole, rest }
    }

    /// As [`Cash::share`].
    #[inline]
    pub(crate) fn of(self, weight: f64) -> Result<Cash> {
        Weight::require_usable(weight)?;
        let weight = truncate_to_i64(weight * 1e15);
        let (part, _) = by_a_quadrillion(i128::from(self.rest) * i128::from(weight));
        Ok(Cash(times(self.whole, weight.into()) + part))
    }
}
