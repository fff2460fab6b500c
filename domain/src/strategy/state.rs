//! A strategy's memory as bits, so that a restart continues with exactly the same numbers.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The digits of base64 (RFC 4648, section 4).
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Saved state: 64-bit words whose meaning the strategy knows. Floats are stored as their bits.
///
/// Written as one text: the words in big-endian bytes, in base64 without padding. As numbers they took
/// twice the room, and most of the time in which a journal was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The words, starting with whatever the strategy needs to recognise its own.
    pub words: Vec<u64>,
}

impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&text(&self.words))
    }
}

impl<'de> Deserialize<'de> for State {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let words =
            words(&text).ok_or_else(|| D::Error::custom("a saved state is no base64 of words"))?;
        Ok(Self { words })
    }
}

fn text(words: &[u64]) -> String {
    let mut text = String::with_capacity(words.len() * 11);
    let (mut held, mut bits) = (0_u32, 0_u32);
    let mut digit = |six: u32| text.push(char::from(DIGITS[(six & 63) as usize]));
    for byte in words.iter().flat_map(|word| word.to_be_bytes()) {
        held = (held << 8 | u32::from(byte)) & 0x3fff;
        bits += 8;
        while bits >= 6 {
            bits -= 6;
            digit(held >> bits);
        }
    }
    if bits > 0 {
        digit(held << (6 - bits));
    }
    text
}

/// The words of a text that [`text`] makes, and of no other.
fn words(text: &str) -> Option<Vec<u64>> {
    let count = text.len() * 6 / 64;
    if text.len() != (count * 64).div_ceil(6) {
        return None;
    }
    let mut words = Vec::with_capacity(count);
    let (mut held, mut bits) = (0_u128, 0_u32);
    for digit in text.bytes() {
        held = held << 6 | u128::from(value(digit)?);
        bits += 6;
        if bits >= 64 {
            bits -= 64;
            // What is left below is fewer than six bits.
            words.push(u64::try_from(held >> bits).ok()?);
            held &= (1 << bits) - 1;
        }
    }
    (held == 0).then_some(words)
}

const fn value(digit: u8) -> Option<u8> {
    Some(match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_base64_as_others_write_it() {
        // python3: base64.b64encode(struct.pack(">2Q", 1, 2**64 - 1)).rstrip(b"=")
        let state = State {
            words: vec![1, u64::MAX],
        };
        let text = serde_json::to_string(&state).unwrap();
        assert_eq!(text, "\"AAAAAAAAAAH//////////w\"");
        assert_eq!(serde_json::to_string(&State::default()).unwrap(), "\"\"");
    }

    /// A text that would be written otherwise is not read: a record has one form.
    #[test]
    fn what_is_not_written_is_not_read() {
        for wrong in [
            "\"A\"",
            "\"AAAAAAAAAA\"",
            "\"AAAAAAAAAAH//////////x\"",
            "\"AAAAAAAAAAE=\"",
            "\"AAAAAAAAAA-\"",
            "\"AAAAAAAAAAéé\"",
            "{\"words\":[1]}",
            "7",
        ] {
            assert!(serde_json::from_str::<State>(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn every_state_comes_back(words in proptest::collection::vec(any::<u64>(), 0..50)) {
            let state = State { words };
            let text = serde_json::to_string(&state).unwrap();
            prop_assert_eq!(serde_json::from_str::<State>(&text).unwrap(), state);
        }
    }
}
