//! Accounts that hold more than they pay for: requirements, borrowing, liquidation.
//!
//! A margin account exchanges the whole notional and may owe cash or units. A perpetual account
//! exchanges none: its cash is collateral, and the profit of what is closed settles in it. Both keep
//! gross exposure within leverage times equity when it grows. Where the terms name a maintenance
//! requirement they are liquidated below it: working orders end, then the largest positions are closed
//! at their marks until the requirement is met.

use super::exchange::Exchange;
use super::fee_model::Liquidity;
use super::venue_order::VenueOrder;
use crate::error::{Error, Result};
use crate::instrument::{AssetId, Instrument, InstrumentId};
use crate::kernel::{AdjustmentKind, Fact};
use crate::money::{Cash, Price, Quantity, Rate, Rounding, Weight, divide};
use crate::portfolio::MarginModel;
use crate::time::{Span, Timestamp};

/// What a venue asks of an account on margin. Rates are shares of the gross value of positions.
///
/// What exposure needs when it grows is written as leverage, as
/// [`Limits::max_leverage`](crate::risk::Limits::max_leverage) writes it: kernel and venue then draw
/// the same line to the last unit, which one over it, rounded to nine digits, would not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarginTerms {
    /// `Margin` or `CrossMarginedPerpetual`.
    pub model: MarginModel,
    /// Gross exposure that each unit of equity carries when exposure grows: 2 where the initial
    /// requirement is one half.
    pub max_leverage: Weight,
    /// Equity below which positions are closed; `None` for a venue that never does: the account may
    /// then lose all it has, and more.
    pub maintenance: Option<Rate>,
    /// Fee of a liquidation, a share of what is closed.
    pub liquidation_fee: Rate,
    /// What shorts cost, a share of their value in 365 days; 0 for none.
    pub borrow_a_year: Rate,
}

impl MarginTerms {
    /// A margin account that carries `max_leverage` times its equity, is never liquidated, and
    /// borrows for nothing.
    pub const fn carrying(max_leverage: Weight) -> Self {
        Self {
            model: MarginModel::Margin,
            max_leverage,
            maintenance: None,
            liquidation_fee: Rate::ZERO,
            borrow_a_year: Rate::ZERO,
        }
    }

    /// Whether the passing of time alone can change the account.
    pub(super) fn needs_upkeep(&self) -> bool {
        self.maintenance.is_some() || self.borrow_a_year != Rate::ZERO
    }

    /// Whether the maintenance requirement lies above 0 and within the initial one.
    fn maintenance_is_sane(&self) -> bool {
        let one = i128::from(Rate::ONE.units()) * i128::from(Weight::ONE.units());
        self.maintenance.is_none_or(|rate| {
            let at_full_leverage = i128::from(rate.units()) * i128::from(self.max_leverage.units());
            rate > Rate::ZERO && at_full_leverage <= one
        })
    }

    /// Checks what no type can.
    ///
    /// # Errors
    /// `Configuration` with the key: a cash account, a leverage of 0, a maintenance requirement of 0
    /// or above the initial one (one over the leverage), a fee outside `0 <= fee < 1`.
    pub fn validate(&self) -> Result<()> {
        let zero = Rate::ZERO;
        for (key, good, hint) in [
            (
                "margin.model",
                self.model != MarginModel::Cash,
                "a cash account has no margin terms: leave them out",
            ),
            (
                "margin.max_leverage",
                self.max_leverage.units() > 0,
                "use a number above 0; 2 where half of a position must be own money",
            ),
            (
                "margin.maintenance",
                self.maintenance_is_sane(),
                "use a share above 0 and at most one over max_leverage, or leave it out",
            ),
            (
                "margin.liquidation_fee",
                self.liquidation_fee >= zero && self.liquidation_fee < Rate::ONE,
                "use a share from 0 to below 1",
            ),
            (
                "margin.borrow_a_year",
                self.borrow_a_year >= zero,
                "use 0 or more",
            ),
        ] {
            if !good {
                return Err(Error::config(format!("{key} cannot be used"))
                    .context("key", key)
                    .context("terms", format!("{self:?}"))
                    .hint(hint));
            }
        }
        Ok(())
    }
}

