//! Saved state as plain 64-bit words: floats keep their bits, readers refuse what does not fit.

use crate::error::{Error, Result};

/// What a state belongs to: eight ASCII bytes, padded with spaces.
pub type Tag = [u8; 8];

/// Writes a state word by word.
///
/// Start with [`StateWriter::header`], write the parameters, then what changes from bar to bar, and
/// read it back in the same order with [`StateReader`].
#[derive(Clone, Debug, Default)]
pub struct StateWriter {
    words: Vec<u64>,
}

impl StateWriter {
    /// An empty state.
    pub fn new() -> Self {
        Self::default()
    }

    /// Two words that say what this is and in which version of its layout.
    pub fn header(&mut self, tag: Tag, version: u32) {
        self.u64(u64::from_le_bytes(tag));
        self.u64(u64::from(version));
    }

    /// One word.
    pub fn u64(&mut self, value: u64) {
        self.words.push(value);
    }

    /// A count or position.
    pub fn usize(&mut self, value: usize) {
        self.words.push(value as u64);
    }

    /// A flag: 0 or 1.
    pub fn bool(&mut self, value: bool) {
        self.words.push(u64::from(value));
    }

    /// A float by its bits.
    pub fn f64(&mut self, value: f64) {
        self.words.push(value.to_bits());
    }

    /// Floats by their bits, after their count.
    pub fn f64s(&mut self, values: &[f64]) {
        self.usize(values.len());
        self.words.extend(values.iter().map(|x| x.to_bits()));
    }

    /// The state of a part, after its length.
    pub fn words(&mut self, words: &[u64]) {
        self.usize(words.len());
        self.words.extend_from_slice(words);
    }

    /// A text: its length in bytes, then eight bytes a word.
    pub fn text(&mut self, text: &str) {
        self.usize(text.len());
        self.words.extend(text.as_bytes().chunks(8).map(|bytes| {
            let mut word = [0; 8];
            word[..bytes.len()].copy_from_slice(bytes);
            u64::from_le_bytes(word)
        }));
    }

    /// The finished state.
    pub fn finish(self) -> Vec<u64> {
        self.words
    }
}

/// Reads a state in the order it was written.
#[derive(Clone, Debug)]
pub struct StateReader<'a> {
    words: &'a [u64],
    position: usize,
}

impl<'a> StateReader<'a> {
    /// From the first of `words`.
    pub fn new(words: &'a [u64]) -> Self {
        Self { words, position: 0 }
    }

    /// Reads [`StateWriter::header`]. Refuses another tag or another version.
    pub fn header(&mut self, tag: Tag, version: u32) -> Result<()> {
        let found = self.u64()?.to_le_bytes();
        if found != tag {
            return Err(Error::signal(format!(
                "saved state belongs to '{}', not to '{}'",
                tag_text(found),
                tag_text(tag)
            ))
            .hint("restore each part from the state it saved itself"));
        }
        let found = self.u64()?;
        if found != u64::from(version) {
            return Err(Error::signal(format!(
                "saved state of '{}' has layout version {found}, this program reads {version}",
                tag_text(tag)
            ))
            .hint("start fresh and warm up again, or use the program that saved it"));
        }
        Ok(())
    }

    /// Reads a parameter that the restored object was built with. Refuses another value.
    pub fn parameter(&mut self, name: &str, expected: usize) -> Result<()> {
        let found = self.u64()?;
        if found != expected as u64 {
            return Err(Error::signal(format!(
                "saved state was made with {name} {found}, this one has {expected}"
            ))
            .hint("restore with the parameters it was saved with, or warm up again"));
        }
        Ok(())
    }

    /// The next word.
    pub fn u64(&mut self) -> Result<u64> {
        Ok(self.take(1)?[0])
    }

    /// A count or position.
    pub fn usize(&mut self) -> Result<usize> {
        let position = self.position;
        let word = self.u64()?;
        usize::try_from(word).map_err(|_| damaged("is not a count", position).context("word", word))
    }

    /// A flag. Refuses anything but 0 and 1.
    pub fn bool(&mut self) -> Result<bool> {
        let position = self.position;
        match self.u64()? {
            0 => Ok(false),
            1 => Ok(true),
            word => Err(damaged("is not a flag", position).context("word", word)),
        }
    }

    /// A float, every bit of it.
    pub fn f64(&mut self) -> Result<f64> {
        self.u64().map(f64::from_bits)
    }

    /// Floats, as many as were written.
    pub fn f64s(&mut self) -> Result<Vec<f64>> {
        Ok(self.words()?.iter().copied().map(f64::from_bits).collect())
    }

