//! A small venue for tests of the exchange core: one or two instruments, bars, orders by hand.

use super::exchange::Exchange;
use super::exchange_settings::ExchangeSettings;
use super::fee_model::FeeModel;
use super::fill_point::FillPoint;
use super::slippage_model::SlippageModel;
use super::venue_rules::VenueRules;
use crate::calendar::Calendar;
use crate::instrument::{Asset, InstrumentId, InstrumentKind, InstrumentSpec, Instruments};
use crate::kernel::Fact;
use crate::market::{Fields, LaneRow, LaneState, Panel, PriceBasis};
use crate::money::{Cash, Price, Quantity, Rate};
use crate::orders::{ClientOrderId, Intent, OrderId, OrderType, Side, TimeInForce};
use crate::time::{Span, Timestamp};

pub(super) const A: InstrumentId = InstrumentId(0);
pub(super) const B: InstrumentId = InstrumentId(1);

/// Two instruments with prices in whole dollars and cash in cents' place: every figure is a small
/// integer.
pub(super) fn instruments(kind: InstrumentKind) -> Instruments {
    let asset = |code: &str| Asset {
        code: code.into(),
        scale: 2,
    };
    let mut all = Instruments::new(asset("USD")).unwrap();
    all.add_asset(asset("COIN")).unwrap();
    for symbol in ["A", "B"] {
        all.define(&InstrumentSpec {
            symbol: symbol.into(),
            kind,
            quote: "USD".into(),
            price_scale: 0,
            quantity_scale: 0,
            tick: 1.into(),
            lot: 1.into(),
            min_notional: 0.into(),
            multiplier: 1.into(),
            calendar: Calendar::Utc24x7,
        })
        .unwrap();
    }
    all
}

pub(super) fn dollars(n: i128) -> Cash {
    Cash::from_units(n * 100)
}

pub(super) fn units(n: i64) -> Quantity {
    Quantity::from_units(n)
}

pub(super) fn hour(n: i64) -> Timestamp {
    Timestamp::EPOCH + Span::from_seconds(n * 3_600)
}

/// An exchange that fills at the next open, free of cost, with 10,000 dollars.
pub(super) fn exchange(rules: VenueRules) -> Exchange {
    exchange_with(rules, FeeModel::Proportional(Rate::ZERO))
}

pub(super) fn exchange_with(rules: VenueRules, fees: FeeModel) -> Exchange {
    let settings = ExchangeSettings {
        fill_point: FillPoint::NextOpen,
        fees,
        slippage: SlippageModel::Proportional(Rate::ZERO),
        opening_cash: dollars(10_000),
        delisting_haircut: Rate::ZERO,
    };
    let instruments = instruments(InstrumentKind::Spot);
    settings.validate().unwrap();
    rules.validate(&instruments).unwrap();
    let mut exchange = Exchange::with_rules(instruments, settings, rules);
    while exchange.next_fact().is_some() {}
    exchange
}

/// An order by its number, which is also its leg.
pub(super) fn order(number: u16, side: Side, quantity: i64) -> Intent {
    Intent {
        id: OrderId(number.into()),
        client_id: id(number),
        instrument: A,
        side,
        quantity: units(quantity),
        order_type: OrderType::Market,
        time_in_force: TimeInForce::Day,
        post_only: false,
        reduce_only: false,
    }
}

pub(super) fn limit(number: u16, side: Side, quantity: i64, price: i64) -> Intent {
    Intent {
        order_type: OrderType::Limit(Price::from_units(price)),
        ..order(number, side, quantity)
    }
}

pub(super) fn id(number: u16) -> ClientOrderId {
    ClientOrderId {
        leg: number,
        ..ClientOrderId::default()
    }
}

/// Hourly bars of A from midnight on: open, high, low, close, volume. B stands at 50.
pub(super) fn bars(rows: &[[f64; 5]]) -> Panel {
    let mut panel = Panel::new(2, Fields::ALL, PriceBasis::Raw);
    for (values, n) in rows.iter().zip(0..) {
        let row = |values| LaneRow {
            state: LaneState::Present,
            values,
        };
        let still = row([50.0, 50.0, 50.0, 50.0, 1_000.0]);
        panel
            .push_row(hour(n), hour(n + 1), &[row(*values), still], &[])
            .unwrap();
    }
    panel
}

/// Everything that happens to an exchange in one bar, as the driver orders it.
pub(super) fn trade_bar(exchange: &mut Exchange, panel: &Panel, row: usize) {
    let slice = panel.slice(row).unwrap();
    let (open, close) = (slice.open_time(), slice.time());
    exchange.settle_funding(open);
    exchange.begin_bar(&slice);
    while exchange.execute(&slice, open) > 0 {}
    exchange.expire(&slice);
    exchange.settle_funding(close);
    while exchange.execute_through_bar(&slice, close) > 0 {}
    exchange.note_closes(&slice);
    exchange.end_bar(&slice);
    exchange.maintain(close);
}

/// What the exchange told since the last time, one line a fact.
pub(super) fn told(exchange: &mut Exchange) -> Vec<String> {
    std::iter::from_fn(|| exchange.next_fact())
        .map(|fact| match fact {
            Fact::Accepted { client_id } => format!("{} accepted", client_id.leg),
            Fact::Rejected { client_id, reason } => {
                format!("{} rejected: {reason}", client_id.leg)
            }
            Fact::Filled(f) => format!(
                "{} {} {} at {} fee {} of {}",
                f.client_id.leg,
                f.side,
                f.quantity.units(),
                f.price.units(),
                f.fee.units(),
                f.fee_asset.0
            ),
            Fact::Canceled {
                client_id,
                filled,
                reason,
            } => format!("{} canceled at {}: {reason}", client_id.leg, filled.units()),
            Fact::Expired { client_id, filled } => {
                format!("{} expired at {}", client_id.leg, filled.units())
            }
            Fact::Funding { amount, .. } => format!("funding {}", amount.units()),
            Fact::Adjusted {
                kind,
                instrument,
                quantity,
                amount,
                ..
            } => format!(
                "{} of {} by {} for {}",
                kind.name(),
                instrument.map_or(99, |i| i.0),
                quantity.units(),
                amount.units()
            ),
            other => format!("{other:?}"),
        })
        .collect()
}
