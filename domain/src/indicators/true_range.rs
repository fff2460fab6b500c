//! True range and its average.

use crate::error::Result;
use crate::indicators::saved::{inner_part, saved};
use crate::indicators::{fill_bars, require_period};

/// The range of a bar including the gap to the close before it:
/// `max(high − low, |high − previous close|, |low − previous close|)`, in the unit of the price.
///
/// Undefined at the first bar.
#[derive(Clone, Debug, Default)]
pub struct TrueRange {
    previous: Option<f64>,
    latest: Option<f64>,
}

impl TrueRange {
    /// True ranges of bars to come.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bar and gives its true range.
    #[inline]
    pub fn update(&mut self, high: f64, low: f64, close: f64) -> Option<f64> {
        self.latest = self.previous.replace(close).map(|previous| {
            let gap = (high - previous).abs().max((low - previous).abs());
            (high - low).max(gap)
        });
        self.latest
    }

    /// The latest true range; `None` before two bars.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        self.latest
    }

    /// The number of bars behind a value: 2.
    pub fn period(&self) -> usize {
        2
    }
}

saved!(TrueRange, b"truerang", parameters [], state [previous, latest]);

/// Average true range (J. W. Wilder), in the unit of the price.
///
/// Starts as the mean of the first `period` true ranges, then
/// `a_t = (a_{t−1} (n − 1) + tr_t) / n`. Undefined before `period` true ranges, that is
/// `period + 1` bars.
#[derive(Clone, Debug)]
pub struct Atr {
    period: usize,
    /// What a step keeps of the average, and what it takes of a range: (n − 1)/n and 1/n.
    kept: f64,
    taken: f64,
    range: TrueRange,
    /// True ranges seen, up to the period.
    seen: usize,
    /// Their sum before the first average, then the average.
    average: f64,
}

impl Atr {
    /// An average over `period` true ranges.
    ///
    /// # Errors
    /// When `period` is 0.
    pub fn new(period: usize) -> Result<Self> {
        require_period("atr", period, 1)?;
        Ok(Self {
            period,
            kept: (period as f64 - 1.0) / period as f64,
            taken: 1.0 / period as f64,
            range: TrueRange::new(),
            seen: 0,
            average: 0.0,
        })
    }

    /// Takes the next bar and gives the average that includes it.
    #[inline]
    pub fn update(&mut self, high: f64, low: f64, close: f64) -> Option<f64> {
        let range = self.range.update(high, low, close)?;
        if self.seen == self.period {
            self.average = self.average * self.kept + range * self.taken;
        } else {
            self.seen += 1;
            self.average += range;
            if self.seen == self.period {
                self.average /= self.period as f64;
            }
        }
        self.value()
    }

    /// The latest average; `None` during warm-up.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        (self.seen == self.period).then_some(self.average)
    }

    /// The number of true ranges averaged.
    pub fn period(&self) -> usize {
        self.period
    }
}

saved!(Atr, b"atr     ", parameters [period], state [range, seen, average]);
inner_part!(Atr);

/// [`TrueRange`] of each bar into `out`, NaN at the first; the same bits.
///
/// # Errors
/// When the slices differ in length.
pub fn true_range(high: &[f64], low: &[f64], close: &[f64], out: &mut [f64]) -> Result<()> {
    let mut range = TrueRange::new();
    fill_bars("true range", [high, low, close], out, |[h, l, c]| {
        range.update(h, l, c)
    })
}

/// [`Atr`] of each bar into `out`, NaN during warm-up; the same bits.
///
/// # Errors
/// When `period` is 0 or the slices differ in length.
pub fn atr(high: &[f64], low: &[f64], close: &[f64], period: usize, out: &mut [f64]) -> Result<()> {
    let mut atr = Atr::new(period)?;
    fill_bars("atr", [high, low, close], out, |[h, l, c]| {
        atr.update(h, l, c)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::saved::{bars, continues};

    #[test]
    fn gaps_count() {
        let (high, low, close) = (
            [5.0, 9.0, 6.0, 8.0],
            [3.0, 8.0, 5.0, 5.0],
            [4.0, 8.0, 5.0, 7.0],
        );
        let mut out = [0.0; 4];
        true_range(&high, &low, &close, &mut out).unwrap();
        assert!(out[0].is_nan());
        // A gap up from 4 to 9, one down from 8 to 5, a bar of 3 around the close before it.
        assert_eq!(out[1..], [5.0, 3.0, 3.0]);
        atr(&high, &low, &close, 2, &mut out).unwrap();
        assert!(out[1].is_nan());
        assert_eq!(out[2..], [4.0, 3.5]);
        assert!(atr(&high, &low[..3], &close, 2, &mut out).is_err());
        assert_eq!(
            (TrueRange::new().period(), Atr::new(3).unwrap().period()),
            (2, 3)
        );
    }

    #[test]
    fn restored_continues_with_the_same_bits() {
        continues!(TrueRange::new(), bars(12), |tr, bar| tr
            .update(bar[0], bar[1], bar[2]));
        continues!(Atr::new(4).unwrap(), bars(16), |atr, bar| atr
            .update(bar[0], bar[1], bar[2]));
    }
}
