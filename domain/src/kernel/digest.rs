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

#[cfg(test)]
mod tests {
    use super::*;

    fn of(seed: u64, words: &[u64]) -> u64 {
        let mut digest = Digest::new(seed);
        words.iter().for_each(|w| digest.word(*w));
        digest.finish()
    }

    /// The same steps in 128 bits.
    #[test]
    fn a_word_is_mixed_in_multiplied_and_rotated() {
        let start = 0xcbf2_9ce4_8422_2325_u128;
        let word = 0x0123_4567_89ab_cdef_u128;
        let product = ((start ^ word) * 0x9e37_79b9_7f4a_7c15) % (1 << 64);
        let rotated = product * (1 << 29) % (1 << 64) + product / (1 << 35);
        let folded = rotated ^ (rotated / (1 << 32));
        assert_eq!(u128::from(of(0, &[0x0123_4567_89ab_cdef])), folded);
        let both = of(0, &[3, 4]);
        let mut digest = Digest::new(0);
        digest.feed(3, 4);
        assert_eq!(digest.finish(), both);
    }

    #[test]
    fn every_bit_of_number_and_content_and_their_order_matter() {
        let bits = (0..64).map(|bit| 1_u64 << bit);
        for word in [0, u64::MAX, 0xcbf2_9ce4_8422_2325] {
            for bit in bits.clone() {
                assert_ne!(of(1, &[word]), of(1, &[word ^ bit]), "{bit:x}");
                assert_ne!(of(word, &[1]), of(word ^ bit, &[1]), "{bit:x}");
            }
        }
        assert_ne!(of(1, &[2, 3]), of(1, &[3, 2]));
        let wide = |value| {
            let mut digest = Digest::new(1);
            digest.wide(value);
            digest.finish()
        };
        assert_eq!(wide((7 << 64) + 9), of(1, &[9, 7]), "low half, high half");
        assert_eq!(wide(-1), of(1, &[u64::MAX, u64::MAX]));
    }
}
