//! Points in time as files write them.

use ballast_domain::time::{NANOS_PER_SECOND, Timestamp};
use chrono::{NaiveDate, NaiveDateTime};

use crate::options::DateFormat;

/// A time cell, understood as far as it can be alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stamp {
    /// A date without a time of day.
    Date(NaiveDate),
    /// An instant; `naive` when no zone was written and UTC is assumed.
    Instant { time: Timestamp, naive: bool },
    /// An instant counted from the Unix epoch in this unit.
    Epoch { time: Timestamp, unit: EpochUnit },
    /// `first/second/year`: which is the month depends on the other rows.
    Slash { first: u32, second: u32, year: i32 },
}

impl Stamp {
    /// Its instant; a date counts as midnight UTC, a date with slashes has none yet.
    pub(crate) fn instant(self) -> Option<Timestamp> {
        match self {
            Self::Date(date) => Timestamp::from_date(date),
            Self::Instant { time, .. } | Self::Epoch { time, .. } => Some(time),
            Self::Slash { .. } => None,
        }
    }
}

/// Unit of a count since the Unix epoch, told by its magnitude.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EpochUnit {
    Seconds,
    Millis,
    Micros,
    Nanos,
}

impl EpochUnit {
    /// Up to year 5138 in seconds; each finer unit covers the same years from 1973 on.
    const fn of(count: i64) -> Self {
        match count.unsigned_abs() {
            ..100_000_000_000 => Self::Seconds,
            100_000_000_000..100_000_000_000_000 => Self::Millis,
            100_000_000_000_000..100_000_000_000_000_000 => Self::Micros,
            _ => Self::Nanos,
        }
    }

    const fn nanos(self) -> i64 {
        match self {
            Self::Seconds => NANOS_PER_SECOND,
            Self::Millis => NANOS_PER_SECOND / 1_000,
            Self::Micros => NANOS_PER_SECOND / 1_000_000,
            Self::Nanos => 1,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Millis => "milliseconds",
            Self::Micros => "microseconds",
            Self::Nanos => "nanoseconds",
        }
    }
}

/// Reads a cell; `None` when it is no time between the years 1678 and 2261.
///
/// Eight digits are a date (`20181231`), other whole numbers count from the Unix epoch.
pub(crate) fn parse(text: &str) -> Option<Stamp> {
    let stamp = if let Ok(count) = text.parse::<i64>() {
        if text.len() == 8 {
            Stamp::Date(NaiveDate::parse_from_str(text, "%Y%m%d").ok()?)
        } else {
            let unit = EpochUnit::of(count);
            let time = Timestamp::from_nanos(count.checked_mul(unit.nanos())?);
            Stamp::Epoch { time, unit }
        }
    } else if text.contains('/') {
        slash(text)?
    } else if text.len() <= 10 {
        Stamp::Date(NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?)
    } else {
        instant(text)?
    };
    match stamp {
        Stamp::Date(date) => Timestamp::from_date(date).map(|_| stamp),
        _ => Some(stamp),
    }
}

fn instant(text: &str) -> Option<Stamp> {
    // A blank in place of the T is common and unambiguous.
    let text = if text.as_bytes().get(10) == Some(&b' ') {
        format!("{}T{}", text.get(..10)?, text.get(11..)?)
    } else {
        text.to_owned()
    };
    if let Ok(time) = text.parse() {
        return Some(Stamp::Instant { time, naive: false });
    }
    let naive = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(&text, format).ok())?;
    let time = Timestamp::from_nanos(naive.and_utc().timestamp_nanos_opt()?);
    Some(Stamp::Instant { time, naive: true })
}

fn slash(text: &str) -> Option<Stamp> {
    let mut parts = text.split('/');
    let number = |part: Option<&str>, digits: &[usize]| -> Option<u32> {
        let part = part?;
        let plain = digits.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| part.parse().ok())?
    };
    let first = number(parts.next(), &[1, 2])?;
    let second = number(parts.next(), &[1, 2])?;
    let year = i32::try_from(number(parts.next(), &[4])?).ok()?;
    if parts.next().is_some() {
        return None;
    }
    Some(Stamp::Slash {
        first,
        second,
        year,
    })
}

