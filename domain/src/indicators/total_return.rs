//! The forward total-return index: what holding the instrument earned, known at each bar.

use crate::error::{Error, Result};
use crate::indicators::require_same_length;
use crate::indicators::state::{StateReader, StateWriter, Tag};

const TAG: Tag = *b"totalret";

/// Total-return index of one instrument, built bar by bar from raw closes and actions.
///
/// `index_t / index_{t−1} = (close_t + dividend_t) × split_t / close_{t−1}`, the vendors' rule, with
/// `index_0 = close_0`. It is kept as a factor on the raw close: 1 at the first bar, then
/// `factor_t = factor_{t−1} × split_t × (1 + dividend_t / close_t)`. Open, high and low of the same
/// bar are scaled by the same factor. Past factors never change, so no future action reaches a
/// decision; that is the difference from a back-adjusted series.
#[derive(Clone, Debug)]
pub struct TotalReturnIndex {
    factor: f64,
    latest: Option<f64>,
}

impl Default for TotalReturnIndex {
    fn default() -> Self {
        Self::new()
    }
}

impl TotalReturnIndex {
    /// An index that starts at the first close it sees.
    pub fn new() -> Self {
        Self {
            factor: 1.0,
            latest: None,
        }
    }

    /// Takes the next raw `close` with the actions of its day and gives the index.
    ///
    /// `dividend` is cash for each share after the split, in the currency of the close, 0 when
    /// there is none. `split_ratio` is new shares for each old one (2 for two-for-one), 1 when there
    /// is none. Actions at the first bar change nothing: nobody held the share before.
    ///
    /// # Errors
    /// When the dividend is negative or not finite, or the split ratio is not positive and finite;
    /// nothing is changed then.
    #[inline]
    pub fn update(&mut self, close: f64, dividend: f64, split_ratio: f64) -> Result<f64> {
        #[expect(
            clippy::float_cmp,
            reason = "exactly 1 is how a bar says that nothing split"
        )]
        let quiet = dividend == 0.0 && split_ratio == 1.0;
        if !quiet {
            self.act(close, dividend, split_ratio)?;
        }
        let index = close * self.factor;
        self.latest = Some(index);
        Ok(index)
    }

    #[cold]
    fn act(&mut self, close: f64, dividend: f64, split_ratio: f64) -> Result<()> {
        if !(dividend >= 0.0 && dividend.is_finite()) {
            return Err(Error::signal_calculation("a dividend must be zero or more")
                .context("dividend", dividend)
                .context("close", close)
                .hint("check the action file: dividends are cash for each share, 0 for none"));
        }
        if !(split_ratio > 0.0 && split_ratio.is_finite()) {
            return Err(
                Error::signal_calculation("a split ratio must be above zero")
                    .context("split_ratio", split_ratio)
                    .context("close", close)
                    .hint(
                        "check the action file: 2 means two new shares for one old, 1 means none",
                    ),
            );
        }
        if self.latest.is_some() {
            self.factor *= split_ratio * (1.0 + dividend / close);
        }
        Ok(())
    }

    /// The latest index; `None` before the first close.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        self.latest
    }

    /// What open, high, low and close of the latest bar are multiplied by; 1 at the first bar.
    #[inline]
    pub fn factor(&self) -> f64 {
        self.factor
    }

    /// The number of bars before the first value: 1.
    pub fn period(&self) -> usize {
        1
    }

    /// Everything [`TotalReturnIndex::restore`] needs to continue with the same bits.
    pub fn save(&self) -> Vec<u64> {
        let mut writer = StateWriter::new();
        writer.header(TAG, 1);
        writer.f64(self.factor);
        writer.bool(self.latest.is_some());
        writer.f64(self.latest.unwrap_or(0.0));
        writer.finish()
    }

    /// Continues where `words` were saved.
    ///
    /// # Errors
    /// When the words belong to another indicator or layout, or are damaged; nothing is changed
    /// then.
    pub fn restore(&mut self, words: &[u64]) -> Result<()> {
        let mut reader = StateReader::new(words);
        reader.header(TAG, 1)?;
        let factor = reader.f64()?;
        let started = reader.bool()?;
        let latest = reader.f64()?;
        reader.finish()?;
        self.factor = factor;
        self.latest = started.then_some(latest);
        Ok(())
    }
}

