//! Indicators: one number a bar from the bars so far, updated in constant time.
//!
//! Decisions use the incremental forms only: a constructor that checks its period, `update` once a
//! bar (`None` during warm-up), `value` for the latest figure, `save` and `restore` to the bit.
//! Nothing is allocated after construction and no value depends on a later bar. The batch
//! functions write into the caller's slice, NaN during warm-up, and give the same bits.
//!
//! Inputs are finite: prices and returns are validated before they reach an indicator.

pub mod extremes;
pub mod moving_average;
pub mod returns;
mod ring;
pub mod standard_deviation;
pub mod state;
pub mod total_return;
pub mod volatility;

pub use extremes::{RollingMax, RollingMin, rolling_max, rolling_min};
pub use moving_average::{Sma, sma};
pub use returns::{ReturnKind, Returns, log_return, returns, simple_return};
pub(crate) use ring::Ring;
pub use standard_deviation::{Ddof, RollingStd, rolling_std};
pub use state::{StateReader, StateWriter};
pub use total_return::{TotalReturnIndex, total_return_index};
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