/// The date of `first/second/year` in `format`; `None` when there is no such day.
pub(crate) fn slash_date(
    format: DateFormat,
    first: u32,
    second: u32,
    year: i32,
) -> Option<NaiveDate> {
    let (month, day) = match format {
        DateFormat::MonthDayYear => (first, second),
        DateFormat::DayMonthYear => (second, first),
    };
    let date = NaiveDate::from_ymd_opt(year, month, day)?;
    Timestamp::from_date(date).map(|_| date)
}

/// The only order in which all these dates exist, or why there is none.
pub(crate) fn slash_format(
    dates: impl Iterator<Item = (u32, u32)>,
) -> Result<DateFormat, SlashProblem> {
    let (mut day_first, mut month_first) = (false, false);
    for (first, second) in dates {
        day_first |= first > 12;
        month_first |= second > 12;
    }
    match (day_first, month_first) {
        (false, true) => Ok(DateFormat::MonthDayYear),
        (true, false) => Ok(DateFormat::DayMonthYear),
        (false, false) => Err(SlashProblem::Ambiguous),
        (true, true) => Err(SlashProblem::Mixed),
    }
}

/// Why dates with slashes have no single reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SlashProblem {
    /// Both orders fit every row.
    Ambiguous,
    /// Neither order fits every row.
    Mixed,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant_of(text: &str) -> String {
        match parse(text) {
            Some(Stamp::Instant { time, naive }) => {
                format!("{time}{}", if naive { " naive" } else { "" })
            }
            Some(Stamp::Epoch { time, unit }) => format!("{time} {}", unit.name()),
            Some(Stamp::Date(date)) => date.to_string(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn every_format_is_read() {
        for (text, expected) in [
            ("2020-01-02T03:04:05Z", "2020-01-02T03:04:05.000000000Z"),
            (
                "2020-01-02T03:04:05.5-05:00",
                "2020-01-02T08:04:05.500000000Z",
            ),
            (
                "2020-01-02 03:04:05+00:00",
                "2020-01-02T03:04:05.000000000Z",
            ),
            (
                "2020-01-02 03:04:05",
                "2020-01-02T03:04:05.000000000Z naive",
            ),
            ("2020-01-02T03:04", "2020-01-02T03:04:00.000000000Z naive"),
            ("2020-01-02", "2020-01-02"),
            ("20200102", "2020-01-02"),
            ("1577934245", "2020-01-02T03:04:05.000000000Z seconds"),
            (
                "1577934245678",
                "2020-01-02T03:04:05.678000000Z milliseconds",
            ),
            (
                "1577934245678901",
                "2020-01-02T03:04:05.678901000Z microseconds",
            ),
            (
                "1577934245678901234",
                "2020-01-02T03:04:05.678901234Z nanoseconds",
            ),
            ("0", "1970-01-01T00:00:00.000000000Z seconds"),
            ("2020-02-30", "None"),
            ("20200230", "None"),
            ("1600-01-01", "None"),
            ("99999999999", "None"),
            ("yesterday", "None"),
            ("1/2/20", "None"),
            ("1/2/2020/4", "None"),
            ("", "None"),
        ] {
            assert_eq!(instant_of(text), expected, "{text}");
        }
    }

    #[test]
    fn slashes_are_read_only_when_one_order_fits() {
        let dates = |texts: &[&str]| {
            let pair = |t: &&str| match parse(t) {
                Some(Stamp::Slash { first, second, .. }) => (first, second),
                other => panic!("{other:?}"),
            };
            slash_format(texts.iter().map(pair))
        };
        assert_eq!(
            dates(&["1/4/1999", "12/31/2018"]),
            Ok(DateFormat::MonthDayYear)
        );
        assert_eq!(
            dates(&["4/1/1999", "31/12/2018"]),
            Ok(DateFormat::DayMonthYear)
        );
        assert_eq!(
            dates(&["1/4/1999", "2/5/1999"]),
            Err(SlashProblem::Ambiguous)
        );
        assert_eq!(dates(&["13/1/1999", "1/13/1999"]), Err(SlashProblem::Mixed));
        let date = slash_date(DateFormat::MonthDayYear, 2, 30, 2018);
        assert_eq!(date, None);
    }
}
