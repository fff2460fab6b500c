//! Returns from one value to the next.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::indicators::require_same_length;
use crate::indicators::state::{StateReader, StateWriter, Tag};

const TAG: Tag = *b"returns ";

/// `current / previous − 1`, a fraction.
#[inline]
pub fn simple_return(previous: f64, current: f64) -> f64 {
    current / previous - 1.0
}

/// `ln(current / previous)`, by libm so that every machine gives the same bits.
#[inline]
pub fn log_return(previous: f64, current: f64) -> f64 {
    libm::log(current / previous)
}

/// Which return is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReturnKind {
    /// [`simple_return`].
    Simple,
    /// [`log_return`].
    Log,
}

impl ReturnKind {
    /// The return of this kind from `previous` to `current`.
    #[inline]
    pub fn of(self, previous: f64, current: f64) -> f64 {
        match self {
            Self::Simple => simple_return(previous, current),
            Self::Log => log_return(previous, current),
        }
    }
}

/// The return from each price to the next; undefined at the first price.
#[derive(Clone, Debug)]
pub struct Returns {
    kind: ReturnKind,
    previous: Option<f64>,
    latest: Option<f64>,
}

impl Returns {
    /// Returns of `kind`; every pair of prices gives one, so nothing can be refused.
    pub fn new(kind: ReturnKind) -> Self {
        Self {
            kind,
            previous: None,
            latest: None,
        }
    }

    pub(crate) const fn kind(&self) -> ReturnKind {
        self.kind
    }

    /// Takes the next price and gives the return that leads to it.
    #[inline]
    pub fn update(&mut self, price: f64) -> Option<f64> {
        self.latest = self.previous.map(|previous| self.kind.of(previous, price));
        self.previous = Some(price);
        self.latest
    }

    /// The latest return; `None` before two prices.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        self.latest
    }

    /// The number of returns a value needs: 1.
    pub fn period(&self) -> usize {
        1
    }

    /// Everything [`Returns::restore`] needs to continue with the same bits.
    pub fn save(&self) -> Vec<u64> {
        let mut writer = StateWriter::new();
        writer.header(TAG, 1);
        writer.bool(self.kind == ReturnKind::Log);
        for x in [self.previous, self.latest] {
            writer.bool(x.is_some());
            writer.f64(x.unwrap_or(0.0));
        }
        writer.finish()
    }

    /// Continues where `words` were saved.
    ///
    /// # Errors
    /// When the words belong to another indicator, kind or layout, or are damaged; nothing is
    /// changed then.
    pub fn restore(&mut self, words: &[u64]) -> Result<()> {
        let mut reader = StateReader::new(words);
        reader.header(TAG, 1)?;
        reader.parameter("log", usize::from(self.kind == ReturnKind::Log))?;
        let mut read = || -> Result<Option<f64>> {
            let known = reader.bool()?;
            let x = reader.f64()?;
            Ok(known.then_some(x))
        };
        let (previous, latest) = (read()?, read()?);
        reader.finish()?;
        (self.previous, self.latest) = (previous, latest);
        Ok(())
    }
}

/// Returns of `kind` into `out`, NaN at the first price; the same bits as [`Returns`].
///
/// # Errors
/// When `out` has another length.
pub fn returns(prices: &[f64], kind: ReturnKind, out: &mut [f64]) -> Result<()> {
    require_same_length("returns", prices.len(), out.len())?;
    if let Some(first) = out.first_mut() {
        *first = f64::NAN;
    }
    for (pair, y) in prices.windows(2).zip(out.iter_mut().skip(1)) {
        *y = kind.of(pair[0], pair[1]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_kinds_by_hand() {
        assert!((simple_return(100.0, 110.0) - 0.1).abs() < 1e-15);
        assert!((log_return(100.0, 110.0) - 0.095_310_179_804_324_86).abs() < 1e-16);
        let mut returns = Returns::new(ReturnKind::Simple);
        assert_eq!(returns.update(4.0), None);
        assert_eq!(returns.update(5.0), Some(0.25));
        assert_eq!((returns.value(), returns.period()), (Some(0.25), 1));
    }

    #[test]
    fn kinds_do_not_restore_each_other() {
        let log = Returns::new(ReturnKind::Log);
        let e = Returns::new(ReturnKind::Simple)
            .restore(&log.save())
            .unwrap_err();
        assert!(e.to_string().contains("made with log 1"), "{e}");
    }

    proptest! {
        #[test]
        fn incremental_restored_and_batch_agree(
            prices in prop::collection::vec(0.01_f64..1e5, 0..60),
            log in any::<bool>(),
        ) {
            let kind = if log { ReturnKind::Log } else { ReturnKind::Simple };
            let mut batch = vec![0.0; prices.len()];
            super::returns(&prices, kind, &mut batch).unwrap();
            let mut incremental = Returns::new(kind);
            for (i, &price) in prices.iter().enumerate() {
                let mut restored = Returns::new(kind);
                restored.restore(&incremental.save()).unwrap();
                let got = restored.update(price);
                prop_assert_eq!(got, incremental.update(price));
                match got {
                    None => prop_assert!(i == 0 && batch[i].is_nan()),
                    Some(x) => prop_assert_eq!(x.to_bits(), batch[i].to_bits()),
                }
            }
        }
    }
}
