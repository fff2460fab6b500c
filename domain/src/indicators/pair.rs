//! Two series over a sliding window: covariance, correlation, beta and regression.

use crate::error::Result;
use crate::indicators::anchored::{AnchoredSums, Terms};
use crate::indicators::saved::{inner_part, saved};
use crate::indicators::standard_deviation::Ddof;
use crate::indicators::{fill, require_period, require_same_length};

/// Both distances, their squares and their product.
#[derive(Clone, Copy, Debug)]
struct Products;

impl Terms<2, 5> for Products {
    #[inline]
    fn of([x, y]: [f64; 2]) -> [f64; 5] {
        [x, y, x * x, y * y, x * y]
    }
}

/// A least-squares line `y = intercept + slope × x` through the pairs of a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Change of y for each unit of x.
    pub slope: f64,
    /// y at x = 0.
    pub intercept: f64,
    /// The line at the latest x.
    pub at_latest: f64,
    /// Share of the variance of y that the line explains, 0..=1; 1 when y does not vary.
    pub r_squared: f64,
}

/// Figures of the last `period` pairs (x, y); undefined before `period` pairs.
///
/// Sums are anchored inside the window; see [`RollingMoments`](crate::indicators::RollingMoments).
#[derive(Clone, Debug)]
pub struct RollingPair {
    sums: AnchoredSums<Products, 2, 5>,
}

impl RollingPair {
    /// Figures over `period` pairs.
    ///
    /// # Errors
    /// When `period` is below 2.
    pub fn new(period: usize) -> Result<Self> {
        require_period("rolling pair", period, 2)?;
        Ok(Self {
            sums: AnchoredSums::new(period),
        })
    }

    /// Takes the next pair and gives the sample covariance that includes it.
    #[inline]
    pub fn update(&mut self, x: f64, y: f64) -> Option<f64> {
        self.sums.push([x, y]);
        self.covariance(Ddof::Sample)
    }

    /// Sum of products of deviations divided by `period − ddof`; `None` before `period` pairs.
    #[inline]
    pub fn covariance(&self, ddof: Ddof) -> Option<f64> {
        let [_, _, xy] = self.deviations()?;
        Some(xy / (self.period() - ddof.delta()) as f64)
    }

    /// Pearson's correlation, −1..=1; `None` during warm-up and while x or y is constant.
    #[inline]
    pub fn correlation(&self) -> Option<f64> {
        let [xx, yy, xy] = self.deviations()?;
        (xx > 0.0 && yy > 0.0).then(|| (xy / (xx.sqrt() * yy.sqrt())).clamp(-1.0, 1.0))
    }

    /// `cov(x, y) / var(x)`: how y answers to x, the benchmark. `None` during warm-up and while x
    /// is constant.
    #[inline]
    pub fn beta(&self) -> Option<f64> {
        let [xx, _, xy] = self.deviations()?;
        (xx > 0.0).then(|| xy / xx)
    }

    /// The least-squares line of y on x; `None` during warm-up and while x is constant.
    #[inline]
    pub fn line(&self) -> Option<Line> {
        let [xx, yy, xy] = self.deviations()?;
        if xx <= 0.0 {
            return None;
        }
        let ([sx, sy, ..], n) = (self.sums.sums()?, self.period() as f64);
        let [x0, y0] = self.sums.anchor();
        let [x, _] = self.sums.latest_distance();
        let slope = xy / xx;
        let (mean_x, mean_y) = (sx / n, sy / n);
        Some(Line {
            slope,
            intercept: y0 + mean_y - slope * (x0 + mean_x),
            at_latest: y0 + (mean_y + slope * (x - mean_x)),
            r_squared: if yy > 0.0 {
                (xy * xy / (xx * yy)).min(1.0)
            } else {
                1.0
            },
        })
    }

    /// Sums of squared deviations of x and y and of their products.
    #[inline]
    fn deviations(&self) -> Option<[f64; 3]> {
        let ([x, y, xx, yy, xy], n) = (self.sums.sums()?, self.period() as f64);
        Some([
            (xx - x * (x / n)).max(0.0),
            (yy - y * (y / n)).max(0.0),
            xy - x * (y / n),
        ])
    }

    /// The number of pairs looked at.
    pub fn period(&self) -> usize {
        self.sums.period()
    }
}

saved!(RollingPair, b"pair    ", parameters [], state [sums]);
inner_part!(RollingPair);

/// The least-squares line of the last `period` values on their bar numbers.
///
/// Bars are counted back from the latest, which has number 0, so the intercept is the line at the
/// latest bar (TA-Lib LINEARREG). Undefined before `period` values.
#[derive(Clone, Debug)]
pub struct RollingTrend {
    pair: RollingPair,
    /// Bars seen, exact up to 2⁵³.
    bars: f64,
}

impl RollingTrend {
    /// Trends over `period` values.
    ///
    /// # Errors
    /// When `period` is below 2.
    pub fn new(period: usize) -> Result<Self> {
        require_period("rolling regression", period, 2)?;
        Ok(Self {
            pair: RollingPair::new(period)?,
            bars: 0.0,
        })
    }

    /// Takes the next value and gives the line that includes it.
    #[inline]
    pub fn update(&mut self, y: f64) -> Option<Line> {
        self.pair.update(self.bars, y);
        self.bars += 1.0;
        self.value()
    }

