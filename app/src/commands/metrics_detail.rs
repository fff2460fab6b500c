//! Beyond the figures of a series: its benchmark, its drawdowns, its figures over moving windows.

use std::collections::BTreeMap;
use std::path;

use ballast_domain::error::{Error, Result};
use ballast_domain::performance::{
    BenchmarkComparison, compare_to_benchmark, rolling_beta, rolling_sharpe, rolling_volatility,
    simple_returns, wealth, worst_drawdowns,
};
use ballast_domain::time::Timestamp;
use ballast_files::{CsvSource, read_column};
use chrono::NaiveDate;
use serde::Serialize;

use crate::drivers::RunError;
use crate::exit::Failure;

/// A series beside its benchmark.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BenchmarkFigures {
    /// The column of the benchmark's levels.
    pub column: String,
    /// The figures.
    #[serde(flatten)]
    pub figures: BenchmarkComparison,
}

/// A drawdown with its dates.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DrawdownRow {
    /// Date of the peak; `None` before the first return of a return series.
    pub peak: Option<NaiveDate>,
    /// Date of the lowest value.
    pub trough: Option<NaiveDate>,
    /// Date at or above the peak again; `None` while under water at the end.
    pub recovery: Option<NaiveDate>,
    /// How deep, as a negative fraction of the peak.
    pub depth: f64,
    /// Bars from peak to trough.
    pub decline_bars: usize,
    /// Bars from trough to recovery.
    pub recovery_bars: Option<usize>,
    /// Bars from peak to recovery, or to the end.
    pub length_bars: usize,
}

/// Figures of the window that ends at a bar; `None` while it is not full.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RollingRow {
    /// When the bar was.
    pub time: Timestamp,
    /// Annualised deviation, ddof 1.
    pub volatility: Option<f64>,
    /// Annualised Sharpe ratio, risk-free rate 0.
    pub sharpe: Option<f64>,
    /// Slope on the benchmark's returns; `None` without a benchmark.
    pub beta: Option<f64>,
}

/// A series as levels and as returns.
#[derive(Debug)]
pub(super) struct Path {
    /// One more than there are returns.
    levels: Vec<f64>,
    /// When each level was; the start of a return series has no time.
    times: Vec<Option<Timestamp>>,
    returns: Vec<f64>,
}

/// A benchmark's levels at the times of a path, from its first time on.
pub(super) type Levels = (String, Vec<f64>);

impl Path {
    pub(super) fn of_levels(levels: &[f64], times: &[Timestamp]) -> Result<Self> {
        Ok(Self {
            levels: levels.to_vec(),
            times: times.iter().copied().map(Some).collect(),
            returns: simple_returns(levels)?,
        })
    }

    pub(super) fn of_returns(returns: &[f64], times: &[Timestamp]) -> Result<Self> {
        let times = times.iter().copied().map(Some);
        Ok(Self {
            levels: wealth(returns)?,
            times: std::iter::once(None).chain(times).collect(),
            returns: returns.to_vec(),
        })
    }

    fn date(&self, index: usize) -> Option<NaiveDate> {
        self.times[index].map(Timestamp::date)
    }

    pub(super) fn drawdowns(&self, count: usize) -> Vec<DrawdownRow> {
        let row = |d: &ballast_domain::performance::Drawdown| DrawdownRow {
            peak: self.date(d.start),
            trough: self.date(d.trough),
            recovery: d.recovery.and_then(|r| self.date(r)),
            depth: d.depth,
            decline_bars: d.decline_bars,
            recovery_bars: d.recovery_bars,
            length_bars: d.length_bars,
        };
        worst_drawdowns(&self.levels, count)
            .iter()
            .map(row)
            .collect()
    }

    /// Returns whose bar and the one before it have a time: what a benchmark can be laid beside.
    fn timed_returns(&self) -> &[f64] {
        &self.returns[usize::from(self.times.first() == Some(&None)).min(self.returns.len())..]
    }

    pub(super) fn against(&self, levels: &Levels, annualisation: f64) -> Result<BenchmarkFigures> {
        let returns = simple_returns(&levels.1)?;
        Ok(BenchmarkFigures {
            column: levels.0.clone(),
            figures: compare_to_benchmark(self.timed_returns(), &returns, annualisation)?,
        })
    }

    pub(super) fn rolling(
        &self,
        benchmark: Option<&Levels>,
        window: usize,
        annualisation: f64,
    ) -> Result<Vec<RollingRow>> {
        if window < 2 {
            return Err(
                Error::config("a window of moving figures has two bars or more")
                    .context("rolling", window)
                    .hint("60 and 252 are usual for daily bars"),
            );
        }
        let volatility = rolling_volatility(&self.returns, window, annualisation);
        let sharpe = rolling_sharpe(&self.returns, window, annualisation);
        let beta = match benchmark {
            Some((_, levels)) => {
                rolling_beta(self.timed_returns(), &simple_returns(levels)?, window)
            }
            None => Vec::new(),
        };
        let untimed = self.returns.len() - self.timed_returns().len();
        let times = self.times.iter().skip(1).copied().flatten();
        let figures = volatility.into_iter().zip(sharpe).zip(times).enumerate();
        Ok(figures
            .map(|(i, ((volatility, sharpe), time))| RollingRow {
                time,
                volatility,
                sharpe,
                beta: (i.checked_sub(untimed)).and_then(|i| *beta.get(i)?),
            })
            .collect())
    }
}

/// Reads a benchmark's levels at every time of `path`.
///
/// # Errors
/// As [`read_column`]; `DataMissing` with the first time it lacks.
pub(super) fn levels(file: &path::Path, path: &Path) -> std::result::Result<Levels, Failure> {
    let source = CsvSource::Path(file.to_owned());
    let column = read_column(&source, None, &["close", "price", "level", "equity", "nav"])
        .map_err(RunError::Port)?;
    // Files of one market may write the open of a bar or only its date: the date is what both say.
    let daily = |times: &mut dyn Iterator<Item = Timestamp>| {
        let dates: Vec<_> = times.map(Timestamp::date).collect();
        dates.windows(2).all(|w| w[0] < w[1])
    };
    let by_date = daily(&mut column.times.iter().copied())
        && daily(&mut path.times.iter().copied().flatten());
    let key = |time: Timestamp| {
        let midnight = || Timestamp::from_date(time.date());
        by_date.then(midnight).flatten().unwrap_or(time)
    };
    let known: BTreeMap<Timestamp, f64> = (column.times.iter().copied().map(key))
        .zip(column.values.iter().copied())
        .collect();
    let mut levels = Vec::new();
    for time in path.times.iter().copied().flatten() {
        let Some(level) = known.get(&key(time)) else {
            return Err(
                Error::missing("the benchmark has no level at a time of the series")
                    .context("path", file.display())
                    .context("time", time)
                    .hint("compare over dates that both have, or fill the benchmark's gap")
                    .into(),
            );
        };
        levels.push(*level);
    }
    Ok((column.name, levels))
}
