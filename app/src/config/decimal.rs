//! Exact decimals in config files: amounts as strings, shares and rates as numbers.

use std::fmt;

use rust_decimal::Decimal;
use serde::de::{self, Visitor};
use serde::{Deserializer, Serializer};

/// Digits that any f64 holds and gives back.
const F64_DIGITS: u32 = 15;

/// Reads `5`, `0.05`, `1e-4` and `"0.05"` alike, without trailing zeros; `None` for other text.
pub(super) fn parse(text: &str) -> Option<Decimal> {
    let text = text.trim();
    text.parse()
        .or_else(|_| Decimal::from_scientific(text))
        .ok()
        .map(|value: Decimal| value.normalize())
}

/// The decimal a TOML float was written as: its shortest text that reads back as the same float.
pub(super) fn from_float(value: f64) -> Option<Decimal> {
    parse(&format!("{value}"))
}

/// The float that [`from_float`] takes back to `value`, when there is one.
fn as_float(value: Decimal) -> Option<f64> {
    let float: f64 = value.to_string().parse().ok()?;
    (value.mantissa().unsigned_abs() < 10_u128.pow(F64_DIGITS)
        && from_float(float) == Some(value.normalize()))
    .then_some(float)
}

/// Writes a number where a float holds it exactly, else a string; reads both.
pub(super) fn serialize<S: Serializer>(value: &Decimal, to: S) -> Result<S::Ok, S::Error> {
    match as_float(*value) {
        Some(float) => to.serialize_f64(float),
        None => to.collect_str(value),
    }
}

/// Reads a string, a whole number or a float.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Decimal, D::Error> {
    from.deserialize_any(DecimalVisitor)
}

/// The same for a number that may be absent.
pub(super) mod optional {
    use super::{Decimal, Deserializer, Serializer};

    #[expect(clippy::ref_option, reason = "serde's signature")]
    pub(in crate::config) fn serialize<S: Serializer>(
        value: &Option<Decimal>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => super::serialize(value, to),
            None => to.serialize_none(),
        }
    }

    pub(in crate::config) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Decimal>, D::Error> {
        super::deserialize(from).map(Some)
    }
}

/// The same for amounts of money: always written as a string.
pub(super) mod amount {
    use super::{Decimal, Deserializer, Serializer};

    pub(in crate::config) fn serialize<S: Serializer>(
        value: &Decimal,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_str(&value.normalize())
    }

    pub(in crate::config) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Decimal, D::Error> {
        super::deserialize(from)
    }
}

/// The same for an amount that may be absent.
pub(super) mod optional_amount {
    use super::{Decimal, Deserializer, Serializer};

    #[expect(clippy::ref_option, reason = "serde's signature")]
    pub(in crate::config) fn serialize<S: Serializer>(
        value: &Option<Decimal>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => super::amount::serialize(value, to),
            None => to.serialize_none(),
        }
    }

    pub(in crate::config) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Decimal>, D::Error> {
        super::deserialize(from).map(Some)
    }
}

struct DecimalVisitor;

impl Visitor<'_> for DecimalVisitor {
    type Value = Decimal;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a decimal number")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Decimal, E> {
        parse(text).ok_or_else(|| E::custom(format!("'{text}' is not a decimal number")))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Decimal, E> {
        Ok(Decimal::from(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Decimal, E> {
        Ok(Decimal::from(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Decimal, E> {
        from_float(value).ok_or_else(|| E::custom(format!("{value} is not a decimal number")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_writing_a_number_is_the_same_decimal() {
        for (text, expected) in [
            ("0.050", Some("0.05")),
            ("5", Some("5")),
            (" 1e-4 ", Some("0.0001")),
            ("-1000000", Some("-1000000")),
            ("five", None),
            ("", None),
            ("nan", None),
        ] {
            let expected = expected.map(|t| t.parse::<Decimal>().unwrap());
            assert_eq!(parse(text), expected, "{text}");
        }
        assert_eq!(from_float(0.1), parse("0.1"));
        assert_eq!(from_float(f64::NAN), None);
    }

    #[test]
    fn floats_are_written_only_where_nothing_is_lost() {
        for (text, float) in [
            ("0.05", true),
            ("0.4", true),
            ("123456789012.345", true),
            ("0.1234567890123456789", false),
            ("12345678901234567", false),
        ] {
            assert_eq!(as_float(text.parse().unwrap()).is_some(), float, "{text}");
        }
    }
}
