//! An indicator as text, such as `macd_12_26_9`, and its values over columns.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorKind, Result};
use crate::indicators::catalogue::{Definition, Reads, definition};
use crate::indicators::channel::{Bollinger, Breakout};
use crate::indicators::dickey_fuller::{DickeyFuller, dickey_fuller};
use crate::indicators::directional_movement::{Adx, DirectionalMovement};
use crate::indicators::drawdown::Drawdown;
use crate::indicators::exponential_average::{Ema, Seed};
use crate::indicators::exponential_volatility::EwVolatility;
use crate::indicators::extremes::{RollingMax, RollingMin};
use crate::indicators::macd::{Macd, MacdLines};
use crate::indicators::moments::RollingMoments;
use crate::indicators::momentum::Momentum;
use crate::indicators::moving_average::Sma;
use crate::indicators::pair::{Line, RollingPair, RollingTrend};
use crate::indicators::relative_strength::{Rsi, RsiSeed};
use crate::indicators::returns::{ReturnKind, Returns};
use crate::indicators::standard_deviation::{Ddof, RollingStd};
use crate::indicators::true_range::{Atr, TrueRange};
use crate::indicators::volatility::{Volatility, annualised};
use crate::indicators::{require_period, require_same_length};

/// The longest period of a spec, in bars: ten years of minutes. More is a typing error, and windows
/// are allocated at once.
pub const PERIOD_MAX: usize = 6_000_000;

/// An indicator by name with its parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct IndicatorSpec {
    text: String,
    definition: &'static Definition,
    /// As many as the definition names; all but widths and decays are whole.
    parameters: Vec<f64>,
}

/// What indicators are computed from, bar by bar.
#[derive(Clone, Copy, Debug)]
pub struct Columns<'a> {
    /// Highs and lows, unless there are only closes.
    pub high_low: Option<(&'a [f64], &'a [f64])>,
    /// Closes.
    pub close: &'a [f64],
    /// Closes of a benchmark at the same bars.
    pub benchmark: Option<&'a [f64]>,
    /// Bars a year.
    pub annualisation: f64,
}

impl FromStr for IndicatorSpec {
    type Err = Error;

    /// Reads a name and its parameters.
    ///
    /// # Errors
    /// When the name is unknown, or a parameter is missing, too many, not a number or out of range.
    fn from_str(text: &str) -> Result<Self> {
        let segments: Vec<&str> = text.split('_').collect();
        let numeric = |s: &&str| s.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
        let named = segments.iter().take_while(|s| !numeric(s)).count();
        let name = segments[..named].join("_");
        let Some(definition) = definition(&name) else {
            return Err(
                Error::config(format!("there is no indicator '{name}'")).context("spec", text)
            );
        };
        let wrong = |message: String| {
            Err(Error::config(message)
                .context("spec", text)
                .hint(format!("write it like {}", definition.example)))
        };
        let given = &segments[named..];
        if given.len() != definition.parameters.len() {
            let wanted = match definition.parameters {
                [] => "no parameter".to_owned(),
                [one] => format!("one parameter, {one}"),
                many => format!("{} parameters: {}", many.len(), many.join(", ")),
            };
            return wrong(format!("'{name}' takes {wanted}; given: {}", given.len()));
        }
        let mut parameters = Vec::new();
        for (parameter, text) in definition.parameters.iter().zip(given) {
            let value: Option<f64> = text.parse().ok();
            let whole = !matches!(*parameter, "width" | "decay");
            match value {
                Some(x) if whole && !(1.0..=PERIOD_MAX as f64).contains(&x) => {
                    return wrong(format!(
                        "{parameter} = {text} is not in 1..={PERIOD_MAX} bars"
                    ));
                }
                Some(x) if !whole || x.fract() == 0.0 => parameters.push(x),
                Some(_) => return wrong(format!("{parameter} = {text} is not a whole number")),
                None => return wrong(format!("{parameter} = '{text}' is not a number")),
            }
        }
        let spec = Self {
            text: text.to_owned(),
            definition,
            parameters,
        };
        spec.check()?;
        Ok(spec)
    }
}

