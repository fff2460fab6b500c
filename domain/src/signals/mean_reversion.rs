//! Mean reversion: how unusual the latest move of price and volume is beside the moves before it.

use crate::error::{Error, Result};
use crate::indicators::state::{StateReader, StateWriter, Tag};
use crate::indicators::{Ddof, Ring, RollingMoments};

const TAG: Tag = *b"meanrev ";

/// Price and volume moves of one instrument in standard deviations of the moves before.
///
/// A move is `x[t] / x[t − period] − 1`. Its surprise is `(move − mean) / std` (ddof 1) over the
/// `window` moves *before* it: the latest one is not part of what it is measured against.
/// Undefined before `period + window + 1` bars, and while the earlier moves do not differ.
///
/// Prices come from the total-return index; volumes as traded, so the bars after a split show a
/// volume move that nobody made.
#[derive(Clone, Debug)]
pub struct MeanReversion {
    period: usize,
    window: usize,
    price: Moves,
    volume: Moves,
}

/// The latest moves in standard deviations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Surprise {
    /// Of the price.
    pub price: f64,
    /// Of the volume.
    pub volume: f64,
}

impl Surprise {
    /// A fall of at least `price` deviations (negative, −1.5 is usual) with a volume that is
    /// unusual either way by at least `volume` deviations (1 is usual).
    pub fn is_oversold(self, price: f64, volume: f64) -> bool {
        self.price <= price && self.volume.abs() >= volume
    }
}

#[derive(Clone, Debug)]
struct Moves {
    levels: Ring,
    before: RollingMoments,
    surprise: Option<f64>,
}

impl MeanReversion {
    /// Moves over `period` bars, measured against the `window` moves before.
    ///
    /// # Errors
    /// `Signal` when `period` is 0 or `window` below 2.
    pub fn new(period: usize, window: usize) -> Result<Self> {
        if period == 0 || window < 2 {
            return Err(Error::signal(
                "mean reversion needs a period of at least 1 and a window of at least 2",
            )
            .context("period", period)
            .context("window", window)
            .hint("the usual pair is period 2 and window 30"));
        }
        let moves = Moves {
            levels: Ring::new(period + 1),
            before: RollingMoments::new(window)?,
            surprise: None,
        };
        Ok(Self {
            period,
            window,
            price: moves.clone(),
            volume: moves,
        })
    }

    /// Takes the next bar and gives its surprise.
    #[inline]
    pub fn update(&mut self, price: f64, volume: f64) -> Option<Surprise> {
        self.price.update(price, self.period);
        self.volume.update(volume, self.period);
        self.value()
    }

    /// The latest surprise; `None` during warm-up and where it is undefined.
    #[inline]
    pub fn value(&self) -> Option<Surprise> {
        Some(Surprise {
            price: self.price.surprise?,
            volume: self.volume.surprise?,
        })
    }

    /// The bar with the first surprise, counted from 1.
    pub fn warm_up(&self) -> usize {
        self.period + self.window + 1
    }

    /// Everything [`MeanReversion::restore`] needs to continue with the same bits.
    pub fn save(&self) -> Vec<u64> {
        let mut writer = StateWriter::new();
        writer.header(TAG, 1);
        writer.usize(self.period);
        writer.usize(self.window);
        for moves in [&self.price, &self.volume] {
            moves.levels.write(&mut writer);
            writer.words(&moves.before.save());
            writer.bool(moves.surprise.is_some());
            writer.f64(moves.surprise.unwrap_or_default());
        }
        writer.finish()
    }

    /// Continues where `words` were saved.
    ///
    /// # Errors
    /// When the words belong to something else, to other windows or another layout, or are damaged;
    /// nothing is changed then.
    pub fn restore(&mut self, words: &[u64]) -> Result<()> {
        let mut restored = self.clone();
        let mut reader = StateReader::new(words);
        reader.header(TAG, 1)?;
        reader.parameter("period", self.period)?;
        reader.parameter("window", self.window)?;
        for moves in [&mut restored.price, &mut restored.volume] {
            moves.levels.read(&mut reader)?;
            moves.before.restore(reader.words()?)?;
            let known = reader.bool()?;
            let surprise = reader.f64()?;
            moves.surprise = known.then_some(surprise);
        }
        reader.finish()?;
        *self = restored;
        Ok(())
    }
}

