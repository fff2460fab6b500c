//! How an indicator becomes saved words and comes back: its parameters checked, its state restored.

use crate::error::{Error, Result};
use crate::indicators::state::{StateReader, StateWriter};
use crate::indicators::{Ring, RollingMax, RollingMin, RollingStd, Sma, TrueRange};

/// What a saved indicator was built with: written first, refused when it differs.
pub(crate) trait Parameter {
    fn write(&self, writer: &mut StateWriter);
    fn check(&self, name: &str, reader: &mut StateReader<'_>) -> Result<()>;
}

impl Parameter for usize {
    fn write(&self, writer: &mut StateWriter) {
        writer.usize(*self);
    }

    fn check(&self, name: &str, reader: &mut StateReader<'_>) -> Result<()> {
        reader.parameter(name, *self)
    }
}

impl Parameter for f64 {
    fn write(&self, writer: &mut StateWriter) {
        writer.f64(*self);
    }

    fn check(&self, name: &str, reader: &mut StateReader<'_>) -> Result<()> {
        let found = reader.f64()?;
        if found.to_bits() == self.to_bits() {
            return Ok(());
        }
        Err(Error::signal(format!(
            "saved state was made with {name} {found}, this one has {self}"
        ))
        .hint("restore with the parameters it was saved with, or warm up again"))
    }
}

/// A part of what changes from bar to bar.
pub(crate) trait Part {
    fn write(&self, writer: &mut StateWriter);
    fn read(&mut self, reader: &mut StateReader<'_>) -> Result<()>;
}

impl Part for f64 {
    fn write(&self, writer: &mut StateWriter) {
        writer.f64(*self);
    }

    fn read(&mut self, reader: &mut StateReader<'_>) -> Result<()> {
        *self = reader.f64()?;
        Ok(())
    }
}

impl Part for usize {
    fn write(&self, writer: &mut StateWriter) {
        writer.usize(*self);
    }

    fn read(&mut self, reader: &mut StateReader<'_>) -> Result<()> {
        *self = reader.usize()?;
        Ok(())
    }
}

impl<const N: usize> Part for [f64; N] {
    fn write(&self, writer: &mut StateWriter) {
        for x in self {
            writer.f64(*x);
        }
    }

    fn read(&mut self, reader: &mut StateReader<'_>) -> Result<()> {
        for x in self {
            *x = reader.f64()?;
        }
        Ok(())
    }
}

impl<T: Part + Default> Part for Option<T> {
    fn write(&self, writer: &mut StateWriter) {
        writer.bool(self.is_some());
        match self {
            Some(part) => part.write(writer),
            None => T::default().write(writer),
        }
    }

    fn read(&mut self, reader: &mut StateReader<'_>) -> Result<()> {
        let known = reader.bool()?;
        let mut part = T::default();
        part.read(reader)?;
        *self = known.then_some(part);
        Ok(())
    }
}

impl Part for Ring {
    fn write(&self, writer: &mut StateWriter) {
        Self::write(self, writer);
    }

    fn read(&mut self, reader: &mut StateReader<'_>) -> Result<()> {
        Self::read(self, reader)
    }
}

/// An indicator inside another one: its own words, after their count.
macro_rules! inner_part {
    ($($type:ty),+) => {$(
        impl $crate::indicators::saved::Part for $type {
            fn write(&self, writer: &mut $crate::indicators::state::StateWriter) {
                writer.words(&self.save());
            }

            fn read(
                &mut self,
                reader: &mut $crate::indicators::state::StateReader<'_>,
            ) -> $crate::error::Result<()> {
                self.restore(reader.words()?)
            }
        }
    )+};
}
pub(crate) use inner_part;

inner_part!(Sma, RollingStd, RollingMax, RollingMin, TrueRange);

/// Gives a type `save` and `restore`: a tag, the parameters, then the parts, in this order.
macro_rules! saved {
    ($type:ident, $tag:literal, parameters [$($parameter:ident),*], state [$($part:ident),*]) => {
        impl $type {
            /// Everything `restore` needs to continue with the same bits.
            pub fn save(&self) -> Vec<u64> {
                let mut writer = $crate::indicators::state::StateWriter::new();
                writer.header(*$tag, 1);
                $($crate::indicators::saved::Parameter::write(&self.$parameter, &mut writer);)*
                $($crate::indicators::saved::Part::write(&self.$part, &mut writer);)*
                writer.finish()
            }

            /// Continues where `words` were saved.
            ///
            /// # Errors
            /// When the words belong to another indicator, other parameters or another layout, or
            /// are damaged; nothing is changed then.
            pub fn restore(&mut self, words: &[u64]) -> $crate::error::Result<()> {
                let mut restored = self.clone();
                let mut reader = $crate::indicators::state::StateReader::new(words);
                reader.header(*$tag, 1)?;
                $($crate::indicators::saved::Parameter::check(
                    &self.$parameter,
                    stringify!($parameter),
                    &mut reader,
                )?;)*
                $($crate::indicators::saved::Part::read(&mut restored.$part, &mut reader)?;)*
                reader.finish()?;
                *self = restored;
                Ok(())
            }
        }
    };
}
pub(crate) use saved;

/// Proves that a twin restored at any bar continues with the same bits, and that cut words are
/// refused.
#[cfg(test)]
macro_rules! continues {
    ($new:expr, $bars:expr, |$indicator:ident, $bar:ident| $update:expr) => {{
        let bars = $bars;
        let bits = |x: Option<f64>| x.map(f64::to_bits);
        let mut original = $new;
        let mut defined = 0;
        for i in 0..bars.len() {
            let words = original.save();
            let mut twin = $new;
            assert!(twin.restore(&words[..words.len() - 1]).is_err());
            twin.restore(&words).unwrap();
            assert_eq!(twin.save(), words);
            let mut ahead = original.clone();
            for j in i..bars.len() {
                let $bar = bars[j];
                let a = {
                    let $indicator = &mut ahead;
                    $update
                };
                let b = {
                    let $indicator = &mut twin;
                    $update
                };
                assert_eq!(bits(a), bits(b), "restored at {i}, bar {j}");
                defined += usize::from(a.is_some());
            }
            let $bar = bars[i];
            let $indicator = &mut original;
            let _ = $update;
        }
        assert!(defined > 0, "no value was compared");
    }};
}
#[cfg(test)]
pub(crate) use continues;

/// High, low and close of made-up bars: a noisy wave that rises, with wide and narrow ones.
#[cfg(test)]
pub(crate) fn bars(count: usize) -> Vec<[f64; 3]> {
    // Without noise a few lags would predict the wave exactly.
    let mut draw = 1_u64;
    (0..count)
        .map(|i| {
            let i = i as f64;
            draw = draw * 48_271 % 2_147_483_647;
            let noise = draw as f64 / 2_147_483_647.0;
            let close = 100.0 + 0.1 * i + 5.0 * (0.7 * i).sin() + noise;
            let (up, down) = (1.0 + (1.3 * i).sin(), 1.5 + (2.1 * i).cos());
            [close + up, close - down, close]
        })
        .collect()
}
