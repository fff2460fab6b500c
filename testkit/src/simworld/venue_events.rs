//! What happens to the account at the venue without an order of ours: trades of others, money
//! moved, funding, executions taken back.

use ballast_domain::instrument::{AssetId, InstrumentId};
use ballast_domain::kernel::{AdjustmentKind, Fact};
use ballast_domain::money::{Cash, Quantity};
use ballast_domain::orders::Fill;
use ballast_domain::time::{Span, Timestamp};

use super::venue::{Logged, Turn, Venue};

/// How long after an execution a venue may take it back.
const VOIDED_WITHIN: Span = Span::from_seconds(1_800);

impl Venue {
    /// Somebody or something trades in the account without an order of ours: `share` (in percent)
    /// of what is held is sold, or as much of the cash is spent. Returns whether it could.
    pub(super) fn trade_without_order(
        &mut self,
        kind: AdjustmentKind,
        id: InstrumentId,
        share: i64,
        now: Timestamp,
    ) -> bool {
        let (price, lot) = (self.prices[id.index()], self.lot(id));
        let held = self.core.position(id);
        let quantity = if held.is_positive() {
            -Quantity::from_units((held.units() * share / 100 / lot.units()).max(1) * lot.units())
        } else if kind == AdjustmentKind::External {
            Quantity::from_units(share * lot.units())
        } else {
            return false;
        };
        let amount = self.value(id, price, -quantity);
        if (self.core.cash() + amount).is_negative() || !price.is_positive() {
            return false;
        }
        self.core.adjust(id, quantity, amount);
        let fact = Fact::Adjusted {
            id: self.next_event(),
            kind,
            instrument: Some(id),
            asset: AssetId::BASE,
            quantity,
            amount,
        };
        self.tell(now, fact);
        true
    }

    /// Money moves without a trade.
    pub(super) fn move_money(&mut self, units: i64, now: Timestamp) {
        let amount = Cash::from_units(i128::from(units));
        self.core
            .adjust(InstrumentId::from_index(0), Quantity::ZERO, amount);
        let fact = Fact::Adjusted {
            id: self.next_event(),
            kind: AdjustmentKind::Transfer,
            instrument: None,
            asset: AssetId::BASE,
            quantity: Quantity::ZERO,
            amount,
        };
        self.tell(now, fact);
    }

    /// Funding on what is held. Returns whether anything is.
    pub(super) fn fund(&mut self, id: InstrumentId, now: Timestamp) -> bool {
        let held = self.core.position(id);
        if held.is_zero() {
            return false;
        }
        let value = self.value(id, self.prices[id.index()], held);
        let amount = Cash::from_units(-value.units() / 10_000);
        self.core.adjust(id, Quantity::ZERO, amount);
        let fact = Fact::Funding {
            id: self.next_event(),
            instrument: id,
            asset: AssetId::BASE,
            amount,
        };
        self.tell(now, fact);
        true
    }

    /// Takes back the last execution that the account can do without. Returns whether there is one.
    pub(super) fn void_one(&mut self, skip: usize, now: Timestamp) -> bool {
        let voided = |log: &[Logged], fill: &Fill| {
            log.iter()
                .any(|l| matches!(&l.fact, Fact::Voided(v) if v.trade_id == fill.trade_id))
        };
        let bearable = |fill: &Fill| {
            let cash = self.core.cash() + self.value(fill.instrument, fill.price, fill.delta());
            !(self.core.position(fill.instrument) - fill.delta()).is_negative()
                && cash.is_positive()
        };
        // Venues take back what has just happened; of older orders only the journal knows.
        let recent = self.log.iter().rev().take(40);
        let recent = recent.take_while(|l| l.at + VOIDED_WITHIN >= now);
        let found = recent
            .filter_map(|l| match &l.fact {
                Fact::Filled(fill) => Some(*fill),
                _ => None,
            })
            .filter(|fill| bearable(fill) && !voided(&self.log, fill))
            .nth(skip);
        let Some(fill) = found else {
            return false;
        };
        let mut cash = self.value(fill.instrument, fill.price, fill.delta());
        if fill.fee_asset == AssetId::BASE {
            cash += fill.fee;
        } else {
            self.other_cash += fill.fee;
        }
        self.core.adjust(fill.instrument, -fill.delta(), cash);
        if let Some(order) = self.orders.get_mut(&fill.client_id) {
            let last = order.last();
            order.turns.push(Turn {
                at: now,
                status: last.status,
                filled: last.filled - fill.quantity,
            });
        }
        self.tell(now, Fact::Voided(fill));
        true
    }
}
