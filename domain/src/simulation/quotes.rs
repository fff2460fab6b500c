//! Orders against quotes and trades: latency, displayed size, and a place in the queue.
//!
//! Where an instrument has quotes, orders meet them instead of bars; auctions keep their fill
//! points. What is assumed: an order takes effect its latency after its arrival; a cancel takes
//! effect at once; a taker gets at most the displayed size, and our own orders use it up until the
//! next quote; a resting order joins behind everything displayed at its price and advances by what
//! trades there, never by cancels ahead of it except when less is displayed than it thought; our
//! orders do not move the market.

use super::exchange::Exchange;
use super::fee_model::Liquidity;
use super::matching::{allows, no_worse_than};
use super::venue_order::VenueOrder;
use crate::error::{Error, Result};
use crate::instrument::InstrumentId;
use crate::money::{Price, Quantity};
use crate::orders::{OrderType, Side, TimeInForce};
use crate::time::Timestamp;

/// The top of an order book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Highest price somebody pays.
    pub bid: Price,
    /// Lowest price somebody asks.
    pub ask: Price,
    /// Displayed at the bid.
    pub bid_size: Quantity,
    /// Displayed at the ask.
    pub ask_size: Quantity,
}

impl Quote {
    /// Price and size that an order of `side` can take.
    pub(super) const fn against(&self, side: Side) -> (Price, Quantity) {
        match side {
            Side::Buy => (self.ask, self.ask_size),
            Side::Sell => (self.bid, self.bid_size),
        }
    }

    /// Price and size that an order of `side` joins.
    const fn beside(&self, side: Side) -> (Price, Quantity) {
        match side {
            Side::Buy => (self.bid, self.bid_size),
            Side::Sell => (self.ask, self.ask_size),
        }
    }

    fn take(&mut self, side: Side, quantity: Quantity) {
        match side {
            Side::Buy => self.ask_size -= quantity,
            Side::Sell => self.bid_size -= quantity,
        }
    }
}

/// The newest quote of each instrument that has any.
#[derive(Debug, Default)]
pub(super) struct QuoteBook {
    /// Empty until the first quote.
    quotes: Vec<Option<Quote>>,
}

impl QuoteBook {
    pub(super) fn of(&self, id: InstrumentId) -> Option<Quote> {
        self.quotes.get(id.index()).copied().flatten()
    }

    fn set(&mut self, id: InstrumentId, quote: Quote) {
        if self.quotes.len() <= id.index() {
            self.quotes.resize(id.index() + 1, None);
        }
        self.quotes[id.index()] = Some(quote);
    }
}

impl Exchange {
    /// Whether orders of this instrument meet quotes.
    #[inline]
    pub(super) fn is_quoted(&self, id: InstrumentId) -> bool {
        self.quotes.of(id).is_some()
    }

    /// The top of the book changed. Orders that took effect before meet the old quote first.
    ///
    /// # Errors
    /// `DataValidation` for an unknown instrument, prices that are not positive, a bid at or above
    /// the ask, or negative sizes; nothing changes then.
    pub fn on_quote(&mut self, id: InstrumentId, quote: Quote, now: Timestamp) -> Result<()> {
        let good = self.instruments.get(id).is_some()
            && quote.bid.is_positive()
            && quote.bid < quote.ask
            && !quote.bid_size.is_negative()
            && !quote.ask_size.is_negative();
        if !good {
            return Err(Error::validation("a quote cannot be used")
                .context("instrument", id.0)
                .context("quote", format!("{quote:?}"))
                .hint("a quote has a positive bid below its ask and sizes of 0 or more"));
        }
        self.meet_quotes(Some(id), now, |order| order.effective_at < now);
        self.quotes.set(id, quote);
        self.meet_quotes(Some(id), now, |_| true);
        Ok(())
    }

