//! Figures as people read them: percent, ratios, grouped amounts, bytes and seconds.

/// A share as percent with two digits: `0.1234` is `12.34 %`.
pub fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

/// A ratio with two digits, or a dash when it is not defined.
pub fn ratio(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.2}"))
}

/// An amount with two digits and its thousands apart: `1 234 567.80`.
pub fn amount(value: f64) -> String {
    let text = format!("{value:.2}");
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.as_str()),
    };
    let (whole, part) = text.split_once('.').unwrap_or((text, "00"));
    let mut grouped = String::new();
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}.{part}")
}

/// Bytes in binary megabytes with one digit.
pub fn megabytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

/// Seconds with two digits.
pub fn seconds(value: f64) -> String {
    format!("{value:.2} s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        assert_eq!(percent(0.123_456), "12.35 %");
        assert_eq!(percent(-0.5), "-50.00 %");
        assert_eq!(
            (ratio(Some(1.005)), ratio(None)),
            ("1.00".into(), "–".into())
        );
        for (value, text) in [
            (0.0, "0.00"),
            (999.999, "1 000.00"),
            (1_234_567.8, "1 234 567.80"),
            (-12_345.0, "-12 345.00"),
        ] {
            assert_eq!(amount(value), text);
        }
        assert_eq!(megabytes(3 << 19), "1.5 MiB");
        assert_eq!(seconds(1.234), "1.23 s");
    }
}
