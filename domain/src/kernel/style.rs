//! How the orders of a rebalance are priced: at the market, or at a limit with a deadline.

use serde::{Deserialize, Serialize};

use super::saga::Saga;
use super::{Effects, IntentRecord, Kernel};
use crate::instrument::Instrument;
use crate::money::{Price, Rate};
use crate::orders::{Cause, Intent, OrderStatus, OrderType, Side};
use crate::strategy::Strategy;

/// How the orders of a rebalance are priced. What a person orders goes at the market.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderStyle {
    /// Any price.
    #[default]
    Market,
    /// A limit first.
    Limit(LimitStyle),
}

/// Limit orders that work until a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitStyle {
    /// How much better than the price it was sized at an order asks for: a buy below it, a sale
    /// above. From 0 to below 1.
    pub offset: Rate,
    /// Bars after which the rest is taken back, at least 1. A phase of [`Watch`](super::Watch) that
    /// ends sooner takes it back sooner, and so does a restart.
    pub bars: u16,
    /// Whether the rest then goes once more at the market, once it is proven that nothing of the limit
    /// order works any more. Otherwise it is a residual.
    pub last_resort: bool,
}

impl LimitStyle {
    /// The limit for an order sized at `reference`: the offset away from it, then on to the next tick
    /// away from the market, so a buy rounds down and a sale up. At least one tick.
    pub fn price(&self, reference: Price, side: Side, tick: Price) -> Price {
        let one = i128::from(Rate::ONE.units());
        let offset = i128::from(self.offset.units());
        let (units, tick) = (i128::from(reference.units()), i128::from(tick.units()));
        let ticks = match side {
            Side::Buy => (units * (one - offset)).div_euclid(one * tick),
            Side::Sell => -(-units * (one + offset)).div_euclid(one * tick),
        };
        let units = i64::try_from(ticks.max(1) * tick).unwrap_or(i64::MAX);
        Price::from_units(units)
    }
}

/// Where a leg stands with its order at the market, in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Resort {
    /// Its limit has time.
    #[default]
    No,
    /// Its limit had its time: what is missing goes at the market once the limit has ended.
    Due,
    /// It went at the market.
    Used,
}

impl Saga {
    /// Notes what the end of an order means for its leg. Only an order that is proven never to have
    /// left, or a limit that had its time, may be followed by another.
    pub(super) fn note_end(&mut self, intent: &Intent, status: OrderStatus, rest: bool) {
        let unsent = matches!(status, OrderStatus::NotSent | OrderStatus::Dead);
        let ended = matches!(status, OrderStatus::Canceled | OrderStatus::Expired);
        let at_market = intent.order_type == OrderType::Market;
        let direction = usize::from(intent.reduce_only);
        for leg in &mut self.legs {
            if leg.leg.instrument != intent.instrument {
                continue;
            }
            let resort = &mut leg.resort[direction];
            if unsent && at_market && *resort == Resort::Used {
                *resort = Resort::Due;
            }
            if unsent || (ended && rest && !at_market && *resort == Resort::Due) {
                *leg.placed(intent.reduce_only) = false;
            }
        }
    }

    /// An order is found in the records. A restart is a deadline: what a limit left then goes at the
    /// market, where that is the policy.
    pub(super) fn take_back_resort(&mut self, r: &IntentRecord, policy: bool) {
        let direction = usize::from(r.intent.reduce_only);
        let legs = self.legs.iter_mut();
        for leg in legs.filter(|l| l.leg.instrument == r.intent.instrument) {
            if r.last_resort {
                leg.resort[direction] = Resort::Used;
                leg.leg.price = r.reference;
            } else if policy && matches!(r.intent.order_type, OrderType::Limit(_)) {
                leg.resort[direction] = Resort::Due;
            }
        }
    }

    /// The limit order of a leg has had its time.
    pub(super) fn note_deadline(&mut self, intent: &Intent) {
        let direction = usize::from(intent.reduce_only);
        for leg in &mut self.legs {
            let resort = &mut leg.resort[direction];
            if leg.leg.instrument == intent.instrument && *resort == Resort::No {
                *resort = Resort::Due;
            }
        }
    }
}

impl<S: Strategy> Kernel<S> {
    /// The limit style, where what is left of it may go at the market.
    pub(super) fn last_resort(&self) -> bool {
        matches!(self.settings.style, OrderStyle::Limit(l) if l.last_resort)
    }

    /// How an order of a saga is priced.
    pub(super) fn order_type(
        &self,
        cause: Cause,
        (side, reference): (Side, Price),
        instrument: Option<&Instrument>,
        last_resort: bool,
    ) -> OrderType {
        match (self.settings.style, cause, instrument) {
            (OrderStyle::Limit(limit), Cause::Slot(_), Some(of)) if !last_resort => {
                OrderType::Limit(limit.price(reference, side, of.tick))
            }
            _ => OrderType::Market,
        }
    }

    /// The limits of a plan have had their time: what works of it is about to be taken back.
    pub(super) fn note_deadlines(&mut self, decision: u32) {
        if !self.last_resort() {
            return;
        }
        let Some(saga) = &mut self.saga else { return };
        for order in self.orders.iter() {
            let late = matches!(order.intent.order_type, OrderType::Limit(_));
            if late && order.intent.client_id.decision == decision && !order.status().is_final() {
                saga.note_deadline(&order.intent);
            }
        }
    }

    /// A bar closed: limits that had all of theirs are taken back.
    pub(super) fn end_limits(&mut self, effects: &mut Effects) {
        let OrderStyle::Limit(limit) = self.settings.style else {
            return;
        };
        if let Some(saga) = &self.saga
            && saga.open > 0
            && self.slices - saga.placed_at >= usize::from(limit.bars)
        {
            let (decision, plan) = (saga.decision, saga.plans);
            self.end_phase(decision, plan, effects);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// EXE-23: limits are rounded away from the market, onto the tick.
    #[test]
    fn limits_are_passive_and_on_the_tick() {
        for (bps, reference, tick, buy, sell) in [
            (0, 10_000, 100, 10_000, 10_000),
            (0, 10_050, 100, 10_000, 10_100),
            (10, 10_000, 1, 9_990, 10_010),
            (10, 10_000, 100, 9_900, 10_100),
            (3, 12_345, 5, 12_340, 12_350),
            (9_999, 100, 100, 100, 200),
            (0, 50, 100, 100, 100),
        ] {
            let style = LimitStyle {
                offset: Rate::from_bps(bps),
                bars: 1,
                last_resort: false,
            };
            let at = |side| {
                let price =
                    style.price(Price::from_units(reference), side, Price::from_units(tick));
                price.units()
            };
            assert_eq!(
                (at(Side::Buy), at(Side::Sell)),
                (buy, sell),
                "{bps} {reference}"
            );
        }
    }
}