/// The share `closed / held` of `cost`, rounded up: profit is never rounded up.
fn share_of_cost(cost: Cash, closed: Quantity, held: Quantity) -> Cash {
    share(cost, closed.units().into(), held.units().into())
}

/// `amount × part / of`, rounded up. Split so that large amounts at fine scales cannot overflow.
pub(super) fn share(amount: Cash, part: i128, of: i128) -> Cash {
    let (whole, rest) = (amount.units() / of, amount.units() % of);
    Cash::from_units(whole * part + divide(rest * part, of, Rounding::Up))
}

impl Exchange {
    /// The last price known of an instrument, on its scale.
    pub(super) fn mark(&self, id: InstrumentId) -> Option<Price> {
        let scale = self.instruments.get(id)?.price_scale;
        Price::from_market_data(self.last_close[id.index()], scale)
    }

    /// Cash plus what positions would add to it at their marks.
    pub fn equity(&self) -> Cash {
        self.values(None).0
    }

    /// Equity, and the gross value of positions, with one instrument at another price.
    fn values(&self, at: Option<(InstrumentId, Price)>) -> (Cash, Cash) {
        let (mut equity, mut gross) = (self.cash, Cash::ZERO);
        for id in self.instruments.ids() {
            let value = self.value_of(id, at);
            equity += value - self.costs[id.index()];
            gross += value.abs();
        }
        (equity, gross)
    }

    fn value_of(&self, id: InstrumentId, at: Option<(InstrumentId, Price)>) -> Cash {
        let held = self.positions[id.index()];
        let (false, Some(instrument)) = (held.is_zero(), self.instruments.get(id)) else {
            return Cash::ZERO;
        };
        let price = match at {
            Some((other, price)) if other == id => price,
            _ => self.mark(id).unwrap_or(Price::ZERO),
        };
        instrument.notional(price, held)
    }

    /// How much of `wanted` the account's margin carries: what reduces always passes, and of the
    /// rest as many lots as keep gross exposure within leverage times equity after fees. Other
    /// positions count at their last close, this one at the execution price.
    pub(super) fn carriable(
        &self,
        terms: &MarginTerms,
        instrument: &Instrument,
        order: &VenueOrder,
        (price, wanted): (Price, Quantity),
        liquidity: Liquidity,
    ) -> Quantity {
        let (id, side) = (order.intent.instrument, order.intent.side);
        let held = self.positions[id.index()];
        let at = Some((id, price));
        // At its own execution price a trade changes equity by its fee and nothing else.
        let (equity, gross) = self.values(at);
        let others = gross - self.value_of(id, at).abs();
        let carries = |quantity: Quantity| {
            let after = instrument.notional(price, held + side.signed(quantity));
            let notional = instrument.notional(price, quantity);
            let left = equity - self.settings.fees.fee_for(notional, liquidity);
            others + after.abs() <= terms.max_leverage.of(left.max(Cash::ZERO))
        };
        let closing = self.reducible(order).min(wanted);
        super::matching::most_lots(closing, wanted, instrument.lot, carries)
    }

    /// Books the exchange of money of an execution worth `notional` (signed as the change of the
    /// position); called before the position moves.
    pub(super) fn settle_trade(&mut self, id: InstrumentId, delta: Quantity, notional: Cash) {
        let perpetual = self
            .rules
            .margin
            .is_some_and(|m| m.model == MarginModel::CrossMarginedPerpetual);
        if !perpetual {
            self.cash -= notional;
            return;
        }
        let index = id.index();
        let held = self.positions[index];
        let opposite = held.units().signum() * delta.units().signum() < 0;
        if !opposite {
            self.costs[index] += notional;
            return;
        }
        let closed = delta.abs().min(held.abs());
        // Of the trade's notional, the part that closes; what is left opens the other way.
        let closing = share_of_cost(notional, closed, delta.abs());
        let cost = share_of_cost(self.costs[index], closed, held.abs());
        self.cash += -closing - cost;
        self.costs[index] += (notional - closing) - cost;
    }

