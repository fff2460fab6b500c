//! A naive ledger: positions and cash as plain integers, added up from what happened.
//!
//! It judges the program's books, so it shares no code with them: this file names nothing of
//! portfolio, orders or kernel.

use std::collections::BTreeMap;

/// One trade, in the venue's smallest units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trade {
    /// The venue's id.
    pub(super) id: u128,
    /// Place of the instrument.
    pub(super) instrument: usize,
    /// Units bought; negative when sold.
    pub(super) units: i64,
    /// Price a unit.
    pub(super) price: i64,
    /// Paid in `fee_asset`.
    pub(super) fee: i128,
    /// Place of the asset.
    pub(super) fee_asset: usize,
}

/// Another change of the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// Place of the instrument whose position changes.
    pub(super) instrument: Option<usize>,
    /// Change of its position.
    pub(super) units: i64,
    /// Place of the asset.
    pub(super) asset: usize,
    /// Change of its balance.
    pub(super) amount: i128,
}

/// What the ledger refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// A trade was booked before.
    Twice(usize, u128),
    /// A trade that was never booked is taken back.
    NeverBooked(usize, u128),
}

/// Positions and balances.
#[derive(Clone, Debug)]
pub(super) struct NaiveLedger {
    /// Cash units per price unit and quantity unit, an instrument each.
    factors: Vec<i128>,
    /// Units held.
    pub(super) held: Vec<i64>,
    /// Balances.
    pub(super) cash: Vec<i128>,
    /// Units moved by changes that were no trades, an instrument each.
    pub(super) changes: Vec<i64>,
    /// Trades taken back, an instrument each.
    pub(super) voids: Vec<u32>,
    /// Trades that count, by instrument and id.
    trades: BTreeMap<(usize, u128), Trade>,
    /// Trades that were taken back.
    voided: BTreeMap<(usize, u128), Trade>,
}

impl NaiveLedger {
    pub(super) fn new(factors: Vec<i128>, assets: usize) -> Self {
        Self {
            held: vec![0; factors.len()],
            cash: vec![0; assets],
            changes: vec![0; factors.len()],
            voids: vec![0; factors.len()],
            trades: BTreeMap::new(),
            voided: BTreeMap::new(),
            factors,
        }
    }

    fn post(&mut self, trade: &Trade, sign: i64) {
        let value =
            i128::from(trade.units) * i128::from(trade.price) * self.factors[trade.instrument];
        self.held[trade.instrument] += sign * trade.units;
        self.cash[0] -= i128::from(sign) * value;
        self.cash[trade.fee_asset] -= i128::from(sign) * trade.fee;
    }

    /// Books a trade.
    pub(super) fn trade(&mut self, trade: Trade) -> Result<(), Wrong> {
        let key = (trade.instrument, trade.id);
        if self.trades.contains_key(&key) || self.voided.contains_key(&key) {
            return Err(Wrong::Twice(trade.instrument, trade.id));
        }
        self.post(&trade, 1);
        self.trades.insert(key, trade);
        Ok(())
    }

    /// Takes a trade back. One that was never booked counts as taken back all the same.
    pub(super) fn void(&mut self, trade: Trade) -> Result<(), Wrong> {
        let key = (trade.instrument, trade.id);
        self.voids[trade.instrument] += 1;
        let Some(booked) = self.trades.remove(&key) else {
            self.voided.insert(key, trade);
            return Err(Wrong::NeverBooked(trade.instrument, trade.id));
        };
        self.post(&booked, -1);
        self.voided.insert(key, booked);
        Ok(())
    }

    /// Books another change.
    pub(super) fn change(&mut self, change: Change) {
        if let Some(instrument) = change.instrument {
            self.held[instrument] += change.units;
            self.changes[instrument] += change.units;
        }
        self.cash[change.asset] += change.amount;
    }

    /// The first difference to another ledger: balances, positions, then trades.
    pub(super) fn difference(&self, other: &Self) -> Option<String> {
        if let Some(asset) = (0..self.cash.len()).find(|i| self.cash[*i] != other.cash[*i]) {
            let (a, b) = (self.cash[asset], other.cash[asset]);
            return Some(format!("asset {asset}: {a} and {b}"));
        }
        if let Some(i) = (0..self.held.len()).find(|i| self.held[*i] != other.held[*i]) {
            let (a, b) = (self.held[i], other.held[i]);
            return Some(format!("instrument {i}: {a} and {b} units"));
        }
        let missing = |a: &Self, b: &Self| {
            let of = a.trades.keys().find(|k| !b.trades.contains_key(*k));
            of.copied()
        };
        let lost = missing(self, other).or_else(|| missing(other, self))?;
        Some(format!(
            "instrument {}: trade {:#x} is in one only",
            lost.0, lost.1
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buy(id: u128, units: i64) -> Trade {
        Trade {
            id,
            instrument: 0,
            units,
            price: 7,
            fee: 1,
            fee_asset: 1,
        }
    }

    #[test]
    fn trades_count_once_and_are_taken_back_once() {
        let mut ledger = NaiveLedger::new(vec![100], 2);
        ledger.change(Change {
            instrument: None,
            units: 0,
            asset: 0,
            amount: 10_000,
        });
        assert_eq!(ledger.trade(buy(1, 3)), Ok(()));
        assert_eq!((ledger.held[0], ledger.cash.clone()), (3, vec![7_900, -1]));
        assert_eq!(ledger.trade(buy(1, 3)), Err(Wrong::Twice(0, 1)));
        assert_eq!(ledger.void(buy(1, 3)), Ok(()));
        assert_eq!((ledger.held[0], ledger.cash.clone()), (0, vec![10_000, 0]));
        assert_eq!(ledger.void(buy(2, 3)), Err(Wrong::NeverBooked(0, 2)));
        assert_eq!(ledger.trade(buy(2, 3)), Err(Wrong::Twice(0, 2)));
    }

    #[test]
    fn a_difference_names_its_place() {
        let ledger = NaiveLedger::new(vec![1, 1], 1);
        let mut other = ledger.clone();
        assert_eq!(ledger.difference(&other), None);
        other.held[1] = 4;
        assert_eq!(
            ledger.difference(&other).as_deref(),
            Some("instrument 1: 0 and 4 units")
        );
        other.cash[0] = 2;
        assert_eq!(
            ledger.difference(&other).as_deref(),
            Some("asset 0: 0 and 2")
        );
    }
}
