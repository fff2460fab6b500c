//! Volatility: the standard deviation of a price's returns.

use crate::error::Result;
use crate::indicators::require_same_length;
use crate::indicators::returns::{ReturnKind, Returns};
use crate::indicators::standard_deviation::{Ddof, RollingStd};
use crate::indicators::state::{StateReader, StateWriter, Tag};

const TAG: Tag = *b"returvol";

/// The standard deviation of the last `period` returns of a price, a figure per bar.
///
/// Undefined before `period` returns, that is `period + 1` prices. [`annualised`] turns it into a
/// yearly figure.
#[derive(Clone, Debug)]
pub struct Volatility {
    returns: Returns,
    std: RollingStd,
}

impl Volatility {
    /// Volatility over `period` returns of `kind`.
    ///
    /// # Errors
    /// When `period` is below 1, or below 2 for [`Ddof::Sample`].
    pub fn new(period: usize, kind: ReturnKind, ddof: Ddof) -> Result<Self> {
        Ok(Self {
            returns: Returns::new(kind),
            std: RollingStd::new(period, ddof)?,
        })
    }

    /// Takes the next price and gives the volatility that includes it.
    #[inline]
    pub fn update(&mut self, price: f64) -> Option<f64> {
        let x = self.returns.update(price)?;
        self.std.update(x)
    }

    /// The latest volatility per bar; `None` before `period + 1` prices.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        self.std.value()
    }

    /// What it is, in the words of a [`spec`](super::spec) and without its window.
    pub(crate) const fn family(&self) -> &'static str {
        match (self.returns.kind(), self.std.ddof()) {
            (ReturnKind::Simple, Ddof::Sample) => "vol_simple",
            (ReturnKind::Simple, Ddof::Population) => "vol0_simple",
            (ReturnKind::Log, Ddof::Sample) => "vol_log",
            (ReturnKind::Log, Ddof::Population) => "vol0_log",
        }
    }

    /// The number of returns looked at.
    pub fn period(&self) -> usize {
        self.std.period()
    }

    /// Everything [`Volatility::restore`] needs to continue with the same bits.
    pub fn save(&self) -> Vec<u64> {
        let mut writer = StateWriter::new();
        writer.header(TAG, 1);
        writer.words(&self.returns.save());
        writer.words(&self.std.save());
        writer.finish()
    }

    /// Continues where `words` were saved.
    ///
    /// # Errors
    /// When the words belong to another indicator, other parameters or another layout, or are
    /// damaged; nothing is changed then.
    pub fn restore(&mut self, words: &[u64]) -> Result<()> {
        let mut restored = self.clone();
        let mut reader = StateReader::new(words);
        reader.header(TAG, 1)?;
        restored.returns.restore(reader.words()?)?;
        restored.std.restore(reader.words()?)?;
        reader.finish()?;
        *self = restored;
        Ok(())
    }
}

/// A per-bar volatility as a yearly one: `std × √annualisation`, with the number of bars a year
/// (365 for daily crypto, 252 for daily equities).
#[inline]
pub fn annualised(std: f64, annualisation: f64) -> f64 {
    std * annualisation.sqrt()
}

/// [`Volatility`] of each of `prices` into `out`, NaN before `period + 1` prices; the same bits.
///
/// # Errors
/// When `period` is too short for `ddof` or `out` has another length.
pub fn volatility(
    prices: &[f64],
    period: usize,
    kind: ReturnKind,
    ddof: Ddof,
    out: &mut [f64],
) -> Result<()> {
    let mut volatility = Volatility::new(period, kind, ddof)?;
    require_same_length("volatility", prices.len(), out.len())?;
    for (&price, y) in prices.iter().zip(out) {
        *y = volatility.update(price).unwrap_or(f64::NAN);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// SIG-02: the vector of 30 alternating returns, and nothing before 30.
    #[test]
    fn sig_02_thirty_alternating_returns() {
        let mut std = RollingStd::new(30, Ddof::Sample).unwrap();
        for i in 0..30 {
            assert_eq!(std.value(), None, "after {i} returns");
            std.update(if i % 2 == 0 { 0.01 } else { -0.01 });
        }
        let per_bar = std.value().unwrap();
        assert!((per_bar - 0.010_170_952_554).abs() < 1e-12, "{per_bar}");
        let yearly = annualised(per_bar, 365.0);
        assert!((yearly - 0.194_315_775_710).abs() < 1e-12, "{yearly}");
        assert_eq!(std.period(), 30);
    }

    proptest! {
        #[test]
        fn restored_continues_with_the_same_bits(
            prices in prop::collection::vec(1.0_f64..1e3, 1..50),
            period in 2_usize..10,
        ) {
            let new = || Volatility::new(period, ReturnKind::Log, Ddof::Sample).unwrap();
            let mut volatility = new();
            let mut batch = prices.clone();
            super::volatility(&prices, period, ReturnKind::Log, Ddof::Sample, &mut batch).unwrap();
            for (i, &price) in prices.iter().enumerate() {
                let mut twin = new();
                twin.restore(&volatility.save()).unwrap();
                for (j, &later) in prices.iter().enumerate().skip(i) {
                    let got = twin.update(later);
                    prop_assert_eq!(got.is_some(), j >= period);
                    let got = got.unwrap_or(f64::NAN);
                    prop_assert_eq!(got.to_bits(), batch[j].to_bits());
                }
                volatility.update(price);
            }
        }
    }
}
