//! The exchange core: takes redeemed orders, executes them at fill points, keeps its own account.
//!
//! It shares no state with the kernel. What it thinks the account holds comes from its own
//! executions, so a run can end by comparing the two.

use std::collections::VecDeque;

use super::exchange_settings::ExchangeSettings;
use super::executions::History;
use super::fee_model::Liquidity;
use super::matching::{VolumeTaken, most_lots};
use super::quotes::QuoteBook;
use super::venue_order::VenueOrder;
use super::venue_rules::{LimitFills, VenueRules};
use crate::instrument::{AssetId, Instrument, InstrumentId, Instruments};
use crate::kernel::{EventId, Fact, Redeemed};
use crate::market::Slice;
use crate::money::{Cash, Price, Quantity};
use crate::orders::{ClientOrderId, Fill, Intent, OrderStatus, OrderType, Side, TradeId};
use crate::time::Timestamp;

/// A simulated venue with one account.
#[derive(Debug)]
pub struct Exchange {
    pub(super) instruments: Instruments,
    pub(super) settings: ExchangeSettings,
    pub(super) rules: VenueRules,
    pub(super) cash: Cash,
    /// Balances by asset, where they are not the base currency.
    other_cash: Vec<Cash>,
    pub(super) positions: Vec<Quantity>,
    /// What perpetual positions were entered at; zero for everything that was paid for.
    pub(super) costs: Vec<Cash>,
    pub(super) last_close: Vec<f64>,
    /// In order of arrival.
    pub(super) working: Vec<VenueOrder>,
    trades: u128,
    events: u128,
    received: u64,
    /// The largest client order id that arrived.
    largest: Option<ClientOrderId>,
    pub(super) facts: VecDeque<Fact>,
    pub(super) history: History,
    pub(super) volume: VolumeTaken,
    pub(super) quotes: QuoteBook,
    /// The latest instant it was told of.
    pub(super) now: Timestamp,
    /// Up to when borrowing is charged.
    pub(super) charged_at: Option<Timestamp>,
    /// How many funding times are settled.
    pub(super) funded: usize,
}

impl Exchange {
    /// An exchange with these instruments and a cash account that holds the opening cash.
    pub fn new(instruments: Instruments, settings: ExchangeSettings) -> Self {
        Self::with_rules(instruments, settings, VenueRules::default())
    }

    /// An exchange with rules beyond those of a cash account on bars. Whoever takes rules from
    /// outside validates them first.
    pub fn with_rules(
        instruments: Instruments,
        settings: ExchangeSettings,
        rules: VenueRules,
    ) -> Self {
        let mut other_cash = vec![Cash::ZERO; instruments.assets().len()];
        let mut facts = VecDeque::from([Fact::Opening {
            asset: AssetId::BASE,
            amount: settings.opening_cash,
        }]);
        for (asset, amount) in rules.other_cash.iter().copied() {
            other_cash[asset.index()] = amount;
            facts.push_back(Fact::Opening { asset, amount });
        }
        Self {
            cash: settings.opening_cash,
            other_cash,
            positions: vec![Quantity::ZERO; instruments.len()],
            costs: vec![Cash::ZERO; instruments.len()],
            last_close: vec![0.0; instruments.len()],
            working: Vec::new(),
            trades: 0,
            events: 0,
            received: 0,
            largest: None,
            facts,
            history: History::new(rules.remembered),
            volume: VolumeTaken::new(instruments.len()),
            quotes: QuoteBook::default(),
            now: Timestamp::MIN,
            charged_at: None,
            funded: 0,
            instruments,
            settings,
            rules,
        }
    }

    /// How it executes.
    pub const fn settings(&self) -> &ExchangeSettings {
        &self.settings
    }

    /// What it does beyond that.
    pub const fn rules(&self) -> &VenueRules {
        &self.rules
    }

    /// The instruments it lists.
    pub const fn instruments(&self) -> &Instruments {
        &self.instruments
    }

