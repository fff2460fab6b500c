//! What a strategy sees: the slice that closed, the history behind it, and its own account.

use super::{BarsSeen, Requirements};
use crate::instrument::{InstrumentId, Instruments};
use crate::market::Slice;
use crate::portfolio::Account;
use crate::time::Timestamp;

/// Everything pushed so far and nothing else.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    slice: &'a Slice<'a>,
    account: &'a Account,
    instruments: &'a Instruments,
    bars_seen: &'a BarsSeen,
    warm_up: usize,
    lookback: usize,
}

impl<'a> View<'a> {
    /// A view of `slice`; `bars_seen` counts the bars of each lane up to and including it.
    ///
    /// The kernel makes the views of a run; this is for tests of a strategy on its own.
    #[inline]
    pub fn new(
        slice: &'a Slice<'a>,
        account: &'a Account,
        instruments: &'a Instruments,
        bars_seen: &'a BarsSeen,
        requirements: &Requirements,
    ) -> Self {
        Self {
            slice,
            account,
            instruments,
            bars_seen,
            warm_up: requirements.warm_up,
            lookback: requirements.lookback,
        }
    }

    /// The same view for a part of a strategy: with the warm-up of the part's own requirements, and
    /// as much of the history as both have declared.
    #[must_use]
    pub fn narrowed(&self, requirements: &Requirements) -> Self {
        Self {
            warm_up: requirements.warm_up,
            lookback: self.lookback.min(requirements.lookback),
            ..*self
        }
    }

    /// The slice that just closed.
    #[inline]
    pub const fn slice(&self) -> Slice<'a> {
        *self.slice
    }

    /// Its close time.
    #[inline]
    pub fn time(&self) -> Timestamp {
        self.slice.time()
    }

    /// The slice `back` slices earlier, within the declared lookback (`back < lookback`).
    pub fn earlier(&self, back: usize) -> Option<Slice<'a>> {
        if back < self.lookback {
            self.slice.earlier(back)
        } else {
            None
        }
    }

    /// The account: positions, cash, equity, weights.
    #[inline]
    pub const fn account(&self) -> &'a Account {
        self.account
    }

    /// The instruments, in lane order.
    #[inline]
    pub const fn instruments(&self) -> &'a Instruments {
        self.instruments
    }

    /// Bars of this lane seen so far, this slice included.
    #[inline]
    pub fn bars_seen(&self, id: InstrumentId) -> u32 {
        self.bars_seen.of(id)
    }

    /// Whether a lane has a bar now and enough of them for the declared warm-up. What is not warm
    /// is outside the universe, never zero.
    #[inline]
    pub fn is_warm(&self, id: InstrumentId) -> bool {
        self.slice.is_present(id) && self.bars_seen(id) as usize >= self.warm_up
    }
}