    /// The state of a part.
    pub fn words(&mut self) -> Result<&'a [u64]> {
        let count = self.usize()?;
        self.take(count)
    }

    /// A text. Refuses bytes that are no UTF-8.
    pub fn text(&mut self) -> Result<String> {
        let position = self.position;
        let length = self.usize()?;
        let words = self.take(length.div_ceil(8))?;
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.truncate(length);
        String::from_utf8(bytes).map_err(|_| damaged("is not a text", position))
    }

    /// Refuses words that nobody read.
    pub fn finish(self) -> Result<()> {
        let left = self.words.len() - self.position;
        if left == 0 {
            return Ok(());
        }
        Err(Error::signal("saved state is longer than expected")
            .context("words_left", left)
            .context("words", self.words.len())
            .hint("the state is damaged or belongs to something else; warm up again"))
    }

    fn take(&mut self, count: usize) -> Result<&'a [u64]> {
        let rest = &self.words[self.position..];
        let Some(taken) = rest.get(..count) else {
            return Err(Error::signal("saved state ends too early")
                .context("words", self.words.len())
                .context("position", self.position)
                .context("wanted", count)
                .hint("the state is cut off; start fresh and warm up again"));
        };
        self.position += count;
        Ok(taken)
    }
}

fn damaged(what: &str, position: usize) -> Error {
    Error::signal(format!("a word of the saved state {what}"))
        .context("position", position)
        .hint("the state is damaged; start fresh and warm up again")
}

fn tag_text(tag: Tag) -> String {
    String::from_utf8_lossy(&tag).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TAG: Tag = *b"test    ";

    #[test]
    fn values_come_back_in_order_with_their_bits() {
        let mut writer = StateWriter::new();
        writer.header(TAG, 3);
        writer.usize(7);
        writer.bool(true);
        writer.f64(-0.0);
        writer.f64s(&[f64::NEG_INFINITY, 0.1]);
        writer.words(&[1, 2, 3]);
        let words = writer.finish();
        let mut reader = StateReader::new(&words);
        reader.header(TAG, 3).unwrap();
        reader.parameter("period", 7).unwrap();
        assert!(reader.bool().unwrap());
        assert_eq!(reader.f64().unwrap().to_bits(), (-0.0_f64).to_bits());
        let floats = reader.f64s().unwrap();
        assert_eq!(floats[0].to_bits(), f64::NEG_INFINITY.to_bits());
        assert_eq!(floats[1].to_bits(), 0.1_f64.to_bits());
        assert_eq!(reader.words().unwrap(), &[1, 2, 3]);
        reader.finish().unwrap();
    }

    /// ERR-11: a state that does not fit says why and what to do.
    #[test]
    fn err_11_states_that_do_not_fit_teach() {
        let mut writer = StateWriter::new();
        writer.header(TAG, 1);
        writer.usize(20);
        let words = writer.finish();
        let body = || {
            let mut reader = StateReader::new(&words);
            reader.header(TAG, 1).unwrap();
            reader
        };
        let flag = [2];
        for (error, text) in [
            (
                StateReader::new(&words)
                    .header(*b"sma     ", 1)
                    .unwrap_err(),
                "saved state belongs to 'test', not to 'sma'; \
                 hint: restore each part from the state it saved itself",
            ),
            (
                StateReader::new(&words).header(TAG, 2).unwrap_err(),
                "saved state of 'test' has layout version 1, this program reads 2; \
                 hint: start fresh and warm up again, or use the program that saved it",
            ),
            (
                body().parameter("period", 50).unwrap_err(),
                "saved state was made with period 20, this one has 50; \
                 hint: restore with the parameters it was saved with, or warm up again",
            ),
            (
                body().finish().unwrap_err(),
                "saved state is longer than expected (words_left = 1, words = 3); \
                 hint: the state is damaged or belongs to something else; warm up again",
            ),
            (
                body().f64s().unwrap_err(),
                "saved state ends too early (words = 3, position = 3, wanted = 20); \
                 hint: the state is cut off; start fresh and warm up again",
            ),
            (
                StateReader::new(&flag).bool().unwrap_err(),
                "a word of the saved state is not a flag (position = 0, word = 2); \
                 hint: the state is damaged; start fresh and warm up again",
            ),
        ] {
            assert_eq!(error.to_string(), text);
        }
    }

    #[test]
    fn a_text_that_is_no_text_is_refused() {
        let mut writer = StateWriter::new();
        writer.u64(3);
        writer.u64(u64::MAX);
        let words = writer.finish();
        let e = StateReader::new(&words).text().unwrap_err().to_string();
        assert!(
            e.starts_with("a word of the saved state is not a text"),
            "{e}"
        );
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in ".{0,20}", after in any::<u64>()) {
            let mut writer = StateWriter::new();
            writer.text(&text);
            writer.u64(after);
            let words = writer.finish();
            let mut reader = StateReader::new(&words);
            prop_assert_eq!(reader.text().unwrap(), text);
            prop_assert_eq!(reader.u64().unwrap(), after);
        }

        #[test]
        fn any_float_keeps_its_bits(bits in any::<u64>()) {
            let mut writer = StateWriter::new();
            writer.f64(f64::from_bits(bits));
            let words = writer.finish();
            prop_assert_eq!(StateReader::new(&words).f64().unwrap().to_bits(), bits);
        }

        #[test]
        fn a_reader_never_panics(words in prop::collection::vec(any::<u64>(), 0..6)) {
            let mut reader = StateReader::new(&words);
            let _ = reader.header(TAG, 1);
            let _ = reader.words();
            let _ = reader.f64s();
            let _ = reader.text();
            let _ = reader.bool();
            let _ = reader.finish();
        }
    }
}
