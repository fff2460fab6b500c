//! The account as decisions see it: exact books, f64 marks, and the equity they add up to.

use serde::{Deserialize, Serialize};

use super::ledger::{Entry, Ledger};
use super::position::Position;
use crate::instrument::{AssetId, InstrumentId, Instruments};
use crate::market::{LaneState, Slice};
use crate::money::{Cash, Price, Quantity};
use crate::orders::Fill;
use crate::time::Timestamp;

/// How the account pays for exposure.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum MarginModel {
    /// Everything is paid in full: no shorts, no negative cash.
    #[default]
    Cash,
    /// Shorts and borrowed cash: equity carries gross exposure up to `max_leverage` times itself.
    Margin,
    /// Perpetuals on one pool of collateral; not built yet.
    CrossMarginedPerpetual,
}

/// Books, marks and equity of one account.
///
/// Money is exact and lives in the [`Ledger`]; beside it stand f64 copies for decisions and
/// statistics, renewed whenever the ledger changes.
///
/// Equity is a sum over all instruments. The marks of a slice renew it in the pass that takes them;
/// what is booked in between only says that it is out of date, and whoever asks then pays for the
/// sum. A rebalance of many orders would otherwise sum over all instruments for each.
#[derive(Clone, Debug)]
pub struct Account {
    ledger: Ledger,
    marks: Vec<f64>,
    marked_at: Vec<Timestamp>,
    /// Quantity × multiplier.
    exposure: Vec<f64>,
    multiplier: Vec<f64>,
    cash: f64,
    cash_scale: u8,
    /// At the last sum; `None` when something was booked since.
    equity: Option<f64>,
}

/// By what the account is worth, not by whether it was asked.
impl PartialEq for Account {
    fn eq(&self, other: &Self) -> bool {
        self.ledger == other.ledger
            && self.marks == other.marks
            && self.marked_at == other.marked_at
            && self.exposure == other.exposure
            && self.multiplier == other.multiplier
            && self.cash_scale == other.cash_scale
            && self.equity() == other.equity()
    }
}

impl Account {
    /// An empty account over these instruments.
    pub fn new(instruments: &Instruments) -> Self {
        let n = instruments.len();
        let cash_scale = instruments.base().scale;
        Self {
            ledger: Ledger::new(instruments.assets().len(), n),
            marks: vec![0.0; n],
            marked_at: vec![Timestamp::MIN; n],
            exposure: vec![0.0; n],
            multiplier: instruments
                .all()
                .iter()
                .map(|i| i.multiplier_f64(cash_scale))
                .collect(),
            cash: 0.0,
            cash_scale,
            equity: Some(0.0),
        }
    }

    /// The books.
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The position in an instrument.
    #[inline]
    pub fn position(&self, id: InstrumentId) -> Position {
        self.ledger.position(id)
    }

    /// Cash in the base currency, exact.
    #[inline]
    pub fn cash(&self) -> Cash {
        self.ledger.cash(AssetId::BASE)
    }

    /// Cash plus positions at their marks, in the base currency.
    #[inline]
    pub fn equity(&self) -> f64 {
        self.equity.unwrap_or_else(|| self.valued())
    }

    #[inline]
    fn valued(&self) -> f64 {
        self.exposure
            .iter()
            .zip(&self.marks)
            .fold(self.cash, |sum, (e, mark)| sum + e * mark)
    }

    /// The last known price of an instrument; 0 before the first.
    #[inline]
    pub fn mark(&self, id: InstrumentId) -> f64 {
        self.marks[id.index()]
    }

    /// When [`Account::mark`] was true.
    pub fn marked_at(&self, id: InstrumentId) -> Timestamp {
        self.marked_at[id.index()]
    }

    /// Share of equity in an instrument at its mark; negative is short.
    pub fn weight(&self, id: InstrumentId) -> f64 {
        self.weight_in(self.equity(), id.index())
    }

    #[inline]
    fn weight_in(&self, equity: f64, i: usize) -> f64 {
        if equity > 0.0 {
            self.exposure[i] * self.marks[i] / equity
        } else {
            0.0
        }
    }

    /// Exact value of all positions at their marks, each mark taken to its price scale.
    pub fn positions_value(&self, instruments: &Instruments) -> Cash {
        instruments
            .ids()
            .map(|id| self.position_value(instruments, id))
            .sum()
    }

    /// Exact value of one position at its mark.
    pub fn position_value(&self, instruments: &Instruments, id: InstrumentId) -> Cash {
        let position = self.position(id);
        if position.quantity.is_zero() {
            return Cash::ZERO;
        }
        let Some(instrument) = instruments.get(id) else {
            return Cash::ZERO;
        };
        // A held instrument has been marked: it was bought at a price.
        let price =
            Price::from_market_data(self.mark(id), instrument.price_scale).unwrap_or(Price::ZERO);
        instrument.notional(price, position.quantity)
    }

