//! Moments of a sliding window: mean, variance, z-score, skew and kurtosis.

use crate::error::Result;
use crate::indicators::anchored::{AnchoredSums, Terms};
use crate::indicators::saved::saved;
use crate::indicators::standard_deviation::Ddof;
use crate::indicators::{fill, require_period};

/// Distance, its square, cube and fourth power.
#[derive(Clone, Copy, Debug)]
struct Powers;

impl Terms<1, 4> for Powers {
    #[inline]
    fn of([d]: [f64; 1]) -> [f64; 4] {
        let square = d * d;
        [d, square, square * d, square * square]
    }
}

/// Moments of the last `period` values; undefined before `period` values.
///
/// Sums are anchored inside the window, so that neither the level nor the length of the series
/// costs accuracy: relative errors of variance and kurtosis stay below a few times `period`² ×
/// 1e-16.
#[derive(Clone, Debug)]
pub struct RollingMoments {
    sums: AnchoredSums<Powers, 1, 4>,
}

impl RollingMoments {
    /// Moments over `period` values.
    ///
    /// # Errors
    /// When `period` is 0.
    pub fn new(period: usize) -> Result<Self> {
        require_period("rolling moments", period, 1)?;
        Ok(Self {
            sums: AnchoredSums::new(period),
        })
    }

    /// Takes the next value and gives the mean that includes it.
    #[inline]
    pub fn update(&mut self, x: f64) -> Option<f64> {
        self.sums.push([x]);
        self.mean()
    }

    /// The mean; `None` before `period` values.
    #[inline]
    pub fn mean(&self) -> Option<f64> {
        let [sum, ..] = self.sums.sums()?;
        let [anchor] = self.sums.anchor();
        Some(anchor + sum / self.n())
    }

    /// Sum of squared deviations from the mean divided by `period − ddof`; `None` before `period`
    /// values and when nothing is left to divide by.
    #[inline]
    pub fn variance(&self, ddof: Ddof) -> Option<f64> {
        let [sum, squares, ..] = self.sums.sums()?;
        let divisor = self.period().checked_sub(ddof.delta()).filter(|d| *d > 0)?;
        Some((squares - sum * (sum / self.n())).max(0.0) / divisor as f64)
    }

    /// `(x − mean) / std` of the latest value, which is part of the window; `None` during warm-up
    /// and while all values are equal.
    #[inline]
    pub fn z_score(&self, ddof: Ddof) -> Option<f64> {
        let variance = self.variance(ddof).filter(|v| *v > 0.0)?;
        let [sum, ..] = self.sums.sums()?;
        let [distance] = self.sums.latest_distance();
        Some((distance - sum / self.n()) / variance.sqrt())
    }

    /// Skewness `m₃ / m₂^{3/2}`. [`Ddof::Population`]: of the plain moments, divided by `period`
    /// (biased). [`Ddof::Sample`]: times `√(n (n − 1)) / (n − 2)`, the adjusted Fisher–Pearson
    /// coefficient (pandas). `None` during warm-up, while all values are equal, and below 3 values
    /// for the sample form.
    #[inline]
    pub fn skew(&self, ddof: Ddof) -> Option<f64> {
        let [m2, m3, _] = self.central()?;
        let (n, biased) = (self.n(), m3 / (m2 * m2.sqrt()));
        match ddof {
            Ddof::Population => Some(biased),
            Ddof::Sample if n > 2.0 => Some(biased * (n * (n - 1.0)).sqrt() / (n - 2.0)),
            Ddof::Sample => None,
        }
    }

    /// Excess kurtosis `m₄ / m₂² − 3`. [`Ddof::Population`]: of the plain moments (biased).
    /// [`Ddof::Sample`]: `((n + 1) k + 6) (n − 1) / ((n − 2) (n − 3))` of that `k` (pandas). `None`
    /// during warm-up, while all values are equal, and below 4 values for the sample form.
    #[inline]
    pub fn excess_kurtosis(&self, ddof: Ddof) -> Option<f64> {
        let [m2, _, m4] = self.central()?;
        let (n, biased) = (self.n(), m4 / (m2 * m2) - 3.0);
        match ddof {
            Ddof::Population => Some(biased),
            Ddof::Sample if n > 3.0 => {
                let adjusted = (n + 1.0) * biased + 6.0;
                Some(adjusted * (n - 1.0) / ((n - 2.0) * (n - 3.0)))
            }
            Ddof::Sample => None,
        }
    }

