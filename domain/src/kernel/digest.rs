//! A 64-bit digest of a batch of records, to match an answer to its question.
//!
//! It guards against mix-ups inside one process, not against tampering: the journal has its own
//! cryptographic hash chain over the stored bytes.

/// A running digest (multiply and rotate, the constants of FNV and the golden ratio).
#[derive(Clone, Copy, Debug)]
pub(super) struct Digest(u64);

impl Digest {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed ^ 0xcbf2_9ce4_8422_2325)
    }

    #[inline]
    pub(super) const fn word(&mut self, word: u64) {
        self.0 = (self.0 ^ word)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(29);
    }

    #[inline]
    pub(super) const fn feed(&mut self, tag: u64, word: u64) {
        self.word(tag);
        self.word(word);
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "both halves are fed")]
    pub(super) const fn wide(&mut self, value: i128) {
        let bits = value.cast_unsigned();
        self.word(bits as u64);
        self.word((bits >> 64) as u64);
    }

    pub(super) const fn finish(self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}
