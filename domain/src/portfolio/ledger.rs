//! The double-entry ledger: every event's postings sum to zero in every asset.

use serde::{Deserialize, Serialize};

use super::position::Position;
use crate::instrument::{AssetId, InstrumentId};
use crate::money::{Cash, Quantity};
use crate::orders::Fill;
use crate::time::Timestamp;

/// Where a posting goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerAccount {
    /// What can be spent.
    Cash,
    /// Capital paid in (negative: the other side of the opening cash).
    Capital,
    /// Cost of what is held.
    Holdings(InstrumentId),
    /// Realised profit (negative) or loss of an instrument.
    Realised(InstrumentId),
    /// Fees paid.
    Fees,
    /// Dividends and cash in lieu received (negative) or paid on an instrument.
    Income(InstrumentId),
    /// Funding and borrow received (negative) or paid on an instrument.
    Funding(InstrumentId),
    /// Corrections after reconciliation, always with a recorded cause.
    Correction,
}

/// One side of an entry: a signed amount in an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posting {
    /// Where it goes.
    pub account: LedgerAccount,
    /// In which asset.
    pub asset: AssetId,
    /// How much; positive is a debit.
    pub amount: Cash,
}

/// What an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// Capital paid in.
    Opening,
    /// An execution.
    Fill,
    /// A dividend.
    Dividend,
    /// A fraction of a unit paid out in a split.
    CashInLieu,
    /// A position ended by the instrument's end.
    Delisting,
    /// Funding of a perpetual.
    Funding,
    /// Borrow fee of a short.
    Borrow,
    /// One asset exchanged for another.
    Conversion,
    /// A recorded correction.
    Correction,
}

impl EntryKind {
    /// Stable snake_case name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Opening => "opening",
            Self::Fill => "fill",
            Self::Dividend => "dividend",
            Self::CashInLieu => "cash_in_lieu",
            Self::Delisting => "delisting",
            Self::Funding => "funding",
            Self::Borrow => "borrow",
            Self::Conversion => "conversion",
            Self::Correction => "correction",
        }
    }
}

/// A cash movement other than a fill, as it is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub time: Timestamp,
    /// The venue's id of the event; 0 where it has none.
    pub id: u128,
    /// About what.
    pub kind: EntryKind,
    /// Which instrument, if one is concerned.
    pub instrument: Option<InstrumentId>,
    /// In which asset.
    pub asset: AssetId,
    /// Change of cash, positive when we receive.
    pub amount: Cash,
}

/// Balances of every account, and the positions they belong to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    cash: Vec<Cash>,
    capital: Vec<Cash>,
    fees: Vec<Cash>,
    correction: Vec<Cash>,
    positions: Vec<Position>,
    realised: Vec<Cash>,
    income: Vec<Cash>,
    funding: Vec<Cash>,
}

impl Ledger {
    /// Empty books for this many assets and instruments.
    pub fn new(assets: usize, instruments: usize) -> Self {
        Self {
            cash: vec![Cash::ZERO; assets],
            capital: vec![Cash::ZERO; assets],
            fees: vec![Cash::ZERO; assets],
            correction: vec![Cash::ZERO; assets],
            positions: vec![Position::default(); instruments],
            realised: vec![Cash::ZERO; instruments],
            income: vec![Cash::ZERO; instruments],
            funding: vec![Cash::ZERO; instruments],
        }
    }

    /// Whether it has as many assets and instruments as another.
    pub(crate) fn is_as_wide_as(&self, other: &Self) -> bool {
        let widths = |of: &Self| {
            let assets = [&of.cash, &of.capital, &of.fees, &of.correction];
            let instruments = [&of.realised, &of.income, &of.funding];
            (
                assets.map(Vec::len),
                instruments.map(Vec::len),
                of.positions.len(),
            )
        };
        widths(self) == widths(other)
    }

    /// Posts one event. Panics when its postings do not sum to zero in each asset: an unbalanced
    /// book must never be built upon.
    #[inline]
    fn post<const N: usize>(&mut self, postings: &[Posting; N]) {
        for (i, posting) in postings.iter().enumerate() {
            // The first posting in an asset answers for all of them.
            let in_asset = |p: &&Posting| p.asset == posting.asset;
            if !postings[..i].iter().any(|p| in_asset(&p)) {
                let sum: Cash = postings.iter().filter(in_asset).map(|p| p.amount).sum();
                assert!(
                    sum.is_zero(),
                    "postings of one event do not balance: {postings:?}"
                );
            }
            *self.balance_mut(posting.account, posting.asset) += posting.amount;
        }
    }

