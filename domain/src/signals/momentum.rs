//! Momentum: the return over a long window that leaves out the latest bars.

use crate::error::{Error, Result};
use crate::indicators::Ring;
use crate::indicators::state::{StateReader, StateWriter, Tag};

const TAG: Tag = *b"momentum";

/// Momentum score of one instrument: `index[t − skip] / index[t − lookback] − 1`.
///
/// The usual windows are 252 and 21: a year without its last month, whose reversal would spoil the
/// trend (N. Jegadeesh and S. Titman, Journal of Finance 48, 1993). Undefined before
/// `lookback + 1` values. Feed it the total-return index, so that dividends count and splits do not.
#[derive(Clone, Debug)]
pub struct Momentum {
    ring: Ring,
    lookback: usize,
    skip: usize,
}

impl Momentum {
    /// A score from `lookback` bars ago to `skip` bars ago.
    ///
    /// # Errors
    /// When `lookback` is not longer than `skip`.
    pub fn new(lookback: usize, skip: usize) -> Result<Self> {
        if lookback <= skip {
            return Err(
                Error::signal("momentum needs a lookback longer than its skip")
                    .context("lookback", lookback)
                    .context("skip", skip)
                    .hint("the usual pair is lookback 252 and skip 21"),
            );
        }
        Ok(Self {
            ring: Ring::new(lookback + 1),
            lookback,
            skip,
        })
    }

    /// Takes the next index value and gives the score at this bar.
    #[inline]
    pub fn update(&mut self, index: f64) -> Option<f64> {
        self.ring.push(index);
        self.value()
    }

    /// The latest score, a fraction; `None` before `lookback + 1` values.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        self.ring
            .is_full()
            .then(|| self.ring.back(self.skip) / self.ring.back(self.lookback) - 1.0)
    }

    /// How many bars ago the measured window starts.
    pub fn lookback(&self) -> usize {
        self.lookback
    }

    /// How many of the latest bars are left out.
    pub fn skip(&self) -> usize {
        self.skip
    }

    /// The bar with the first score, counted from 1.
    pub fn warm_up(&self) -> usize {
        self.lookback + 1
    }

    /// Everything [`Momentum::restore`] needs to continue with the same bits.
    pub fn save(&self) -> Vec<u64> {
        let mut writer = StateWriter::new();
        writer.header(TAG, 1);
        writer.usize(self.lookback);
        writer.usize(self.skip);
        self.ring.write(&mut writer);
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
        reader.parameter("lookback", self.lookback)?;
        reader.parameter("skip", self.skip)?;
        restored.ring.read(&mut reader)?;
        reader.finish()?;
        *self = restored;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_latest_bars_are_left_out() {
        let mut momentum = Momentum::new(3, 1).unwrap();
        let scores: Vec<_> = [100.0, 110.0, 120.0, 999.0, 55.0]
            .map(|x| momentum.update(x))
            .to_vec();
        assert_eq!(scores[..3], [None; 3]);
        assert!((scores[3].unwrap() - 0.2).abs() < 1e-15);
        assert!((scores[4].unwrap() - (999.0 / 110.0 - 1.0)).abs() < 1e-15);
        assert_eq!(momentum.warm_up(), 4);
    }

    /// ERR-11: an impossible window names both figures and a usual pair.
    #[test]
    fn err_11_a_skip_that_leaves_nothing_teaches() {
        assert_eq!(
            Momentum::new(21, 21).unwrap_err().to_string(),
            "momentum needs a lookback longer than its skip (lookback = 21, skip = 21); \
             hint: the usual pair is lookback 252 and skip 21"
        );
    }

    proptest! {
        #[test]
        fn scores_equal_the_formula_and_survive_a_restore(
            index in prop::collection::vec(1.0_f64..1e3, 1..80),
            skip in 0_usize..6,
            more in 1_usize..10,
        ) {
            let lookback = skip + more;
            let mut momentum = Momentum::new(lookback, skip).unwrap();
            for (t, &x) in index.iter().enumerate() {
                let mut twin = Momentum::new(lookback, skip).unwrap();
                twin.restore(&momentum.save()).unwrap();
                let expected = (t >= lookback).then(|| index[t - skip] / index[t - lookback] - 1.0);
                prop_assert_eq!(momentum.update(x), expected);
                prop_assert_eq!(twin.update(x), expected);
                prop_assert_eq!(twin.save(), momentum.save());
            }
        }
    }
}
