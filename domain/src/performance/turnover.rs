//! How often the book is turned over.

use serde::Serialize;

use super::defined;
use super::moments::{mean, sum};

/// Traded value against equity.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Turnover {
    /// Σ |traded notional|, buys and sells both counted, in account currency.
    pub traded_notional: f64,
    /// Mean of the equity series, opening capital included.
    pub average_equity: Option<f64>,
    /// Length of the series: returns over annualisation; `None` unless that is finite.
    pub years: Option<f64>,
    /// `traded_notional / average_equity / years`: buys and sells both counted. Replacing the
    /// whole book once a year is 2.
    pub two_way: Option<f64>,
    /// Half of `two_way`: replacing the whole book once a year is 1.
    pub one_way: Option<f64>,
}

/// Turnover of fills with the given `notionals` (any sign; magnitudes count) against `equity`,
/// whose first value is the opening capital. The ratios are `None` below two equity values.
pub fn turnover(
    notionals: impl IntoIterator<Item = f64>,
    equity: &[f64],
    annualisation: f64,
) -> Turnover {
    let traded_notional = sum(notionals.into_iter().map(f64::abs));
    let years = defined(equity.len().saturating_sub(1) as f64 / annualisation);
    let average_equity = mean(equity);
    let two_way = average_equity
        .zip(years)
        .and_then(|(average, years)| defined(traded_notional / average / years));
    Turnover {
        traded_notional,
        average_equity,
        years,
        two_way,
        one_way: two_way.map(|t| t / 2.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacing_the_book_once_a_year_is_one_way_one() {
        // Sell 100 and buy 100 on an equity of 100, in half a year.
        let t = turnover([-100.0, 100.0], &[90.0, 100.0, 110.0], 4.0);
        assert_eq!(t.average_equity, Some(100.0));
        assert_eq!((t.two_way, t.one_way), (Some(4.0), Some(2.0)));
    }

    #[test]
    fn no_trades_turn_nothing_and_no_time_is_undefined() {
        assert_eq!(turnover([], &[1.0, 1.0], 252.0).two_way, Some(0.0));
        assert_eq!(turnover([1.0], &[1.0], 252.0).two_way, None);
        assert_eq!(turnover([], &[], 252.0).one_way, None);
        let t = turnover([1.0], &[1.0], 0.0);
        assert_eq!((t.years, t.two_way), (None, None));
    }
}