    /// Cash in the base currency by the exchange's own books; the collateral of perpetuals.
    pub const fn cash(&self) -> Cash {
        self.cash
    }

    /// Cash in any asset by the exchange's own books.
    pub fn balance(&self, asset: AssetId) -> Cash {
        if asset == AssetId::BASE {
            return self.cash;
        }
        let known = self.other_cash.get(asset.index());
        known.copied().unwrap_or(Cash::ZERO)
    }

    /// The position by the exchange's own books.
    pub fn position(&self, id: InstrumentId) -> Quantity {
        self.positions[id.index()]
    }

    /// How many orders arrived.
    pub const fn received(&self) -> u64 {
        self.received
    }

    /// How many executions there were.
    pub const fn trades(&self) -> u128 {
        self.trades
    }

    /// Orders that wait for a price, in order of arrival.
    pub fn working(&self) -> &[VenueOrder] {
        &self.working
    }

    /// Whether there is anything to tell the account.
    #[inline]
    pub fn has_facts(&self) -> bool {
        !self.facts.is_empty()
    }

    /// The next thing to tell the account.
    #[inline]
    pub fn next_fact(&mut self) -> Option<Fact> {
        self.facts.pop_front()
    }

    /// Takes an order that arrives at the latest instant the exchange was told of. Only a spent
    /// permit can become one.
    pub fn submit(&mut self, order: Redeemed) {
        let now = self.now;
        self.receive(order.into_intent(), now);
    }

    /// Takes an order that arrives at `now`; after its expiry it is refused, as its sender asked.
    pub fn submit_at(&mut self, order: Redeemed, now: Timestamp) {
        let expires_at = order.expires_at();
        self.arrive(order.into_intent(), expires_at, now);
    }

    pub(super) fn arrive(&mut self, intent: Intent, expires_at: Timestamp, now: Timestamp) {
        self.now = self.now.max(now);
        if now <= expires_at {
            return self.receive(intent, now);
        }
        self.received += 1;
        self.refuse(&intent, "it came after its expiry");
    }

    pub(super) fn receive(&mut self, intent: Intent, now: Timestamp) {
        self.received += 1;
        if let Some(reason) = self.refusal(&intent) {
            return self.refuse(&intent, reason);
        }
        let client_id = intent.client_id;
        self.largest = self.largest.max(Some(client_id));
        // Overflow saturates: an order that far away never takes effect.
        let effective_at = now + self.rules.latency;
        self.working.push(VenueOrder::new(intent, effective_at));
        self.facts.push_back(Fact::Accepted { client_id });
    }

    fn refuse(&mut self, intent: &Intent, reason: &'static str) {
        let client_id = intent.client_id;
        // The refused twin of an order says nothing about the first one.
        if self.order_report(client_id).is_none() {
            let mut refused = VenueOrder::new(*intent, self.now);
            refused.status = OrderStatus::Rejected;
            self.history.note_end(refused.report());
        }
        self.facts.push_back(Fact::Rejected {
            client_id,
            reason: reason.into(),
        });
    }

