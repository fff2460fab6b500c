//! Text of the tables: the same bytes on every machine.

use std::borrow::Cow;
use std::fmt::{Arguments, Write as _};

use ballast_domain::time::Timestamp;
use chrono::SecondsFormat;

/// RFC 3339 in UTC, with as many digits of a second as it has.
pub(super) fn time(time: Timestamp) -> String {
    time.to_datetime()
        .to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// A CSV field, quoted only when it must be.
pub(super) fn csv_field(text: &str) -> Cow<'_, str> {
    if text.contains([',', '"', '\n', '\r']) {
        Cow::Owned(format!("\"{}\"", text.replace('"', "\"\"")))
    } else {
        Cow::Borrowed(text)
    }
}

/// Appends a line. Writing into a `String` cannot fail.
pub(super) fn line(to: &mut String, text: Arguments<'_>) {
    let _ = writeln!(to, "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_and_fields_are_quoted_when_needed() {
        assert_eq!(
            time(Timestamp::from_seconds(1_109_624_400).unwrap()),
            "2005-02-28T21:00:00Z"
        );
        assert_eq!(csv_field("BRK.B"), "BRK.B");
        assert_eq!(csv_field("a,\"b\""), "\"a,\"\"b\"\"\"");
    }
}