impl fmt::Display for IndicatorSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl IndicatorSpec {
    /// What the name stands for.
    pub fn definition(&self) -> &'static Definition {
        self.definition
    }

    /// The indicator's own rules for its parameters, found out over no bars.
    fn check(&self) -> Result<()> {
        let none = Columns {
            high_low: Some((&[], &[])),
            close: &[],
            benchmark: Some(&[]),
            annualisation: 1.0,
        };
        self.values(&none).map(|_| ()).map_err(|error| {
            let mut error = error.context("spec", &self.text);
            error.kind = Box::new(ErrorKind::Configuration);
            error
        })
    }

    fn period(&self, position: usize) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "parsing kept whole numbers in 1..=PERIOD_MAX only"
        )]
        let period = self.parameters[position] as usize;
        period
    }

    /// One value a bar, NaN where undefined: the incremental indicator, bar by bar.
    ///
    /// # Errors
    /// When a column it reads is missing or of another length, or a parameter is out of range.
    pub fn values(&self, columns: &Columns<'_>) -> Result<Vec<f64>> {
        match self.definition.reads {
            Reads::Close => self.of_closes(columns),
            Reads::HighLow => self.of_bars(columns),
            Reads::Benchmark => self.of_benchmark(columns),
        }
    }

    fn of_closes(&self, columns: &Columns<'_>) -> Result<Vec<f64>> {
        use {Ddof::Population, Ddof::Sample, ReturnKind::Log, ReturnKind::Simple};
        let yearly = |std: f64| annualised(std, columns.annualisation);
        let n = || self.period(0);
        let closes = columns.close;
        macro_rules! each {
            ($new:expr) => {{
                let mut indicator = $new;
                Ok(each(closes, |x| indicator.update(x)))
            }};
            ($new:expr, $figure:expr) => {{
                let mut indicator = $new;
                let figure = $figure;
                Ok(each(closes, |x| indicator.update(x).map(&figure)))
            }};
        }
        match self.definition.name {
            "sma" => each!(Sma::new(n())?),
            "ema" => each!(Ema::new(n(), Seed::Mean)?),
            "ema_rec" => each!(Ema::new(n(), Seed::First)?),
            "macd" => each!(self.macd(Seed::Mean)?, |l: MacdLines| l.macd),
            "macd_signal" => each!(self.macd(Seed::Mean)?, |l: MacdLines| l.signal),
            "macd_hist" => each!(self.macd(Seed::Mean)?, |l: MacdLines| l.histogram),
            "macd_rec" => each!(self.macd(Seed::First)?, |l: MacdLines| l.macd),
            "macd_rec_signal" => each!(self.macd(Seed::First)?, |l: MacdLines| l.signal),
            "macd_rec_hist" => each!(self.macd(Seed::First)?, |l: MacdLines| l.histogram),
            "rsi" => each!(Rsi::new(n(), RsiSeed::Wilder)?),
            "rsi_zero" => each!(Rsi::new(n(), RsiSeed::Zero)?),
            "bb_up" => each!(self.bands()?, |c: super::Channel| c.upper),
            "bb_mid" => each!(self.bands()?, |c: super::Channel| c.middle),
            "bb_low" => each!(self.bands()?, |c: super::Channel| c.lower),
            "max" => each!(RollingMax::new(n())?),
            "min" => each!(RollingMin::new(n())?),
            "std" => each!(RollingStd::new(n(), Sample)?),
            "std0" => each!(RollingStd::new(n(), Population)?),
            "var" => self.moments(closes, 2, |m| m.variance(Sample)),
            "var0" => self.moments(closes, 1, |m| m.variance(Population)),
            "z" => self.moments(closes, 2, |m| m.z_score(Sample)),
            "z0" => self.moments(closes, 2, |m| m.z_score(Population)),
            "mom" => each!(Momentum::new(n())?),
            "logret" => each!(Returns::new(Log)),
            "simpleret" => each!(Returns::new(Simple)),
            "vol_log" => each!(Volatility::new(n(), Log, Sample)?, yearly),
            "vol_simple" => each!(Volatility::new(n(), Simple, Sample)?, yearly),
            "ewvol" => each!(EwVolatility::new(self.parameters[0])?, yearly),
            "skew" => self.of_returns(closes, 2, |m| m.skew(Population)),
            "skew1" => self.of_returns(closes, 3, |m| m.skew(Sample)),
            "kurt" => self.of_returns(closes, 2, |m| m.excess_kurtosis(Population)),
            "kurt1" => self.of_returns(closes, 4, |m| m.excess_kurtosis(Sample)),
            "linreg" => each!(RollingTrend::new(n())?, |l: Line| l.at_latest),
            "linreg_slope" => each!(RollingTrend::new(n())?, |l: Line| l.slope),
            "linreg_r2" => each!(RollingTrend::new(n())?, |l: Line| l.r_squared),
            "adf" => self.adf(closes, |test| test.statistic),
            "adf_lags" => self.adf(closes, |test| test.lags as f64),
            "adf_clip" => self.adf(closes, DickeyFuller::clipped),
            "drawdown" => each!(Drawdown::new()),
            _ => Err(self.unbuilt()),
        }
    }

    fn of_bars(&self, columns: &Columns<'_>) -> Result<Vec<f64>> {
        let Some((high, low)) = columns.high_low else {
            return Err(Error::validation("the data has no highs and lows")
                .context("spec", &self.text)
                .hint("use a file with the columns open, high, low, close and volume"));
        };
        require_same_length(self.definition.name, high.len(), columns.close.len())?;
        require_same_length(self.definition.name, low.len(), columns.close.len())?;
        macro_rules! each {
            ($new:expr, |$indicator:ident, $bar:ident| $update:expr) => {{
                let mut $indicator = $new;
                let bars = high.iter().zip(low).zip(columns.close);
                Ok(bars
                    .map(|((&h, &l), &c)| {
                        let $bar = [h, l, c];
                        $update.unwrap_or(f64::NAN)
                    })
                    .collect())
            }};
        }
        let n = || self.period(0);
        match self.definition.name {
            "tr" => each!(TrueRange::new(), |i, b| i.update(b[0], b[1], b[2])),
            "atr" => each!(Atr::new(n())?, |i, b| i.update(b[0], b[1], b[2])),
            "plus_di" => each!(DirectionalMovement::new(n())?, |i, b| i
                .update(b[0], b[1], b[2])
                .map(|d| d.plus)),
            "minus_di" => each!(DirectionalMovement::new(n())?, |i, b| i
                .update(b[0], b[1], b[2])
                .map(|d| d.minus)),
            "adx" => each!(Adx::new(n())?, |i, b| i.update(b[0], b[1], b[2])),
            "don_hi" => each!(RollingMax::new(n())?, |i, b| i.update(b[0])),
            "don_lo" => each!(RollingMin::new(n())?, |i, b| i.update(b[1])),
            "breakout" => each!(Breakout::new(n())?, |i, b| i.update(b[0], b[1], b[2])),
            _ => Err(self.unbuilt()),
        }
    }

    fn of_benchmark(&self, columns: &Columns<'_>) -> Result<Vec<f64>> {
        let Some(benchmark) = columns.benchmark else {
            return Err(Error::config("this indicator needs a benchmark")
                .context("spec", &self.text)
                .hint("name the symbol to compare with, such as --benchmark SPY"));
        };
        require_same_length(self.definition.name, benchmark.len(), columns.close.len())?;
        let figure = match self.definition.name {
            "beta" => RollingPair::beta,
            "corr" => RollingPair::correlation,
            _ => return Err(self.unbuilt()),
        };
        let mut pair = RollingPair::new(self.period(0))?;
        let mut returns = [Returns::new(ReturnKind::Log), Returns::new(ReturnKind::Log)];
        let pairs = benchmark.iter().zip(columns.close);
        Ok(pairs
            .map(|(&x, &y)| {
                let [of_x, of_y] = &mut returns;
                let (Some(x), Some(y)) = (of_x.update(x), of_y.update(y)) else {
                    return f64::NAN;
                };
                pair.update(x, y);
                figure(&pair).unwrap_or(f64::NAN)
            })
            .collect())
    }

    /// Windowed, unlike the others: each window is a regression of its own.
    fn adf(&self, closes: &[f64], figure: impl Fn(DickeyFuller) -> f64) -> Result<Vec<f64>> {
        require_period(self.definition.name, self.period(0), 8)?;
        let mut values = vec![f64::NAN; closes.len()];
        let windows = closes.windows(self.period(0));
        for (window, y) in windows.zip(values.iter_mut().skip(self.period(0) - 1)) {
            *y = dickey_fuller(window).map_or(f64::NAN, &figure);
        }
        Ok(values)
    }

    fn macd(&self, seed: Seed) -> Result<Macd> {
        Macd::new(self.period(0), self.period(1), self.period(2), seed)
    }

    fn bands(&self) -> Result<Bollinger> {
        Bollinger::new(self.period(0), self.parameters[1], Ddof::Population)
    }

    fn moments(
        &self,
        values: &[f64],
        at_least: usize,
        figure: impl Fn(&RollingMoments) -> Option<f64>,
    ) -> Result<Vec<f64>> {
        require_period(self.definition.name, self.period(0), at_least)?;
        let mut moments = RollingMoments::new(self.period(0))?;
        Ok(each(values, |x| {
            moments.update(x);
            figure(&moments)
        }))
    }

    fn of_returns(
        &self,
        closes: &[f64],
        at_least: usize,
        figure: impl Fn(&RollingMoments) -> Option<f64>,
    ) -> Result<Vec<f64>> {
        let mut returns = Returns::new(ReturnKind::Simple);
        let values = each(closes, |x| returns.update(x));
        let mut figures = self.moments(values.get(1..).unwrap_or(&[]), at_least, figure)?;
        if !closes.is_empty() {
            figures.insert(0, f64::NAN);
        }
        Ok(figures)
    }

    /// A name of the catalogue without an arm; a test asks for every one.
    fn unbuilt(&self) -> Error {
        Error::invariant(format!("'{}' has no computation", self.definition.name))
    }
}

