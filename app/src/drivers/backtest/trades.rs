//! trades.csv: one row a round trip.

use ballast_domain::instrument::Instruments;
use ballast_domain::performance::{RoundTrips, TradeSide};

use super::artefacts::Artefacts;
use super::text::{csv_field, line, time};

/// The round trips in order of exit, those still open last, valued at their last mark. Amounts are
/// exact; prices are means to the nearest unit of their scale. `entry_slot` is the close that the
/// decision behind the entry saw.
pub fn trades_csv(trips: &RoundTrips, instruments: &Instruments, artefacts: &Artefacts) -> String {
    let mut csv = String::from(
        "symbol,side,entry_time,exit_time,max_quantity,entry_price,exit_price,entry_notional,\
         gross_pnl,fees,income,net_pnl,return,bars_held,open,entry_slot\n",
    );
    let cash = instruments.base().scale;
    for trade in &trips.trades {
        let Some(instrument) = instruments
            .all()
            .get(usize::try_from(trade.instrument).unwrap_or(usize::MAX))
        else {
            continue;
        };
        let side = match trade.side {
            TradeSide::Long => "long",
            TradeSide::Short => "short",
        };
        let net_return = trade
            .net_return
            .map_or_else(String::new, |r| format!("{r:?}"));
        let slot = artefacts.cause(trade.instrument, trade.entry_time);
        let slot = slot.map_or_else(String::new, time);
        line(
            &mut csv,
            format_args!(
                "{},{side},{},{},{},{},{},{},{},{},{},{},{net_return},{},{},{slot}",
                csv_field(&instrument.symbol),
                time(trade.entry_time),
                time(trade.exit_time),
                trade.max_quantity.text(instrument.quantity_scale),
                trade.entry_price.text(instrument.price_scale),
                trade.exit_price.text(instrument.price_scale),
                trade.entry_notional.text(cash),
                trade.gross_pnl.text(cash),
                trade.fees.text(cash),
                trade.income.text(cash),
                trade.net_pnl.text(cash),
                trade.bars_held,
                trade.open,
            ),
        );
    }
    csv
}