    /// Second to fourth moment around the mean, divided by `period`; `None` without variance.
    fn central(&self) -> Option<[f64; 3]> {
        let sums = self.sums.sums()?;
        let [m, a2, a3, a4] = sums.map(|sum| sum / self.n());
        let square = m * m;
        let m2 = a2 - square;
        let m3 = a3 - 3.0 * m * a2 + 2.0 * m * square;
        let m4 = a4 - 4.0 * m * a3 + 6.0 * square * a2 - 3.0 * square * square;
        (m2 > 0.0).then_some([m2, m3, m4])
    }

    #[inline]
    fn n(&self) -> f64 {
        self.period() as f64
    }

    /// The number of values looked at.
    pub fn period(&self) -> usize {
        self.sums.period()
    }
}

saved!(RollingMoments, b"moments ", parameters [], state [sums]);

/// [`RollingMoments::variance`] of each of `values` into `out`, NaN during warm-up; the same bits.
///
/// # Errors
/// When `period` is below 1, or below 2 for [`Ddof::Sample`], or `out` has another length.
pub fn rolling_variance(values: &[f64], period: usize, ddof: Ddof, out: &mut [f64]) -> Result<()> {
    let at_least = 1 + ddof.delta();
    each("rolling variance", values, period, at_least, out, |m| {
        m.variance(ddof)
    })
}

/// [`RollingMoments::z_score`] of each of `values` into `out`, NaN where undefined; the same bits.
///
/// # Errors
/// When `period` is below 2 or `out` has another length.
pub fn z_score(values: &[f64], period: usize, ddof: Ddof, out: &mut [f64]) -> Result<()> {
    each("z-score", values, period, 2, out, |m| m.z_score(ddof))
}

/// [`RollingMoments::skew`] of each of `values` into `out`, NaN where undefined; the same bits.
///
/// # Errors
/// When `period` is below 2, or below 3 for [`Ddof::Sample`], or `out` has another length.
pub fn rolling_skew(values: &[f64], period: usize, ddof: Ddof, out: &mut [f64]) -> Result<()> {
    let at_least = 2 + ddof.delta();
    each("rolling skew", values, period, at_least, out, |m| {
        m.skew(ddof)
    })
}

/// [`RollingMoments::excess_kurtosis`] of each of `values` into `out`, NaN where undefined; the
/// same bits.
///
/// # Errors
/// When `period` is below 2, or below 4 for [`Ddof::Sample`], or `out` has another length.
pub fn rolling_kurtosis(values: &[f64], period: usize, ddof: Ddof, out: &mut [f64]) -> Result<()> {
    let at_least = 2 + 2 * ddof.delta();
    each("rolling kurtosis", values, period, at_least, out, |m| {
        m.excess_kurtosis(ddof)
    })
}

