//! The exchange core: takes redeemed orders, executes them at fill points, keeps its own account.
//!
//! It shares no state with the kernel. What it thinks the account holds comes from its own
//! executions, so a run can end by comparing the two.

mod corporate_actions;

use std::collections::VecDeque;

use super::fee_model::FeeModel;
use super::fill_point::FillPoint;
use super::slippage_model::SlippageModel;
use crate::error::{Error, Result};
use crate::instrument::{AssetId, Instrument, InstrumentId, Instruments};
use crate::kernel::{Fact, Redeemed};
use crate::market::{LaneState, Slice};
use crate::money::{Cash, Price, Quantity, Rate, Weight};
use crate::orders::{ClientOrderId, Fill, Intent, OrderType, Side, TimeInForce, TradeId};
use crate::time::Timestamp;

/// How the exchange executes and what it charges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangeSettings {
    /// Where in a bar orders execute.
    pub fill_point: FillPoint,
    /// What an execution costs.
    pub fees: FeeModel,
    /// How much worse than the market it is.
    pub slippage: SlippageModel,
    /// Cash in the account at the beginning, in the base currency.
    pub opening_cash: Cash,
    /// What holders lose of the last value when an instrument ends; a short pays it on top.
    pub delisting_haircut: Rate,
    /// Gross exposure the venue carries for each unit of equity: a margin account. `None` is a cash
    /// account, which pays in full and cannot be short.
    pub max_leverage: Option<Weight>,
}

impl ExchangeSettings {
    /// Checks what no type can.
    ///
    /// # Errors
    /// `Configuration` when the opening cash is negative, or a rate is below 0 or not below 100 %.
    pub fn validate(&self) -> Result<()> {
        if self.opening_cash.is_negative() {
            return Err(Error::config("an account cannot begin with debts")
                .context("key", "account.cash")
                .hint("use 0 or more"));
        }
        let (FeeModel::Proportional(fee), SlippageModel::Proportional(slippage)) =
            (self.fees, self.slippage);
        for (key, rate) in [
            ("execution.fee_bps", fee),
            ("execution.slippage_bps", slippage),
            ("execution.delisting_haircut", self.delisting_haircut),
        ] {
            let total_loss = key == "execution.delisting_haircut" && rate == Rate::ONE;
            if rate < Rate::ZERO || (rate >= Rate::ONE && !total_loss) {
                return Err(Error::config(format!(
                    "{key} cannot be {} of the value",
                    rate.to_f64()
                ))
                .context("key", key)
                .hint("use a share from 0 to below 1 (10000 bps)"));
            }
        }
        Ok(())
    }
}

/// A simulated venue with one account.
#[derive(Debug)]
pub struct Exchange {
    instruments: Instruments,
    settings: ExchangeSettings,
    cash: Cash,
    positions: Vec<Quantity>,
    last_close: Vec<f64>,
    /// In order of arrival.
    working: Vec<Intent>,
    trades: u128,
    events: u128,
    received: u64,
    facts: VecDeque<Fact>,
}

/// The most of `wanted`, in whole lots and at least `surely`, that `fits`; what is more than a
/// quantity that does not fit does not fit either.
fn most_lots(
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
    Quantity::from_units(most * lot)
}

impl Exchange {
    /// An exchange with these instruments and an account that holds the opening cash.
    pub fn new(instruments: Instruments, settings: ExchangeSettings) -> Self {
        let opening = Fact::Opening {
            asset: AssetId::BASE,
            amount: settings.opening_cash,
        };
        Self {
            cash: settings.opening_cash,
            positions: vec![Quantity::ZERO; instruments.len()],
            last_close: vec![0.0; instruments.len()],
            working: Vec::new(),
            trades: 0,
            events: 0,
            received: 0,
            facts: VecDeque::from([opening]),
            instruments,
            settings,
        }
    }

    /// How it executes.
    pub const fn settings(&self) -> &ExchangeSettings {
        &self.settings
    }

