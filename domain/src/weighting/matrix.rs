//! A small dense symmetric matrix and its Cholesky factor.

use crate::error::{Error, Result};

/// A pivot below this fraction of its diagonal element counts as zero: the row then depends on the
/// rows before it up to rounding, and a solution would be noise.
const MIN_PIVOT: f64 = 1e-14;

/// A square symmetric matrix of finite numbers, stored by rows, for some hundreds of instruments.
#[derive(Clone, Debug, PartialEq)]
pub struct SymmetricMatrix {
    size: usize,
    values: Vec<f64>,
}

impl SymmetricMatrix {
    /// From its rows. The two halves may differ by rounding (1e-12 of the larger element's size);
    /// the upper one is taken.
    ///
    /// # Errors
    /// When it is not square, an element is not finite, or the halves differ.
    pub fn from_rows(rows: &[Vec<f64>]) -> Result<Self> {
        let size = rows.len();
        if let Some(i) = rows.iter().position(|row| row.len() != size) {
            return Err(
                Error::signal_calculation("a covariance matrix must be square")
                    .context("row", i)
                    .context("elements", rows[i].len())
                    .context("rows", size)
                    .hint("give each instrument one row and one column"),
            );
        }
        for (i, row) in rows.iter().enumerate() {
            for (j, &value) in row.iter().enumerate() {
                let other = rows[j][i];
                if !value.is_finite() {
                    return Err(
                        Error::signal_calculation("a covariance must be a finite number")
                            .context("row", i)
                            .context("column", j)
                            .context("value", value)
                            .hint("leave out instruments whose returns are not complete"),
                    );
                }
                if (value - other).abs() > 1e-12 * value.abs().max(other.abs()) {
                    return Err(
                        Error::signal_calculation("a covariance matrix must be symmetric")
                            .context("row", i)
                            .context("column", j)
                            .context("values", format!("{value} and {other}"))
                            .hint("the covariance of a with b is that of b with a"),
                    );
                }
            }
        }
        Ok(Self::from_fn(size, |i, j| rows[i][j]))
    }

    /// From a function of row and column, asked for the upper half only. It must be finite.
    pub(crate) fn from_fn(size: usize, element: impl Fn(usize, usize) -> f64) -> Self {
        let mut values = vec![0.0; size * size];
        for i in 0..size {
            for j in i..size {
                let value = element(i, j);
                values[i * size + j] = value;
                values[j * size + i] = value;
            }
        }
        Self { size, values }
    }

    /// Rows, which is also columns.
    pub const fn size(&self) -> usize {
        self.size
    }

    /// The element of a row and a column, both from 0.
    ///
    /// # Panics
    /// When there is no such row or column.
    pub fn get(&self, row: usize, column: usize) -> f64 {
        self.row(row)[column]
    }

    fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.size..(row + 1) * self.size]
    }

    /// The diagonal: variances, when this is a covariance.
    pub fn diagonal(&self) -> Vec<f64> {
        (0..self.size).map(|i| self.get(i, i)).collect()
    }

    /// This matrix times `vector`, which has as many elements as the matrix rows.
    pub fn times(&self, vector: &[f64]) -> Vec<f64> {
        (0..self.size).map(|i| dot(self.row(i), vector)).collect()
    }

    /// `vector' M vector`: the variance of a portfolio, when this is a covariance.
    pub fn quadratic_form(&self, vector: &[f64]) -> f64 {
        dot(vector, &self.times(vector))
    }

    /// The rows and columns in `keep`, in that order.
    pub(crate) fn sub_matrix(&self, keep: &[usize]) -> Self {
        Self::from_fn(keep.len(), |i, j| self.get(keep[i], keep[j]))
    }

    /// Every element times `factor`.
    pub(crate) fn scaled(&self, factor: f64) -> Self {
        Self {
            size: self.size,
            values: self.values.iter().map(|v| v * factor).collect(),
        }
    }

    /// The correlations of a covariance, with ones on the diagonal, and the volatilities.
    ///
    /// # Errors
    /// When a variance is not above zero.
    pub fn to_correlation(&self) -> Result<(Self, Vec<f64>)> {
        let mut deviations = Vec::with_capacity(self.size);
        for (i, variance) in self.diagonal().into_iter().enumerate() {
            if variance.is_nan() || variance <= 0.0 {
                return Err(Error::signal_calculation(
                    "a price that never moves has no correlation",
                )
                .context("position", i)
                .context("variance", variance)
                .hint("leave the instrument out, or use a longer window"));
            }
            deviations.push(variance.sqrt());
        }
        let correlation = Self::from_fn(self.size, |i, j| {
            if i == j {
                return 1.0;
            }
            // Rounding may leave a correlation a hair outside its range.
            (self.get(i, j) / (deviations[i] * deviations[j])).clamp(-1.0, 1.0)
        });
        Ok((correlation, deviations))
    }

    /// The lower triangle `L` with `L L' = M`.
    ///
    /// # Errors
    /// When the matrix is not positive definite up to rounding: an instrument's returns follow from
    /// those of others, or there are fewer rows than instruments.
    pub fn cholesky(&self) -> Result<Cholesky> {
        let n = self.size;
        let mut lower = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..=i {
                let known = dot(&lower[i * n..i * n + j], &lower[j * n..j * n + j]);
                let rest = self.get(i, j) - known;
                if i != j {
                    lower[i * n + j] = rest / lower[j * n + j];
                    continue;
                }
                let smallest = MIN_PIVOT * self.get(i, i).abs();
                if rest.is_nan() || rest <= smallest {
                    return Err(Error::signal_calculation("the covariance is singular")
                        .context("position", i)
                        .context("variance", self.get(i, i))
                        .context("left_after_the_others", rest)
                        .hint(
                            "take out an instrument that follows from others, use more rows than \
                             instruments, or shrink the covariance (Ledoit-Wolf)",
                        ));
                }
                lower[i * n + i] = rest.sqrt();
            }
        }
        Ok(Cholesky { size: n, lower })
    }
}