    fn refusal(&self, intent: &Intent) -> Option<&'static str> {
        let Some(instrument) = self.instruments.get(intent.instrument) else {
            return Some("unknown instrument");
        };
        if !intent.quantity.is_positive() || !intent.quantity.is_multiple_of(instrument.lot) {
            return Some("quantity is not a positive number of lots");
        }
        if let OrderType::Limit(price) = intent.order_type
            && (!price.is_positive() || price.units() % instrument.tick.units() != 0)
        {
            return Some("limit price is not a positive number of ticks");
        }
        if intent.post_only
            && let Some(reason) = self.post_only_refusal(intent)
        {
            return Some(reason);
        }
        // Ids grow, and one above all before it needs no search.
        let same_id = |o: &VenueOrder| o.intent.client_id == intent.client_id;
        if self.largest >= Some(intent.client_id) && self.working.iter().any(same_id) {
            return Some("duplicate client order id");
        }
        None
    }

    /// Post-only orders are judged by the quote, or by the last close where bars are traded through.
    fn post_only_refusal(&self, intent: &Intent) -> Option<&'static str> {
        let OrderType::Limit(limit) = intent.order_type else {
            return Some("a post-only order needs a limit");
        };
        let price = match self.quotes.of(intent.instrument) {
            // It is judged when it takes effect.
            Some(_) if self.rules.latency.nanos() > 0 => return None,
            Some(quote) => Some(quote.against(intent.side).0),
            None if self.rules.limit_fills == LimitFills::AtFillPoint => {
                return Some("post-only orders need a book; bars have none");
            }
            None => self.mark(intent.instrument),
        };
        match price {
            None => Some("no price yet to judge a post-only order by"),
            Some(price) => super::matching::allows(limit, price, intent.side)
                .then_some("post-only, and it would trade at once"),
        }
    }

    /// Takes an order back, if it still works.
    pub fn cancel(&mut self, client_id: ClientOrderId) {
        self.end_working(|o| o.intent.client_id == client_id, "canceled by us");
    }

    /// Whether a fill point has anything to do.
    #[inline]
    pub fn has_work(&self) -> bool {
        !self.working.is_empty()
    }

    /// How much of `wanted` the account can pay for, deliver or carry: all of it, or whole lots.
    fn coverable(
        &self,
        instrument: &Instrument,
        order: &VenueOrder,
        (price, wanted): (Price, Quantity),
        liquidity: Liquidity,
    ) -> Quantity {
        let wanted = if order.intent.reduce_only {
            let most = self.reducible(order).to_lots_toward_zero(instrument.lot);
            wanted.min(most)
        } else {
            wanted
        };
        if let Some(terms) = &self.rules.margin {
            return self.carriable(terms, instrument, order, (price, wanted), liquidity);
        }
        match order.intent.side {
            Side::Sell => {
                let most = self.reducible(order).to_lots_toward_zero(instrument.lot);
                wanted.min(most)
            }
            Side::Buy => {
                let cost = |q| {
                    let notional = instrument.notional(price, q);
                    match self.fee(notional, liquidity) {
                        (fee, AssetId::BASE) => notional + fee,
                        _ => notional,
                    }
                };
                most_lots(Quantity::ZERO, wanted, instrument.lot, |q| {
                    cost(q) <= self.cash
                })
            }
        }
    }

    /// How much of the position an order can close.
    pub(super) fn reducible(&self, order: &VenueOrder) -> Quantity {
        let held = self.positions[order.intent.instrument.index()];
        match order.intent.side {
            Side::Sell => held.max(Quantity::ZERO),
            Side::Buy => (-held).max(Quantity::ZERO),
        }
    }

    /// The fee of an execution worth `notional`, and in which asset it is paid.
    fn fee(&self, notional: Cash, liquidity: Liquidity) -> (Cash, AssetId) {
        let fee = self.settings.fees.fee_for(notional, liquidity);
        match self.settings.fees.paid_in() {
            Some(other) if fee.is_positive() => {
                let converted = other.convert(fee);
                if converted <= self.balance(other.asset) {
                    return (converted, other.asset);
                }
                (fee, AssetId::BASE)
            }
            _ => (fee, AssetId::BASE),
        }
    }

    /// Executes an order at `price` up to what is `offered` and what the account covers; what it
    /// does not cover ends. Returns how much was executed when anything changed.
    pub(super) fn trade(
        &mut self,
        order: &mut VenueOrder,
        (price, offered): (Price, Quantity),
        liquidity: Liquidity,
        now: Timestamp,
    ) -> Option<Quantity> {
        let wanted = order.open().min(offered);
        let instrument = self.instruments.get(order.intent.instrument)?;
        let quantity = self.coverable(instrument, order, (price, wanted), liquidity);
        if quantity.is_positive() {
            let notional = instrument.notional(price, quantity);
            self.fill(order, (price, quantity, notional), liquidity, now);
        }
        if quantity < wanted {
            let reason = match (&self.rules.margin, order.intent.side) {
                (Some(_), _) if order.intent.reduce_only => "nothing is left to reduce",
                (Some(_), _) => "not enough margin for the rest",
                (None, Side::Buy) if order.intent.reduce_only => "nothing is left to reduce",
                (None, Side::Buy) => "not enough cash for the rest",
                (None, Side::Sell) => "not enough units for the rest",
            };
            self.end(order, reason);
        }
        Some(quantity)
    }

    fn fill(
        &mut self,
        order: &mut VenueOrder,
        (price, quantity, notional): (Price, Quantity, Cash),
        liquidity: Liquidity,
        now: Timestamp,
    ) {
        let (id, side) = (order.intent.instrument, order.intent.side);
        let (fee, fee_asset) = self.fee(notional, liquidity);
        let signed = match side {
            Side::Buy => notional,
            Side::Sell => -notional,
        };
        self.settle_trade(id, side.signed(quantity), signed);
        if fee_asset == AssetId::BASE {
            self.cash -= fee;
        } else {
            self.other_cash[fee_asset.index()] -= fee;
        }
        self.positions[id.index()] += side.signed(quantity);
        if self.last_close[id.index()] <= 0.0
            && let Some(instrument) = self.instruments.get(id)
        {
            // Before the first close the execution is the only price there is.
            self.last_close[id.index()] = price.to_f64(instrument.price_scale);
        }
        self.trades += 1;
        let fill = Fill {
            time: now,
            client_id: order.intent.client_id,
            trade_id: TradeId(self.trades),
            instrument: id,
            side,
            quantity,
            price,
            fee,
            fee_asset,
        };
        self.history.note_fill(fill);
        self.facts.push_back(Fact::Filled(fill));
        order.filled += quantity;
        order.status = if order.open().is_positive() {
            OrderStatus::PartiallyFilled
        } else {
            OrderStatus::Filled
        };
        if order.status == OrderStatus::Filled {
            self.history.note_end(order.report());
        }
    }

    /// Ends an order with what it executed so far.
    pub(super) fn end(&mut self, order: &mut VenueOrder, reason: &'static str) {
        order.status = OrderStatus::Canceled;
        self.history.note_end(order.report());
        self.facts.push_back(Fact::Canceled {
            client_id: order.intent.client_id,
            filled: order.filled,
            reason: reason.into(),
        });
    }

    pub(super) fn end_working(&mut self, ends: impl Fn(&VenueOrder) -> bool, reason: &'static str) {
        let mut working = std::mem::take(&mut self.working);
        working.retain_mut(|order| {
            let ends = ends(order);
            if ends {
                self.end(order, reason);
            }
            !ends
        });
        self.working = working;
    }

    /// Changes the account by what others do in it: a trade by hand, funding, a transfer, an
    /// execution taken back. Says nothing: whoever calls knows what to tell the account.
    pub fn adjust(&mut self, id: InstrumentId, quantity: Quantity, cash: Cash) {
        self.positions[id.index()] += quantity;
        self.cash += cash;
    }

    /// Tells of an event of the account and remembers it.
    pub(super) fn tell_event(&mut self, fact: Fact, time: Timestamp) {
        self.history.note_event(time, fact.clone());
        self.facts.push_back(fact);
    }

    pub(super) fn tell_event_now(&mut self, fact: Fact) {
        self.tell_event(fact, self.now);
    }

    pub(super) fn next_event(&mut self) -> EventId {
        self.events += 1;
        EventId(self.events)
    }

    /// Remembers the closes of a slice: the marks of the account, and what actions before the next
    /// slice go by.
    #[inline]
    pub fn note_closes(&mut self, slice: &Slice<'_>) {
        if let Some(closes) = slice.full_closes() {
            for (last, close) in self.last_close.iter_mut().zip(closes) {
                *last = *close;
            }
            return;
        }
        for (i, last) in self.last_close.iter_mut().enumerate() {
            if let Some(close) = slice.close(InstrumentId::from_index(i)) {
                *last = close;
            }
        }
    }
}
