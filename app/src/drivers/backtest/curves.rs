//! curves.csv: the figures of a run that move with the bars.

use ballast_domain::Result;
use ballast_domain::performance::{
    SleeveBooks, rolling_beta, rolling_sharpe, rolling_turnover, rolling_volatility,
    simple_returns, underwater,
};
use ballast_domain::strategies::EqualWeightHold;

use super::artefacts::Artefacts;
use super::benchmarks::Benchmark;
use crate::run_directory::text::{csv_field, float, line, time};

/// One value a close, in the order of the run's bars. `None` before a window is full and where a
/// figure is not defined.
#[derive(Clone, Debug, Default)]
pub struct Curves {
    /// Bars in the moving window: the calendar's year.
    pub window: usize,
    /// Which benchmark beta is against: the first index, or else the first of all.
    pub beta_to: Option<String>,
    /// Simple returns.
    pub returns: Vec<f64>,
    /// Below the last peak, zero or negative.
    pub drawdown: Vec<f64>,
    /// Annualised volatility of the window.
    pub volatility: Vec<Option<f64>>,
    /// Annualised Sharpe ratio of the window.
    pub sharpe: Vec<Option<f64>>,
    /// Beta of the window.
    pub beta: Vec<Option<f64>>,
    /// One-way turnover a year of the window.
    pub turnover: Vec<Option<f64>>,
}

impl Curves {
    /// The curves of a run; the window is a year of `annualisation` bars.
    ///
    /// # Errors
    /// As [`simple_returns`].
    pub(super) fn new(
        artefacts: &Artefacts,
        benchmarks: &[Benchmark],
        annualisation: f64,
    ) -> Result<Self> {
        let window = year(annualisation);
        let returns = simple_returns(&artefacts.equity)?;
        let index = benchmarks
            .iter()
            .find(|b| b.name != EqualWeightHold::NAME)
            .or(benchmarks.first());
        let beta = match index {
            Some(index) => rolling_beta(&returns, &simple_returns(&index.values)?, window),
            None => vec![None; returns.len()],
        };
        Ok(Self {
            window,
            beta_to: index.map(|b| b.name.clone()),
            drawdown: underwater(&artefacts.equity).split_off(1),
            volatility: rolling_volatility(&returns, window, annualisation),
            sharpe: rolling_sharpe(&returns, window, annualisation),
            beta,
            turnover: rolling_turnover(
                &artefacts.traded_by_bar(),
                &artefacts.equity[1..],
                window,
                annualisation,
            ),
            returns,
        })
    }

    /// The table: a row a close, an empty cell for what is not defined, a column a benchmark. A
    /// column a sleeve, when there are several, holds what it earned of the opening capital.
    pub fn csv(&self, artefacts: &Artefacts, benchmarks: &[Benchmark]) -> String {
        let names = benchmarks.iter().map(|b| csv_field(&b.name));
        let names = names.fold(String::new(), |all, name| all + "," + &name);
        let books = artefacts.books.iter();
        let sleeves = books.flat_map(SleeveBooks::sleeves);
        let names = sleeves.fold(names, |all, s| {
            all + "," + &csv_field(&format!("sleeve:{}", s.name))
        });
        let mut csv =
            format!("time,return,drawdown,gross,turnover,volatility,sharpe,beta{names}\n");
        let cell = |v: Option<f64>| v.map_or_else(String::new, float);
        for (i, at) in artefacts.times.iter().enumerate() {
            let values = benchmarks.iter().map(|b| float(b.values[i + 1]));
            let sleeves = artefacts.sleeve_returns.iter().map(|r| float(r[i]));
            let values = values.chain(sleeves);
            let values = values.fold(String::new(), |all, value| all + "," + &value);
            line(
                &mut csv,
                format_args!(
                    "{},{},{},{},{},{},{},{}{values}",
                    time(*at),
                    float(self.returns[i]),
                    float(self.drawdown[i]),
                    float(artefacts.gross[i]),
                    cell(self.turnover[i]),
                    cell(self.volatility[i]),
                    cell(self.sharpe[i]),
                    cell(self.beta[i]),
                ),
            );
        }
        csv
    }
}

/// Whole bars in a year.
fn year(annualisation: f64) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a positive count of bars; beyond the range it saturates"
    )]
    let bars = annualisation.round() as usize;
    bars.max(2)
}