    #[inline]
    fn balance_mut(&mut self, account: LedgerAccount, asset: AssetId) -> &mut Cash {
        match account {
            LedgerAccount::Cash => &mut self.cash[asset.index()],
            LedgerAccount::Capital => &mut self.capital[asset.index()],
            LedgerAccount::Fees => &mut self.fees[asset.index()],
            LedgerAccount::Correction => &mut self.correction[asset.index()],
            LedgerAccount::Holdings(i) => &mut self.positions[i.index()].cost,
            LedgerAccount::Realised(i) => &mut self.realised[i.index()],
            LedgerAccount::Income(i) => &mut self.income[i.index()],
            LedgerAccount::Funding(i) => &mut self.funding[i.index()],
        }
    }

    /// Books an execution of an instrument quoted in `quote`, worth `notional` (same sign as its
    /// change of the position). Returns the realised profit before fees.
    pub(crate) fn book_fill(&mut self, fill: &Fill, notional: Cash, quote: AssetId) -> Cash {
        let id = fill.instrument;
        // The cost is posted like any balance, so the position is worked out on a copy first.
        let mut after = self.positions[id.index()];
        let before = after.cost;
        let realised = after.apply(fill.delta(), notional);
        let post = |account, asset, amount| Posting {
            account,
            asset,
            amount,
        };
        self.post(&[
            post(LedgerAccount::Cash, quote, -notional),
            post(LedgerAccount::Holdings(id), quote, after.cost - before),
            post(LedgerAccount::Realised(id), quote, -realised),
        ]);
        self.post(&[
            post(LedgerAccount::Cash, fill.fee_asset, -fill.fee),
            post(LedgerAccount::Fees, fill.fee_asset, fill.fee),
        ]);
        self.positions[id.index()].quantity = after.quantity;
        debug_assert_eq!(self.positions[id.index()], after);
        realised
    }

    /// Takes an execution back: the opposite change at the same price, and its fee returned.
    pub(crate) fn void_fill(&mut self, fill: &Fill, notional: Cash, quote: AssetId) -> Cash {
        let back = Fill {
            quantity: -fill.quantity,
            fee: -fill.fee,
            ..*fill
        };
        self.book_fill(&back, -notional, quote)
    }

    /// Books a change of the position and of cash in `asset` that no order of ours caused. Its
    /// counterpart is the instrument's realised profit.
    pub(crate) fn book_adjustment(
        &mut self,
        id: InstrumentId,
        asset: AssetId,
        quantity: Quantity,
        amount: Cash,
    ) {
        let mut after = self.positions[id.index()];
        let before = after.cost;
        let realised = after.apply(quantity, -amount);
        let post = |account, amount| Posting {
            account,
            asset,
            amount,
        };
        self.post(&[
            post(LedgerAccount::Cash, amount),
            post(LedgerAccount::Holdings(id), after.cost - before),
            post(LedgerAccount::Realised(id), -realised),
        ]);
        self.positions[id.index()].quantity = after.quantity;
        debug_assert_eq!(self.positions[id.index()], after);
    }

    /// Books a cash movement that is not a fill.
    pub(crate) fn book_entry(&mut self, entry: &Entry) {
        let other = match (entry.kind, entry.instrument) {
            (EntryKind::Opening, _) => LedgerAccount::Capital,
            (EntryKind::CashInLieu, Some(id)) if self.positions[id.index()].quantity.is_zero() => {
                return self.end_position(id, entry);
            }
            (EntryKind::Dividend | EntryKind::CashInLieu, Some(id)) => LedgerAccount::Income(id),
            (EntryKind::Funding | EntryKind::Borrow, Some(id)) => LedgerAccount::Funding(id),
            (EntryKind::Delisting, Some(id)) => return self.end_position(id, entry),
            _ => LedgerAccount::Correction,
        };
        self.post(&[
            Posting {
                account: LedgerAccount::Cash,
                asset: entry.asset,
                amount: entry.amount,
            },
            Posting {
                account: other,
                asset: entry.asset,
                amount: -entry.amount,
            },
        ]);
    }