    /// Time passed: orders whose latency is over meet the standing quotes.
    pub fn advance(&mut self, now: Timestamp) {
        self.meet_quotes(None, now, |_| true);
    }

    fn meet_quotes(
        &mut self,
        only: Option<InstrumentId>,
        now: Timestamp,
        also: impl Fn(&VenueOrder) -> bool,
    ) {
        self.now = self.now.max(now);
        let mut working = std::mem::take(&mut self.working);
        for order in &mut working {
            let id = order.intent.instrument;
            let concerned = only.is_none_or(|of| of == id) && !order.waits_for_auction();
            if concerned && order.effective_at <= now && also(order) {
                self.meet_quote(order, now);
            }
        }
        working.retain(|order| !order.status.is_final());
        self.working = working;
    }

    fn meet_quote(&mut self, order: &mut VenueOrder, now: Timestamp) {
        let (id, side) = (order.intent.instrument, order.intent.side);
        let Some(mut quote) = self.quotes.of(id) else {
            return;
        };
        let (market, size) = quote.against(side);
        let crossed = match order.intent.order_type {
            OrderType::Market => true,
            OrderType::Limit(limit) => allows(limit, market, side),
        };
        if crossed && order.intent.post_only && order.ahead.is_none() && !order.entered {
            return self.end(order, "post-only, and it would have traded at once");
        }
        order.entered = true;
        if crossed && size.is_positive() {
            let (price, liquidity) = match order.intent.order_type {
                // The market came to a resting order: it is met at its own price.
                OrderType::Limit(limit) if order.rested => (limit, Liquidity::Maker),
                OrderType::Limit(limit) => {
                    let worse = self.settings.slippage.worsen(market, side);
                    (no_worse_than(limit, worse, side), Liquidity::Taker)
                }
                OrderType::Market => (
                    self.settings.slippage.worsen(market, side),
                    Liquidity::Taker,
                ),
            };
            if let Some(taken) = self.trade(order, (price, size), liquidity, now) {
                quote.take(side, taken);
                self.quotes.set(id, quote);
            }
        }
        if order.status.is_final() {
            return;
        }
        if order.intent.time_in_force == TimeInForce::Ioc {
            return self.end(order, "not enough on offer for the rest");
        }
        if let OrderType::Limit(limit) = order.intent.order_type {
            order.rested = true;
            let (best, displayed) = quote.beside(side);
            if limit == best {
                order.ahead = Some(order.ahead.map_or(displayed, |a| a.min(displayed)));
            } else if allows(limit, best, side) {
                // Better than everybody: nobody is before it.
                order.ahead = Some(Quantity::ZERO);
            }
        }
    }

    /// Somebody traded. Resting orders at a better price than the trade's execute first; at its
    /// price they execute with what is left once the queue before them is gone.
    pub fn on_trade(&mut self, id: InstrumentId, price: Price, size: Quantity, now: Timestamp) {
        self.advance(now);
        let mut working = std::mem::take(&mut self.working);
        let mut left = size;
        for at_its_price in [false, true] {
            for order in &mut working {
                let OrderType::Limit(limit) = order.intent.order_type else {
                    continue;
                };
                let reached = allows(limit, price, order.intent.side);
                let resting = order.rested && order.entered && order.intent.instrument == id;
                if !resting || !reached || (limit == price) != at_its_price {
                    continue;
                }
                let offered = match (at_its_price, order.ahead) {
                    (false, _) => left,
                    (true, None) => Quantity::ZERO,
                    (true, Some(ahead)) => {
                        order.ahead = Some((ahead - size).max(Quantity::ZERO));
                        left.min(size - ahead).max(Quantity::ZERO)
                    }
                };
                if offered.is_positive() {
                    let traded = self.trade(order, (limit, offered), Liquidity::Maker, now);
                    left -= traded.unwrap_or(Quantity::ZERO);
                }
            }
        }
        working.retain(|order| !order.status.is_final());
        self.working = working;
    }
}
