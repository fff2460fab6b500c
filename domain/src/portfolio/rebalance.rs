//! From targets to trades: which legs are worth trading, reductions before additions.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::instrument::{Instrument, InstrumentId};
use crate::market::LaneState;
use crate::money::{Cash, Price, Quantity, Rate, Weight};

/// What the rebalance threshold is a share of.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum ThresholdBase {
    /// The leg's own target value.
    Target,
    /// The gross budget: equity × `max_gross`.
    #[default]
    Gross,
    /// Equity.
    Equity,
}

/// The rebalance threshold: a leg trades only when its drift is strictly above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rebalance {
    /// What `value` is a share of.
    pub of: ThresholdBase,
    /// The share; 0 trades every drift.
    pub value: Weight,
    /// Whether weights are shares of what equity is left once the fees of this rebalance are paid,
    /// rather than of equity before. Only then can a full allocation be reached at a cost.
    pub net_of_costs: bool,
}

/// The equity that is left when `rate` is paid on what `traded` says must be traded to hold targets
/// sized by it: the fixed point of `left = equity − rate × traded(left)`.
///
/// Each round is closer by a factor of about rate × gross, so a few reach the last unit.
pub(crate) fn after_costs(
    equity: Cash,
    rate: Rate,
    traded: impl Fn(Cash) -> Result<Cash>,
) -> Result<Cash> {
    const ROUNDS: usize = 64;
    let mut left = equity;
    for _ in 0..ROUNDS {
        let next = (equity - traded(left)?.fee(rate)).max(Cash::ZERO);
        if next == left {
            break;
        }
        left = next;
    }
    Ok(left)
}

/// What became of a leg, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// It trades.
    Trade,
    /// Whole lots cannot come closer to the target.
    AtTarget,
    /// The drift is not above the threshold.
    BelowThreshold,
    /// The venue takes no order this small.
    BelowMinNotional,
    /// No fresh bar: the holding keeps its weight.
    NotFresh(LaneState),
    /// There is no usable price.
    NoPrice,
    /// An order of unknown outcome blocks the instrument.
    Blocked,
}

/// One instrument on its way from the current to the target quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leg {
    /// Which instrument.
    pub instrument: InstrumentId,
    /// Quantity held when the plan was made.
    pub current: Quantity,
    /// Quantity wanted, whole lots towards zero exposure.
    pub target: Quantity,
    /// Price at which both were valued.
    pub price: Price,
    /// Value of the current quantity.
    pub current_value: Cash,
    /// Value wanted, before rounding to lots.
    pub target_value: Cash,
    /// The drift had to be above this to trade.
    pub threshold: Cash,
    /// What became of it.
    pub disposition: Disposition,
}

/// A signed change of position and its nature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing to do.
    None,
    /// Towards zero; never through it.
    Reduce(Quantity),
    /// Away from zero.
    Add(Quantity),
}

impl Rebalance {
    /// Values a leg and decides whether it trades.
    ///
    /// `target_value` is `None` when the decision gives the instrument no target: then it is
    /// closed, whatever the threshold, and so is a target of exactly zero.
    pub fn leg(
        &self,
        id: InstrumentId,
        instrument: &Instrument,
        current: Quantity,
        price: Price,
        target_value: Option<Cash>,
        budget: Budget,
    ) -> Leg {
        let mut leg = Leg::held(id, instrument, current, price);
        self.decide(&mut leg, instrument, target_value, budget);
        leg
    }

    /// Gives a leg that is [`Leg::held`] its target, and decides whether it trades.
    pub(crate) fn decide(
        &self,
        leg: &mut Leg,
        instrument: &Instrument,
        target_value: Option<Cash>,
        budget: Budget,
    ) {
        let (current, price, current_value) = (leg.current, leg.price, leg.current_value);
        let wanted = target_value.unwrap_or(Cash::ZERO);
        leg.target_value = wanted;
        leg.threshold = match self.of {
            ThresholdBase::Target => self.value.of(wanted.abs()),
            ThresholdBase::Gross => self.value.of(budget.gross),
            ThresholdBase::Equity => self.value.of(budget.equity),
        };
        let Some(target) = instrument.quantity_for(wanted, price) else {
            return;
        };
        leg.target = target;
        let closes = wanted.is_zero() && !current.is_zero();
        leg.disposition = if target == current {
            Disposition::AtTarget
        } else if !closes && (wanted - current_value).abs() <= leg.threshold {
            Disposition::BelowThreshold
        } else if instrument.notional(price, target - current).abs() < instrument.min_notional {
            Disposition::BelowMinNotional
        } else {
            Disposition::Trade
        };
    }
}

