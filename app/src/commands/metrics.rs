//! `metrics`: the figures of one return, equity or price series in a file.

use std::path::PathBuf;

use ballast_domain::calendar::Calendar;
use ballast_domain::error::Error;
use ballast_domain::performance::Metrics;
use ballast_domain::time::Timestamp;
use ballast_files::{CsvSource, read_column, read_prices};
use chrono::{Datelike, Weekday};
use serde::Serialize;

use super::metrics_detail::{self, BenchmarkFigures, DrawdownRow, Path, RollingRow};
use crate::drivers::RunError;
use crate::exit::Failure;

/// What the numbers of a series are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum SeriesKind {
    /// Simple returns, one a bar; 0.01 is one percent.
    Returns,
    /// Value of a portfolio, opening capital first.
    Equity,
    /// Prices of one instrument.
    Prices,
}

impl SeriesKind {
    /// Names its column usually has.
    const fn usual(self) -> &'static [&'static str] {
        match self {
            Self::Returns => &["return", "returns", "ret"],
            Self::Equity => &["equity", "nav", "value"],
            Self::Prices => &["close", "price"],
        }
    }
}

/// Which series, and how to read it.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricsRequest {
    /// A CSV file.
    pub input: PathBuf,
    /// What its numbers are.
    pub kind: SeriesKind,
    /// The column; `None` when there is only one, or one with a usual name.
    pub column: Option<String>,
    /// Bars in a year; `None` for daily dates: 365 when one of them is a weekend, else 252.
    pub annualisation: Option<f64>,
    /// A CSV file with the levels of a benchmark at the same dates.
    pub benchmark: Option<PathBuf>,
    /// How many of the deepest drawdowns to list.
    pub drawdowns: usize,
    /// Window of the moving figures, in bars; `None` computes none.
    pub rolling: Option<usize>,
}

/// The figures and what they rest on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeriesMetrics {
    /// The column.
    pub column: String,
    /// Bars in a year.
    pub annualisation: f64,
    /// The figures.
    #[serde(flatten)]
    pub metrics: Metrics,
    /// What was the benchmark's and what was its own; `None` without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub benchmark: Option<BenchmarkFigures>,
    /// The deepest drawdowns, deepest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub drawdowns: Vec<DrawdownRow>,
    /// Moving figures, one row a return.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rolling: Vec<RollingRow>,
}

/// Reads the series and computes every figure.
///
/// # Errors
/// As [`read_column`] and, for prices, [`read_prices`]; for the benchmark as well; `DataMissing` when the benchmark lacks a date of
/// the series; `Configuration` for a window below 2 bars or without `annualisation` when the rows are not daily; as
/// [`Metrics::from_equity`] and [`Metrics::from_returns`], with the kind of bad data.
pub fn metrics(request: &MetricsRequest) -> Result<SeriesMetrics, Failure> {
    let source = CsvSource::Path(request.input.clone());
    let usual = request.kind.usual();
    let wanted = request.column.as_deref();
    let column = match request.kind {
        SeriesKind::Prices => read_prices(&source, wanted, usual),
        SeriesKind::Returns | SeriesKind::Equity => read_column(&source, wanted, usual),
    };
    let column = column.map_err(RunError::Port)?;
    let annualisation = match request.annualisation {
        Some(given) => given,
        None => annualisation(&column.times)?,
    };
    let metrics = match request.kind {
        SeriesKind::Returns => Metrics::from_returns(&column.values, annualisation),
        SeriesKind::Equity | SeriesKind::Prices => {
            Metrics::from_equity(&column.values, annualisation)
        }
    };
    let metrics = metrics.map_err(|e| as_data(e, request.kind))?;
    let path = match request.kind {
        SeriesKind::Returns => Path::of_returns(&column.values, &column.times)?,
        SeriesKind::Equity | SeriesKind::Prices => Path::of_levels(&column.values, &column.times)?,
    };
    let levels = match &request.benchmark {
        Some(file) => Some(metrics_detail::levels(file, &path)?),
        None => None,
    };
    Ok(SeriesMetrics {
        column: column.name,
        annualisation,
        metrics,
        benchmark: match &levels {
            Some(levels) => Some(path.against(levels, annualisation)?),
            None => None,
        },
        drawdowns: path.drawdowns(request.drawdowns),
        rolling: match request.rolling {
            Some(window) => path.rolling(levels.as_ref(), window, annualisation)?,
            None => Vec::new(),
        },
    })
}

/// A broken invariant of a run is bad data when the series comes from a file.
fn as_data(error: Error, kind: SeriesKind) -> Error {
    if !error.message.starts_with("backtest invariant broken") {
        return error;
    }
    let (message, hint) = match kind {
        SeriesKind::Returns => (
            "returns must be finite and above -100 %",
            "returns are simple and fractional: 0.01 is one percent; is it --kind equity or prices?",
        ),
        SeriesKind::Equity => (
            "equity must be finite and positive",
            "correct the value; is it --kind returns?",
        ),
        SeriesKind::Prices => (
            "prices must be finite and positive",
            "correct the value; is it --kind returns?",
        ),
    };
    let mut plain = Error::validation(message).hint(hint);
    plain.context = error.context;
    plain
}

/// Bars in a year of rows at most one a day: 365 with a weekend among them, else 252.
fn annualisation(times: &[Timestamp]) -> Result<f64, Error> {
    let dates: Vec<_> = times.iter().map(|time| time.date()).collect();
    let days: Vec<i64> = (dates.windows(2).map(|w| (w[1] - w[0]).num_days())).collect();
    let is_daily = !days.is_empty()
        && days.iter().all(|d| *d >= 1)
        && days.iter().filter(|d| **d <= 4).count() * 10 >= days.len() * 9;
    if !is_daily {
        return Err(
            Error::config("the bars in a year cannot be told from the times")
                .hint("give --annualisation: 252 or 365 for days, 12 for months, 8760 for hours"),
        );
    }
    let is_weekend = |d: &chrono::NaiveDate| matches!(d.weekday(), Weekday::Sat | Weekday::Sun);
    let calendar = if dates.iter().any(is_weekend) {
        Calendar::Utc24x7
    } else {
        Calendar::UsEquities
    };
    Ok(calendar.annualisation())
}
