//! What could still happen to positions and cash: everything sent, unknown or reserved.

use crate::instrument::InstrumentId;
use crate::money::{Cash, Quantity};
use crate::orders::Side;

/// Open quantities a side and cash set aside, over all orders that are not final.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposure {
    buys: Vec<Quantity>,
    sells: Vec<Quantity>,
    unknown: Vec<u32>,
    /// What open orders of others may still buy and sell.
    external: Vec<(Quantity, Quantity)>,
    reserved_cash: Cash,
}

impl Exposure {
    /// Nothing open.
    pub fn new(instruments: usize) -> Self {
        Self {
            buys: vec![Quantity::ZERO; instruments],
            sells: vec![Quantity::ZERO; instruments],
            unknown: vec![0; instruments],
            external: vec![(Quantity::ZERO, Quantity::ZERO); instruments],
            reserved_cash: Cash::ZERO,
        }
    }

    /// Changes the open quantity of a side.
    pub(crate) fn add_open(&mut self, id: InstrumentId, side: Side, change: Quantity) {
        let open = match side {
            Side::Buy => &mut self.buys[id.index()],
            Side::Sell => &mut self.sells[id.index()],
        };
        *open += change;
        assert!(
            !open.is_negative(),
            "open quantity of {id:?} fell below zero"
        );
    }

    /// Changes the cash set aside.
    pub(crate) fn add_reserved(&mut self, change: Cash) {
        self.reserved_cash += change;
        assert!(
            !self.reserved_cash.is_negative(),
            "reserved cash fell below zero"
        );
    }

    /// What open orders of others may still buy and sell: seen, not owned, inside the limits.
    pub(crate) fn set_external(&mut self, id: InstrumentId, buys: Quantity, sells: Quantity) {
        self.external[id.index()] = (buys, sells);
    }

    /// What open orders of others may still buy and sell.
    pub fn external(&self, id: InstrumentId) -> (Quantity, Quantity) {
        self.external[id.index()]
    }

    /// Counts orders of unknown outcome.
    pub(crate) fn set_unknown(&mut self, id: InstrumentId, unknown: bool) {
        let count = &mut self.unknown[id.index()];
        if unknown {
            *count += 1;
        } else {
            *count = count.checked_sub(1).expect("an unknown order was counted");
        }
    }

    /// Whether an order of unknown outcome blocks the instrument.
    pub fn has_unknown(&self, id: InstrumentId) -> bool {
        self.unknown.get(id.index()).is_some_and(|n| *n > 0)
    }

    /// Open quantity of a side.
    pub fn open(&self, id: InstrumentId, side: Side) -> Quantity {
        match side {
            Side::Buy => self.buys[id.index()],
            Side::Sell => self.sells[id.index()],
        }
    }

    /// Cash set aside for open buys.
    pub const fn reserved_cash(&self) -> Cash {
        self.reserved_cash
    }

    /// The largest magnitude `held` can reach when any subset of the open orders fills.
    pub fn worst_case(&self, id: InstrumentId, held: Quantity) -> Quantity {
        let (others_buy, others_sell) = self.external[id.index()];
        let long = (held + self.buys[id.index()] + others_buy).abs();
        let short = (held - self.sells[id.index()] - others_sell).abs();
        long.max(short)
    }
}
