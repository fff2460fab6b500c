//! New York wall time to UTC, by the daylight saving rules in force since 1987.

use chrono::{Datelike, NaiveDate, Weekday};

use crate::time::{NANOS_PER_SECOND, Timestamp};

/// The instant at `minutes` after midnight on `date`, on a clock in New York.
///
/// Right from 03:00 on and in all years from 1987; between 00:00 and 03:00 of the two days a year
/// on which the clock changes it uses the new offset. `None` outside the range of [`Timestamp`].
pub(super) fn instant(date: NaiveDate, minutes: i64) -> Option<Timestamp> {
    let minutes = minutes - utc_offset_minutes(date);
    let nanos = minutes.checked_mul(60 * NANOS_PER_SECOND)?;
    let midnight = Timestamp::from_date(date)?.nanos();
    midnight.checked_add(nanos).map(Timestamp::from_nanos)
}

/// Minutes New York is ahead of UTC on `date` after 03:00: −240 in summer, −300 in winter.
fn utc_offset_minutes(date: NaiveDate) -> i64 {
    if is_daylight_saving(date) { -240 } else { -300 }
}

/// Whether daylight saving holds on `date` after the change at 02:00.
///
/// 1987 to 2006: first Sunday of April to last Sunday of October (Public Law 99-359). From 2007:
/// second Sunday of March to first Sunday of November (Energy Policy Act of 2005, section 110).
fn is_daylight_saving(date: NaiveDate) -> bool {
    let day = (date.month(), date.day());
    let (first, last) = if date.year() < 2007 {
        let april = sunday_from(date.year(), 4, 1);
        let october = sunday_from(date.year(), 10, 25);
        ((4, april), (10, october))
    } else {
        let march = sunday_from(date.year(), 3, 8);
        let november = sunday_from(date.year(), 11, 1);
        ((3, march), (11, november))
    };
    first <= day && day < last
}

/// The day of the month of the first Sunday on or after `day`; `day` exists in that month.
fn sunday_from(year: i32, month: u32, day: u32) -> u32 {
    let weekday = NaiveDate::from_ymd_opt(year, month, day)
        .map_or(Weekday::Sun, |date| date.weekday())
        .num_days_from_sunday();
    day + (7 - weekday) % 7
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn clocks_change_on_the_days_the_law_names() {
        for (last_winter, first_summer, last_summer, first_winter) in [
            ("1987-04-04", "1987-04-05", "1987-10-24", "1987-10-25"),
            ("1990-03-31", "1990-04-01", "1990-10-27", "1990-10-28"),
            ("1999-04-03", "1999-04-04", "1999-10-30", "1999-10-31"),
            ("2000-04-01", "2000-04-02", "2000-10-28", "2000-10-29"),
            ("2004-04-03", "2004-04-04", "2004-10-30", "2004-10-31"),
            ("2006-04-01", "2006-04-02", "2006-10-28", "2006-10-29"),
            ("2007-03-10", "2007-03-11", "2007-11-03", "2007-11-04"),
            ("2009-03-07", "2009-03-08", "2009-10-31", "2009-11-01"),
            ("2015-03-07", "2015-03-08", "2015-10-31", "2015-11-01"),
            ("2024-03-09", "2024-03-10", "2024-11-02", "2024-11-03"),
            ("2026-03-07", "2026-03-08", "2026-10-31", "2026-11-01"),
            ("2035-03-10", "2035-03-11", "2035-11-03", "2035-11-04"),
        ] {
            assert!(!is_daylight_saving(date(last_winter)), "{last_winter}");
            assert!(is_daylight_saving(date(first_summer)), "{first_summer}");
            assert!(is_daylight_saving(date(last_summer)), "{last_summer}");
            assert!(!is_daylight_saving(date(first_winter)), "{first_winter}");
        }
    }

    #[test]
    fn wall_time_becomes_utc() {
        for (day, minutes, utc) in [
            ("2024-03-08", 570, "2024-03-08T14:30:00Z"),
            ("2024-03-11", 570, "2024-03-11T13:30:00Z"),
            ("2024-07-03", 780, "2024-07-03T17:00:00Z"),
            ("2024-11-01", 960, "2024-11-01T20:00:00Z"),
            ("2024-11-04", 960, "2024-11-04T21:00:00Z"),
        ] {
            let expected: Timestamp = utc.parse().unwrap();
            assert_eq!(instant(date(day), minutes), Some(expected), "{day}");
        }
        assert_eq!(instant(date("2400-01-03"), 570), None);
    }
}
