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
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Account {
    ledger: Ledger,
    marks: Vec<f64>,
    /// Of marks taken one by one.
    marked_at: Vec<Timestamp>,
    /// When all were taken at once; what was taken one by one after that is younger.
    all_marked_at: Timestamp,
    /// Quantity × multiplier.
    exposure: Vec<f64>,
    multiplier: Vec<f64>,
    cash: f64,
    cash_scale: u8,
    /// At the last sum; `None` when something was booked since.
    equity: Option<f64>,
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
            all_marked_at: Timestamp::MIN,
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
        self.marked_at[id.index()].max(self.all_marked_at)
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
    #[inline(always)]
    pub(crate) fn mark_to(&mut self, slice: &Slice<'_>) {
        let time = slice.time();
        if let Some(closes) = slice.full_closes() {
            // In one pass: most bars are nothing but this.
            let mut equity = self.cash;
            for ((mark, exposure), close) in self.marks.iter_mut().zip(&self.exposure).zip(closes) {
                *mark = *close;
                equity += exposure * close;
            }
            (self.equity, self.all_marked_at) = (Some(equity), time);
            return;
        }
        self.mark_present(slice, time);
    }

    #[inline(never)]
    fn mark_present(&mut self, slice: &Slice<'_>, time: Timestamp) {
        let own = self.marks.iter_mut().zip(&mut self.marked_at);
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

    /// The same with a price of every instrument.
    pub(crate) fn mark_all_between(&mut self, prices: impl Iterator<Item = f64>, time: Timestamp) {
        for (mark, price) in self.marks.iter_mut().zip(prices) {
            *mark = price;
        }
        self.all_marked_at = time;
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

    /// Whether it has as many instruments and assets as another, of the same multipliers and scale.
    pub(crate) fn is_of(&self, other: &Self) -> bool {
        self.multiplier == other.multiplier
            && self.cash_scale == other.cash_scale
            && self.ledger.is_as_wide_as(&other.ledger)
            && self.exposure.len() == other.exposure.len()
            && self.marks.len() == other.marks.len()
    }

    /// Takes over the books of an account over the same instruments, and its marks where this one has
    /// seen no bar.
    pub(crate) fn take_books(&mut self, of: Self) {
        for (i, mark) in of.marks.into_iter().enumerate() {
            if self.marked_at(InstrumentId::from_index(i)) == Timestamp::MIN {
                self.marks[i] = mark;
            }
        }
        self.ledger = of.ledger;
        self.exposure = of.exposure;
        self.cash = of.cash;
        self.equity = None;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::Calendar;
    use crate::instrument::{Asset, InstrumentSpec, Instruments};
    use crate::orders::{ClientOrderId, Side, TradeId};
    use crate::portfolio::EntryKind;

    const A: InstrumentId = InstrumentId(0);
    const B: InstrumentId = InstrumentId(1);

    /// A share, and a contract on fifty of something; cash with six digits.
    fn instruments() -> Instruments {
        let mut all = Instruments::new(Asset {
            code: "USD".into(),
            scale: 6,
        })
        .unwrap();
        let share = InstrumentSpec::share("A", Calendar::Utc24x7);
        all.define(&share).unwrap();
        let contract = InstrumentSpec {
            symbol: "B".into(),
            multiplier: 50.into(),
            ..share
        };
        all.define(&contract).unwrap();
        all
    }

    fn dollars(n: i128) -> Cash {
        Cash::from_units(n * 1_000_000)
    }

    fn fill(of: InstrumentId, side: Side, quantity: i64, at: i64) -> Fill {
        Fill {
            time: Timestamp::EPOCH,
            client_id: ClientOrderId::default(),
            trade_id: TradeId(1),
            instrument: of,
            side,
            quantity: Quantity::from_units(quantity),
            price: Price::from_units(at * 10_000),
            fee: dollars(1),
            fee_asset: AssetId::BASE,
        }
    }

    fn entry(kind: EntryKind, of: Option<InstrumentId>, amount: Cash) -> Entry {
        Entry {
            time: Timestamp::EPOCH,
            id: 0,
            kind,
            instrument: of,
            asset: AssetId::BASE,
            amount,
        }
    }

    /// 10,000 dollars, of which 1,000 went into ten shares at 100 and one into the fee.
    fn ten_shares() -> (Instruments, Account) {
        let all = instruments();
        let mut account = Account::new(&all);
        account.book_entry(&entry(EntryKind::Opening, None, dollars(10_000)), &all);
        account.book_fill(&fill(A, Side::Buy, 10, 100), &all);
        (all, account)
    }

    fn at(n: i64) -> Timestamp {
        Timestamp::from_nanos(n)
    }

    #[test]
    fn equity_is_cash_plus_every_position_at_its_mark() {
        let (all, mut account) = ten_shares();
        assert_eq!(account.equity(), 9_999.0, "marked at its own price");
        account.book_fill(&fill(B, Side::Sell, 2, 30), &all);
        // Two contracts sold short: 3,000 received, 3,000 owed, one more fee.
        assert_eq!(account.equity(), 9_998.0);
        account.mark_between([Some(110.0), Some(29.0)].into_iter(), at(5));
        assert_eq!(account.equity(), 9_998.0 + 10.0 * 10.0 + 2.0 * 50.0);
        account.renew_equity();
        assert_eq!(account.equity(), 10_198.0);
        assert_eq!(account.position_value(&all, A), dollars(1_100));
        assert_eq!(account.position_value(&all, B), dollars(-2_900));
        assert_eq!(account.positions_value(&all), dollars(-1_800));
        let total = account.cash() + account.positions_value(&all);
        assert_eq!(total, dollars(10_198), "the exact sum says the same");
        assert_eq!(account.weight(A), 1_100.0 / 10_198.0);
        assert_eq!(account.weight(B), -2_900.0 / 10_198.0);
    }

    #[test]
    fn every_booking_counts_at_once() {
        let (all, mut account) = ten_shares();
        account.renew_equity();
        account.book_entry(&entry(EntryKind::Dividend, Some(A), dollars(7)), &all);
        assert_eq!(account.equity(), 10_006.0);
        account.book_adjustment(
            A,
            AssetId::BASE,
            Quantity::from_units(-4),
            dollars(390),
            &all,
        );
        assert_eq!(account.equity(), 10_006.0 + 390.0 - 400.0);
        assert_eq!(account.position(A).quantity, Quantity::from_units(6));
        account.book_entry(&entry(EntryKind::Delisting, Some(A), dollars(300)), &all);
        assert_eq!(
            account.equity(),
            9_696.0,
            "600 at the mark were paid with 300"
        );
        assert_eq!(account.weight(A), 0.0);
        let taken_back = fill(A, Side::Buy, 10, 100);
        let (all, mut account) = ten_shares();
        account.renew_equity();
        account.void_fill(&taken_back, &all);
        assert_eq!(account.equity(), 10_000.0, "the fee as well");
        assert_eq!(account.position(A).quantity, Quantity::ZERO);
    }

    #[test]
    fn a_split_changes_the_count_and_not_the_worth() {
        let (all, mut account) = ten_shares();
        account.split(&all, A, Quantity::from_units(40), 4.0);
        assert_eq!(account.mark(A), 25.0);
        assert_eq!(account.equity(), 9_999.0);
        assert_eq!(account.position(A).cost, dollars(1_000));
    }

    #[test]
    fn a_lane_without_a_price_keeps_the_last_one_and_its_time() {
        let (all, mut account) = ten_shares();
        account.mark_between([Some(110.0), None].into_iter(), at(5));
        account.mark_between([None, Some(30.0)].into_iter(), at(6));
        assert_eq!((account.mark(A), account.marked_at(A)), (110.0, at(5)));
        assert_eq!((account.mark(B), account.marked_at(B)), (30.0, at(6)));
        // An execution marks only what never had a price.
        account.book_fill(&fill(A, Side::Buy, 1, 90), &all);
        assert_eq!(account.mark(A), 110.0);
    }

    #[test]
    fn a_share_of_nothing_is_nothing() {
        let all = instruments();
        let mut account = Account::new(&all);
        account.book_fill(&fill(A, Side::Buy, 1, 100), &all);
        assert_eq!(account.equity(), -1.0, "the fee is owed");
        assert_eq!(account.weight(A), 0.0);
        account.book_entry(&entry(EntryKind::Opening, None, dollars(1)), &all);
        assert_eq!((account.equity(), account.weight(A)), (0.0, 0.0));
    }

    /// Half of the gross is in A, held; half in B, targeted.
    #[test]
    fn the_fresh_share_is_that_of_what_is_held_or_wanted() {
        use LaneState::{Closed, Hole, Present};
        let (_, account) = ten_shares();
        let held = account.weight(A);
        for (a, b, wanted_of_b, share) in [
            (Present, Present, held, 1.0),
            (Present, Hole, held, 0.5),
            (Hole, Present, -held, 0.5),
            (Hole, Present, 3.0 * held, 0.75),
            (Hole, Hole, held, 0.0),
            (Present, Closed, held, 1.0),
            (Closed, Hole, held, 0.0),
            (Closed, Closed, held, 1.0),
            (Present, Hole, 0.0, 1.0),
        ] {
            let state = |id| if id == A { a } else { b };
            let target = |id| if id == B { wanted_of_b } else { 0.0 };
            let found = account.fresh_share(state, target);
            assert!((found - share).abs() < 1e-12, "{a:?} {b:?}: {found}");
        }
    }
}
