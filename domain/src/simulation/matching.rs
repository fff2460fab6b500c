//! How orders meet bars: at the fill point's price, inside the bar, and within its volume.

use super::exchange::Exchange;
use super::fee_model::Liquidity;
use super::venue_order::VenueOrder;
use super::venue_rules::LimitFills;
use crate::instrument::{Instrument, InstrumentId};
use crate::market::{Field, Slice};
use crate::money::{Price, Quantity, Rate, pow10};
use crate::orders::{Intent, OrderType, Side};
use crate::time::Timestamp;

/// Whether `limit` allows a trade at `price`.
pub(super) fn allows(limit: Price, price: Price, side: Side) -> bool {
    match side {
        Side::Buy => price <= limit,
        Side::Sell => price >= limit,
    }
}

/// `price`, or the limit where that is better for the order.
pub(super) fn no_worse_than(limit: Price, price: Price, side: Side) -> Price {
    match side {
        Side::Buy => price.min(limit),
        Side::Sell => price.max(limit),
    }
}

/// The market price at which a resting limit order executes inside a bar, if it does: the open when
/// the bar opens at or through the limit, else the limit when the bar trades through it. `far` is
/// the low for a buy and the high for a sale. Touching is not enough: others were first.
fn through_bar(limit: Price, side: Side, open: Option<Price>, far: Price) -> Option<Price> {
    if let Some(open) = open.filter(|open| allows(limit, *open, side)) {
        return Some(open);
    }
    (far != limit && allows(limit, far, side)).then_some(limit)
}

/// The most of `wanted`, in whole lots and at least `surely`, that `fits`; what is more than a
/// quantity that does not fit does not fit either.
pub(super) fn most_lots(
    surely: Quantity,
    wanted: Quantity,
    lot: Quantity,
    fits: impl Fn(Quantity) -> bool,
) -> Quantity {
    if wanted <= surely || fits(wanted) {
        return wanted;
    }
    let lot = lot.units();
    let (mut most, mut too_many) = (surely.units() / lot, wanted.units() / lot);
    while too_many - most > 1 {
        let middle = i64::midpoint(most, too_many);
        if fits(Quantity::from_units(middle * lot)) {
            most = middle;
        } else {
            too_many = middle;
        }
    }
    Quantity::from_units(most * lot).max(surely)
}

/// What our orders took of the bar that is being traded, an instrument each.
#[derive(Debug)]
pub(super) struct VolumeTaken {
    bar: Timestamp,
    taken: Vec<Quantity>,
}

impl VolumeTaken {
    pub(super) fn new(instruments: usize) -> Self {
        Self {
            bar: Timestamp::MIN,
            taken: vec![Quantity::ZERO; instruments],
        }
    }

    /// What is left of `share` of the bar's volume, in whole lots. Without a volume: nothing.
    fn left(&mut self, slice: &Slice<'_>, id: InstrumentId, lot: Quantity, all: f64) -> Quantity {
        if self.bar != slice.time() {
            self.bar = slice.time();
            self.taken.fill(Quantity::ZERO);
        }
        // Past 2^62 units nobody can ask for more anyway.
        #[expect(clippy::cast_possible_truncation, reason = "floored and bounded")]
        let units = all.floor().clamp(0.0, 4.6e18) as i64;
        let lots = Quantity::from_units(units).to_lots_toward_zero(lot);
        (lots - self.taken[id.index()]).max(Quantity::ZERO)
    }
}

impl Exchange {
    /// Executes what can be executed at the fill point's price of this slice, sells before buys and
    /// otherwise in order of arrival. Returns how many orders it moved.
    ///
    /// Call it until it returns 0, then [`Exchange::expire`].
    pub fn execute(&mut self, slice: &Slice<'_>, now: Timestamp) -> usize {
        self.each_working(now, |exchange, order| {
            exchange.meet_fill_point(order, slice, now)
        })
    }

    /// Executes resting limit orders inside the bar of this slice, under
    /// [`LimitFills::ThroughBar`]. Returns how many orders it moved.
    pub fn execute_through_bar(&mut self, slice: &Slice<'_>, now: Timestamp) -> usize {
        if self.rules.limit_fills != LimitFills::ThroughBar {
            return 0;
        }
        self.each_working(now, |exchange, order| exchange.meet_bar(order, slice, now))
    }

    fn each_working(
        &mut self,
        now: Timestamp,
        mut meet: impl FnMut(&mut Self, &mut VenueOrder) -> bool,
    ) -> usize {
        self.now = self.now.max(now);
        let mut working = std::mem::take(&mut self.working);
        let mut moved = 0;
        for side in [Side::Sell, Side::Buy] {
            for order in working.iter_mut().filter(|o| o.intent.side == side) {
                moved += usize::from(meet(self, order));
            }
        }
        working.retain(|order| !order.status.is_final());
        self.working = working;
        moved
    }

    fn meet_fill_point(
        &mut self,
        order: &mut VenueOrder,
        slice: &Slice<'_>,
        now: Timestamp,
    ) -> bool {
        let id = order.intent.instrument;
        if self.is_quoted(id) && !order.waits_for_auction() {
            return false;
        }
        let Some(market) = self.bar_price(slice, id, self.settings.fill_point.field()) else {
            return false;
        };
        let Some(price) = self.price_at(&order.intent, market) else {
            order.rested = true;
            return false;
        };
        let liquidity = if order.rested {
            Liquidity::Maker
        } else {
            Liquidity::Taker
        };
        let moved = self.trade_within_volume(order, slice, (price, liquidity), now);
        order.rested |= moved && matches!(order.intent.order_type, OrderType::Limit(_));
        moved
    }

