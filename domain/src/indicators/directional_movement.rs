//! Directional movement: the two indicators and their index, after J. W. Wilder.

use crate::error::Result;
use crate::indicators::saved::{inner_part, saved};
use crate::indicators::true_range::TrueRange;
use crate::indicators::{fill_bars, require_period, require_same_length};

/// The two directional indicators, each in 0..=100.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Directions {
    /// Upward movement in percent of the true range (+DI).
    pub plus: f64,
    /// Downward movement in percent of the true range (−DI).
    pub minus: f64,
}

impl Directions {
    /// The directional index `100 |plus − minus| / (plus + minus)`; `None` without any movement.
    #[inline]
    pub fn index(self) -> Option<f64> {
        let sum = self.plus + self.minus;
        (sum > 0.0).then(|| 100.0 * (self.plus - self.minus).abs() / sum)
    }
}

/// Directional indicators over `period` bars.
///
/// A bar moves up by `high − previous high` or down by `previous low − low`, whichever is larger
/// and positive. Upward, downward movement and true range are smoothed alike: the sum over the
/// first `period − 1` bars after the first, then `s_t = s_{t−1} − s_{t−1} / n + x_t` (TA-Lib).
/// Undefined before `period + 1` bars; 0 while the smoothed true range is 0.
#[derive(Clone, Debug)]
pub struct DirectionalMovement {
    period: usize,
    range: TrueRange,
    /// High and low of the bar before.
    previous: Option<[f64; 2]>,
    /// Bars after the first, up to the period.
    seen: usize,
    /// Smoothed upward movement, downward movement and true range.
    smoothed: [f64; 3],
}

impl DirectionalMovement {
    /// Indicators over `period` bars.
    ///
    /// # Errors
    /// When `period` is 0.
    pub fn new(period: usize) -> Result<Self> {
        require_period("directional movement", period, 1)?;
        Ok(Self {
            period,
            range: TrueRange::new(),
            previous: None,
            seen: 0,
            smoothed: [0.0; 3],
        })
    }

    /// Takes the next bar and gives the indicators that include it.
    #[inline]
    pub fn update(&mut self, high: f64, low: f64, close: f64) -> Option<Directions> {
        let range = self.range.update(high, low, close);
        let previous = self.previous.replace([high, low]);
        let (Some(range), Some([previous_high, previous_low])) = (range, previous) else {
            return None;
        };
        let (up, down) = (high - previous_high, previous_low - low);
        let moves = [
            if up > 0.0 && up > down { up } else { 0.0 },
            if down > 0.0 && down > up { down } else { 0.0 },
            range,
        ];
        self.seen = (self.seen + 1).min(self.period);
        for (s, x) in self.smoothed.iter_mut().zip(moves) {
            if self.seen == self.period {
                *s -= *s / self.period as f64;
            }
            *s += x;
        }
        self.value()
    }

    /// The latest indicators; `None` during warm-up.
    #[inline]
    pub fn value(&self) -> Option<Directions> {
        let [up, down, range] = self.smoothed;
        let percent = |x: f64| if range > 0.0 { 100.0 * x / range } else { 0.0 };
        (self.seen == self.period).then(|| Directions {
            plus: percent(up),
            minus: percent(down),
        })
    }

    /// The number of bars smoothed over.
    pub fn period(&self) -> usize {
        self.period
    }
}

saved!(
    DirectionalMovement, b"dirmoves", parameters [period],
    state [range, previous, seen, smoothed]
);
inner_part!(DirectionalMovement);

/// Average directional index, the strength of a trend in 0..=100.
///
/// Starts as the mean of the first `period` values of [`Directions::index`], then
/// `a_t = (a_{t−1} (n − 1) + dx_t) / n`. A bar without an index counts nothing in the mean (0) and
/// leaves the average as it is later (TA-Lib). Undefined before `2 × period` bars.
#[derive(Clone, Debug)]
pub struct Adx {
    movement: DirectionalMovement,
    /// Indices seen, up to the period.
    seen: usize,
    /// Their sum before the first average, then the average.
    average: f64,
}

