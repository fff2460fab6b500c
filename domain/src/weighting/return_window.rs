//! The returns a covariance is estimated from.

use crate::error::{Error, Result};

/// Returns of some instruments over the same bars: one column each, all finite, at least two rows.
#[derive(Clone, Debug, PartialEq)]
pub struct ReturnWindow {
    columns: Vec<Vec<f64>>,
    rows: usize,
}

impl ReturnWindow {
    /// From one column of returns (fractions per bar) for each instrument, oldest first.
    ///
    /// # Errors
    /// When there is no column, columns differ in length, there are fewer than two rows, or a
    /// return is not finite.
    pub fn new(columns: Vec<Vec<f64>>) -> Result<Self> {
        let rows = columns.first().map_or(0, Vec::len);
        if let Some(at) = columns.iter().position(|column| column.len() != rows) {
            return Err(
                Error::signal_calculation("instruments need returns over the same bars")
                    .context("position", at)
                    .context("returns", columns[at].len())
                    .context("returns_of_the_first", rows)
                    .hint("keep the bars that every instrument has"),
            );
        }
        if columns.is_empty() || rows < 2 {
            return Err(
                Error::signal_calculation("too few returns for a covariance")
                    .context("instruments", columns.len())
                    .context("returns", rows)
                    .hint("two returns, so three closes, are the least; use a longer window"),
            );
        }
        for (at, column) in columns.iter().enumerate() {
            if let Some(row) = column.iter().position(|r| !r.is_finite()) {
                return Err(
                    Error::signal_calculation("a return must be a finite number")
                        .context("position", at)
                        .context("row", row)
                        .context("return", column[row])
                        .hint("fill or leave out the bar before weights are computed"),
                );
            }
        }
        Ok(Self { columns, rows })
    }

    /// Simple returns `c_t / c_{t-1} − 1` of one column of closes for each instrument.
    ///
    /// # Errors
    /// When a close is not above zero and finite; as [`new`](Self::new).
    pub fn from_closes<C: AsRef<[f64]>>(closes: &[C]) -> Result<Self> {
        let mut columns = Vec::with_capacity(closes.len());
        for (at, column) in closes.iter().enumerate() {
            let column = column.as_ref();
            let bad = |close: &f64| !(*close > 0.0 && close.is_finite());
            if let Some(row) = column.iter().position(bad) {
                return Err(
                    Error::signal_calculation("a close must be above zero and finite")
                        .context("position", at)
                        .context("row", row)
                        .context("close", column[row])
                        .hint("repair the bar, or leave the instrument out"),
                );
            }
            columns.push(column.windows(2).map(|c| c[1] / c[0] - 1.0).collect());
        }
        Self::new(columns)
    }

    /// Instruments.
    pub fn instruments(&self) -> usize {
        self.columns.len()
    }

    /// Returns of each instrument.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// The columns, in the order they were given.
    pub fn columns(&self) -> &[Vec<f64>] {
        &self.columns
    }

    /// The columns less their means.
    pub(crate) fn centred(&self) -> Vec<Vec<f64>> {
        let centre = |column: &Vec<f64>| {
            let mean = column.iter().sum::<f64>() / self.rows as f64;
            column.iter().map(|r| r - mean).collect()
        };
        self.columns.iter().map(centre).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closes_become_simple_returns() {
        let window = ReturnWindow::from_closes(&[[4.0, 5.0, 2.5], [1.0, 2.0, 3.0]]).unwrap();
        assert_eq!(window.columns(), [vec![0.25, -0.5], vec![1.0, 0.5]]);
        assert_eq!((window.instruments(), window.rows()), (2, 2));
    }

    /// ERR-11: returns that cannot be used say which and what to do.
    #[test]
    fn err_11_bad_returns_teach() {
        let error = |columns: &[&[f64]]| {
            let columns = columns.iter().map(|c| c.to_vec()).collect();
            ReturnWindow::new(columns).unwrap_err().to_string()
        };
        for (message, text) in [
            (
                error(&[]),
                "too few returns for a covariance (instruments = 0",
            ),
            (
                error(&[&[0.1]]),
                "too few returns for a covariance (instruments = 1, returns = 1); \
                 hint: two returns, so three closes, are the least; use a longer window",
            ),
            (
                error(&[&[0.1, 0.2], &[0.1]]),
                "over the same bars (position = 1, returns = 1, returns_of_the_first = 2)",
            ),
            (
                error(&[&[0.1, f64::NAN]]),
                "must be a finite number (position = 0, row = 1, return = NaN)",
            ),
            (
                ReturnWindow::from_closes(&[[1.0, 0.0]])
                    .unwrap_err()
                    .to_string(),
                "a close must be above zero and finite (position = 0, row = 1, close = 0)",
            ),
        ] {
            assert!(message.contains(text), "{message}");
        }
    }
}
