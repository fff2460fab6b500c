//! Funding of perpetuals: what longs and shorts pay each other at fixed times.

use super::exchange::Exchange;
use super::margin::share;
use crate::instrument::{AssetId, InstrumentId};
use crate::kernel::Fact;
use crate::money::{Cash, Price, Rate};
use crate::time::Timestamp;

/// What was exchanged on an instrument at one funding time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FundingRate {
    /// When.
    pub at: Timestamp,
    /// On which instrument.
    pub instrument: InstrumentId,
    /// The share of a position's value that longs pay to shorts; negative when shorts pay.
    pub rate: Rate,
}

/// What a position worth `value` (negative when short) receives at `rate`, rounded down: never up
/// for us, whoever pays.
pub(super) fn received(value: Cash, rate: Rate) -> Cash {
    -share(value, rate.units().into(), Rate::ONE.units().into())
}

impl Exchange {
    /// Pays the funding due up to `until`, on what is held now and at the last known price. At one
    /// instant it comes after corporate actions and before executions, so an order that executes at
    /// a funding time neither pays nor receives.
    pub fn settle_funding(&mut self, until: Timestamp) {
        while let Some(due) = self.rules.funding.get(self.funded).copied() {
            if due.at > until {
                return;
            }
            self.funded += 1;
            let held = self.positions[due.instrument.index()];
            let mark = self.mark(due.instrument);
            let Some(i) = self.instruments.get(due.instrument) else {
                continue;
            };
            let amount = received(i.notional(mark.unwrap_or(Price::ZERO), held), due.rate);
            if amount.is_zero() {
                continue;
            }
            self.cash += amount;
            let fact = Fact::Funding {
                id: self.next_event(),
                instrument: due.instrument,
                asset: AssetId::BASE,
                amount,
            };
            self.tell_event(fact, due.at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longs_pay_shorts_and_every_rounding_is_against_us() {
        let one_hundredth_percent = Rate::from_bps(1);
        for (value, rate, expected) in [
            (1_000_000, one_hundredth_percent, -100),
            (-1_000_000, one_hundredth_percent, 100),
            (1_000_000, Rate::from_bps(-1), 100),
            (10_001, one_hundredth_percent, -2),
            (-10_001, one_hundredth_percent, 1),
            (0, one_hundredth_percent, 0),
        ] {
            let got = received(Cash::from_units(value), rate);
            assert_eq!(got.units(), expected, "{value} at {rate:?}");
        }
    }
}