fn each(values: &[f64], mut update: impl FnMut(f64) -> Option<f64>) -> Vec<f64> {
    let value = |&x| update(x).unwrap_or(f64::NAN);
    values.iter().map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::CATALOGUE;

    fn spec(text: &str) -> IndicatorSpec {
        text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    /// Every name computes, and its first value comes exactly when the catalogue says.
    #[test]
    fn every_example_starts_after_its_stated_warm_up() {
        let bars = crate::indicators::saved::bars(120);
        let [high, low, close] = [0, 1, 2].map(|i| bars.iter().map(|b| b[i]).collect::<Vec<_>>());
        let columns = Columns {
            high_low: Some((&high, &low)),
            close: &close,
            benchmark: Some(&high),
            annualisation: 252.0,
        };
        for definition in CATALOGUE {
            let spec = spec(definition.example);
            assert_eq!(spec.definition(), definition);
            assert_eq!(spec.to_string(), definition.example);
            let p = &spec.parameters;
            let expected = match definition.warm_up {
                "0" => 0.0,
                "1" => 1.0,
                "n" => p[0],
                "n - 1" => p[0] - 1.0,
                "2n - 1" => 2.0 * p[0] - 1.0,
                "slow + signal - 2" => p[1] + p[2] - 2.0,
                other => panic!("what is a warm-up of {other}"),
            };
            let values = spec.values(&columns).unwrap();
            assert_eq!(values.len(), close.len());
            let first = values.iter().position(|x| x.is_finite()).unwrap();
            assert_eq!(first as f64, expected, "{spec}");
            assert!(values[first..].iter().all(|x| x.is_finite()), "{spec}");
        }
    }

    /// ERR-11: a spec that cannot be meant says why and shows one that can.
    #[test]
    fn err_11_bad_specs_teach() {
        for (text, expected) in [
            ("smma_20", "there is no indicator 'smma' (spec = smma_20)"),
            ("", "there is no indicator '' (spec = )"),
            (
                "sma",
                "'sma' takes one parameter, n; given: 0 (spec = sma); hint: write it like sma_20",
            ),
            (
                "macd_12_26",
                "'macd' takes 3 parameters: fast, slow, signal; given: 2 (spec = macd_12_26); \
                 hint: write it like macd_12_26_9",
            ),
            (
                "tr_14",
                "'tr' takes no parameter; given: 1 (spec = tr_14); hint: write it like tr",
            ),
            (
                "sma_2.5",
                "n = 2.5 is not a whole number (spec = sma_2.5); hint: write it like sma_20",
            ),
            (
                "sma_0",
                "n = 0 is not in 1..=6000000 bars (spec = sma_0); hint: write it like sma_20",
            ),
            (
                "sma_1e99",
                "n = 1e99 is not in 1..=6000000 bars (spec = sma_1e99); hint: write it like sma_20",
            ),
            (
                "sma_2x",
                "n = '2x' is not a number (spec = sma_2x); hint: write it like sma_20",
            ),
            (
                "ewvol_1.5",
                "a decay lies between 0 and 1 (decay = 1.5, spec = ewvol_1.5); \
                 hint: use 0.94 for daily and 0.97 for monthly bars",
            ),
            (
                "adx_1",
                "adx needs a period of at least 2 (period = 1, spec = adx_1); \
                 hint: use a period of 2 bars or more",
            ),
        ] {
            let error = text.parse::<IndicatorSpec>().unwrap_err();
            assert_eq!(error.to_string(), expected);
            assert_eq!(*error.kind, ErrorKind::Configuration);
        }
    }

    #[test]
    fn missing_columns_are_refused() {
        let closes = Columns {
            high_low: None,
            close: &[1.0, 2.0],
            benchmark: None,
            annualisation: 1.0,
        };
        let e = spec("atr_1").values(&closes).unwrap_err().to_string();
        assert!(e.contains("no highs and lows"), "{e}");
        let e = spec("beta_2").values(&closes).unwrap_err().to_string();
        assert!(e.contains("hint: name the symbol to compare with"), "{e}");
    }
}
