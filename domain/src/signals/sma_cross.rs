//! Long while a fast moving average is above a slow one.

use crate::error::{Error, Result};
use crate::indicators::state::{StateReader, StateWriter, Tag};
use crate::indicators::{Ring, require_period};

const TAG: Tag = *b"smacross";

/// Moving-average cross of one instrument: long while SMA(fast) > SMA(slow), strictly.
///
/// Undefined before `slow` values. Both averages are running sums over one ring, in the operation
/// order of the usual one-pass loop (add what enters, subtract what leaves, compare
/// `sum_fast / fast > sum_slow / slow`), so that the answers equal that loop's at every bar.
#[derive(Clone, Debug)]
pub struct SmaCross {
    ring: Ring,
    fast: usize,
    slow: usize,
    fast_sum: f64,
    slow_sum: f64,
    fast_divisor: f64,
    slow_divisor: f64,
}

impl SmaCross {
    /// A cross of averages over `fast` and `slow` values.
    ///
    /// # Errors
    /// When `fast` is 0 or not shorter than `slow`.
    pub fn new(fast: usize, slow: usize) -> Result<Self> {
        require_period("sma cross fast", fast, 1)?;
        if fast >= slow {
            return Err(Error::signal(
                "sma cross needs a fast period shorter than its slow period",
            )
            .context("fast", fast)
            .context("slow", slow)
            .hint("a usual pair is fast 10 and slow 50"));
        }
        Ok(Self {
            ring: Ring::new(slow),
            fast,
            slow,
            fast_sum: 0.0,
            slow_sum: 0.0,
            fast_divisor: fast as f64,
            slow_divisor: slow as f64,
        })
    }

    /// Takes the next close and says whether to be long after it.
    #[inline]
    pub fn update(&mut self, close: f64) -> Option<bool> {
        let leaves_fast = self.ring.back(self.fast - 1);
        let leaves_slow = self.ring.push(close);
        self.fast_sum += close;
        self.slow_sum += close;
        self.fast_sum -= leaves_fast;
        self.slow_sum -= leaves_slow;
        self.value()
    }

    /// Whether to be long after the latest close; `None` before `slow` values.
    #[inline]
    pub fn value(&self) -> Option<bool> {
        self.ring
            .is_full()
            .then(|| self.fast_sum / self.fast_divisor > self.slow_sum / self.slow_divisor)
    }

    /// The number of values in the fast average.
    pub fn fast(&self) -> usize {
        self.fast
    }

    /// The number of values in the slow average.
    pub fn slow(&self) -> usize {
        self.slow
    }

    /// The bar with the first answer, counted from 1.
    pub fn warm_up(&self) -> usize {
        self.slow
    }

    /// Everything [`SmaCross::restore`] needs to continue with the same bits.
    pub fn save(&self) -> Vec<u64> {
        let mut writer = StateWriter::new();
        writer.header(TAG, 1);
        writer.usize(self.fast);
        writer.usize(self.slow);
        writer.f64(self.fast_sum);
        writer.f64(self.slow_sum);
        self.ring.write(&mut writer);
        writer.finish()
    }

    /// Continues where `words` were saved.
    ///
    /// # Errors
    /// When the words belong to something else, to other periods or another layout, or are damaged;
    /// nothing is changed then.
    pub fn restore(&mut self, words: &[u64]) -> Result<()> {
        let mut restored = self.clone();
        let mut reader = StateReader::new(words);
        reader.header(TAG, 1)?;
        reader.parameter("fast", self.fast)?;
        reader.parameter("slow", self.slow)?;
        restored.fast_sum = reader.f64()?;
        restored.slow_sum = reader.f64()?;
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

    /// The one-pass loop over a whole series that the incremental form must equal.
    fn reference(c: &[f64], fast: usize, slow: usize) -> Vec<Option<bool>> {
        let (mut sf, mut ss) = (0.0, 0.0);
        (0..c.len())
            .map(|i| {
                sf += c[i];
                ss += c[i];
                if i >= fast {
                    sf -= c[i - fast];
                }
                if i >= slow {
                    ss -= c[i - slow];
                }
                (i + 1 >= slow).then(|| sf / fast as f64 > ss / slow as f64)
            })
            .collect()
    }

    #[test]
    fn equal_averages_are_not_long() {
        let mut cross = SmaCross::new(1, 2).unwrap();
        let answers: Vec<_> = [5.0, 5.0, 6.0, 5.0].map(|x| cross.update(x)).to_vec();
        assert_eq!(answers, [None, Some(false), Some(true), Some(false)]);
        assert_eq!((cross.fast(), cross.slow(), cross.warm_up()), (1, 2, 2));
    }

    /// ERR-11: periods in the wrong order say so with both figures.
    #[test]
    fn err_11_periods_in_the_wrong_order_teach() {
        assert_eq!(
            SmaCross::new(50, 10).unwrap_err().to_string(),
            "sma cross needs a fast period shorter than its slow period (fast = 50, slow = 10); \
             hint: a usual pair is fast 10 and slow 50"
        );
        assert_eq!(
            SmaCross::new(0, 10).unwrap_err().to_string(),
            "sma cross fast needs a period of at least 1 (period = 0); \
             hint: use a period of 1 bars or more"
        );
    }

    proptest! {
        /// Few distinct prices make near ties common, where one rounding more would show.
        #[test]
        fn answers_equal_the_one_pass_loop_and_survive_a_restore(
            ticks in prop::collection::vec(0_u8..4, 1..150),
            fast in 1_usize..8,
            more in 1_usize..12,
        ) {
            let closes: Vec<f64> = ticks.iter().map(|&t| 10.1 + 0.1 * f64::from(t)).collect();
            let expected = reference(&closes, fast, fast + more);
            let mut cross = SmaCross::new(fast, fast + more).unwrap();
            for (i, &close) in closes.iter().enumerate() {
                let mut twin = SmaCross::new(fast, fast + more).unwrap();
                twin.restore(&cross.save()).unwrap();
                prop_assert_eq!(cross.update(close), expected[i], "bar {}", i);
                prop_assert_eq!(twin.update(close), expected[i], "bar {}", i);
                prop_assert_eq!(twin.save(), cross.save());
            }
        }
    }
}
