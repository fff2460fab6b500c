//! Rates: fees, slippage and haircuts as shares of money.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::amount::{exact_units, not_exact};
use crate::error::Result;

/// A share or rate of money in units of 1e-9: fees, slippage, haircuts. 5 bps is 500 000 units.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Rate(pub(super) i64);

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
