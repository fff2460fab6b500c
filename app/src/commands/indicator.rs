//! `indicator SPEC... --input FILE`: indicators over past bars.

use std::path::PathBuf;

use ballast_domain::calendar::Calendar;
use ballast_domain::error::Error;
use ballast_domain::indicators::{CATALOGUE, Columns, IndicatorSpec};
use ballast_domain::market::{BarSize, Bars, Field, Fields};
use ballast_domain::time::{NANOS_PER_DAY, Timestamp};
use ballast_files::{ContractStage, CsvMarketData, CsvOptions, CsvSource, Strictness};
use chrono::{Datelike, NaiveDate, Weekday};

use crate::config::nearest;
use crate::drivers::RunError;
use crate::exit::Failure;
use crate::run_directory::text::time;

/// What to compute, over what.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IndicatorRequest {
    /// Names with parameters, such as `sma_20`.
    pub specs: Vec<String>,
    /// A CSV file or a folder of them.
    pub input: PathBuf,
    /// The symbol; needed when the input has several.
    pub symbol: Option<String>,
    /// The symbol that betas and correlations compare with.
    pub benchmark: Option<String>,
    /// Bars a year; found from the dates when absent.
    pub annualisation: Option<f64>,
    /// First UTC date; warm-up begins here.
    pub start: Option<NaiveDate>,
    /// Last UTC date.
    pub end: Option<NaiveDate>,
    /// Column of adjusted closes, or of factors on the prices when its name ends in `factor`.
    pub adjust: Option<String>,
}

/// Indicators of one symbol, a value a bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Indicators {
    /// The symbol.
    pub symbol: String,
    /// Open times of the bars.
    pub times: Vec<Timestamp>,
    /// In the order of the request, each spec once.
    pub columns: Vec<Values>,
    /// Bars a year, when a value depends on it.
    pub annualisation: Option<f64>,
}

/// The values of one spec.
#[derive(Clone, Debug, PartialEq)]
pub struct Values {
    /// The spec as it was written.
    pub spec: String,
    /// One a bar, NaN where undefined.
    pub values: Vec<f64>,
}

/// Computes what `request` asks for.
///
/// # Errors
/// Every spec that cannot be meant; data that is missing or refused; a symbol that is not there.
pub fn indicator(request: &IndicatorRequest) -> Result<Indicators, Failure> {
    let specs = parse(&request.specs)?;
    let data = open(request, None)?;
    let symbol = match &request.symbol {
        Some(symbol) => symbol.clone(),
        None => only_symbol(&data)?,
    };
    let factors = match &request.adjust {
        Some(column) if column.to_lowercase().ends_with("factor") => {
            Some(open(request, Some(column))?)
        }
        _ => None,
    };
    let data = match (&request.adjust, &factors) {
        (Some(column), None) => open(request, Some(column))?,
        _ => data,
    };
    let read = |symbol: &str| selected(&data, factors.as_ref(), symbol, request);
    let bars = read(&symbol)?;
    let benchmark = match &request.benchmark {
        Some(benchmark) => Some(aligned(&bars, &read(benchmark)?, benchmark)?),
        None => None,
    };
    let is_annualised = specs.iter().any(|s| s.definition().is_annualised());
    let annualisation = match request.annualisation {
        _ if !is_annualised => None,
        Some(bars) if bars > 0.0 && bars.is_finite() => Some(bars),
        Some(bars) => {
            return Err(Error::config("a year has more than 0 bars")
                .context("annualisation", bars)
                .hint("use 365 for daily crypto, 252 for daily equities")
                .into());
        }
        None => Some(bars_a_year(data.inventory().bar, &bars.times)?),
    };
    let columns = Columns {
        high_low: bars.high_low.as_ref().map(|(h, l)| (&h[..], &l[..])),
        close: &bars.close,
        benchmark: benchmark.as_deref(),
        // Read by annualised specs only, which have one.
        annualisation: annualisation.unwrap_or(1.0),
    };
    let mut found = Vec::new();
    for spec in &specs {
        found.push(Values {
            spec: spec.to_string(),
            values: spec.values(&columns)?,
        });
    }
    Ok(Indicators {
        symbol,
        times: bars.times,
        columns: found,
        annualisation,
    })
}

/// Every spec once, or everything that is wrong with them.
fn parse(texts: &[String]) -> Result<Vec<IndicatorSpec>, Failure> {
    let (mut specs, mut errors) = (Vec::<IndicatorSpec>::new(), Vec::new());
    for text in texts {
        match text.parse::<IndicatorSpec>() {
            Ok(spec) if specs.contains(&spec) => {}
            Ok(spec) => specs.push(spec),
            Err(error) if error.hint.is_some() => errors.push(error),
            Err(error) => {
                let name = text.trim_end_matches(|c: char| !c.is_alphabetic());
                let near = nearest(name, CATALOGUE.iter().map(|d| d.name));
                errors.push(error.hint(match near {
                    Some(near) => format!("did you mean '{near}'?"),
                    None => "ballast indicator --list shows all of them".to_owned(),
                }));
            }
        }
    }
    if errors.is_empty() {
        return Ok(specs);
    }
    Err(errors.into())
}

