//! From a finished run to the tables of its summary.

use ballast_domain::instrument::{AssetId, Instruments};
use ballast_domain::market::{Panel, coverage};
use ballast_domain::performance::{
    RoundTrips, SleeveBook, Turnover, calendar_returns, contributions, histogram, worst_drawdowns,
};
use ballast_domain::portfolio::Account;
use ballast_domain::time::Timestamp;

use super::analysis::{Analysis, ContributionRow, Costs, DataRow, DrawdownRow, SleeveRow};
use super::artefacts::Artefacts;
use super::curves::Curves;
use super::summary::RobustnessRow;

/// How many drawdowns are listed.
const DRAWDOWNS: usize = 10;

/// What the analysis is made of.
pub(super) struct Sources<'a> {
    /// The instruments, in lane order.
    pub instruments: &'a Instruments,
    /// The bars.
    pub panel: &'a Panel,
    /// The account at the end.
    pub account: &'a Account,
    /// What the run left.
    pub artefacts: &'a Artefacts,
    /// Its round trips.
    pub trips: &'a RoundTrips,
    /// Its figures over time.
    pub curves: &'a Curves,
    /// Fees paid, in the base currency.
    pub fees: f64,
    /// How much was traded.
    pub turnover: &'a Turnover,
    /// The same run at other costs.
    pub robustness: &'a [RobustnessRow],
    /// Its total return.
    pub total_return: f64,
}

impl Sources<'_> {
    /// The tables.
    pub(super) fn analyse(&self) -> Analysis {
        let artefacts = self.artefacts;
        Analysis {
            window: self.curves.window,
            beta_to: self.curves.beta_to.clone(),
            drawdowns: self.drawdowns(),
            years: calendar_returns(&artefacts.times, &artefacts.equity),
            distribution: histogram(&self.curves.returns),
            contributions: self.contributions(),
            sleeves: self.sleeves(),
            costs: self.costs(),
            data: self.data(),
        }
    }

    fn drawdowns(&self) -> Vec<DrawdownRow> {
        let times = &self.artefacts.times;
        // Row 0 of the equity curve is the opening capital, which has no close of its own.
        let at = |i: usize| {
            times
                .get(i.saturating_sub(1))
                .copied()
                .map_or_else(String::new, day)
        };
        worst_drawdowns(&self.artefacts.equity, DRAWDOWNS)
            .into_iter()
            .map(|d| DrawdownRow {
                start: at(d.start),
                trough: at(d.trough),
                recovery: d.recovery.map(at),
                depth: d.depth,
                decline_bars: d.decline_bars,
                recovery_bars: d.recovery_bars,
                length_bars: d.length_bars,
            })
            .collect()
    }

    fn contributions(&self) -> Vec<ContributionRow> {
        let scale = self.instruments.base().scale;
        let capital = self.artefacts.equity.first().copied().unwrap_or(1.0);
        contributions(&self.trips.trades, self.instruments.len())
            .into_iter()
            .zip(self.instruments.all())
            .map(|(sum, instrument)| {
                let net_pnl = sum.net_pnl.to_f64(scale);
                ContributionRow {
                    symbol: instrument.symbol.clone(),
                    trades: sum.trades,
                    open: sum.open,
                    gross_pnl: sum.gross_pnl.to_f64(scale),
                    fees: sum.fees.to_f64(scale),
                    income: sum.income.to_f64(scale),
                    net_pnl,
                    net_return: net_pnl / capital,
                }
            })
            .collect()
    }

    fn sleeves(&self) -> Vec<SleeveRow> {
        let Some(books) = &self.artefacts.books else {
            return Vec::new();
        };
        let scale = self.instruments.base().scale;
        let capital = self.artefacts.equity.first().copied().unwrap_or(1.0);
        let row = |(i, book): (usize, &SleeveBook)| {
            let (money, net) = (book.money(AssetId::BASE), books.net(i, self.account));
            let net_pnl = net.to_f64(scale);
            SleeveRow {
                sleeve: book.name.clone(),
                allocation: book.allocation,
                traded: money.traded.to_f64(scale),
                crossed: money.crossed.to_f64(scale),
                gross_pnl: (net + money.fees - money.income).to_f64(scale),
                fees: money.fees.to_f64(scale),
                income: money.income.to_f64(scale),
                net_pnl,
                net_return: net_pnl / capital,
            }
        };
        books.sleeves().iter().enumerate().map(row).collect()
    }

    fn costs(&self) -> Costs {
        let traded = self.turnover.traded_notional;
        let finite = |v: f64| v.is_finite().then_some(v);
        let free = self.robustness.iter().find(|r| r.costs == 0);
        let return_without_costs = free.map(|r| r.total_return);
        let average = self.turnover.average_equity.zip(self.turnover.years);
        Costs {
            fees: self.fees,
            traded_notional: traded,
            fees_of_traded: finite(self.fees / traded),
            fees_a_year: average.and_then(|(equity, years)| finite(self.fees / equity / years)),
            return_without_costs,
            cost_of_costs: return_without_costs.map(|free| self.total_return - free),
        }
    }

    fn data(&self) -> Vec<DataRow> {
        coverage(self.panel)
            .into_iter()
            .zip(self.instruments.all())
            .map(|(c, instrument)| DataRow {
                symbol: instrument.symbol.clone(),
                first: c.first.map(day),
                last: c.last.map(day),
                bars: c.bars,
                holes: c.holes,
                not_listed: c.not_listed,
                closed: c.closed + c.halted,
                delisted: c.delisted,
                splits: c.splits,
                dividends: c.dividends,
            })
            .collect()
    }
}

/// The date (UTC) on which a bar traded: one that closes at midnight belongs to the day before.
fn day(close: Timestamp) -> String {
    let within = Timestamp::from_nanos(close.nanos().saturating_sub(1));
    within.date().to_string()
}
