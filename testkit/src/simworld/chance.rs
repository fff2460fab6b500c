//! Numbers that depend on what they are for, not on how often something was drawn before.

use crate::builders::SplitMix64;

/// 64 bits for the pair (`what`, `which`) under `seed`: the same however many others were asked
/// for, so that taking a fault out of a schedule leaves the rest of the day alone.
pub(super) const fn bits(seed: u64, what: u64, which: u64) -> u64 {
    let mut first = SplitMix64::new(seed ^ what.wrapping_mul(0xD6E8_FEB8_6659_FD93));
    SplitMix64::new(first.next_u64() ^ which).next_u64()
}

/// Uniform in `low..high`; `low` when the range is empty.
pub(super) const fn between(seed: u64, what: u64, which: u64, low: i64, high: i64) -> i64 {
    if high <= low {
        return low;
    }
    let width = high.abs_diff(low);
    low.wrapping_add_unsigned(bits(seed, what, which) % width)
}

/// Whether an event of this probability (in percent) happens.
pub(super) const fn happens(seed: u64, what: u64, which: u64, percent: u64) -> bool {
    bits(seed, what, which) % 100 < percent
}

/// A running 64-bit digest of everything that happened: equal digests, equal runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Trace(u64);

impl Trace {
    pub(super) const fn word(&mut self, word: u64) {
        self.0 = (self.0 ^ word)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .rotate_left(29);
    }

    pub(super) const fn value(self) -> u64 {
        self.0
    }
}