    /// The whole position is paid out: by a delisting, or by a merge of units that leaves less than
    /// one lot. Its cost leaves the books with it.
    fn end_position(&mut self, id: InstrumentId, entry: &Entry) {
        let cost = self.positions[id.index()].cost;
        let post = |account, amount| Posting {
            account,
            asset: entry.asset,
            amount,
        };
        self.post(&[
            post(LedgerAccount::Cash, entry.amount),
            post(LedgerAccount::Holdings(id), -cost),
            post(LedgerAccount::Realised(id), cost - entry.amount),
        ]);
        self.positions[id.index()].quantity = Quantity::ZERO;
    }

    /// A split changes the quantity and leaves the cost.
    pub(crate) fn set_quantity(&mut self, id: InstrumentId, quantity: Quantity) {
        self.positions[id.index()].quantity = quantity;
    }

    /// What can be spent in `asset`.
    #[inline]
    pub fn cash(&self, asset: AssetId) -> Cash {
        self.cash[asset.index()]
    }

    /// The position in an instrument.
    #[inline]
    pub fn position(&self, id: InstrumentId) -> Position {
        self.positions[id.index()]
    }

    /// Fees paid so far in `asset`.
    pub fn fees(&self, asset: AssetId) -> Cash {
        self.fees[asset.index()]
    }

    /// Realised profit of an instrument before fees.
    pub fn realised(&self, id: InstrumentId) -> Cash {
        -self.realised[id.index()]
    }

    /// Dividends and cash in lieu of an instrument.
    pub fn income(&self, id: InstrumentId) -> Cash {
        -self.income[id.index()]
    }

    /// Capital paid in.
    pub fn capital(&self, asset: AssetId) -> Cash {
        -self.capital[asset.index()]
    }

