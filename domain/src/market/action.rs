//! Corporate actions: splits, dividends and delistings, effective at an instant.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::money::{Price, Quantity};
use crate::time::Timestamp;

/// Units after a split per units before it: 2 for 1 is `{ new: 2, old: 1 }`. Exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SplitRatio {
    /// Units held after the split …
    pub new: u32,
    /// … for this many units before.
    pub old: u32,
}

impl SplitRatio {
    /// From a decimal such as `2` or `1.5`.
    ///
    /// # Errors
    /// `DataValidation` unless the ratio is positive and has small whole terms.
    pub fn from_decimal(value: Decimal) -> Result<Self> {
        let refused = || {
            Error::validation(format!("split ratio {value} is not usable"))
                .hint("write new units per old unit, such as 2, 1.5 or 0.1")
        };
        let value = value.normalize();
        let old = 10_u128.pow(value.scale());
        let new = u128::try_from(value.mantissa()).map_err(|_| refused())?;
        if new == 0 {
            return Err(refused());
        }
        let divisor = gcd(new, old);
        let term = |n: u128| u32::try_from(n / divisor).map_err(|_| refused());
        Ok(Self {
            new: term(new)?,
            old: term(old)?,
        })
    }

    /// A quantity after the split, whole `lot`s towards zero; the rest is paid in cash.
    #[allow(
        clippy::expect_used,
        reason = "a documented panic: a quantity beyond the range stops the program"
    )]
    pub fn apply(self, quantity: Quantity, lot: Quantity) -> Quantity {
        let units = i128::from(quantity.units()) * i128::from(self.new) / i128::from(self.old);
        let units = i64::try_from(units).expect("quantity leaves the range of i64 units");
        Quantity::from_units(units).to_lots_toward_zero(lot)
    }

    /// A price after the split, to the nearest unit below.
    #[allow(
        clippy::expect_used,
        reason = "a documented panic: a price beyond the range stops the program"
    )]
    pub fn unapply(self, price: Price) -> Price {
        let units = i128::from(price.units()) * i128::from(self.old) / i128::from(self.new);
        let units = i64::try_from(units).expect("price leaves the range of i64 units");
        // What a large ratio makes less than a unit is no price any more.
        Price::try_from(units).expect("a ratio has no sign")
    }

    /// The ratio for statistics.
    pub fn to_f64(self) -> f64 {
        f64::from(self.new) / f64::from(self.old)
    }
}

const fn gcd(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// What a corporate action does to a holder of the instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionKind {
    /// Units are multiplied, prices divided.
    Split(SplitRatio),
    /// Cash per unit held, in the quote asset; shorts pay it. A split of the same instant comes
    /// first, so it is per unit after that split.
    Dividend(Decimal),
    /// The instrument ends: holders get the last value less the account's configured haircut.
    Delisting,
}

impl ActionKind {
    /// Order in which actions of one instant take effect.
    pub(super) const fn rank(&self) -> u8 {
        match self {
            Self::Split(_) => 0,
            Self::Dividend(_) => 1,
            Self::Delisting => 2,
        }
    }
}

/// A corporate action of one instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CorporateAction {
    /// When it takes effect: before the first trade of the ex date.
    pub at: Timestamp,
    /// What it does.
    pub kind: ActionKind,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_reduced_and_exact() {
        for (text, new, old) in [("2", 2, 1), ("1.5", 3, 2), ("0.1", 1, 10), ("7", 7, 1)] {
            let ratio = SplitRatio::from_decimal(text.parse().unwrap()).unwrap();
            assert_eq!(ratio, SplitRatio { new, old }, "{text}");
        }
        for bad in ["0", "-2", "1.00000000001"] {
            assert!(
                SplitRatio::from_decimal(bad.parse().unwrap()).is_err(),
                "{bad}"
            );
        }
    }
}
