//! Sums and sample moments, compensated and in a fixed order.

use super::defined;

/// A sum with Neumaier's compensation: the error is that of one rounding, whatever the length
/// (A. Neumaier, ZAMM 54, 1974).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Compensated {
    sum: f64,
    lost: f64,
}

impl Compensated {
    #[inline]
    pub(super) fn add(&mut self, value: f64) {
        let next = self.sum + value;
        self.lost += if self.sum.abs() >= value.abs() {
            (self.sum - next) + value
        } else {
            (value - next) + self.sum
        };
        self.sum = next;
    }

    #[inline]
    pub(super) fn total(self) -> f64 {
        self.sum + self.lost
    }
}

/// The sum in the order given, with Neumaier's compensation: the error is that of one rounding,
/// whatever the length (A. Neumaier, ZAMM 54, 1974).
pub fn sum(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut sum = Compensated::default();
    for value in values {
        sum.add(value);
    }
    sum.total()
}

/// The arithmetic mean; `None` when `values` is empty.
pub fn mean(values: &[f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    defined(sum(values.iter().copied()) / values.len() as f64)
}

/// Sample standard deviation, ddof 1, in two passes; `None` below two values.
pub fn standard_deviation(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let centre = mean(values)?;
    let squares = sum(values.iter().map(|v| (v - centre) * (v - centre)));
    defined((squares / (values.len() - 1) as f64).sqrt())
}

/// [`standard_deviation`] where it can be divided by: `None` when the values differ by no more
/// than the rounding of a return (a few units of 2^-52 of one plus the largest value).
pub(super) fn usable_deviation(values: &[f64]) -> Option<f64> {
    let largest = values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    standard_deviation(values).filter(|s| *s > 8.0 * f64::EPSILON * (1.0 + largest))
}

/// Central moment of order `k` (2, 3 or 4), divided by n.
fn central_moment(values: &[f64], centre: f64, k: u32) -> f64 {
    let powers = values.iter().map(|v| {
        let d = v - centre;
        match k {
            2 => d * d,
            3 => d * d * d,
            _ => (d * d) * (d * d),
        }
    });
    sum(powers) / values.len() as f64
}

/// Adjusted Fisher–Pearson skewness, `m3 / m2^1.5 · sqrt(n(n-1)) / (n-2)`; `None` below three
/// values or without variance.
pub fn skew(values: &[f64]) -> Option<f64> {
    let n = values.len() as f64;
    if values.len() < 3 {
        return None;
    }
    usable_deviation(values)?;
    let centre = mean(values)?;
    let m2 = central_moment(values, centre, 2);
    let m3 = central_moment(values, centre, 3);
    defined(m3 / (m2 * m2.sqrt()) * (n * (n - 1.0)).sqrt() / (n - 2.0))
}

/// Excess kurtosis, bias-corrected (Fisher, normal = 0):
/// `((n²-1)·m4/m2² - 3(n-1)²) / ((n-2)(n-3))`; `None` below four values or without variance.
pub fn excess_kurtosis(values: &[f64]) -> Option<f64> {
    let n = values.len() as f64;
    if values.len() < 4 {
        return None;
    }
    usable_deviation(values)?;
    let centre = mean(values)?;
    let m2 = central_moment(values, centre, 2);
    let m4 = central_moment(values, centre, 4);
    let tail = (n * n - 1.0) * m4 / (m2 * m2) - 3.0 * (n - 1.0) * (n - 1.0);
    defined(tail / ((n - 2.0) * (n - 3.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_sum_survives_large_terms() {
        assert_eq!(sum([1.0, 1e100, 1.0, -1e100]).to_bits(), 2.0_f64.to_bits());
        let tenths = sum(std::iter::repeat_n(0.1, 1_000_000));
        assert!((tenths - 100_000.0).abs() < 1e-10, "{tenths}");
    }

    #[test]
    fn moments_equal_hand_calculations() {
        let v = [2.0, 4.0, 4.0, 5.0, 10.0];
        // mean 5, squares 9+1+1+0+25 = 36, cubes -27-1-1+0+125 = 96, fourths 81+1+1+0+625 = 708.
        assert_eq!(mean(&v), Some(5.0));
        assert_eq!(standard_deviation(&v), Some(3.0));
        let m2: f64 = 7.2;
        let g1 = 19.2 / (m2 * m2.sqrt()) * 20.0_f64.sqrt() / 3.0;
        assert!((skew(&v).unwrap() - g1).abs() < 1e-14);
        let g2 = (24.0 * 141.6 / 51.84 - 48.0) / 6.0;
        assert!((excess_kurtosis(&v).unwrap() - g2).abs() < 1e-13);
    }

    #[test]
    fn what_is_undefined_is_none() {
        assert_eq!(mean(&[]), None);
        assert_eq!(standard_deviation(&[1.0]), None);
        assert_eq!(skew(&[1.0, 2.0]), None);
        assert_eq!(excess_kurtosis(&[1.0, 2.0, 3.0]), None);
        assert_eq!(skew(&[0.1; 9]), None);
        assert_eq!(excess_kurtosis(&[0.1; 9]), None);
        assert_eq!(mean(&[f64::MAX, f64::MAX]), None);
    }
}
