//! What each instrument earned, to the last unit.

use serde::Serialize;

use super::trades::Trade;
use crate::money::Cash;

/// The results of all round trips in one instrument, those still open included at their mark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Contribution {
    /// Round trips, open ones included.
    pub trades: usize,
    /// Round trips still open at the end.
    pub open: usize,
    /// Sales less purchases, plus the marks of what is open.
    pub gross_pnl: Cash,
    /// Fees paid.
    pub fees: Cash,
    /// Dividends, funding and the like; negative when paid.
    pub income: Cash,
    /// `gross_pnl - fees + income`.
    pub net_pnl: Cash,
}

/// One [`Contribution`] for each of `instruments` dense indices; trades of others are left out.
/// The net results add up to those of the trades.
pub fn contributions(trades: &[Trade], instruments: usize) -> Vec<Contribution> {
    let mut all = vec![Contribution::default(); instruments];
    for trade in trades {
        let index = usize::try_from(trade.instrument).unwrap_or(usize::MAX);
        let Some(sum) = all.get_mut(index) else {
            continue;
        };
        sum.trades += 1;
        sum.open += usize::from(trade.open);
        sum.gross_pnl += trade.gross_pnl;
        sum.fees += trade.fees;
        sum.income += trade.income;
        sum.net_pnl += trade.net_pnl;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::{Price, Quantity};
    use crate::performance::TradeSide;
    use crate::time::Timestamp;

    fn trade(instrument: u32, gross: i128, fees: i128, income: i128, open: bool) -> Trade {
        Trade {
            instrument,
            side: TradeSide::Long,
            entry_time: Timestamp::EPOCH,
            exit_time: Timestamp::EPOCH,
            max_quantity: Quantity::ZERO,
            entry_price: Price::ZERO,
            exit_price: Price::ZERO,
            entry_notional: Cash::ZERO,
            gross_pnl: Cash::from_units(gross),
            fees: Cash::from_units(fees),
            income: Cash::from_units(income),
            net_pnl: Cash::from_units(gross - fees + income),
            net_return: None,
            bars_held: 0,
            open,
        }
    }

    #[test]
    fn trades_add_up_by_instrument() {
        let trades = [
            trade(1, 100, 3, 5, false),
            trade(0, -7, 1, 0, false),
            trade(1, 20, 2, 0, true),
        ];
        let all = contributions(&trades, 3);
        assert_eq!(all[0].net_pnl, Cash::from_units(-8));
        assert_eq!(all[1].net_pnl, Cash::from_units(120));
        assert_eq!((all[1].trades, all[1].open), (2, 1));
        assert_eq!(all[2], Contribution::default());
    }
}