/// [`TotalReturnIndex`] of each bar into `out`; the same bits.
///
/// # Errors
/// When the slices differ in length or an action is impossible.
pub fn total_return_index(
    closes: &[f64],
    dividends: &[f64],
    split_ratios: &[f64],
    out: &mut [f64],
) -> Result<()> {
    for length in [dividends.len(), split_ratios.len(), out.len()] {
        require_same_length("total return index", closes.len(), length)?;
    }
    let mut index = TotalReturnIndex::new();
    let actions = dividends.iter().zip(split_ratios);
    for ((&close, (&dividend, &split)), y) in closes.iter().zip(actions).zip(out) {
        *y = index.update(close, dividend, split)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_split_and_a_dividend_by_hand() {
        let mut index = TotalReturnIndex::new();
        // An action at the first bar belongs to the holder of the day before.
        assert_eq!(index.update(100.0, 5.0, 2.0), Ok(100.0));
        assert_eq!((index.value(), index.factor()), (Some(100.0), 1.0));
        // Two for one at a constant value: the index does not move.
        assert_eq!(index.update(50.0, 0.0, 2.0), Ok(100.0));
        // A dividend of 1 with the close falling by 1: neither.
        let after = index.update(49.0, 1.0, 1.0).unwrap();
        assert!((after - 100.0).abs() < 1e-12, "{after}");
        assert!((index.factor() - 2.0 * 50.0 / 49.0).abs() < 1e-15);
        assert_eq!((index.value(), index.period()), (Some(after), 1));
    }

    /// ERR-11: impossible actions say what an action file must hold.
    #[test]
    fn err_11_impossible_actions_teach_and_change_nothing() {
        let mut index = TotalReturnIndex::new();
        index.update(10.0, 0.0, 1.0).unwrap();
        assert_eq!(
            index.update(10.0, -0.5, 1.0).unwrap_err().to_string(),
            "a dividend must be zero or more (dividend = -0.5, close = 10); \
             hint: check the action file: dividends are cash for each share, 0 for none"
        );
        assert_eq!(
            index.update(10.0, 0.0, 0.0).unwrap_err().to_string(),
            "a split ratio must be above zero (split_ratio = 0, close = 10); \
             hint: check the action file: 2 means two new shares for one old, 1 means none"
        );
        assert!(index.update(10.0, f64::NAN, 1.0).is_err());
        assert!(index.update(10.0, 0.0, f64::INFINITY).is_err());
        assert_eq!((index.value(), index.factor()), (Some(10.0), 1.0));
    }

    /// Closes with a dividend every seventh bar and a split every eleventh.
    fn bars() -> impl Strategy<Value = Vec<(f64, f64, f64)>> {
        let bar = (1.0_f64..1e3, 0_u8..7, 0.01_f64..0.1, 0_u8..11, 0.1_f64..4.0);
        prop::collection::vec(
            bar.prop_map(|(close, pays, yields, splits, ratio)| {
                let dividend = if pays == 0 { close * yields } else { 0.0 };
                (close, dividend, if splits == 0 { ratio } else { 1.0 })
            }),
            0..80,
        )
    }

    proptest! {
        #[test]
        fn each_step_follows_the_vendor_rule(bars in bars()) {
            let closes: Vec<f64> = bars.iter().map(|b| b.0).collect();
            let dividends: Vec<f64> = bars.iter().map(|b| b.1).collect();
            let splits: Vec<f64> = bars.iter().map(|b| b.2).collect();
            let mut batch = closes.clone();
            total_return_index(&closes, &dividends, &splits, &mut batch).unwrap();
            let mut index = TotalReturnIndex::new();
            for (i, &(close, dividend, split)) in bars.iter().enumerate() {
                let mut restored = TotalReturnIndex::new();
                restored.restore(&index.save()).unwrap();
                let got = index.update(close, dividend, split).unwrap();
                prop_assert_eq!(restored.update(close, dividend, split).unwrap().to_bits(), got.to_bits());
                prop_assert_eq!(batch[i].to_bits(), got.to_bits());
                if i > 0 {
                    let rule = (close + dividend) * split / bars[i - 1].0;
                    prop_assert!((got / batch[i - 1] / rule - 1.0).abs() < 1e-12);
                } else {
                    prop_assert_eq!(got.to_bits(), close.to_bits());
                }
            }
        }
    }
}
