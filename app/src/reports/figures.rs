//! Numbers as people read them. Machine-readable output never goes through here.

use ballast_domain::time::Timestamp;

/// A share as a percentage with two digits: `-12.34 %`.
pub fn percent(value: f64) -> String {
    format!("{:.2} %", tidy_zero(value * 100.0))
}

/// An undefined share is a dash.
pub fn maybe_percent(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), percent)
}

/// A ratio with two digits; a dash when it is not defined.
pub fn ratio(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |v| format!("{:.2}", tidy_zero(v)))
}

/// An amount with two digits and thousands separated: `1,234,567.89`.
pub fn amount(value: f64) -> String {
    let text = format!("{:.2}", tidy_zero(value));
    let (sign, digits) = text
        .strip_prefix('-')
        .map_or(("", text.as_str()), |d| ("-", d));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "00"));
    format!("{sign}{}.{part}", grouped(whole))
}

/// A count with thousands separated.
pub fn count(value: u64) -> String {
    grouped(&value.to_string())
}

/// Bytes in binary megabytes with one digit.
pub fn megabytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

/// Seconds with two digits.
pub fn seconds(value: f64) -> String {
    format!("{value:.2} s")
}

/// An instant to the second: `2011-10-05 20:00:00 UTC`.
pub fn instant(time: Timestamp) -> String {
    let text = time.to_string();
    let seconds = text.split(['.', 'Z']).next().unwrap_or_default();
    format!("{} UTC", seconds.replace('T', " "))
}

/// A span of so many seconds in the largest unit of which it has two: `3 days`, `90 seconds`.
pub fn age(seconds: i64) -> String {
    let (n, unit) = match seconds {
        s if s >= 2 * 86_400 => (s / 86_400, "days"),
        s if s >= 2 * 3_600 => (s / 3_600, "hours"),
        s if s >= 2 * 60 => (s / 60, "minutes"),
        s => (s, "seconds"),
    };
    format!("{n} {unit}")
}

fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Rounds to zero what would print as minus zero.
fn tidy_zero(value: f64) -> f64 {
    if value.abs() < 0.005 { 0.0 } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        assert_eq!(amount(1_234_567.891), "1,234,567.89");
        assert_eq!(amount(-999.5), "-999.50");
        assert_eq!(amount(-0.001), "0.00");
        assert_eq!(percent(-0.123_45), "-12.35 %");
        assert_eq!(ratio(None), "–");
        assert_eq!(count(12_345), "12,345");
        assert_eq!(megabytes(3 << 19), "1.5 MiB");
        assert_eq!(seconds(1.234), "1.23 s");
        let time: Timestamp = "2011-10-05T20:00:00Z".parse().unwrap();
        assert_eq!(instant(time), "2011-10-05 20:00:00 UTC");
        assert_eq!(age(90), "90 seconds");
        assert_eq!(age(86_400), "24 hours");
        assert_eq!(age(3 * 86_400 + 5), "3 days");
    }
}
