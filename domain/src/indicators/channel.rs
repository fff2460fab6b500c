//! Price channels: Donchian's highs and lows, breakouts from them, Bollinger's bands.

use crate::error::Result;
use crate::indicators::extremes::{RollingMax, RollingMin};
use crate::indicators::moving_average::Sma;
use crate::indicators::saved::{Parameter, saved};
use crate::indicators::standard_deviation::{Ddof, RollingStd};
use crate::indicators::state::{StateReader, StateWriter};
use crate::indicators::{fill_bars, require_same_length};

/// The edges of a channel, in the unit of the price.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Channel {
    /// The upper edge.
    pub upper: f64,
    /// The middle: the mean for Bollinger, halfway between the edges for Donchian.
    pub middle: f64,
    /// The lower edge.
    pub lower: f64,
}

/// Donchian channel: highest high and lowest low of the last `period` bars, the latest included.
///
/// Undefined before `period` bars. Exact.
#[derive(Clone, Debug)]
pub struct Donchian {
    highs: RollingMax,
    lows: RollingMin,
}

impl Donchian {
    /// A channel over `period` bars.
    ///
    /// # Errors
    /// When `period` is 0.
    pub fn new(period: usize) -> Result<Self> {
        Ok(Self {
            highs: RollingMax::new(period)?,
            lows: RollingMin::new(period)?,
        })
    }

    /// Takes the next bar and gives the channel that includes it.
    #[inline]
    pub fn update(&mut self, high: f64, low: f64) -> Option<Channel> {
        self.highs.update(high);
        self.lows.update(low);
        self.value()
    }

    /// The latest channel; `None` before `period` bars.
    #[inline]
    pub fn value(&self) -> Option<Channel> {
        let (upper, lower) = (self.highs.value()?, self.lows.value()?);
        Some(Channel {
            upper,
            middle: lower + (upper - lower) / 2.0,
            lower,
        })
    }

    /// The number of bars looked at.
    pub fn period(&self) -> usize {
        self.highs.period()
    }
}

saved!(Donchian, b"donchian", parameters [], state [highs, lows]);
crate::indicators::saved::inner_part!(Donchian);

/// Where a close stands to the [`Donchian`] channel of the `period` bars before it: 1 above, −1
/// below, 0 inside or on an edge.
///
/// Undefined before `period + 1` bars.
#[derive(Clone, Debug)]
pub struct Breakout {
    channel: Donchian,
    latest: Option<f64>,
}

impl Breakout {
    /// Breakouts from the channel of `period` bars.
    ///
    /// # Errors
    /// When `period` is 0.
    pub fn new(period: usize) -> Result<Self> {
        Ok(Self {
            channel: Donchian::new(period)?,
            latest: None,
        })
    }

    /// Takes the next bar and says where its close stands.
    #[inline]
    pub fn update(&mut self, high: f64, low: f64, close: f64) -> Option<f64> {
        self.latest = self.channel.value().map(|before| {
            if close > before.upper {
                1.0
            } else if close < before.lower {
                -1.0
            } else {
                0.0
            }
        });
        self.channel.update(high, low);
        self.latest
    }

    /// The latest answer; `None` during warm-up.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        self.latest
    }

    /// The number of earlier bars looked at.
    pub fn period(&self) -> usize {
        self.channel.period()
    }
}

saved!(Breakout, b"breakout", parameters [], state [channel, latest]);

/// [`Breakout`] of each bar into `out`, NaN during warm-up; the same bits.
///
/// # Errors
/// When `period` is 0 or the slices differ in length.
pub fn breakout(
    high: &[f64],
    low: &[f64],
    close: &[f64],
    period: usize,
    out: &mut [f64],
) -> Result<()> {
    let mut breakout = Breakout::new(period)?;
    fill_bars("breakout", [high, low, close], out, |[h, l, c]| {
        breakout.update(h, l, c)
    })
}

impl Parameter for Ddof {
    fn write(&self, writer: &mut StateWriter) {
        writer.usize(self.delta());
    }

    fn check(&self, name: &str, reader: &mut StateReader<'_>) -> Result<()> {
        reader.parameter(name, self.delta())
    }
}

/// Bollinger bands: the mean of the last `period` values and `width` standard deviations around it.
///
/// The usual deviation is [`Ddof::Population`]. Undefined before `period` values.
#[derive(Clone, Debug)]
pub struct Bollinger {
    mean: Sma,
    std: RollingStd,
    width: f64,
}

impl Bollinger {
    /// Bands over `period` values, `width` standard deviations wide on each side.
    ///
    /// # Errors
    /// When `period` is 0, or 1 for [`Ddof::Sample`].
    pub fn new(period: usize, width: f64, ddof: Ddof) -> Result<Self> {
        Ok(Self {
            mean: Sma::new(period)?,
            std: RollingStd::new(period, ddof)?,
            width,
        })
    }

