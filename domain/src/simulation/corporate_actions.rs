//! Corporate actions as the exchange applies them: to what is held and to what works.

use super::exchange::Exchange;
use super::venue_order::VenueOrder;
use crate::instrument::InstrumentId;
use crate::kernel::Fact;
use crate::market::{ActionKind, CorporateAction, Field, Slice, SplitRatio};
use crate::money::{Cash, Price, Quantity, Rounding, divide};
use crate::orders::OrderType;

impl Exchange {
    /// Applies a corporate action to what is held and to what works.
    pub fn apply(&mut self, id: InstrumentId, action: &CorporateAction, slice: &Slice<'_>) {
        self.now = self.now.max(action.at);
        match action.kind {
            ActionKind::Dividend(per_unit) => self.pay_dividend(id, per_unit),
            ActionKind::Split(ratio) => self.split(id, ratio, slice),
            ActionKind::Delisting => self.delist(id),
        }
    }

    fn pay_dividend(&mut self, instrument: InstrumentId, per_unit: rust_decimal::Decimal) {
        let held = self.positions[instrument.index()];
        let Some(i) = self.instruments.get(instrument) else {
            return;
        };
        if held.is_zero() {
            return;
        }
        let amount = i.cash_per_unit(per_unit, held, self.instruments.base().scale);
        self.cash += amount;
        let id = self.next_event();
        self.tell_event_now(Fact::Dividend {
            id,
            instrument,
            per_unit,
            amount,
        });
    }

    fn split(&mut self, instrument: InstrumentId, ratio: SplitRatio, slice: &Slice<'_>) {
        let index = instrument.index();
        let Some(i) = self.instruments.get(instrument) else {
            return;
        };
        let before = self.positions[index];
        let quantity = ratio.apply(before, i.lot);
        // The fraction, in units of 1/old, is paid at the first price after the split.
        let fraction = i128::from(before.units()) * i128::from(ratio.new)
            - i128::from(quantity.units()) * i128::from(ratio.old);
        let price = slice
            .value(instrument, Field::Open)
            .unwrap_or(self.last_close[index] / ratio.to_f64());
        let price = Price::from_market_data(price, i.price_scale).unwrap_or(Price::ZERO);
        let unit = i.notional(price, Quantity::from_units(1)).units();
        let value = divide(unit * fraction, i128::from(ratio.old), Rounding::Down);
        let cash_in_lieu = Cash::from_units(value);
        self.cash += cash_in_lieu;
        self.positions[index] = quantity;
        self.last_close[index] /= ratio.to_f64();
        let lot = i.lot;
        let concerned = |o: &&mut VenueOrder| o.intent.instrument == instrument;
        for order in self.working.iter_mut().filter(concerned) {
            // What is left and what is executed, each on its own: so the account counts as well.
            let left = ratio.apply(order.open(), lot);
            order.filled = ratio.apply(order.filled, lot);
            order.intent.quantity = order.filled + left;
            if let OrderType::Limit(price) = &mut order.intent.order_type {
                *price = ratio.unapply(*price);
            }
        }
        let id = self.next_event();
        self.tell_event_now(Fact::Split {
            id,
            instrument,
            ratio,
            quantity,
            cash_in_lieu,
        });
        self.end_working(
            |o| o.intent.instrument == instrument && o.open().is_zero(),
            "less than a lot is left after the split",
        );
    }

    fn delist(&mut self, instrument: InstrumentId) {
        let index = instrument.index();
        let Some(i) = self.instruments.get(instrument) else {
            return;
        };
        let price = Price::from_market_data(self.last_close[index], i.price_scale);
        let held = self.positions[index];
        let value = i.notional(price.unwrap_or(Price::ZERO), held);
        let before = self.cash;
        self.settle_trade(instrument, -held, -value);
        self.cash -= value.fee(self.settings.delisting_haircut);
        self.positions[index] = Quantity::ZERO;
        let amount = self.cash - before;
        self.end_working(
            |o| o.intent.instrument == instrument,
            "the instrument was delisted",
        );
        let id = self.next_event();
        self.tell_event_now(Fact::Delisted {
            id,
            instrument,
            amount,
        });
    }
}