impl Moves {
    #[inline]
    fn update(&mut self, level: f64, period: usize) {
        self.levels.push(level);
        self.surprise = None;
        if !self.levels.is_full() {
            return;
        }
        let change = level / self.levels.back(period) - 1.0;
        // After a bar without volume there is no change to speak of.
        if !change.is_finite() {
            return;
        }
        self.surprise = self
            .before
            .mean()
            .zip(self.before.variance(Ddof::Sample))
            .filter(|(_, variance)| *variance > 0.0)
            .map(|(mean, variance)| (change - mean) / variance.sqrt());
        self.before.update(change);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition, from all values at once.
    fn by_definition(levels: &[f64], period: usize, window: usize) -> Option<f64> {
        let moves: Vec<_> = (period..levels.len())
            .map(|t| levels[t] / levels[t - period] - 1.0)
            .collect();
        let (last, before) = moves.split_last()?;
        let before = &before[before.len().checked_sub(window)?..];
        let mean = before.iter().sum::<f64>() / window as f64;
        let squares = before.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>();
        Some((last - mean) / (squares / (window - 1) as f64).sqrt())
    }

    /// SIG-03: the value that is judged is not part of the window it is judged by.
    #[test]
    fn the_latest_move_is_left_out_of_its_window() {
        let mut signal = MeanReversion::new(1, 3).unwrap();
        // Moves +10 %, −10 %, +10 %, then −50 %; volumes the same way.
        let levels = [100.0, 110.0, 99.0, 108.9, 54.45];
        let surprises: Vec<_> = levels.iter().map(|&x| signal.update(x, x)).collect();
        assert_eq!(surprises[..4], [None; 4]);
        let expected = (-0.5 - 0.1 / 3.0) / (0.04_f64 / 3.0).sqrt();
        let got = surprises[4].unwrap();
        assert!((got.price - expected).abs() < 1e-12, "{got:?} {expected}");
        assert_eq!(signal.warm_up(), 5);
        // With the latest move inside, no value of four can be 2 deviations away.
        assert!(got.price < -4.0);
    }

    /// SIG-03: both thresholds are inclusive, and volume counts either way.
    #[test]
    fn oversold_wants_a_fall_and_unusual_volume() {
        let of = |price, volume| Surprise { price, volume }.is_oversold(-1.5, 1.0);
        assert!(of(-1.5, 1.0) && of(-1.5, -1.0) && of(-9.0, 3.0));
        assert!(!of(-1.499, 2.0) && !of(-2.0, 0.999) && !of(2.0, 2.0));
    }

    #[test]
    fn a_bar_without_volume_is_skipped_not_infinite() {
        let mut signal = MeanReversion::new(1, 2).unwrap();
        let volumes = [5.0, 6.0, 0.0, 7.0, 5.0, 6.0];
        let got: Vec<_> = [10.0, 11.0, 12.0, 11.0, 12.0, 13.0]
            .iter()
            .zip(volumes)
            .map(|(&price, volume)| signal.update(price, volume))
            .collect();
        assert_eq!(got[3], None, "the move from nothing is undefined");
        assert!(got[4].is_some_and(|s| s.volume.is_finite()));
    }

    /// ERR-11: impossible windows name both figures and a usual pair.
    #[test]
    fn err_11_impossible_windows_teach() {
        assert_eq!(
            MeanReversion::new(0, 30).unwrap_err().to_string(),
            "mean reversion needs a period of at least 1 and a window of at least 2 \
             (period = 0, window = 30); hint: the usual pair is period 2 and window 30"
        );
    }

    proptest! {
        #[test]
        fn surprises_equal_the_definition_and_survive_a_restore(
            levels in prop::collection::vec(1.0_f64..1e3, 1..60),
            period in 1_usize..4,
            window in 3_usize..8,
        ) {
            let mut signal = MeanReversion::new(period, window).unwrap();
            for t in 0..levels.len() {
                let mut twin = MeanReversion::new(period, window).unwrap();
                twin.restore(&signal.save()).unwrap();
                let got = signal.update(levels[t], levels[t]);
                prop_assert_eq!(twin.update(levels[t], levels[t]), got);
                let expected = by_definition(&levels[..=t], period, window);
                prop_assert_eq!(got.is_some(), expected.is_some());
                if let (Some(got), Some(expected)) = (got, expected) {
                    prop_assert!((got.price - expected).abs() <= 1e-9 * expected.abs().max(1.0));
                }
            }
        }
    }
}