impl Adx {
    /// An index over `period` bars.
    ///
    /// # Errors
    /// When `period` is below 2.
    pub fn new(period: usize) -> Result<Self> {
        require_period("adx", period, 2)?;
        Ok(Self {
            movement: DirectionalMovement::new(period)?,
            seen: 0,
            average: 0.0,
        })
    }

    /// Takes the next bar and gives the index that includes it.
    #[inline]
    pub fn update(&mut self, high: f64, low: f64, close: f64) -> Option<f64> {
        let index = self.movement.update(high, low, close)?.index();
        let n = self.period() as f64;
        if self.seen < self.period() {
            self.seen += 1;
            self.average += index.unwrap_or(0.0);
            if self.seen == self.period() {
                self.average /= n;
            }
        } else if let Some(index) = index {
            self.average = (self.average * (n - 1.0) + index) / n;
        }
        self.value()
    }

    /// The latest index; `None` during warm-up.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        (self.seen == self.period()).then_some(self.average)
    }

    /// The number of bars smoothed over.
    pub fn period(&self) -> usize {
        self.movement.period()
    }
}

saved!(Adx, b"adx     ", parameters [], state [movement, seen, average]);

/// [`DirectionalMovement`] of each bar into `plus` and `minus`, NaN during warm-up; the same bits.
///
/// # Errors
/// When `period` is 0 or the slices differ in length.
pub fn directional_movement(
    high: &[f64],
    low: &[f64],
    close: &[f64],
    period: usize,
    plus: &mut [f64],
    minus: &mut [f64],
) -> Result<()> {
    let mut movement = DirectionalMovement::new(period)?;
    require_same_length("directional movement", plus.len(), minus.len())?;
    let mut minus = minus.iter_mut();
    fill_bars(
        "directional movement",
        [high, low, close],
        plus,
        |[h, l, c]| {
            let directions = movement.update(h, l, c);
            if let Some(place) = minus.next() {
                *place = directions.map_or(f64::NAN, |d| d.minus);
            }
            directions.map(|d| d.plus)
        },
    )
}

/// [`Adx`] of each bar into `out`, NaN during warm-up; the same bits.
///
/// # Errors
/// When `period` is below 2 or the slices differ in length.
pub fn adx(high: &[f64], low: &[f64], close: &[f64], period: usize, out: &mut [f64]) -> Result<()> {
    let mut adx = Adx::new(period)?;
    fill_bars("adx", [high, low, close], out, |[h, l, c]| {
        adx.update(h, l, c)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::saved::{bars, continues};

    #[test]
    fn movement_by_hand() {
        // Up 2, range 3; then down 4, range 5; then neither, range 1.
        let (high, low) = ([10.0, 12.0, 11.0, 10.5], [8.0, 9.0, 5.0, 9.5]);
        let close = [9.0, 10.0, 10.0, 10.0];
        let (mut plus, mut minus) = ([0.0; 4], [0.0; 4]);
        directional_movement(&high, &low, &close, 2, &mut plus, &mut minus).unwrap();
        assert!(plus[1].is_nan() && minus[1].is_nan());
        // Sums 2, 0, 3 at the second bar; halved and 0, 4, 6 added at the third.
        assert_eq!((plus[2], minus[2]), (100.0 * 1.0 / 7.5, 100.0 * 4.0 / 7.5));
        let mut out = [0.0; 4];
        adx(&high, &low, &close, 2, &mut out).unwrap();
        assert!(out[2].is_nan());
        // |1 − 4| / 5 of both bars, for the last one only fades both.
        assert!((out[3] - 60.0).abs() < 1e-12, "{out:?}");
        assert!(Adx::new(1).is_err());
    }

    #[test]
    fn a_flat_market_has_no_direction() {
        let mut adx = Adx::new(2).unwrap();
        let got = [7.0; 5].map(|x| adx.update(x, x, x));
        assert_eq!(got, [None, None, None, Some(0.0), Some(0.0)]);
    }

    #[test]
    fn restored_continues_with_the_same_bits() {
        continues!(
            DirectionalMovement::new(3).unwrap(),
            bars(16),
            |one, bar| one.update(bar[0], bar[1], bar[2]).map(|d| d.minus)
        );
        continues!(Adx::new(3).unwrap(), bars(16), |adx, bar| adx
            .update(bar[0], bar[1], bar[2]));
    }
}
