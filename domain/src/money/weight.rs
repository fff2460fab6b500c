//! A portfolio weight, and its crossing from statistics.

use serde::{Deserialize, Serialize};

use super::{Cash, truncate_to_i64};
use crate::error::{Error, Result};

/// A portfolio weight in units of 1e-9 of the reference value; negative is short.
///
/// The crossing from statistics (f64) to sizing (integers) happens here, once. No weight beyond
/// [`Weight::MAX_MAGNITUDE`] can be made:
///
/// ```compile_fail
/// let too_much = ballast_domain::money::Weight(i64::MAX);
/// ```
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug, Serialize, Deserialize,
)]
#[serde(try_from = "i64")]
pub struct Weight(i64);

impl TryFrom<i64> for Weight {
    type Error = Error;

    /// As [`Weight::leveraged`], from units of 1e-9.
    fn try_from(units: i64) -> Result<Self> {
        if units.unsigned_abs() > Self::MAX_UNITS.unsigned_abs() {
            return Err(too_heavy(units as f64 / 1e9, Self::MAX_MAGNITUDE));
        }
        Ok(Self(units))
    }
}

impl Weight {
    /// No exposure.
    pub const ZERO: Self = Self(0);
    /// The whole reference value.
    pub const ONE: Self = Self(1_000_000_000);

    /// The largest magnitude a weight may have: 1000 times the reference value.
    pub const MAX_MAGNITUDE: f64 = 1000.0;
    const MAX_UNITS: i64 = 1_000_000_000_000;

    /// A share of what there is, long or short, rounded towards zero exposure.
    ///
    /// # Errors
    /// `SignalValidation` when `weight` is not a number from −1 to 1.
    pub fn new(weight: f64) -> Result<Self> {
        Self::within(weight, 1.0)
    }

    /// From units of 1e-9 that are known to be usable. Panics beyond [`Weight::MAX_MAGNITUDE`].
    pub const fn from_units(units: i64) -> Self {
        assert!(
            units.unsigned_abs() <= Self::MAX_UNITS.unsigned_abs(),
            "a weight is at most 1000 times the reference value"
        );
        Self(units)
    }

    /// A weight that may borrow, as limits and margin accounts have them, rounded towards zero
    /// exposure.
    ///
    /// # Errors
    /// `SignalValidation` when `weight` is not finite or above [`Weight::MAX_MAGNITUDE`].
    pub fn leveraged(weight: f64) -> Result<Self> {
        Self::within(weight, Self::MAX_MAGNITUDE)
    }

    fn within(weight: f64, magnitude: f64) -> Result<Self> {
        if !weight.is_finite() || weight.abs() > magnitude {
            return Err(too_heavy(weight, magnitude));
        }
        Ok(Self(truncate_to_i64(weight * 1e9)))
    }

    /// In units of 1e-9.
    pub const fn units(self) -> i64 {
        self.0
    }

    /// As a fraction of one, for statistics and display.
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// This weight of `value`, rounded towards zero exposure.
    #[must_use]
    pub fn of(self, value: Cash) -> Cash {
        let product = value
            .0
            .checked_mul(i128::from(self.0))
            .expect("weight of value overflows");
        Cash(product / i128::from(Self::ONE.0))
    }
}

fn too_heavy(weight: f64, magnitude: f64) -> Error {
    Error::signal_validation(format!("weight {weight} is not a usable number")).hint(format!(
        "weights are finite and at most {magnitude} times the reference value"
    ))
}