    /// Takes the next value and gives the bands that include it.
    #[inline]
    pub fn update(&mut self, x: f64) -> Option<Channel> {
        self.mean.update(x);
        self.std.update(x);
        self.value()
    }

    /// The latest bands; `None` before `period` values.
    #[inline]
    pub fn value(&self) -> Option<Channel> {
        let (middle, std) = (self.mean.value()?, self.std.value()?);
        Some(Channel {
            upper: middle + self.width * std,
            middle,
            lower: middle - self.width * std,
        })
    }

    /// The number of values looked at.
    pub fn period(&self) -> usize {
        self.mean.period()
    }
}

saved!(Bollinger, b"bolinger", parameters [width], state [mean, std]);

/// [`Bollinger`] of each of `values` into `out`, NaN during warm-up; the same bits.
///
/// # Errors
/// As [`Bollinger::new`], or when `out` has another length.
pub fn bollinger(
    values: &[f64],
    period: usize,
    width: f64,
    ddof: Ddof,
    out: &mut [Channel],
) -> Result<()> {
    let mut bands = Bollinger::new(period, width, ddof)?;
    require_same_length("bollinger", values.len(), out.len())?;
    for (&x, y) in values.iter().zip(out) {
        *y = bands.update(x).unwrap_or(UNDEFINED);
    }
    Ok(())
}

/// [`Donchian`] of each bar into `out`, NaN during warm-up; the same bits.
///
/// # Errors
/// When `period` is 0 or the slices differ in length.
pub fn donchian(high: &[f64], low: &[f64], period: usize, out: &mut [Channel]) -> Result<()> {
    let mut channel = Donchian::new(period)?;
    require_same_length("donchian", high.len(), low.len())?;
    require_same_length("donchian", high.len(), out.len())?;
    for ((&h, &l), y) in high.iter().zip(low).zip(out) {
        *y = channel.update(h, l).unwrap_or(UNDEFINED);
    }
    Ok(())
}

const UNDEFINED: Channel = Channel {
    upper: f64::NAN,
    middle: f64::NAN,
    lower: f64::NAN,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::saved::{bars, continues};

    const HIGH: [f64; 5] = [5.0, 6.0, 4.0, 9.0, 6.0];
    const LOW: [f64; 5] = [3.0, 4.0, 2.0, 5.0, 1.0];

    #[test]
    fn the_channel_includes_the_bar_and_the_breakout_does_not() {
        let mut out = [UNDEFINED; 5];
        donchian(&HIGH, &LOW, 2, &mut out).unwrap();
        assert!(out[0].upper.is_nan());
        assert_eq!((out[1].upper, out[1].middle, out[1].lower), (6.0, 4.5, 3.0));
        assert_eq!((out[3].upper, out[3].lower), (9.0, 2.0));
        // Closes: on the edge of 6 to 3, above 6, below 2.
        let mut signs = [0.0; 5];
        breakout(&HIGH, &LOW, &[4.0, 5.0, 3.0, 8.0, 1.5], 2, &mut signs).unwrap();
        assert!(signs[1].is_nan());
        assert_eq!(signs[2..], [0.0, 1.0, -1.0]);
        assert_eq!(Breakout::new(7).unwrap().period(), 7);
        assert!(breakout(&HIGH, &LOW, &LOW, 0, &mut signs).is_err());
    }

    #[test]
    fn bands_by_hand() {
        let mut out = [UNDEFINED; 3];
        bollinger(&[1.0, 3.0, 7.0], 2, 1.5, Ddof::Population, &mut out).unwrap();
        assert!(out[0].middle.is_nan());
        // Means 2 and 5, deviations 1 and 2.
        assert_eq!((out[1].upper, out[1].middle, out[1].lower), (3.5, 2.0, 0.5));
        assert_eq!((out[2].upper, out[2].lower), (8.0, 2.0));
        assert_eq!(Bollinger::new(2, 1.0, Ddof::Sample).unwrap().period(), 2);
    }

    #[test]
    fn restored_continues_with_the_same_bits() {
        continues!(Donchian::new(3).unwrap(), bars(12), |one, bar| one
            .update(bar[0], bar[1])
            .map(|c| c.middle));
        continues!(Breakout::new(3).unwrap(), bars(12), |one, bar| one
            .update(bar[0], bar[1], bar[2]));
        let new = |width| Bollinger::new(4, width, Ddof::Sample).unwrap();
        continues!(new(2.0), bars(14), |one, bar| one
            .update(bar[2])
            .map(|c| c.lower));
        let e = new(2.0).restore(&new(2.5).save()).unwrap_err();
        assert!(e.to_string().contains("made with width 2.5"), "{e}");
    }
}
