//! Indicators: one number a bar from the bars so far, updated in constant time.
//!
//! Decisions use the incremental forms only: a constructor that checks its period, `update` once a
//! bar (`None` during warm-up), `value` for the latest figure, `save` and `restore` to the bit.
//! Nothing is allocated after construction and no value depends on a later bar. The batch
//! functions write into the caller's slice, NaN during warm-up, and give the same bits; those that are
//! faster another way say how near they come.
//!
//! Inputs are finite: prices and returns are validated before they reach an indicator.

mod anchored;
mod cache;
pub mod catalogue;
pub mod channel;
pub mod dickey_fuller;
pub mod directional_movement;
pub mod drawdown;
pub mod exponential_average;
pub mod exponential_volatility;
pub mod extremes;
pub mod macd;
pub mod moments;
pub mod momentum;
pub mod moving_average;
pub mod pair;
pub mod relative_strength;
pub mod returns;
mod ring;
mod saved;
pub mod spec;
pub mod standard_deviation;
pub mod state;
pub mod total_return;
pub mod true_range;
pub mod volatility;

pub use cache::{CacheUse, IndicatorCache, IndicatorKey};
pub use catalogue::{CATALOGUE, Definition, Reads};
pub use channel::{Bollinger, Breakout, Channel, Donchian, bollinger, breakout, donchian};
pub use dickey_fuller::{DickeyFuller, dickey_fuller};
pub use directional_movement::{Adx, DirectionalMovement, Directions, adx, directional_movement};
pub use drawdown::{Drawdown, drawdown};
pub use exponential_average::{Ema, Seed, ema};
pub use exponential_volatility::{EwVolatility, ew_volatility};
pub use extremes::{RollingMax, RollingMin, rolling_max, rolling_min};
pub use macd::{Macd, MacdLines, macd};
pub use moments::{RollingMoments, rolling_kurtosis, rolling_skew, rolling_variance, z_score};
pub use momentum::{Momentum, momentum};
pub use moving_average::{Sma, sma};
pub use pair::{Line, RollingPair, RollingTrend, rolling_pair, rolling_trend};
pub use relative_strength::{Rsi, RsiSeed, rsi};
pub use returns::{ReturnKind, Returns, log_return, returns, simple_return};
pub(crate) use ring::Ring;
pub use spec::{Columns, IndicatorSpec};
pub use standard_deviation::{Ddof, RollingStd, rolling_std};
pub use state::{StateReader, StateWriter};
pub use total_return::{TotalReturnIndex, total_return_index};
pub use true_range::{Atr, TrueRange, atr, true_range};
pub use volatility::{Volatility, annualised, volatility};

use crate::error::{Error, Result};

/// Refuses a window shorter than the rule `name` can use.
pub(crate) fn require_period(name: &str, period: usize, at_least: usize) -> Result<()> {
    if period >= at_least {
        return Ok(());
    }
    Err(
        Error::signal(format!("{name} needs a period of at least {at_least}"))
            .context("period", period)
            .hint(format!("use a period of {at_least} bars or more")),
    )
}

/// Refuses an output slice that does not match its input bar by bar.
fn require_same_length(name: &str, input: usize, output: usize) -> Result<()> {
    if input == output {
        return Ok(());
    }
    Err(
        Error::signal(format!("the output of {name} must be as long as its input"))
            .context("input", input)
            .context("output", output)
            .hint("pass an output slice with one place for each input value"),
    )
}

/// Writes what `update` gives for each value, NaN for nothing.
fn fill(
    name: &str,
    values: &[f64],
    out: &mut [f64],
    mut update: impl FnMut(f64) -> Option<f64>,
) -> Result<()> {
    require_same_length(name, values.len(), out.len())?;
    for (&x, y) in values.iter().zip(out) {
        *y = update(x).unwrap_or(f64::NAN);
    }
    Ok(())
}

/// Writes what `update` gives for each high, low and close, NaN for nothing.
fn fill_bars(
    name: &str,
    columns: [&[f64]; 3],
    out: &mut [f64],
    mut update: impl FnMut([f64; 3]) -> Option<f64>,
) -> Result<()> {
    let [high, low, close] = columns;
    require_same_length(name, high.len(), low.len())?;
    require_same_length(name, high.len(), close.len())?;
    require_same_length(name, high.len(), out.len())?;
    for (((&h, &l), &c), y) in high.iter().zip(low).zip(close).zip(out) {
        *y = update([h, l, c]).unwrap_or(f64::NAN);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ERR-11: a bad parameter says which rule, which value and what to use instead.
    #[test]
    fn err_11_bad_periods_and_lengths_teach() {
        let mut short = [0.0; 2];
        for (error, text) in [
            (
                Sma::new(0).unwrap_err(),
                "sma needs a period of at least 1 (period = 0); hint: use a period of 1 bars or more",
            ),
            (
                RollingStd::new(1, Ddof::Sample).unwrap_err(),
                "rolling sample standard deviation needs a period of at least 2 (period = 1); \
                 hint: use a period of 2 bars or more",
            ),
            (
                RollingStd::new(0, Ddof::Population).unwrap_err(),
                "rolling population standard deviation needs a period of at least 1 (period = 0); \
                 hint: use a period of 1 bars or more",
            ),
            (
                RollingMax::new(0).unwrap_err(),
                "rolling maximum needs a period of at least 1 (period = 0); \
                 hint: use a period of 1 bars or more",
            ),
            (
                RollingMin::new(0).unwrap_err(),
                "rolling minimum needs a period of at least 1 (period = 0); \
                 hint: use a period of 1 bars or more",
            ),
            (
                sma(&[1.0, 2.0, 3.0], 2, &mut short).unwrap_err(),
                "the output of sma must be as long as its input (input = 3, output = 2); \
                 hint: pass an output slice with one place for each input value",
            ),
        ] {
            assert_eq!(error.to_string(), text);
        }
    }
}
