//! What the venue charges for an execution.

use serde::{Deserialize, Serialize};

use crate::instrument::AssetId;
use crate::money::{Cash, Rate, Rounding, divide};

/// Whether an execution met a resting order or was one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Liquidity {
    /// Our order rested and was met.
    Maker,
    /// Our order met what rested.
    Taker,
}

/// A fee of each execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeeModel {
    /// A share of the notional, rounded up to the asset's smallest unit.
    Proportional(Rate),
    /// Rates by liquidity, a minimum, and perhaps another asset to pay in.
    Schedule(FeeSchedule),
}

/// Fees as venues with an order book list them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FeeSchedule {
    /// Share of the notional when our order rested; negative is a rebate.
    pub maker: Rate,
    /// Share of the notional when our order took.
    pub taker: Rate,
    /// Least fee of an execution, in the quote asset; 0 for none.
    pub minimum: Cash,
    /// The asset fees are paid in as long as there is enough of it; else, and for `None`, the quote
    /// asset.
    pub paid_in: Option<FeeAsset>,
}

/// Another asset to pay fees in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FeeAsset {
    /// Which.
    pub asset: AssetId,
    /// Digits after its point.
    pub scale: u8,
    /// Quote cash that one whole unit of it is worth.
    pub price: Cash,
}

impl FeeAsset {
    /// `fee` of the quote asset in this one, rounded up. `price` is above 0.
    ///
    /// Divided digit by digit: eighteen digits of this asset on eighteen of the quote asset overflow
    /// the plain product at a fee of a few hundred.
    pub fn convert(&self, fee: Cash) -> Cash {
        let price = self.price.units();
        let (mut units, mut rest) = (fee.units() / price, fee.units() % price);
        for _ in 0..self.scale {
            units = units * 10 + rest * 10 / price;
            rest = rest * 10 % price;
        }
        Cash::from_units(units + divide(rest, price, Rounding::Up))
    }
}

impl FeeModel {
    /// The fee on an execution worth `notional` that took liquidity, in the quote asset.
    pub fn fee(self, notional: Cash) -> Cash {
        self.fee_for(notional, Liquidity::Taker)
    }

    /// The fee on an execution worth `notional`, in the quote asset; negative is a rebate.
    pub fn fee_for(self, notional: Cash, liquidity: Liquidity) -> Cash {
        match self {
            Self::Proportional(rate) => notional.fee(rate),
            Self::Schedule(schedule) => {
                let fee = notional.fee(match liquidity {
                    Liquidity::Maker => schedule.maker,
                    Liquidity::Taker => schedule.taker,
                });
                if schedule.minimum.is_positive() {
                    fee.max(schedule.minimum)
                } else {
                    fee
                }
            }
        }
    }

    /// The asset to pay in, where it is not the quote asset.
    pub(super) const fn paid_in(&self) -> Option<&FeeAsset> {
        match self {
            Self::Proportional(_) => None,
            Self::Schedule(schedule) => schedule.paid_in.as_ref(),
        }
    }

    /// The rates an execution can cost, the largest first.
    pub(super) fn rates(self) -> [Rate; 2] {
        match self {
            Self::Proportional(rate) => [rate, rate],
            Self::Schedule(s) => [s.taker.max(s.maker), s.taker.min(s.maker)],
        }
    }

    /// The same model at `factor` times the cost.
    #[must_use]
    pub fn times(self, factor: i64) -> Self {
        match self {
            Self::Proportional(rate) => Self::Proportional(rate.times(factor)),
            Self::Schedule(s) => Self::Schedule(FeeSchedule {
                maker: s.maker.times(factor),
                taker: s.taker.times(factor),
                minimum: Cash::from_units(s.minimum.units() * i128::from(factor)),
                paid_in: s.paid_in,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fees_follow_liquidity_and_minimum_and_round_against_us() {
        let cash = Cash::from_units;
        let listed = |maker, taker, minimum| {
            FeeModel::Schedule(FeeSchedule {
                maker: Rate::from_bps(maker),
                taker: Rate::from_bps(taker),
                minimum: cash(minimum),
                paid_in: None,
            })
        };
        use Liquidity::{Maker, Taker};
        for (model, notional, liquidity, expected) in [
            (listed(2, 5, 0), 100_000, Maker, 20),
            (listed(2, 5, 0), 100_000, Taker, 50),
            (listed(2, 5, 0), 100_001, Taker, 51),
            (listed(2, 5, 30), 100_000, Maker, 30),
            (listed(2, 5, 30), 100_000, Taker, 50),
            // A rebate is cut, not raised.
            (listed(-1, 5, 0), 100_001, Maker, -10),
            (listed(-1, 5, 0), 109_999, Maker, -10),
            (listed(2, 5, 30).times(2), 100_000, Maker, 60),
            (listed(2, 5, 0).times(4), 100_000, Taker, 200),
            (FeeModel::Proportional(Rate::from_bps(1)), 10_001, Maker, 2),
        ] {
            let fee = model.fee_for(cash(notional), liquidity);
            assert_eq!(fee.units(), expected, "{model:?} {notional} {liquidity:?}");
        }
    }

    #[test]
    fn a_fee_in_another_asset_is_rounded_up_on_its_scale() {
        // One coin of 8 digits is worth 300 of a cash of 2 digits.
        let coin = FeeAsset {
            asset: AssetId(1),
            scale: 8,
            price: Cash::from_units(30_000),
        };
        assert_eq!(coin.convert(Cash::from_units(30_000)).units(), 100_000_000);
        assert_eq!(coin.convert(Cash::from_units(1)).units(), 3_334);
    }

    /// 900 of a cash with 18 digits, paid in a coin of 18 digits that is worth 3,000, and one unit
    /// more; the plain product would overflow.
    #[test]
    fn a_fee_at_the_finest_scales_does_not_overflow() {
        let whole = 10_i128.pow(18);
        let coin = FeeAsset {
            asset: AssetId(1),
            scale: 18,
            price: Cash::from_units(3_000 * whole),
        };
        let fee = 900 * whole;
        for (fee, expected) in [
            (0, 0),
            (1, 1),
            (fee, 3 * whole / 10),
            (fee + 1, 3 * whole / 10 + 1),
            (fee * 1_000_000_000, 300_000_000 * whole),
        ] {
            assert_eq!(coin.convert(Cash::from_units(fee)).units(), expected);
        }
    }
}
