//! Identifiers of orders: a dense one for us, a deterministic one for the venue.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, Result};

/// Sequential number of an intent in its account, from 0. Never reused.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct OrderId(pub u64);

/// Which installation of the program an order came from: 24 bits, chosen once an account.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Installation(u32);

impl Installation {
    /// From a number below 2^24.
    ///
    /// # Errors
    /// `Configuration` when it is larger.
    pub fn new(number: u32) -> Result<Self> {
        if number >= 1 << 24 {
            return Err(Error::config(format!("installation {number} is too large"))
                .hint("choose a number below 16777216"));
        }
        Ok(Self(number))
    }
}

/// The id a venue sees: a pure function of (installation, decision, plan, leg), so the same intent
/// always has the same id, and no other intent of the account has it as long as the decision
/// numbers of its journal go on.
///
/// Text: `b` and 16 characters of base 32 (`0-9a-v`), 17 in all; it fits every venue we know.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ClientOrderId {
    /// Where the order came from.
    pub installation: Installation,
    /// Number of the decision in the account.
    pub decision: u32,
    /// Number of the plan under the decision, from 1.
    pub plan: u8,
    /// Number of the leg in the plan, from 0.
    pub leg: u16,
}

const DIGITS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";

impl ClientOrderId {
    /// All four parts in 80 bits, most significant first.
    pub const fn to_bits(self) -> u128 {
        ((self.installation.0 as u128) << 56)
            + ((self.decision as u128) << 24)
            + ((self.plan as u128) << 16)
            + self.leg as u128
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "each part is masked to its width"
    )]
    const fn from_bits(bits: u128) -> Self {
        Self {
            installation: Installation((bits >> 56) as u32 & 0xff_ffff),
            decision: (bits >> 24) as u32,
            plan: (bits >> 16) as u8,
            leg: bits as u16,
        }
    }
}

impl fmt::Display for ClientOrderId {
    #[allow(clippy::expect_used, reason = "internal invariant: five bits")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = self.to_bits();
        f.write_str("b")?;
        for i in (0..16).rev() {
            let digit = usize::try_from((bits >> (i * 5)) & 31).expect("five bits");
            write!(f, "{}", char::from(DIGITS[digit]))?;
        }
        Ok(())
    }
}

impl fmt::Debug for ClientOrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ClientOrderId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parse = || {
            let digits = text.strip_prefix('b').filter(|d| d.len() == 16)?;
            digits.bytes().try_fold(0_u128, |bits, byte| {
                let digit = DIGITS.iter().position(|d| *d == byte)?;
                Some((bits << 5) + digit as u128)
            })
        };
        parse().map(Self::from_bits).ok_or_else(|| {
            Error::validation(format!("'{text}' is not a client order id of ours"))
                .hint("ours are 'b' and 16 characters of 0-9 and a-v")
        })
    }
}

impl Serialize for ClientOrderId {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ClientOrderId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn text_round_trips_and_differs_for_each_part(
            installation in 0_u32..1 << 24, decision: u32, plan: u8, leg: u16,
        ) {
            let id = ClientOrderId {
                installation: Installation::new(installation).unwrap(), decision, plan, leg,
            };
            prop_assert_eq!(id.to_string().len(), 17);
            prop_assert_eq!(id.to_string().parse::<ClientOrderId>().unwrap(), id);
            prop_assert_eq!(format!("{id:?}"), id.to_string());
        }
    }

    #[test]
    fn foreign_ids_are_refused() {
        for text in [
            "",
            "b",
            "x0000000000000000",
            "bwwwwwwwwwwwwwwww",
            "b00000000000000000",
        ] {
            assert!(text.parse::<ClientOrderId>().is_err(), "{text}");
        }
        assert!(Installation::new(1 << 24).is_err());
    }
}