fn each(
    name: &str,
    values: &[f64],
    period: usize,
    at_least: usize,
    out: &mut [f64],
    figure: impl Fn(&RollingMoments) -> Option<f64>,
) -> Result<()> {
    require_period(name, period, at_least)?;
    let mut moments = RollingMoments::new(period)?;
    fill(name, values, out, |x| {
        moments.update(x);
        figure(&moments)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::indicators::saved::{bars, continues};

    /// Two passes around the window's first value: mean and central moments.
    fn exact(window: &[f64]) -> [f64; 4] {
        let n = window.len() as f64;
        let shifted: Vec<f64> = window.iter().map(|x| x - window[0]).collect();
        let mean = shifted.iter().sum::<f64>() / n;
        let moment = |k: i32| {
            let power = |y: &f64| (0..k).fold(1.0, |product, _| product * (y - mean));
            shifted.iter().map(power).sum::<f64>() / n
        };
        [window[0] + mean, moment(2), moment(3), moment(4)]
    }

    #[test]
    fn figures_by_hand() {
        let mut moments = RollingMoments::new(4).unwrap();
        for x in [70.0, 1.0, 2.0, 3.0, 6.0] {
            moments.update(x);
        }
        // Mean 3, deviations −2, −1, 0, 3: squares 14, cubes 18, fourth powers 98.
        assert_eq!(moments.mean(), Some(3.0));
        assert_eq!(moments.variance(Ddof::Population), Some(3.5));
        assert!(
            (moments.z_score(Ddof::Sample).unwrap() - 3.0 / (14.0_f64 / 3.0).sqrt()).abs() < 1e-15
        );
        let skew = 4.5 / (3.5 * 3.5_f64.sqrt());
        assert!((moments.skew(Ddof::Population).unwrap() - skew).abs() < 1e-14);
        let adjusted = skew * 12.0_f64.sqrt() / 2.0;
        assert!((moments.skew(Ddof::Sample).unwrap() - adjusted).abs() < 1e-14);
        let kurtosis = 24.5 / 12.25 - 3.0;
        assert!((moments.excess_kurtosis(Ddof::Population).unwrap() - kurtosis).abs() < 1e-14);
        let adjusted = (5.0 * kurtosis + 6.0) * 3.0 / 2.0;
        assert!((moments.excess_kurtosis(Ddof::Sample).unwrap() - adjusted).abs() < 1e-13);
    }

    #[test]
    fn equal_values_have_no_z_score() {
        let mut out = [0.0; 9];
        z_score(&[0.1; 9], 3, Ddof::Sample, &mut out).unwrap();
        assert!(out.iter().all(|z| z.is_nan()));
        rolling_variance(&[0.1; 9], 3, Ddof::Sample, &mut out).unwrap();
        assert_eq!(out[2..], [0.0; 7]);
        for (error, least) in [
            (rolling_variance(&[], 1, Ddof::Sample, &mut []), 2),
            (z_score(&[], 1, Ddof::Population, &mut []), 2),
            (rolling_skew(&[], 2, Ddof::Sample, &mut []), 3),
            (rolling_kurtosis(&[], 3, Ddof::Sample, &mut []), 4),
        ] {
            let e = error.unwrap_err().to_string();
            assert!(e.contains(&format!("at least {least}")), "{e}");
        }
    }

    #[test]
    fn restored_continues_with_the_same_bits() {
        continues!(RollingMoments::new(4).unwrap(), bars(14), |one, bar| {
            one.update(bar[2]);
            one.skew(Ddof::Sample)
        });
    }

    proptest! {
        #[test]
        fn incremental_batch_and_exact_agree(
            values in prop::collection::vec(-1e3_f64..1e3, 0..150),
            level in prop::sample::select(vec![0.0, 1.0, 1e6, -1e9]),
            period in 4_usize..25,
        ) {
            let values: Vec<f64> = values.iter().map(|x| x + level).collect();
            let mut moments = RollingMoments::new(period).unwrap();
            let mut z = vec![0.0; values.len()];
            z_score(&values, period, Ddof::Sample, &mut z).unwrap();
            let mut kurtosis = vec![0.0; values.len()];
            rolling_kurtosis(&values, period, Ddof::Population, &mut kurtosis).unwrap();
            for (i, &x) in values.iter().enumerate() {
                moments.update(x);
                let got = moments.z_score(Ddof::Sample);
                prop_assert_eq!(got.is_some(), i + 1 >= period);
                prop_assert_eq!(got.unwrap_or(f64::NAN).to_bits(), z[i].to_bits());
                let Some(got) = got else { continue };
                let window = &values[i + 1 - period..=i];
                let [mean, m2, m3, m4] = exact(window);
                let n = period as f64;
                let std = (m2 * n / (n - 1.0)).sqrt();
                let scale = 1e-10;
                prop_assert!((moments.mean().unwrap() - mean).abs() <= 1e-12 * (mean.abs() + std));
                prop_assert!((got * std - (x - mean)).abs() <= scale * std + 1e-15 * level.abs());
                let skew = moments.skew(Ddof::Population).unwrap();
                prop_assert!((skew - m3 / (m2 * m2.sqrt())).abs() <= scale);
                prop_assert!((kurtosis[i] - (m4 / (m2 * m2) - 3.0)).abs() <= scale * 25.0);
            }
        }
    }
}