/// What thresholds are measured against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Equity at the marks of the plan.
    pub equity: Cash,
    /// Equity × `max_gross`.
    pub gross: Cash,
}

impl Leg {
    /// What is held at a price, with nowhere to go yet.
    pub(crate) const fn held(
        id: InstrumentId,
        instrument: &Instrument,
        current: Quantity,
        price: Price,
    ) -> Self {
        Self {
            instrument: id,
            current,
            target: current,
            price,
            current_value: instrument.notional(price, current),
            target_value: Cash::ZERO,
            threshold: Cash::ZERO,
            disposition: Disposition::NoPrice,
        }
    }

    /// The next step from `held` towards the target: a reduction first, an addition only when
    /// nothing is left to reduce.
    pub fn step(&self, held: Quantity) -> Step {
        let (h, t) = (held.units(), self.target.units());
        if h == t || self.disposition != Disposition::Trade {
            return Step::None;
        }
        if h.signum() * t.signum() < 0 {
            return Step::Reduce(-held);
        }
        if t.abs() < h.abs() {
            Step::Reduce(self.target - held)
        } else {
            Step::Add(self.target - held)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::calendar::Calendar;
    use crate::instrument::{Asset, InstrumentKind, InstrumentSpec, Instruments};

    fn instrument() -> Instrument {
        let mut all = Instruments::new(Asset {
            code: "USD".into(),
            scale: 6,
        })
        .unwrap();
        let one = rust_decimal::Decimal::ONE;
        let id = all
            .define(&InstrumentSpec {
                symbol: "X".into(),
                kind: InstrumentKind::Spot,
                quote: "USD".into(),
                price_scale: 2,
                quantity_scale: 0,
                tick: "0.01".parse().unwrap(),
                lot: one,
                min_notional: one,
                multiplier: one,
                calendar: Calendar::Utc24x7,
            })
            .unwrap();
        all.get(id).unwrap().clone()
    }

    fn dollars(n: i128) -> Cash {
        Cash::from_units(n * 1_000_000)
    }

    fn leg(current: i64, target: Option<i128>) -> Leg {
        let rule = Rebalance {
            of: ThresholdBase::Gross,
            value: Weight::from_units(50_000_000),
            net_of_costs: false,
        };
        let budget = Budget {
            equity: dollars(100_000),
            gross: dollars(150_000),
        };
        let price = Price::from_units(100);
        let quantity = Quantity::from_units(current);
        rule.leg(
            InstrumentId(0),
            &instrument(),
            quantity,
            price,
            target.map(dollars),
            budget,
        )
    }

    /// WGT-10: the threshold is strict, and what has no target is always closed.
    #[test]
    fn wgt_10_threshold_is_strict_and_untargeted_positions_close() {
        assert_eq!(
            leg(2_500, Some(10_000)).disposition,
            Disposition::BelowThreshold
        );
        let l = leg(2_500, Some(10_001));
        assert_eq!(
            (l.disposition, l.step(l.current)),
            (Disposition::Trade, Step::Add(Quantity::from_units(7_501)))
        );
        let l = leg(-1_000, None);
        assert_eq!(
            (l.disposition, l.step(l.current)),
            (
                Disposition::Trade,
                Step::Reduce(Quantity::from_units(1_000))
            )
        );
        assert_eq!(leg(1, Some(0)).disposition, Disposition::Trade);
    }

    /// 5 % of a target of 8,000 either way, of an equity of 100,000, or of a gross budget of 150,000.
    #[test]
    fn the_threshold_is_a_share_of_what_the_rule_names() {
        let budget = Budget {
            equity: dollars(100_000),
            gross: dollars(150_000),
        };
        for (of, threshold) in [
            (ThresholdBase::Target, 400),
            (ThresholdBase::Equity, 5_000),
            (ThresholdBase::Gross, 7_500),
        ] {
            let rule = Rebalance {
                of,
                value: Weight::from_units(50_000_000),
                net_of_costs: false,
            };
            for sign in [1, -1] {
                // At the threshold nothing trades, one dollar further it does; from above and below.
                for (drift, expected) in [
                    (threshold, Disposition::BelowThreshold),
                    (-threshold, Disposition::BelowThreshold),
                    (threshold + 1, Disposition::Trade),
                    (-threshold - 1, Disposition::Trade),
                ] {
                    let held = Quantity::from_units(sign * (8_000 + drift));
                    let wanted = Some(dollars(i128::from(sign) * 8_000));
                    let (x, at) = (instrument(), Price::from_units(100));
                    let leg = rule.leg(InstrumentId(0), &x, held, at, wanted, budget);
                    assert_eq!(leg.threshold, dollars(i128::from(threshold)));
                    assert_eq!(leg.disposition, expected, "{of:?} {drift}");
                }
            }
        }
    }

    /// What the venue takes no order for is left as it is; so is what has no price.
    #[test]
    fn an_order_below_the_smallest_is_not_wanted() {
        let rule = Rebalance {
            of: ThresholdBase::Gross,
            value: Weight::ZERO,
            net_of_costs: false,
        };
        let budget = Budget {
            equity: dollars(100),
            gross: dollars(100),
        };
        let of = |held: i64, price: Price, wanted: i128| {
            let mut x = instrument();
            x.min_notional = dollars(10);
            let held = Quantity::from_units(held);
            rule.leg(
                InstrumentId(0),
                &x,
                held,
                price,
                Some(dollars(wanted)),
                budget,
            )
        };
        let dollar = Price::from_units(100);
        assert_eq!(of(50, dollar, 60).disposition, Disposition::Trade);
        assert_eq!(
            of(50, dollar, 59).disposition,
            Disposition::BelowMinNotional
        );
        assert_eq!(
            of(50, dollar, 41).disposition,
            Disposition::BelowMinNotional
        );
        assert_eq!(of(50, dollar, 40).disposition, Disposition::Trade);
        assert_eq!(of(9, dollar, 0).disposition, Disposition::BelowMinNotional);
        let unpriced = of(50, Price::ZERO, 60);
        assert_eq!(unpriced.disposition, Disposition::NoPrice);
        assert_eq!(unpriced.target, Quantity::from_units(50), "kept");
        assert_eq!(unpriced.step(unpriced.current), Step::None);
    }

    #[test]
    fn a_flip_reduces_to_zero_before_it_adds() {
        let l = leg(10_000, Some(-20_000));
        assert_eq!(
            l.step(Quantity::from_units(10_000)),
            Step::Reduce(Quantity::from_units(-10_000))
        );
        assert_eq!(
            l.step(Quantity::ZERO),
            Step::Add(Quantity::from_units(-20_000))
        );
        assert_eq!(l.step(Quantity::from_units(-20_000)), Step::None);
    }

    #[test]
    fn costs_of_a_full_allocation_are_paid_from_it() {
        // From cash: n + 0.1 % of n = 1000.
        let left = after_costs(dollars(1_000), Rate::from_bps(10), Ok).unwrap();
        assert_eq!(left.units(), 999_000_999);
        // From everything in one name to another: 2n at 100 bps less what is sold.
        let turn = |n: Cash| Ok(n + dollars(1_000));
        let left = after_costs(dollars(1_000), Rate::from_bps(100), turn).unwrap();
        // n = 1000 − 0.01 (n + 1000)  →  n = 990 / 1.01
        assert_eq!(left.units(), 980_198_019);
        assert_eq!(after_costs(dollars(7), Rate::ZERO, Ok).unwrap(), dollars(7));
        let ruin = after_costs(dollars(7), Rate::ONE, |_| Ok(dollars(9))).unwrap();
        assert_eq!(ruin, Cash::ZERO);
    }

    proptest! {
        /// WGT-05: at the target nothing trades, and steps lead to the target without passing
        /// zero in a reduction.
        #[test]
        fn wgt_05_steps_reach_the_target(held in -50_000_i64..50_000, target in -50_000_i128..50_000) {
            let l = leg(held, Some(target));
            let mut at = Quantity::from_units(held);
            for _ in 0..3 {
                at = match l.step(at) {
                    Step::None => break,
                    Step::Reduce(d) => {
                        prop_assert!((at + d).abs() < at.abs());
                        prop_assert!((at + d).units().signum() * at.units().signum() >= 0);
                        at + d
                    }
                    Step::Add(d) => at + d,
                };
            }
            if l.disposition == Disposition::Trade {
                prop_assert_eq!(at, l.target);
            } else {
                prop_assert_eq!(at.units(), held);
            }
            let quiet = leg(i64::try_from(target).unwrap(), Some(target));
            prop_assert_eq!(quiet.disposition, Disposition::AtTarget);
        }
    }
}