    /// The latest line; `None` before `period` values.
    #[inline]
    pub fn value(&self) -> Option<Line> {
        self.pair.line().map(|line| Line {
            intercept: line.at_latest,
            ..line
        })
    }

    /// The number of values looked at.
    pub fn period(&self) -> usize {
        self.pair.period()
    }
}

saved!(RollingTrend, b"trend   ", parameters [], state [pair, bars]);

/// A figure of [`RollingPair`] of `x` and `y` into `out`, NaN where undefined; the same bits.
///
/// # Errors
/// When `period` is below 2 or the slices differ in length.
pub fn rolling_pair(
    x: &[f64],
    y: &[f64],
    period: usize,
    figure: impl Fn(&RollingPair) -> Option<f64>,
    out: &mut [f64],
) -> Result<()> {
    let mut pair = RollingPair::new(period)?;
    require_same_length("rolling pair", x.len(), y.len())?;
    require_same_length("rolling pair", x.len(), out.len())?;
    for ((&x, &y), place) in x.iter().zip(y).zip(out) {
        pair.update(x, y);
        *place = figure(&pair).unwrap_or(f64::NAN);
    }
    Ok(())
}

/// A figure of [`RollingTrend`] of `values` into `out`, NaN during warm-up; the same bits.
///
/// # Errors
/// When `period` is below 2 or `out` has another length.
pub fn rolling_trend(
    values: &[f64],
    period: usize,
    figure: impl Fn(Line) -> f64,
    out: &mut [f64],
) -> Result<()> {
    let mut trend = RollingTrend::new(period)?;
    fill("rolling regression", values, out, |x| {
        trend.update(x).map(&figure)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::indicators::saved::{bars, continues};

    #[test]
    fn figures_by_hand() {
        let mut pair = RollingPair::new(3).unwrap();
        for (x, y) in [(90.0, -7.0), (1.0, 2.0), (2.0, 6.0), (3.0, 4.0)] {
            pair.update(x, y);
        }
        // Deviations −1, 0, 1 and −2, 2, 0.
        assert_eq!(pair.covariance(Ddof::Sample), Some(1.0));
        assert_eq!(pair.covariance(Ddof::Population), Some(2.0 / 3.0));
        assert_eq!(pair.beta(), Some(1.0));
        assert!((pair.correlation().unwrap() - 0.5).abs() < 1e-15);
        let line = pair.line().unwrap();
        assert_eq!(
            (line.slope, line.intercept, line.at_latest),
            (1.0, 2.0, 5.0)
        );
        assert!((line.r_squared - 0.25).abs() < 1e-15);
        let mut out = [0.0; 4];
        rolling_trend(&[9.0, 2.0, 6.0, 4.0], 3, |line| line.intercept, &mut out).unwrap();
        assert!(out[1].is_nan() && (out[3] - 5.0).abs() < 1e-14, "{out:?}");
    }

    #[test]
    fn a_constant_benchmark_has_no_beta() {
        let mut out = [0.0; 8];
        rolling_pair(&[0.1; 8], &[1.0; 8], 3, RollingPair::beta, &mut out).unwrap();
        assert!(out.iter().all(|x| x.is_nan()));
        assert!(RollingPair::new(1).is_err() && RollingTrend::new(1).is_err());
    }

    #[test]
    fn restored_continues_with_the_same_bits() {
        continues!(RollingPair::new(3).unwrap(), bars(12), |one, bar| {
            one.update(bar[0], bar[2]);
            one.correlation()
        });
        continues!(RollingTrend::new(3).unwrap(), bars(12), |one, bar| one
            .update(bar[2])
            .map(|line| line.slope));
    }

    proptest! {
        #[test]
        fn agrees_with_two_passes(
            pairs in prop::collection::vec((-1e3_f64..1e3, -1e3_f64..1e3), 0..120),
            level in prop::sample::select(vec![0.0, 1e6]),
            period in 3_usize..20,
        ) {
            let x: Vec<f64> = pairs.iter().map(|p| p.0 + level).collect();
            let y: Vec<f64> = pairs.iter().map(|p| p.1 + p.0 - level).collect();
            let (mut beta, mut correlation) = (x.clone(), x.clone());
            rolling_pair(&x, &y, period, RollingPair::beta, &mut beta).unwrap();
            rolling_pair(&x, &y, period, RollingPair::correlation, &mut correlation).unwrap();
            for i in 0..x.len() {
                prop_assert_eq!(beta[i].is_nan(), i + 1 < period);
                if i + 1 < period { continue; }
                let deviations = |v: &[f64]| {
                    let window = &v[i + 1 - period..=i];
                    let shifted: Vec<f64> = window.iter().map(|x| x - window[0]).collect();
                    let mean = shifted.iter().sum::<f64>() / period as f64;
                    shifted.iter().map(|x| x - mean).collect::<Vec<_>>()
                };
                let (dx, dy) = (deviations(&x), deviations(&y));
                let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
                let (xx, yy, xy) = (dot(&dx, &dx), dot(&dy, &dy), dot(&dx, &dy));
                let scale = (yy / xx).sqrt().max(1.0);
                prop_assert!((beta[i] - xy / xx).abs() <= 1e-11 * scale);
                prop_assert!((correlation[i] - xy / (xx * yy).sqrt()).abs() <= 1e-11);
            }
        }
    }
}