    /// The sum of all balances when every instrument is quoted in the base asset: zero, always.
    pub fn trial_balance(&self) -> Cash {
        let plain = [&self.cash, &self.capital, &self.fees, &self.correction];
        let by_instrument = [&self.realised, &self.income, &self.funding];
        let sums = plain.into_iter().chain(by_instrument);
        sums.flatten()
            .copied()
            .chain(self.positions.iter().map(|p| p.cost))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Price;
    use crate::orders::{ClientOrderId, Side, TradeId};

    const X: InstrumentId = InstrumentId(0);

    fn fill(side: Side, quantity: i64, fee: i128) -> Fill {
        Fill {
            time: Timestamp::EPOCH,
            client_id: ClientOrderId::default(),
            trade_id: TradeId(1),
            instrument: X,
            side,
            quantity: Quantity::from_units(quantity),
            price: Price::from_units(1),
            fee: Cash::from_units(fee),
            fee_asset: AssetId::BASE,
        }
    }

    fn entry(kind: EntryKind, amount: i128) -> Entry {
        let instrument = (kind != EntryKind::Opening).then_some(X);
        Entry {
            time: Timestamp::EPOCH,
            id: 0,
            kind,
            instrument,
            asset: AssetId::BASE,
            amount: Cash::from_units(amount),
        }
    }

    #[test]
    fn every_event_keeps_the_trial_balance_at_zero() {
        let mut ledger = Ledger::new(1, 1);
        ledger.book_entry(&entry(EntryKind::Opening, 10_000));
        ledger.book_fill(
            &fill(Side::Buy, 10, 3),
            Cash::from_units(1_000),
            AssetId::BASE,
        );
        assert_eq!(ledger.trial_balance(), Cash::ZERO);
        ledger.book_entry(&entry(EntryKind::Dividend, 20));
        let realised = ledger.book_fill(
            &fill(Side::Sell, 4, 2),
            Cash::from_units(-500),
            AssetId::BASE,
        );
        assert_eq!(realised.units(), 100);
        ledger.book_entry(&entry(EntryKind::Delisting, 450));
        assert_eq!(ledger.trial_balance(), Cash::ZERO);
        assert_eq!(
            ledger.cash(AssetId::BASE).units(),
            10_000 - 1_003 + 20 + 498 + 450
        );
        assert_eq!(ledger.position(X), Position::default());
        assert_eq!(ledger.realised(X).units(), 100 - 150);
        assert_eq!(ledger.fees(AssetId::BASE).units(), 5);
    }

    /// Where money comes from or goes to is told apart, and the sum over everything stays zero.
    #[test]
    fn each_kind_of_entry_has_its_own_account() {
        use EntryKind as K;
        let held = |kind, instrument: Option<InstrumentId>| {
            let mut ledger = Ledger::new(1, 1);
            let bought = fill(Side::Buy, 10, 0);
            ledger.book_fill(&bought, Cash::from_units(1_000), AssetId::BASE);
            ledger.book_entry(&Entry {
                instrument,
                ..entry(kind, 70)
            });
            assert_eq!(ledger.trial_balance(), Cash::ZERO, "{kind:?}");
            assert_eq!(ledger.cash(AssetId::BASE).units(), 70 - 1_000);
            let of = |balance: &[Cash]| -balance[0].units();
            (
                [
                    ledger.capital(AssetId::BASE).units(),
                    ledger.income(X).units(),
                ],
                [of(&ledger.funding), of(&ledger.correction)],
                ledger.realised(X).units(),
            )
        };
        let nothing = [0, 0];
        for (kind, plain, other, realised) in [
            (K::Opening, [70, 0], nothing, 0),
            (K::Dividend, [0, 70], nothing, 0),
            (K::CashInLieu, [0, 70], nothing, 0),
            (K::Funding, nothing, [70, 0], 0),
            (K::Borrow, nothing, [70, 0], 0),
            (K::Conversion, nothing, [0, 70], 0),
            (K::Correction, nothing, [0, 70], 0),
            // The position ends with it: 1,000 were paid for 70.
            (K::Delisting, nothing, nothing, -930),
        ] {
            assert_eq!(held(kind, Some(X)), (plain, other, realised), "{kind:?}");
            if kind != K::Opening {
                let corrected = (nothing, [0, 70], 0);
                assert_eq!(held(kind, None), corrected, "{kind:?} of no instrument");
            }
        }
    }

    /// A merge left less than a lot: the cash for it ends the position, cost and all.
    #[test]
    fn cash_for_the_last_fraction_ends_the_position() {
        let mut ledger = Ledger::new(1, 1);
        let bought = fill(Side::Buy, 10, 0);
        ledger.book_fill(&bought, Cash::from_units(1_000), AssetId::BASE);
        ledger.set_quantity(X, Quantity::ZERO);
        ledger.book_entry(&entry(EntryKind::CashInLieu, 990));
        assert_eq!(ledger.position(X), Position::default());
        assert_eq!(ledger.realised(X).units(), -10);
        assert_eq!(ledger.income(X), Cash::ZERO);
        assert_eq!(ledger.trial_balance(), Cash::ZERO);
    }

    #[test]
    #[should_panic(expected = "do not balance")]
    fn a_posting_alone_stops_the_program() {
        Ledger::new(1, 1).post(&[Posting {
            account: LedgerAccount::Cash,
            asset: AssetId::BASE,
            amount: Cash::from_units(1),
        }]);
    }

    #[test]
    fn the_trial_balance_is_the_sum_of_everything() {
        let one = Cash::from_units(1);
        let mut ledger = Ledger::new(1, 1);
        ledger.positions[0].cost += one;
        let all = [
            &mut ledger.cash,
            &mut ledger.capital,
            &mut ledger.fees,
            &mut ledger.correction,
            &mut ledger.realised,
            &mut ledger.income,
            &mut ledger.funding,
        ];
        for balance in all {
            balance[0] += one;
        }
        assert_eq!(ledger.trial_balance().units(), 8);
    }

    #[test]
    #[should_panic(expected = "do not balance")]
    fn an_unbalanced_event_stops_the_program() {
        let posting = |account, amount| Posting {
            account,
            asset: AssetId::BASE,
            amount: Cash::from_units(amount),
        };
        Ledger::new(1, 1).post(&[
            posting(LedgerAccount::Cash, 2),
            posting(LedgerAccount::Fees, -1),
        ]);
    }
}
