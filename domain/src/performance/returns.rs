//! From an equity curve to returns and back.

use super::defined;
use crate::error::{Error, Result};

/// Refuses an equity series that is not finite and positive everywhere, or is empty.
///
/// # Errors
/// `Invariant` with the first offending `index` and its `value`; `DataMissing` when `equity` is
/// empty.
pub fn check_equity(equity: &[f64]) -> Result<()> {
    if equity.is_empty() {
        return Err(Error::missing("the equity series is empty")
            .hint("a run records its opening capital before the first bar"));
    }
    match equity.iter().position(|v| !(v.is_finite() && *v > 0.0)) {
        None => Ok(()),
        Some(index) => Err(Error::invariant(
            "backtest invariant broken: equity must be finite and positive",
        )
        .context("index", index)
        .context("value", equity[index])
        .hint(
            "look at the fills and marks of this bar; a book that can lose more than its capital \
             needs a margin model or a lower gross limit",
        )),
    }
}

/// Refuses a return series that is empty, has a value that is not finite, or loses 100 % or more
/// in one bar (equity after it would not be positive).
///
/// # Errors
/// `Invariant` with the first offending `index` and its `value`; `DataMissing` when `returns` is
/// empty.
pub fn check_returns(returns: &[f64]) -> Result<()> {
    if returns.is_empty() {
        return Err(Error::missing("the return series is empty")
            .hint("statistics need at least two equity values"));
    }
    match returns.iter().position(|r| !(r.is_finite() && *r > -1.0)) {
        None => Ok(()),
        Some(index) => Err(Error::invariant(
            "backtest invariant broken: returns must be finite and above -100 %",
        )
        .context("index", index)
        .context("value", returns[index])
        .hint("returns are simple and fractional: 0.01 is one percent")),
    }
}

/// `equity[t] / equity[t - 1] - 1`, one value fewer than `equity`.
///
/// # Errors
/// As [`check_equity`]; `Invariant` also when a ratio leaves the range of f64.
pub fn simple_returns(equity: &[f64]) -> Result<Vec<f64>> {
    check_equity(equity)?;
    let returns: Vec<f64> = equity.windows(2).map(|w| w[1] / w[0] - 1.0).collect();
    if !returns.is_empty() {
        check_returns(&returns)?;
    }
    Ok(returns)
}

/// Growth of a capital of 1: `1, (1 + r0), (1 + r0)(1 + r1), …`, one value more than `returns`.
///
/// # Errors
/// As [`check_returns`]; `Invariant` also when the product leaves the range of f64.
pub fn wealth(returns: &[f64]) -> Result<Vec<f64>> {
    check_returns(returns)?;
    let mut path = Vec::with_capacity(returns.len() + 1);
    let mut value = 1.0;
    path.push(value);
    for r in returns {
        value *= 1.0 + r;
        path.push(value);
    }
    check_equity(&path)?;
    Ok(path)
}

/// `last / first - 1` of an equity series; `None` when it is empty or not positive.
pub fn total_return(equity: &[f64]) -> Option<f64> {
    let (first, last) = (equity.first()?, equity.last()?);
    (*first > 0.0)
        .then_some(last / first - 1.0)
        .and_then(defined)
}

/// Compound annual growth rate: `(last / first)^(annualisation / n) - 1` with `n` the number of
/// returns, one fewer than the equity values. `None` with fewer than two values.
pub fn cagr(equity: &[f64], annualisation: f64) -> Option<f64> {
    let (first, last) = (equity.first()?, equity.last()?);
    let n = equity.len() - 1;
    if n == 0 || *first <= 0.0 || *last <= 0.0 {
        return None;
    }
    defined(libm::pow(last / first, annualisation / n as f64) - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    /// BT-07: equity that is zero, negative, NaN or infinite is a typed error that says where.
    #[test]
    fn bt_07_impossible_equity_is_a_typed_error() {
        for (bad, shown) in [
            (0.0, "0"),
            (-12.5, "-12.5"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "inf"),
        ] {
            let e = simple_returns(&[100.0, 101.0, bad, 99.0]).unwrap_err();
            assert_eq!(*e.kind, ErrorKind::Invariant, "{bad}");
            assert_eq!(
                e.context,
                [
                    ("index".to_owned(), "2".to_owned()),
                    ("value".to_owned(), shown.to_owned())
                ]
            );
            assert!(e.hint.is_some());
        }
        assert_eq!(
            *simple_returns(&[]).unwrap_err().kind,
            ErrorKind::DataMissing
        );
    }

    /// BT-07: so are returns no positive equity can produce.
    #[test]
    fn bt_07_impossible_returns_are_a_typed_error() {
        for bad in [-1.0, -2.0, f64::NAN, f64::NEG_INFINITY] {
            let e = wealth(&[0.1, bad]).unwrap_err();
            assert_eq!(*e.kind, ErrorKind::Invariant, "{bad}");
            assert_eq!(e.context[0].1, "1");
        }
        assert_eq!(
            *wealth(&[1e200, 1e200]).unwrap_err().kind,
            ErrorKind::Invariant,
            "an overflowing product"
        );
        assert_eq!(
            *simple_returns(&[1e-300, 1e300]).unwrap_err().kind,
            ErrorKind::Invariant,
            "an overflowing ratio"
        );
    }

    #[test]
    fn returns_and_wealth_are_inverse() {
        let equity = [1.0, 1.25, 0.625, 1.25];
        let returns = simple_returns(&equity).unwrap();
        assert_eq!(returns, [0.25, -0.5, 1.0]);
        assert_eq!(wealth(&returns).unwrap(), equity);
    }

    #[test]
    fn growth_is_compounded_over_the_number_of_returns() {
        let equity = [100.0, 90.0, 121.0];
        assert!((total_return(&equity).unwrap() - 0.21).abs() < 1e-15);
        assert!((cagr(&equity, 1.0).unwrap() - 0.1).abs() < 1e-15);
        assert!((cagr(&equity, 2.0).unwrap() - 0.21).abs() < 1e-15);
        assert_eq!(cagr(&[100.0], 252.0), None);
        assert_eq!(total_return(&[]), None);
    }
}
