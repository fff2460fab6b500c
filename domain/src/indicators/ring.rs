//! The last values of a series, in a fixed ring.

use crate::error::{Error, Result};
use crate::indicators::state::{StateReader, StateWriter};

/// The last `len` values pushed. Starts full of zeros, so that a running sum may subtract what
/// leaves during warm-up without changing a bit.
#[derive(Clone, Debug)]
pub(crate) struct Ring {
    values: Box<[f64]>,
    /// Where the next value goes: the oldest one once full.
    next: usize,
    filled: usize,
}

impl Ring {
    /// An empty ring of `len` places; `len` is at least 1, as its owner has checked.
    pub(crate) fn new(len: usize) -> Self {
        Self {
            values: vec![0.0; len].into_boxed_slice(),
            next: 0,
            filled: 0,
        }
    }

    /// Puts `x` in and takes the oldest value out: zero while the ring is filling.
    #[inline]
    pub(crate) fn push(&mut self, x: f64) -> f64 {
        let leaving = std::mem::replace(&mut self.values[self.next], x);
        self.next += 1;
        if self.next == self.values.len() {
            self.next = 0;
        }
        if self.filled < self.values.len() {
            self.filled += 1;
        }
        leaving
    }

    /// The value pushed `ago` pushes before the latest; `ago` is below the length.
    #[inline]
    pub(crate) fn back(&self, ago: usize) -> f64 {
        let behind = ago + 1;
        let index = if self.next >= behind {
            self.next - behind
        } else {
            self.next + self.values.len() - behind
        };
        self.values[index]
    }

    /// Whether every place holds a pushed value.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.filled == self.values.len()
    }

    /// Appends the ring to a saved state.
    pub(crate) fn write(&self, writer: &mut StateWriter) {
        writer.usize(self.next);
        writer.usize(self.filled);
        writer.f64s(&self.values);
    }

    /// Reads what [`Ring::write`] wrote, refusing another length or an impossible position.
    pub(crate) fn read(&mut self, reader: &mut StateReader<'_>) -> Result<()> {
        let next = reader.usize()?;
        let filled = reader.usize()?;
        let values = reader.f64s()?;
        let len = self.values.len();
        if values.len() != len || next >= len || filled > len || (filled < len && next != filled) {
            return Err(Error::signal("the saved ring contradicts itself")
                .context("length", values.len())
                .context("expected", len)
                .context("position", next)
                .context("filled", filled)
                .hint("the state is damaged; start fresh and warm up again"));
        }
        self.values.copy_from_slice(&values);
        (self.next, self.filled) = (next, filled);
        Ok(())
    }
}
