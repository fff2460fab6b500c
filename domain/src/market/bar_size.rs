//! How long a bar is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::time::Span;

/// The length of a bar: one session, or a number of minutes that divides a day.
///
/// Written `1d`, `4h`, `15m`. Sixty minutes and one hour are the same size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BarSize(u16);

const MINUTES_PER_DAY: u16 = 1_440;

impl BarSize {
    /// One session; its times come from the calendar.
    pub const DAY: Self = Self(MINUTES_PER_DAY);
    /// One hour.
    pub const HOUR: Self = Self(60);
    /// One minute.
    pub const MINUTE: Self = Self(1);

    /// A bar of `minutes`, 1 to 720, dividing 1440.
    ///
    /// # Errors
    /// `Configuration` for any other number.
    pub fn minutes(minutes: u16) -> Result<Self> {
        if minutes == 0 || minutes >= MINUTES_PER_DAY || !MINUTES_PER_DAY.is_multiple_of(minutes) {
            return Err(
                Error::config(format!("a bar cannot be {minutes} minutes long"))
                    .hint("use 1d, or minutes or hours that divide a day, such as 1m, 15m, 1h, 4h"),
            );
        }
        Ok(Self(minutes))
    }

    /// Whether it is one session.
    pub const fn is_day(self) -> bool {
        self.0 == MINUTES_PER_DAY
    }

    /// The length inside a session; `None` for a day, whose length the calendar knows.
    pub const fn intraday(self) -> Option<Span> {
        if self.is_day() {
            None
        } else {
            Some(Span::from_seconds(self.0 as i64 * 60))
        }
    }
}

impl fmt::Display for BarSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            MINUTES_PER_DAY => f.write_str("1d"),
            n if n.is_multiple_of(60) => write!(f, "{}h", n / 60),
            n => write!(f, "{n}m"),
        }
    }
}

impl FromStr for BarSize {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refused = || {
            Error::config(format!("'{text}' is not a bar size"))
                .hint("write it like 1d, 4h, 1h, 15m or 1m")
        };
        if text == "1d" {
            return Ok(Self::DAY);
        }
        let unit = text.chars().next_back().ok_or_else(refused)?;
        let number: u16 = text[..text.len() - unit.len_utf8()]
            .parse()
            .map_err(|_| refused())?;
        match unit {
            'h' => Self::minutes(number.checked_mul(60).ok_or_else(refused)?),
            'm' => Self::minutes(number),
            _ => Err(refused()),
        }
    }
}

impl TryFrom<String> for BarSize {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<BarSize> for String {
    fn from(size: BarSize) -> Self {
        size.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips_and_is_canonical() {
        for (text, canonical) in [
            ("1d", "1d"),
            ("1h", "1h"),
            ("60m", "1h"),
            ("15m", "15m"),
            ("12h", "12h"),
        ] {
            let size: BarSize = text.parse().unwrap();
            assert_eq!(size.to_string(), canonical);
            let json = serde_json::to_string(&size).unwrap();
            assert_eq!(json, format!("\"{canonical}\""));
            assert_eq!(serde_json::from_str::<BarSize>(&json).unwrap(), size);
        }
        assert_eq!(BarSize::HOUR.intraday(), Some(Span::from_seconds(3_600)));
        assert_eq!(BarSize::DAY.intraday(), None);
    }

    #[test]
    fn other_lengths_teach() {
        for text in [
            "", "d", "2d", "24h", "0m", "7m", "1w", "1440m", "99999h", "ü",
        ] {
            let e = text.parse::<BarSize>().unwrap_err().to_string();
            assert!(e.contains("hint"), "{text}: {e}");
        }
    }
}
