//! The numbers risk controls compare with. Named for what they allow.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::money::{Cash, Rate, Weight};
use crate::time::Span;

/// Limits of one account. Amounts of money have no default: whoever trades decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Largest notional of one order; `None` means deliberately unlimited.
    pub max_order_notional: Option<Cash>,
    /// Largest worst-case notional of one position; `None` means deliberately unlimited.
    pub max_position_notional: Option<Cash>,
    /// Largest worst-case position as a share of equity. It bounds orders; between orders a
    /// position may drift above it.
    pub max_position_weight: Weight,
    /// Largest worst-case gross exposure as a share of equity; also the gross budget of the
    /// rebalance threshold.
    pub max_gross: Weight,
    /// Largest ratio of worst-case gross exposure to equity the venue's margin would allow: one over
    /// its initial margin, so 2 where half of a position must be own money.
    pub max_leverage: Weight,
    /// Largest distance of a limit price from the reference price.
    pub price_collar: Rate,
    /// Oldest reference price an order may rest on.
    pub max_price_age: Span,
    /// Fee rate assumed when cash is set aside for a buy.
    pub fee_estimate: Rate,
    /// Cash kept back on top, against a price that moves before the fill.
    pub cash_buffer: Rate,
}

impl Limits {
    /// Limits of an account that pays everything in full: at most fully invested, in one name or
    /// many. Amounts of money have no default, so they are arguments; `None` is no limit.
    ///
    /// The rest: limit prices within 10 % of a reference at most 7 days old, 10 bps of fees
    /// assumed, 1 % of each buy kept back.
    pub const fn cash_account(
        max_order_notional: Option<Cash>,
        max_position_notional: Option<Cash>,
    ) -> Self {
        Self {
            max_order_notional,
            max_position_notional,
            max_position_weight: Weight::ONE,
            max_gross: Weight::ONE,
            max_leverage: Weight::ONE,
            price_collar: Rate::from_bps(1_000),
            max_price_age: Span::from_days(7),
            fee_estimate: Rate::from_bps(10),
            cash_buffer: Rate::from_bps(100),
        }
    }

    /// Checks that the limits can be meant.
    ///
    /// # Errors
    /// `Configuration` naming the first limit that cannot.
    pub fn validate(&self) -> Result<()> {
        let refuse = |limit: &str, value: String| {
            Err(Error::config(format!("limit {limit} cannot be {value}"))
                .context("key", format!("risk.{limit}"))
                .hint("limits are positive; leave money limits out only on purpose"))
        };
        for (name, limit) in [
            ("max_order_notional", self.max_order_notional),
            ("max_position_notional", self.max_position_notional),
        ] {
            if let Some(cash) = limit.filter(|c| !c.is_positive()) {
                return refuse(name, cash.units().to_string());
            }
        }
        for (name, weight) in [
            ("max_position_weight", self.max_position_weight),
            ("max_gross", self.max_gross),
            ("max_leverage", self.max_leverage),
        ] {
            if weight <= Weight::ZERO {
                return refuse(name, weight.to_f64().to_string());
            }
        }
        for (name, rate) in [
            ("price_collar", self.price_collar),
            ("fee_estimate", self.fee_estimate),
            ("cash_buffer", self.cash_buffer),
        ] {
            if rate < Rate::ZERO || rate > Rate::ONE {
                return refuse(name, rate.to_f64().to_string());
            }
        }
        if self.max_price_age <= Span::ZERO {
            return refuse(
                "max_price_age",
                format!("{} s", self.max_price_age.seconds()),
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_that_cannot_be_meant_are_refused_by_their_key() {
        type Change = fn(&mut Limits);
        let table: [(Change, &str); 19] = [
            (|_| {}, ""),
            (
                |l| l.max_order_notional = Some(Cash::ZERO),
                "max_order_notional",
            ),
            (|l| l.max_order_notional = Some(Cash::from_units(1)), ""),
            (
                |l| l.max_position_notional = Some(Cash::from_units(-1)),
                "max_position_notional",
            ),
            (
                |l| l.max_position_weight = Weight::ZERO,
                "max_position_weight",
            ),
            (|l| l.max_gross = Weight::ZERO, "max_gross"),
            (|l| l.max_gross = Weight::from_units(1), ""),
            (|l| l.max_leverage = Weight::from_units(-1), "max_leverage"),
            (|l| l.price_collar = Rate::ZERO, ""),
            (|l| l.price_collar = Rate::ONE, ""),
            (|l| l.price_collar = Rate::from_units(-1), "price_collar"),
            (|l| l.price_collar = Rate::from_bps(10_001), "price_collar"),
            (|l| l.fee_estimate = Rate::ZERO, ""),
            (|l| l.fee_estimate = Rate::from_bps(10_001), "fee_estimate"),
            (|l| l.cash_buffer = Rate::from_units(-1), "cash_buffer"),
            (|l| l.max_price_age = Span::from_nanos(1), ""),
            (|l| l.max_price_age = Span::ZERO, "max_price_age"),
            (|l| l.max_price_age = Span::from_days(-1), "max_price_age"),
            (|l| l.max_leverage = Weight::from_units(1), ""),
        ];
        for (change, name) in table {
            let mut limits = Limits::cash_account(Some(Cash::from_units(5)), None);
            change(&mut limits);
            let refused = limits.validate().err().map(|e| e.context[0].clone());
            let named = ("key".to_owned(), format!("risk.{name}"));
            assert_eq!(refused, (!name.is_empty()).then_some(named), "{limits:?}");
        }
    }
}
