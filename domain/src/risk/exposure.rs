//! What could still happen to positions and cash: everything sent, unknown or reserved.

use serde::{Deserialize, Serialize};

use crate::instrument::InstrumentId;
use crate::money::{Cash, Quantity};
use crate::orders::Side;

/// Open quantities a side and cash set aside, over all orders that are not final.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exposure {
    open: Vec<Open>,
    reserved_cash: Cash,
}

/// What may still happen to one instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Open {
    buys: Quantity,
    sells: Quantity,
    /// What open orders of others may still buy.
    others_buy: Quantity,
    /// What open orders of others may still sell.
    others_sell: Quantity,
    unknown: u32,
}

impl Exposure {
    /// Nothing open.
    pub fn new(instruments: usize) -> Self {
        Self {
            open: vec![Open::default(); instruments],
            reserved_cash: Cash::ZERO,
        }
    }

    /// Changes the open quantity of a side.
    pub(crate) fn add_open(&mut self, id: InstrumentId, side: Side, change: Quantity) {
        let of = &mut self.open[id.index()];
        let open = match side {
            Side::Buy => &mut of.buys,
            Side::Sell => &mut of.sells,
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
        let of = &mut self.open[id.index()];
        (of.others_buy, of.others_sell) = (buys, sells);
    }

    /// What open orders of others may still buy and sell.
    pub fn external(&self, id: InstrumentId) -> (Quantity, Quantity) {
        let of = &self.open[id.index()];
        (of.others_buy, of.others_sell)
    }

    /// Counts orders of unknown outcome.
    #[allow(
        clippy::expect_used,
        reason = "internal invariant: an unknown order was counted"
    )]
    pub(crate) fn set_unknown(&mut self, id: InstrumentId, unknown: bool) {
        let count = &mut self.open[id.index()].unknown;
        if unknown {
            *count += 1;
        } else {
            *count = count.checked_sub(1).expect("an unknown order was counted");
        }
    }

    /// Whether an order of unknown outcome blocks the instrument.
    #[inline]
    pub fn has_unknown(&self, id: InstrumentId) -> bool {
        self.open.get(id.index()).is_some_and(|of| of.unknown > 0)
    }

    /// Whether any order may still execute in the instrument, ours or of others.
    #[inline]
    pub(crate) fn is_open(&self, id: InstrumentId) -> bool {
        !self.open[id.index()].is_nothing()
    }

    /// Open quantity of a side.
    #[inline]
    pub fn open(&self, id: InstrumentId, side: Side) -> Quantity {
        let of = &self.open[id.index()];
        match side {
            Side::Buy => of.buys,
            Side::Sell => of.sells,
        }
    }

    /// Cash set aside for open buys.
    #[inline]
    pub const fn reserved_cash(&self) -> Cash {
        self.reserved_cash
    }

    /// The largest magnitude `held` can reach when any subset of the open orders fills.
    #[inline(always)]
    pub fn worst_case(&self, id: InstrumentId, held: Quantity) -> Quantity {
        let of = &self.open[id.index()];
        if of.is_nothing() {
            return held.abs();
        }
        of.worst_case(held)
    }
}

impl Open {
    /// Usual for most instruments at most times.
    #[inline(always)]
    const fn is_nothing(&self) -> bool {
        let ours = self.buys.units() | self.sells.units();
        ours | self.others_buy.units() | self.others_sell.units() == 0
    }

    fn worst_case(&self, held: Quantity) -> Quantity {
        let long = (held + self.buys + self.others_buy).abs();
        let short = (held - self.sells - self.others_sell).abs();
        long.max(short)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// What is open for nobody's account changes nothing; everything else is looked at both ways.
        #[test]
        fn the_worst_case_is_that_of_all_buys_or_all_sells(
            held in -50_i64..50, open in prop::array::uniform4(prop_oneof![Just(0_i64), 0_i64..50]),
        ) {
            let id = InstrumentId(1);
            let units = Quantity::from_units;
            let [buys, sells, others_buy, others_sell] = open;
            let mut exposure = Exposure::new(2);
            exposure.add_open(id, Side::Buy, units(buys));
            exposure.add_open(id, Side::Sell, units(sells));
            exposure.set_external(id, units(others_buy), units(others_sell));
            let (long, short) = (held + buys + others_buy, held - sells - others_sell);
            let worst = long.abs().max(short.abs());
            prop_assert_eq!(exposure.worst_case(id, units(held)).units(), worst);
            prop_assert_eq!(exposure.worst_case(InstrumentId(0), units(held)).units(), held.abs());
        }
    }
}