/// Dates stay midnights UTC: an indicator asks for order, not for sessions.
fn open(request: &IndicatorRequest, adjust: Option<&str>) -> Result<CsvMarketData, Failure> {
    let source = CsvSource::Path(request.input.clone());
    let mut options = CsvOptions::new(source, Calendar::Utc24x7);
    options.required = Fields::of(&[Field::Close]);
    options.contract = Some(ContractStage {
        strictness: Strictness::Strict,
        calendar: None,
    });
    options.adjust = adjust.map(str::to_owned);
    CsvMarketData::open(&options).map_err(|e| RunError::Port(e).into())
}

fn only_symbol(data: &CsvMarketData) -> Result<String, Error> {
    let symbols = &data.inventory().symbols;
    match symbols.keys().next() {
        Some(one) if symbols.len() == 1 => Ok(one.clone()),
        _ => Err(Error::config("the input has more than one symbol")
            .context("symbols", some(symbols.keys()))
            .hint("choose one with --symbol")),
    }
}

fn some<'a>(symbols: impl ExactSizeIterator<Item = &'a String>) -> String {
    let count = symbols.len();
    let shown: Vec<&str> = symbols.take(12).map(String::as_str).collect();
    let rest = if count > shown.len() { ", …" } else { "" };
    format!("{}{rest}", shown.join(", "))
}

/// Columns of a symbol between the dates.
struct Selected {
    times: Vec<Timestamp>,
    high_low: Option<(Vec<f64>, Vec<f64>)>,
    close: Vec<f64>,
}

fn selected(
    data: &CsvMarketData,
    factors: Option<&CsvMarketData>,
    symbol: &str,
    request: &IndicatorRequest,
) -> Result<Selected, Error> {
    let bars = bars(data, symbol)?;
    let times = bars.open_times();
    let after = |date: NaiveDate| times.partition_point(|t| t.date() <= date);
    let start = request
        .start
        .map_or(0, |date| times.partition_point(|t| t.date() < date));
    let end = request.end.map_or(times.len(), after);
    if start >= end {
        return Err(Error::validation("no bar lies between the dates")
            .context("symbol", symbol)
            .context(
                "first",
                times.first().copied().map_or_else(String::new, time),
            )
            .context("last", times.last().copied().map_or_else(String::new, time))
            .hint("choose dates between the first and the last bar"));
    }
    // With a factor column as the close, the "closes" are the factors of the same rows.
    let factors = match factors {
        Some(data) => Some(self::bars(data, symbol)?.column(Field::Close)),
        None => None,
    };
    let column = |field| -> Vec<f64> {
        let mut values = bars.column(field)[start..end].to_vec();
        if let Some(factors) = factors {
            for (x, factor) in values.iter_mut().zip(&factors[start..end]) {
                *x *= factor;
            }
        }
        values
    };
    let has = |field| bars.fields().has(field);
    Ok(Selected {
        times: times[start..end].to_vec(),
        high_low: (has(Field::High) && has(Field::Low))
            .then(|| (column(Field::High), column(Field::Low))),
        close: column(Field::Close),
    })
}

fn bars<'a>(data: &'a CsvMarketData, symbol: &str) -> Result<&'a Bars, Error> {
    if let Some(series) = data.series(symbol) {
        return Ok(&series.bars);
    }
    let symbols = &data.inventory().symbols;
    let near = nearest(symbol, symbols.keys().map(String::as_str));
    let hint = near.map_or_else(
        || "choose one of the symbols of the input".to_owned(),
        |near| format!("did you mean '{near}'?"),
    );
    Err(Error::config(format!("the input has no symbol '{symbol}'"))
        .context("symbols", some(symbols.keys()))
        .hint(hint))
}

/// The benchmark's closes at the times of the bars.
fn aligned(bars: &Selected, benchmark: &Selected, symbol: &str) -> Result<Vec<f64>, Error> {
    let at = |instant: &Timestamp| {
        let found = benchmark.times.binary_search(instant);
        found.map(|i| benchmark.close[i]).map_err(|_| {
            Error::validation("the benchmark has no bar at a time of the symbol")
                .context("benchmark", symbol)
                .context("time", time(*instant))
                .hint("choose --start and --end where both have every bar")
        })
    };
    bars.times.iter().map(at).collect()
}

/// Days a year by whether weekends have bars, times the bars of a day around the clock.
fn bars_a_year(bar: BarSize, times: &[Timestamp]) -> Result<f64, Error> {
    let weekend = |time: &Timestamp| matches!(time.date().weekday(), Weekday::Sat | Weekday::Sun);
    let every_day = times.iter().any(weekend);
    match bar.intraday() {
        None => Ok(if every_day { 365.0 } else { 252.0 }),
        Some(bar) if every_day => Ok(365.0 * (NANOS_PER_DAY as f64 / bar.nanos() as f64)),
        Some(_) => Err(
            Error::config("the bars of a session cannot be told from the file")
                .context("bar", bar)
                .hint("add --annualisation with the bars of a year"),
        ),
    }
}