    /// Cash by the exchange's own books.
    pub const fn cash(&self) -> Cash {
        self.cash
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

    /// Orders that wait for a fill point.
    pub fn working(&self) -> &[Intent] {
        &self.working
    }

    /// The next thing to tell the account.
    pub fn next_fact(&mut self) -> Option<Fact> {
        self.facts.pop_front()
    }

    /// Takes an order. Only a spent permit can become one.
    pub fn submit(&mut self, order: Redeemed) {
        self.received += 1;
        let intent = order.into_intent();
        let client_id = intent.client_id;
        if let Some(reason) = self.refusal(&intent) {
            self.facts.push_back(Fact::Rejected {
                client_id,
                reason: reason.into(),
            });
            return;
        }
        self.working.push(intent);
        self.facts.push_back(Fact::Accepted { client_id });
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
        if intent.post_only {
            return Some("post-only orders need a book; bars have none");
        }
        if self.working.iter().any(|w| w.client_id == intent.client_id) {
            return Some("duplicate client order id");
        }
        None
    }

    /// Takes an order back, if it still works.
    pub fn cancel(&mut self, client_id: ClientOrderId) {
        if let Some(i) = self.working.iter().position(|w| w.client_id == client_id) {
            self.working.remove(i);
            self.facts.push_back(Fact::Canceled {
                client_id,
                filled: Quantity::ZERO,
                reason: "canceled by us".into(),
            });
        }
    }

    /// Whether a fill point has anything to do.
    #[inline]
    pub fn has_work(&self) -> bool {
        !self.working.is_empty()
    }

    /// Executes what can be executed at the fill point's price of this slice, sells before buys.
    /// Returns how many orders are done with, executed or not.
    pub fn execute(&mut self, slice: &Slice<'_>, now: Timestamp) -> usize {
        let working = std::mem::take(&mut self.working);
        let mut still = Vec::new();
        for side in [Side::Sell, Side::Buy] {
            for intent in working.iter().filter(|w| w.side == side) {
                if !self.execute_one(intent, slice, now) {
                    still.push(*intent);
                }
            }
        }
        // Back in order of arrival.
        still.sort_by_key(|w| w.id);
        let done = working.len() - still.len();
        self.working = still;
        done
    }

    /// Whether the order is done with.
    fn execute_one(&mut self, intent: &Intent, slice: &Slice<'_>, now: Timestamp) -> bool {
        let id = intent.instrument;
        let Some(instrument) = self.instruments.get(id) else {
            return true;
        };
        let raw = slice.value(id, self.settings.fill_point.field());
        let Some(market) = raw.and_then(|p| Price::from_market_data(p, instrument.price_scale))
        else {
            return false;
        };
        let Some(price) = self.price(intent, market) else {
            return false;
        };
        let quantity = self.coverable(instrument, intent, price);
        if quantity.is_positive() {
            self.fill(id, intent, price, quantity, now);
        }
        if quantity < intent.quantity {
            let reason = match (self.settings.max_leverage, intent.side) {
                (Some(_), _) => "not enough margin for the rest",
                (None, Side::Buy) => "not enough cash for the rest",
                (None, Side::Sell) => "not enough units for the rest",
            };
            self.facts.push_back(Fact::Canceled {
                client_id: intent.client_id,
                filled: quantity,
                reason: reason.into(),
            });
        }
        true
    }

    /// The execution price; `None` when a limit is not reached.
    fn price(&self, intent: &Intent, market: Price) -> Option<Price> {
        let worse = self.settings.slippage.worsen(market, intent.side);
        match (intent.order_type, intent.side) {
            (OrderType::Market, _) => Some(worse),
            (OrderType::Limit(limit), Side::Buy) => (market <= limit).then(|| worse.min(limit)),
            (OrderType::Limit(limit), Side::Sell) => (market >= limit).then(|| worse.max(limit)),
        }
    }

    /// How much of the order the account can pay for: all of it, or whole lots that fit.
    fn coverable(&self, instrument: &Instrument, intent: &Intent, price: Price) -> Quantity {
        if let Some(leverage) = self.settings.max_leverage {
            return self.carriable(instrument, intent, price, leverage);
        }
        match intent.side {
            Side::Sell => {
                let held = self.positions[intent.instrument.index()].max(Quantity::ZERO);
                intent
                    .quantity
                    .min(held.to_lots_toward_zero(instrument.lot))
            }
            Side::Buy => {
                let cost = |q| {
                    let notional = instrument.notional(price, q);
                    notional + self.settings.fees.fee(notional)
                };
                most_lots(Quantity::ZERO, intent.quantity, instrument.lot, |q| {
                    cost(q) <= self.cash
                })
            }
        }
    }

    /// How much of the order the account's margin carries: what reduces always passes, and of the
    /// rest as many lots as keep gross exposure within `leverage` times the equity after fees.
    /// Other positions count at their last close, this one at the execution price.
    fn carriable(
        &self,
        instrument: &Instrument,
        intent: &Intent,
        price: Price,
        leverage: Weight,
    ) -> Quantity {
        let id = intent.instrument;
        let held = self.positions[id.index()];
        let (mut others, mut gross_others) = (Cash::ZERO, Cash::ZERO);
        for (other, at) in self.instruments.ids().zip(self.instruments.all()) {
            let position = self.positions[other.index()];
            if other == id || position.is_zero() {
                continue;
            }
            let last = Price::from_market_data(self.last_close[other.index()], at.price_scale);
            let value = at.notional(last.unwrap_or(Price::ZERO), position);
            others += value;
            gross_others += value.abs();
        }
        let carries = |quantity: Quantity| {
            let notional = instrument.notional(price, quantity);
            let paid = instrument.notional(price, intent.side.signed(quantity));
            let value = instrument.notional(price, held + intent.side.signed(quantity));
            let cash = self.cash - paid - self.settings.fees.fee(notional);
            let equity = cash + others + value;
            gross_others + value.abs() <= leverage.of(equity.max(Cash::ZERO))
        };
        let against = held.units().signum() * intent.side.signed(intent.quantity).units().signum();
        let closing = if against < 0 {
            intent.quantity.min(held.abs())
        } else {
            Quantity::ZERO
        };
        most_lots(closing, intent.quantity, instrument.lot, carries)
    }

    fn fill(
        &mut self,
        id: InstrumentId,
        intent: &Intent,
        price: Price,
        quantity: Quantity,
        now: Timestamp,
    ) {
        let Some(instrument) = self.instruments.get(id) else {
            return;
        };
        let notional = instrument.notional(price, quantity);
        let fee = self.settings.fees.fee(notional);
        match intent.side {
            Side::Buy => self.cash -= notional,
            Side::Sell => self.cash += notional,
        }
        self.cash -= fee;
        self.positions[id.index()] += intent.side.signed(quantity);
        self.trades += 1;
        self.facts.push_back(Fact::Filled(Fill {
            time: now,
            client_id: intent.client_id,
            trade_id: TradeId(self.trades),
            instrument: id,
            side: intent.side,
            quantity,
            price,
            fee,
            fee_asset: AssetId::BASE,
        }));
    }

    /// Ends orders whose time is over after the fill point of this slice. A lane that was closed
    /// has not had its auction yet.
    pub fn expire(&mut self, slice: &Slice<'_>) {
        let facts = &mut self.facts;
        self.working.retain(|w| {
            let waits = w.time_in_force == TimeInForce::Gtc
                || slice.state(w.instrument) == LaneState::Closed;
            if !waits {
                facts.push_back(Fact::Expired {
                    client_id: w.client_id,
                    filled: Quantity::ZERO,
                });
            }
            waits
        });
    }

    fn end_working(&mut self, ends: impl Fn(&Intent) -> bool, reason: &'static str) {
        self.working.retain(|w| {
            let ends = ends(w);
            if ends {
                self.facts.push_back(Fact::Canceled {
                    client_id: w.client_id,
                    filled: Quantity::ZERO,
                    reason: reason.into(),
                });
            }
            !ends
        });
    }

    /// Changes the account by what others do in it: a trade by hand, funding, a transfer, an
    /// execution taken back. Says nothing: whoever calls knows what to tell the account.
    pub fn adjust(&mut self, id: InstrumentId, quantity: Quantity, cash: Cash) {
        self.positions[id.index()] += quantity;
        self.cash += cash;
    }

    /// Remembers the closes of a slice, for actions before the next one.
    #[inline]
    pub fn note_closes(&mut self, slice: &Slice<'_>) {
        for (i, last) in self.last_close.iter_mut().enumerate() {
            if let Some(close) = slice.close(InstrumentId::from_index(i)) {
                *last = close;
            }
        }
    }
}
