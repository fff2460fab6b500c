//! Numbers as files write them.

use crate::defect::DefectCode;

/// A finite number, or why it is none. Never reads a number other than the one written.
pub(crate) fn parse(text: &str) -> Result<f64, DefectCode> {
    let word = text.trim_start_matches(['+', '-']);
    if is_absent(text) {
        return Err(DefectCode::MissingValue);
    }
    if ["inf", "infinity"]
        .iter()
        .any(|w| word.eq_ignore_ascii_case(w))
    {
        return Err(DefectCode::NotFinite);
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) => Err(DefectCode::NotFinite),
        Err(_) => Err(DefectCode::BadNumber),
    }
}

/// Whether a cell says that there is no value.
pub(crate) fn is_absent(text: &str) -> bool {
    ["", "nan", "null", "none", "na", "n/a"]
        .iter()
        .any(|w| text.eq_ignore_ascii_case(w))
}

/// Digits after the point that the number needs: trailing zeros do not count.
pub(crate) fn decimals(text: &str) -> u32 {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().unwrap_or(0)),
        None => (text, 0),
    };
    let digits = mantissa
        .split_once('.')
        .map_or(0, |(_, fraction)| fraction.trim_end_matches('0').len());
    let needed = i64::try_from(digits)
        .unwrap_or(i64::MAX)
        .saturating_sub(exponent);
    u32::try_from(needed.max(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_numbers_are_read() {
        use DefectCode::{BadNumber, MissingValue, NotFinite};
        for (text, expected) in [
            ("1234.5", Ok(1234.5)),
            ("1.5e-3", Ok(0.0015)),
            ("-2", Ok(-2.0)),
            ("", Err(MissingValue)),
            ("NaN", Err(MissingValue)),
            ("N/A", Err(MissingValue)),
            ("-inf", Err(NotFinite)),
            ("1e999", Err(NotFinite)),
            ("1,234.5", Err(BadNumber)),
            ("1.234,5", Err(BadNumber)),
            ("1 234", Err(BadNumber)),
            ("$5", Err(BadNumber)),
            ("0x10", Err(BadNumber)),
        ] {
            assert_eq!(parse(text), expected, "{text:?}");
        }
    }

    #[test]
    fn decimals_are_those_that_count() {
        for (text, expected) in [
            ("12", 0),
            ("12.", 0),
            ("12.3400", 2),
            ("0.0001", 4),
            ("1.5e-3", 4),
            ("1.25e2", 0),
            ("1e5", 0),
        ] {
            assert_eq!(decimals(text), expected, "{text}");
        }
    }
}