/// A Cholesky factor, for solving.
#[derive(Clone, Debug, PartialEq)]
pub struct Cholesky {
    size: usize,
    lower: Vec<f64>,
}

impl Cholesky {
    /// `x` with `M x = right`, which has as many elements as the matrix rows.
    pub fn solve(&self, right: &[f64]) -> Vec<f64> {
        let n = self.size;
        let mut x = right.to_vec();
        for i in 0..n {
            let known = dot(&self.lower[i * n..i * n + i], &x[..i]);
            x[i] = (x[i] - known) / self.lower[i * n + i];
        }
        for i in (0..n).rev() {
            let known: f64 = (i + 1..n).map(|j| self.lower[j * n + i] * x[j]).sum();
            x[i] = (x[i] - known) / self.lower[i * n + i];
        }
        x
    }
}

/// Sum of products, in order.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matrix(rows: &[&[f64]]) -> SymmetricMatrix {
        SymmetricMatrix::from_rows(&rows.iter().map(|r| r.to_vec()).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn products_and_solutions_of_a_worked_example() {
        let m = matrix(&[&[4.0, 2.0], &[2.0, 5.0]]);
        assert_eq!(m.times(&[1.0, -1.0]), [2.0, -3.0]);
        assert!((m.quadratic_form(&[1.0, -1.0]) - 5.0).abs() < 1e-15);
        assert_eq!(m.cholesky().unwrap().solve(&[8.0, 12.0]), [1.0, 2.0]);
        let (correlation, deviations) = m.to_correlation().unwrap();
        assert!((correlation.get(0, 1) - 2.0 / 20.0_f64.sqrt()).abs() < 1e-15);
        assert_eq!(deviations, [2.0, 5.0_f64.sqrt()]);
        assert_eq!(m.sub_matrix(&[1]).diagonal(), [5.0]);
    }

    /// ERR-11: a matrix that cannot be used says where and what to do.
    #[test]
    fn err_11_bad_matrices_teach() {
        let rows = |rows: &[&[f64]]| {
            let rows: Vec<_> = rows.iter().map(|r| r.to_vec()).collect();
            SymmetricMatrix::from_rows(&rows).unwrap_err().to_string()
        };
        for (message, text) in [
            (rows(&[&[1.0, 2.0]]), "must be square (row = 0, elements"),
            (rows(&[&[f64::NAN]]), "must be a finite number (row = 0"),
            (
                rows(&[&[1.0, 0.5], &[0.4, 1.0]]),
                "must be symmetric (row = 0, column = 1, values = 0.5 and 0.4)",
            ),
        ] {
            assert!(message.contains(text), "{message}");
        }
        let twins = matrix(&[&[1.0, 1.0], &[1.0, 1.0]]);
        assert_eq!(
            twins.cholesky().unwrap_err().to_string(),
            "the covariance is singular (position = 1, variance = 1, left_after_the_others = 0); \
             hint: take out an instrument that follows from others, use more rows than \
             instruments, or shrink the covariance (Ledoit-Wolf)"
        );
        let still = matrix(&[&[1.0, 0.0], &[0.0, 0.0]]);
        let e = still.to_correlation().unwrap_err().to_string();
        assert!(
            e.contains("never moves has no correlation (position = 1"),
            "{e}"
        );
    }

    proptest! {
        /// A solution put back in gives the right side.
        #[test]
        fn solutions_solve(
            factors in prop::collection::vec(-1.0_f64..1.0, 36),
            right in prop::collection::vec(-1.0_f64..1.0, 6),
        ) {
            let m = SymmetricMatrix::from_fn(6, |i, j| {
                dot(&factors[i * 6..i * 6 + 6], &factors[j * 6..j * 6 + 6])
                    + if i == j { 0.1 } else { 0.0 }
            });
            let x = m.cholesky().unwrap().solve(&right);
            for (got, want) in m.times(&x).iter().zip(&right) {
                prop_assert!((got - want).abs() < 1e-11, "{} {}", got, want);
            }
        }
    }
}
