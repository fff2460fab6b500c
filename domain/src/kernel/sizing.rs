//! From targets to amounts of money, at the marks of the account.

use super::Kernel;
use crate::error::Result;
use crate::instrument::Instrument;
use crate::market::LaneState;
use crate::money::{Cash, Price, Quantity, Shares};
use crate::strategy::{Strategy, Target};

impl<S: Strategy> Kernel<S> {
    /// What must be bought and sold to hold the account's targets when weights are shares of `equity`.
    pub(super) fn traded_at(&self, equity: Cash) -> Result<Cash> {
        let (mut traded, shares) = (Cash::ZERO, equity.shares());
        for (id, instrument) in self.instruments.ids().zip(self.instruments.all()) {
            let target = self.targets.get(id.index()).copied().flatten();
            let mark = Price::from_market_data(self.account.mark(id), instrument.price_scale);
            let (Some(mark), LaneState::Present) = (mark, self.states[id.index()]) else {
                continue;
            };
            let held = instrument.notional(mark, self.account.position(id).quantity);
            let wanted = self.wanted(target, instrument, mark, shares)?;
            traded += (wanted.unwrap_or(Cash::ZERO) - held).abs();
        }
        Ok(traded)
    }

    /// The value a target asks for; `None` without a target.
    pub(super) fn wanted(
        &self,
        target: Option<Target>,
        instrument: &Instrument,
        price: Price,
        equity: Shares,
    ) -> Result<Option<Cash>> {
        let cash_scale = self.instruments.base().scale;
        Ok(match target {
            None => None,
            Some(Target::Weight(w)) => Some(equity.of(w)?),
            Some(Target::Notional(n)) => Some(Cash::from_decimal(n, cash_scale)?),
            Some(Target::Units(u)) => {
                let units = Quantity::from_decimal(u, instrument.quantity_scale)?;
                Some(instrument.notional(price, units))
            }
        })
    }
}