    /// After the marks of an instant: charges what is borrowed and liquidates an account below its
    /// maintenance requirement.
    pub fn maintain(&mut self, now: Timestamp) {
        let Some(terms) = self.rules.margin else {
            return;
        };
        self.now = self.now.max(now);
        self.charge_borrowing(&terms, now);
        let Some(maintenance) = terms.maintenance else {
            return;
        };
        let falls_short = |exchange: &Self| {
            let (equity, gross) = exchange.values(None);
            equity < gross.fee(maintenance)
        };
        if !falls_short(self) {
            return;
        }
        self.end_working(|_| true, "the account is being liquidated");
        while falls_short(self) {
            let held = self
                .instruments
                .ids()
                .filter(|id| !self.position(*id).is_zero());
            // The first of equals, so that the same books always close in the same order.
            let largest = held.min_by_key(|id| std::cmp::Reverse(self.value_of(*id, None).abs()));
            let Some(id) = largest else {
                return;
            };
            self.liquidate(id, &terms, now);
        }
    }

    fn liquidate(&mut self, id: InstrumentId, terms: &MarginTerms, now: Timestamp) {
        let held = self.positions[id.index()];
        let value = self.value_of(id, None);
        let before = self.cash;
        self.settle_trade(id, -held, -value);
        self.cash -= value.fee(terms.liquidation_fee);
        self.positions[id.index()] = Quantity::ZERO;
        let fact = Fact::Adjusted {
            id: self.next_event(),
            kind: AdjustmentKind::Liquidation,
            instrument: Some(id),
            asset: AssetId::BASE,
            quantity: -held,
            amount: self.cash - before,
        };
        self.tell_event(fact, now);
    }

    /// What shorts cost since the last time, rounded up.
    fn charge_borrowing(&mut self, terms: &MarginTerms, now: Timestamp) {
        let Some(since) = self.charged_at.replace(now) else {
            return;
        };
        let elapsed = i128::from(now.since(since).nanos());
        if terms.borrow_a_year == Rate::ZERO || elapsed <= 0 {
            return;
        }
        let year = i128::from(Span::from_days(365).nanos());
        for index in 0..self.positions.len() {
            let id = InstrumentId::from_index(index);
            if !self.positions[index].is_negative() {
                continue;
            }
            let a_year = self.value_of(id, None).fee(terms.borrow_a_year);
            let due = share(a_year, elapsed, year);
            if due.is_zero() {
                continue;
            }
            self.cash -= due;
            let fact = Fact::Adjusted {
                id: self.next_event(),
                kind: AdjustmentKind::Borrow,
                instrument: Some(id),
                asset: AssetId::BASE,
                quantity: Quantity::ZERO,
                amount: -due,
            };
            self.tell_event(fact, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cost_of_what_is_closed_is_rounded_up_whichever_way_the_position_points() {
        for (cost, closed, held, expected) in [
            (1_000, 5, 10, 500),
            (1_000, 1, 3, 334),
            (-1_000, 1, 3, -333),
            (1_000, 3, 3, 1_000),
            // Ten digits of price on ten digits of quantity: the plain product would overflow.
            (
                i128::from(i64::MAX) * 1_000_000_000_000_000,
                1 << 61,
                1 << 62,
                i128::from(i64::MAX) * 500_000_000_000_000,
            ),
        ] {
            let units = Quantity::from_units;
            let got = share_of_cost(Cash::from_units(cost), units(closed), units(held));
            assert_eq!(got.units(), expected, "{cost} {closed}/{held}");
        }
    }
}
