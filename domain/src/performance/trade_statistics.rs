//! What the list of trades says about the strategy that made it.

use serde::Serialize;

use super::defined;
use super::moments::{mean, sum};
use super::trades::{Trade, bars_until};
use crate::money::Cash;
use crate::time::Timestamp;

/// Statistics of a list of trades, in account currency, after fees and income.
///
/// All figures but `open`, `net_pnl`, `fees` and `exposure_time` are of closed trades. A trade of
/// exactly zero is neither a win nor a loss. Losses are negative. `None` where undefined.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TradeStatistics {
    /// Closed trades.
    pub count: usize,
    /// Trades still open at the end.
    pub open: usize,
    /// Closed trades that earned money.
    pub wins: usize,
    /// Closed trades that lost money.
    pub losses: usize,
    /// `wins / count`.
    pub win_rate: Option<f64>,
    /// Money won over the magnitude of money lost; `None` without a loss.
    pub profit_factor: Option<f64>,
    /// Mean result of the wins.
    pub average_win: Option<f64>,
    /// Mean result of the losses, negative.
    pub average_loss: Option<f64>,
    /// Mean result of a closed trade.
    pub expectancy: Option<f64>,
    /// The best win.
    pub largest_win: Option<f64>,
    /// The worst loss, negative.
    pub largest_loss: Option<f64>,
    /// Mean of the bars held.
    pub average_bars_held: Option<f64>,
    /// Share of the timeline's bars, from 0 to 1, on which any trade was held.
    pub exposure_time: Option<f64>,
    /// Result of all trades, open ones at their mark.
    pub net_pnl: f64,
    /// Fees of all trades.
    pub fees: f64,
}

/// Statistics of `trades` over the bars of `timeline` (ascending), with cash at `cash_scale`.
pub fn trade_statistics(
    trades: &[Trade],
    timeline: &[Timestamp],
    cash_scale: u8,
) -> TradeStatistics {
    let closed: Vec<&Trade> = trades.iter().filter(|t| !t.open).collect();
    let results = |keep: fn(Cash) -> bool| -> Vec<f64> {
        let kept = closed.iter().filter(|t| keep(t.net_pnl));
        kept.map(|t| t.net_pnl.to_f64(cash_scale)).collect()
    };
    let (won, lost) = (results(Cash::is_positive), results(Cash::is_negative));
    let all = results(|_| true);
    let bars: Vec<f64> = closed.iter().map(|t| t.bars_held as f64).collect();
    let total = |part: fn(&Trade) -> Cash| -> f64 {
        trades.iter().map(part).sum::<Cash>().to_f64(cash_scale)
    };
    TradeStatistics {
        count: closed.len(),
        open: trades.len() - closed.len(),
        wins: won.len(),
        losses: lost.len(),
        win_rate: defined(won.len() as f64 / closed.len() as f64),
        profit_factor: defined(sum(won.iter().copied()) / -sum(lost.iter().copied())),
        average_win: mean(&won),
        average_loss: mean(&lost),
        expectancy: mean(&all),
        largest_win: won.iter().copied().reduce(f64::max),
        largest_loss: lost.iter().copied().reduce(f64::min),
        average_bars_held: mean(&bars),
        exposure_time: exposure_time(trades, timeline),
        net_pnl: total(|t| t.net_pnl),
        fees: total(|t| t.fees),
    }
}

/// Share of bars after some trade's entry and not after its exit.
fn exposure_time(trades: &[Trade], timeline: &[Timestamp]) -> Option<f64> {
    let mut spans: Vec<(usize, usize)> = trades
        .iter()
        .map(|t| {
            (
                bars_until(timeline, t.entry_time),
                bars_until(timeline, t.exit_time),
            )
        })
        .collect();
    spans.sort_unstable();
    let (mut covered, mut reached) = (0, 0);
    for (from, to) in spans {
        let from = from.max(reached);
        if to > from {
            covered += to - from;
            reached = to;
        }
    }
    defined(covered as f64 / timeline.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::{Price, Quantity};
    use crate::performance::TradeSide;

    fn at(bar: i64) -> Timestamp {
        Timestamp::from_nanos(bar)
    }

    fn trade(from: i64, to: i64, net: i128, open: bool) -> Trade {
        Trade {
            instrument: 0,
            side: TradeSide::Long,
            entry_time: at(from),
            exit_time: at(to),
            max_quantity: Quantity::from_units(1),
            entry_price: Price::from_units(1),
            exit_price: Price::from_units(1),
            entry_notional: Cash::from_units(1),
            gross_pnl: Cash::from_units(net + 10),
            fees: Cash::from_units(10),
            income: Cash::ZERO,
            net_pnl: Cash::from_units(net),
            net_return: None,
            bars_held: usize::try_from(to - from).unwrap(),
            open,
        }
    }

    #[test]
    fn statistics_equal_a_hand_calculation() {
        let timeline: Vec<_> = (1..=20).map(at).collect();
        let trades = [
            trade(0, 4, 3_000, false),
            trade(2, 6, -1_000, false),
            trade(9, 10, 1_000, false),
            trade(10, 12, 0, false),
            trade(18, 20, 5_000, true),
        ];
        let s = trade_statistics(&trades, &timeline, 2);
        assert_eq!((s.count, s.open, s.wins, s.losses), (4, 1, 2, 1));
        assert_eq!(s.win_rate, Some(0.5));
        assert_eq!(s.profit_factor, Some(4.0));
        assert_eq!((s.average_win, s.average_loss), (Some(20.0), Some(-10.0)));
        assert_eq!(s.expectancy, Some(7.5));
        assert_eq!((s.largest_win, s.largest_loss), (Some(30.0), Some(-10.0)));
        assert_eq!(s.average_bars_held, Some(2.75));
        // Bars 1..=6, 10..=12 and 19..=20.
        assert_eq!(s.exposure_time, Some(11.0 / 20.0));
        assert_eq!(
            (s.net_pnl.to_bits(), s.fees.to_bits()),
            (80_f64.to_bits(), 0.5_f64.to_bits())
        );
    }

    #[test]
    fn without_trades_or_losses_ratios_are_undefined() {
        let none = trade_statistics(&[], &[], 2);
        assert_eq!(
            (none.win_rate, none.expectancy, none.exposure_time),
            (None, None, None)
        );
        let one = trade_statistics(&[trade(0, 1, 5, false)], &[at(1)], 0);
        assert_eq!((one.profit_factor, one.average_loss), (None, None));
    }
}