    /// Takes the closes of a slice as marks. Lanes without a bar keep their last mark.
    #[inline]
    pub(crate) fn mark_to(&mut self, slice: &Slice<'_>) {
        let time = slice.time();
        let own = self.marks.iter_mut().zip(&mut self.marked_at);
        if let Some(closes) = slice.full_closes() {
            // In one pass: most bars are nothing but this.
            let mut equity = self.cash;
            for (((mark, at), exposure), close) in own.zip(&self.exposure).zip(closes) {
                (*mark, *at) = (*close, time);
                equity += exposure * close;
            }
            self.equity = Some(equity);
            return;
        }
        for (i, (mark, at)) in own.enumerate() {
            if let Some(close) = slice.close(InstrumentId::from_index(i)) {
                (*mark, *at) = (close, time);
            }
        }
        self.renew_equity();
    }

    /// Sums what changed since the last sum, for all who ask from now on.
    #[inline]
    pub(crate) fn renew_equity(&mut self) {
        self.equity = Some(self.valued());
    }

    /// Takes prices seen between closes as marks.
    pub(crate) fn mark_between(
        &mut self,
        prices: impl Iterator<Item = Option<f64>>,
        time: Timestamp,
    ) {
        let own = self.marks.iter_mut().zip(&mut self.marked_at);
        for ((mark, at), price) in own.zip(prices) {
            if let Some(price) = price {
                (*mark, *at) = (price, time);
            }
        }
        self.equity = None;
    }

    pub(crate) fn book_fill(&mut self, fill: &Fill, instruments: &Instruments) -> Cash {
        let Some(instrument) = instruments.get(fill.instrument) else {
            return Cash::ZERO;
        };
        let notional = instrument.notional(fill.price, fill.delta());
        let realised = self.ledger.book_fill(fill, notional, instrument.quote);
        if self.marks[fill.instrument.index()] <= 0.0 {
            self.marks[fill.instrument.index()] = fill.price.to_f64(instrument.price_scale);
        }
        self.refresh(instruments, fill.instrument);
        realised
    }

    pub(crate) fn void_fill(&mut self, fill: &Fill, instruments: &Instruments) -> Cash {
        let Some(instrument) = instruments.get(fill.instrument) else {
            return Cash::ZERO;
        };
        let notional = instrument.notional(fill.price, fill.delta());
        let realised = self.ledger.void_fill(fill, notional, instrument.quote);
        self.refresh(instruments, fill.instrument);
        realised
    }

    pub(crate) fn book_adjustment(
        &mut self,
        id: InstrumentId,
        asset: AssetId,
        quantity: Quantity,
        amount: Cash,
        instruments: &Instruments,
    ) {
        self.ledger.book_adjustment(id, asset, quantity, amount);
        self.refresh(instruments, id);
    }

    pub(crate) fn book_entry(&mut self, entry: &Entry, instruments: &Instruments) {
        self.ledger.book_entry(entry);
        match entry.instrument {
            Some(id) => self.refresh(instruments, id),
            None => self.refresh_cash(),
        }
    }

    /// A split: the quantity becomes `quantity` and the mark moves against it.
    pub(crate) fn split(
        &mut self,
        instruments: &Instruments,
        id: InstrumentId,
        quantity: Quantity,
        ratio: f64,
    ) {
        self.ledger.set_quantity(id, quantity);
        self.marks[id.index()] /= ratio;
        self.refresh(instruments, id);
    }

    fn refresh(&mut self, instruments: &Instruments, id: InstrumentId) {
        let i = id.index();
        if let Some(instrument) = instruments.get(id) {
            let quantity = self
                .ledger
                .position(id)
                .quantity
                .to_f64(instrument.quantity_scale);
            self.exposure[i] = quantity * self.multiplier[i];
        }
        self.refresh_cash();
    }

    fn refresh_cash(&mut self) {
        self.cash = self.ledger.cash(AssetId::BASE).to_f64(self.cash_scale);
        self.equity = None;
    }

    /// Share of gross exposure (held or targeted) whose lane is fresh in this slice, lanes whose
    /// market is closed left out; 1 when there is none.
    pub(crate) fn fresh_share(
        &self,
        state: impl Fn(InstrumentId) -> LaneState,
        target_weight: impl Fn(InstrumentId) -> f64,
    ) -> f64 {
        let (mut fresh, mut all) = (0.0, 0.0);
        let equity = self.equity();
        for i in 0..self.marks.len() {
            let id = InstrumentId::from_index(i);
            let state = state(id);
            // A closed market has nothing fresher to offer: it is neither fresh nor stale.
            if state == LaneState::Closed {
                continue;
            }
            let gross = self.weight_in(equity, i).abs().max(target_weight(id).abs());
            all += gross;
            if state == LaneState::Present {
                fresh += gross;
            }
        }
        if all > 0.0 { fresh / all } else { 1.0 }
    }
}
