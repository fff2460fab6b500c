//! The controls by name, and the verdict they add up to.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::money::Cash;

/// A pre-trade control. All of them run on each intent, none switches another off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Control {
    /// The instrument is defined and quoted in the base currency.
    InstrumentKnown,
    /// The reference price is valid and fresh.
    ReferenceFresh,
    /// A limit price lies on the tick grid.
    Tick,
    /// The quantity is positive and lies on the lot grid.
    Lot,
    /// The notional reaches the venue's minimum.
    MinNotional,
    /// `max_order_notional`.
    MaxOrderNotional,
    /// `max_position_notional` and `max_position_weight`, at worst case.
    MaxPosition,
    /// `max_gross`, at worst case.
    MaxGross,
    /// `max_leverage`, at worst case.
    MaxLeverage,
    /// A limit price lies within `price_collar` of the reference.
    PriceCollar,
    /// Cash, or units to sell, cover the order and everything already working; in a margin account
    /// equity less all costs carries the worst-case gross exposure at `max_leverage`.
    BuyingPower,
    /// The trading mode lets this order through.
    Mode,
    /// No order of unknown outcome blocks the instrument.
    NoUnknownOrder,
    /// A reduce-only order reduces.
    ReduceOnly,
}

impl Control {
    /// Every control, in order of its bit.
    pub const ALL: [Self; 14] = [
        Self::InstrumentKnown,
        Self::ReferenceFresh,
        Self::Tick,
        Self::Lot,
        Self::MinNotional,
        Self::MaxOrderNotional,
        Self::MaxPosition,
        Self::MaxGross,
        Self::MaxLeverage,
        Self::PriceCollar,
        Self::BuyingPower,
        Self::Mode,
        Self::NoUnknownOrder,
        Self::ReduceOnly,
    ];

    /// Stable snake_case name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InstrumentKnown => "instrument_known",
            Self::ReferenceFresh => "reference_fresh",
            Self::Tick => "tick",
            Self::Lot => "lot",
            Self::MinNotional => "min_notional",
            Self::MaxOrderNotional => "max_order_notional",
            Self::MaxPosition => "max_position",
            Self::MaxGross => "max_gross",
            Self::MaxLeverage => "max_leverage",
            Self::PriceCollar => "price_collar",
            Self::BuyingPower => "buying_power",
            Self::Mode => "mode",
            Self::NoUnknownOrder => "no_unknown_order",
            Self::ReduceOnly => "reduce_only",
        }
    }
}

impl fmt::Display for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The amounts behind the first failed control that compares amounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Breach {
    /// Which control.
    pub control: Control,
    /// What it allows.
    pub allowed: Cash,
    /// What the intent would have made.
    pub observed: Cash,
}

/// The outcome of all controls: passed, or denied by the ones in the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Verdict {
    failed: u16,
    /// Amounts of the first failed comparison.
    pub breach: Option<Breach>,
}

impl Verdict {
    pub(super) const PASSED: Self = Self {
        failed: 0,
        breach: None,
    };

    /// Records the result of a control.
    #[inline]
    pub(super) fn require(&mut self, control: Control, holds: bool) {
        self.failed |= u16::from(!holds) << control as u8;
    }

    /// Records a comparison of amounts.
    #[inline]
    pub(super) fn at_most(&mut self, control: Control, observed: Cash, allowed: Cash) {
        self.require(control, observed <= allowed);
        if observed > allowed && self.breach.is_none() {
            self.breach = Some(Breach {
                control,
                allowed,
                observed,
            });
        }
    }

    /// Whether every control let the intent pass.
    #[inline]
    pub const fn passed(&self) -> bool {
        self.failed == 0
    }

    /// The controls that denied it, in order.
    pub fn denied_by(&self) -> impl Iterator<Item = Control> + use<> {
        let failed = self.failed;
        Control::ALL
            .into_iter()
            .filter(move |c| failed & (1 << *c as u8) != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_keeps_the_amounts_of_the_first_breach() {
        let cash = Cash::from_units;
        let mut verdict = Verdict::PASSED;
        verdict.at_most(Control::MaxOrderNotional, cash(5), cash(5));
        assert_eq!(verdict, Verdict::PASSED, "at the limit");
        verdict.at_most(Control::MaxGross, cash(7), cash(6));
        verdict.at_most(Control::BuyingPower, cash(9), cash(1));
        let denied: Vec<_> = verdict.denied_by().collect();
        assert_eq!(denied, [Control::MaxGross, Control::BuyingPower]);
        let breach = Breach {
            control: Control::MaxGross,
            allowed: cash(6),
            observed: cash(7),
        };
        assert_eq!(verdict.breach, Some(breach));
    }
}