    fn meet_bar(&mut self, order: &mut VenueOrder, slice: &Slice<'_>, now: Timestamp) -> bool {
        let (id, side) = (order.intent.instrument, order.intent.side);
        let (OrderType::Limit(limit), true) = (order.intent.order_type, order.can_rest()) else {
            return false;
        };
        if self.is_quoted(id) {
            return false;
        }
        let far = match side {
            Side::Buy => Field::Low,
            Side::Sell => Field::High,
        };
        let Some(far) = self.bar_price(slice, id, far) else {
            return false;
        };
        let open = self.bar_price(slice, id, Field::Open);
        let Some(market) = through_bar(limit, side, open, far) else {
            order.rested = true;
            return false;
        };
        let (price, liquidity) = if market == limit || order.rested {
            (market, Liquidity::Maker)
        } else {
            let worse = self.settings.slippage.worsen(market, side);
            (no_worse_than(limit, worse, side), Liquidity::Taker)
        };
        self.trade_within_volume(order, slice, (price, liquidity), now)
    }

    fn bar_price(&self, slice: &Slice<'_>, id: InstrumentId, field: Field) -> Option<Price> {
        let scale = self.instruments.get(id)?.price_scale;
        slice
            .value(id, field)
            .and_then(|price| Price::from_market_data(price, scale))
    }

    /// The execution price at one market price; `None` when a limit is not reached.
    pub(super) fn price_at(&self, intent: &Intent, market: Price) -> Option<Price> {
        let worse = self.settings.slippage.worsen(market, intent.side);
        match intent.order_type {
            OrderType::Market => Some(worse),
            OrderType::Limit(limit) => {
                allows(limit, market, intent.side).then(|| no_worse_than(limit, worse, intent.side))
            }
        }
    }

    fn trade_within_volume(
        &mut self,
        order: &mut VenueOrder,
        slice: &Slice<'_>,
        (price, liquidity): (Price, Liquidity),
        now: Timestamp,
    ) -> bool {
        let Some(share) = self.rules.participation else {
            return self
                .trade(order, (price, order.open()), liquidity, now)
                .is_some();
        };
        let id = order.intent.instrument;
        let Some(offered) = self.offered(slice, id, share) else {
            return false;
        };
        let traded = self.trade(order, (price, offered), liquidity, now);
        self.volume.taken[id.index()] += traded.unwrap_or(Quantity::ZERO);
        traded.is_some()
    }

    /// What the bar still offers our orders; `None` for nothing.
    fn offered(&mut self, slice: &Slice<'_>, id: InstrumentId, share: Rate) -> Option<Quantity> {
        let Instrument {
            lot,
            quantity_scale,
            ..
        } = *self.instruments.get(id)?;
        let volume = slice.value(id, Field::Volume)?;
        let all = volume * share.to_f64() * pow10(quantity_scale) as f64;
        let left = self.volume.left(slice, id, lot, all);
        left.is_positive().then_some(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Open, low and high against a limit of 100: where it executes, if it does.
    #[test]
    fn a_limit_executes_only_when_the_bar_trades_through_it() {
        use Side::{Buy, Sell};
        let p = Price::from_units;
        for (side, open, low, high, expected) in [
            (Buy, 102, 101, 103, None),
            // The low touches the limit: others were first.
            (Buy, 102, 100, 103, None),
            (Buy, 102, 99, 103, Some(100)),
            (Buy, 100, 100, 103, Some(100)),
            (Buy, 97, 95, 103, Some(97)),
            (Buy, 97, 97, 97, Some(97)),
            (Sell, 98, 97, 99, None),
            (Sell, 98, 97, 100, None),
            (Sell, 98, 97, 101, Some(100)),
            (Sell, 100, 97, 100, Some(100)),
            (Sell, 103, 97, 104, Some(103)),
        ] {
            let far = match side {
                Buy => low,
                Sell => high,
            };
            let got = through_bar(p(100), side, Some(p(open)), p(far));
            assert_eq!(got, expected.map(p), "{side} {open} {low} {high}");
            if let Some(price) = got {
                assert!(p(low) <= price && price <= p(high), "outside the bar");
                assert!(allows(p(100), price, side));
            }
        }
        // Without an open only the range speaks.
        assert_eq!(through_bar(p(100), Buy, None, p(90)), Some(p(100)));
    }

    #[test]
    fn the_most_lots_that_fit_are_found_between_surely_and_wanted() {
        let q = Quantity::from_units;
        for (surely, wanted, lot, limit, expected) in [
            (0, 100, 1, 100, 100),
            (0, 100, 1, 37, 37),
            (0, 100, 10, 37, 30),
            (0, 100, 10, 5, 0),
            (50, 100, 10, 5, 50),
            (55, 100, 10, 5, 55),
            (100, 60, 10, 5, 60),
        ] {
            let most = most_lots(q(surely), q(wanted), q(lot), |x| x <= q(limit));
            assert_eq!(most.units(), expected, "{surely} {wanted} {lot} {limit}");
        }
    }
}
