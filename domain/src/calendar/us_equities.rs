//! Sessions of the New York Stock Exchange: a data table where no rule can know, rules elsewhere.

use chrono::{Datelike, NaiveDate, Weekday};

use super::us_equities_table::{EARLY_CLOSES, HOLIDAYS, SPECIAL_CLOSURES};
use super::{Session, new_york};

/// First covered date.
pub(super) const FIRST: NaiveDate = NaiveDate::from_ymd_opt(1990, 1, 1).expect("a valid date");
/// Last covered date.
pub(super) const LAST: NaiveDate = NaiveDate::from_ymd_opt(2035, 12, 31).expect("a valid date");

/// 09:30 in minutes after midnight in New York.
const REGULAR_OPEN: i64 = 9 * 60 + 30;
/// 16:00 in minutes after midnight in New York.
const REGULAR_CLOSE: i64 = 16 * 60;

/// The session of a covered `date`.
pub(super) fn session(date: NaiveDate) -> Option<Session> {
    if !is_session(date) {
        return None;
    }
    let close = early_close_minutes(key(date)).unwrap_or(REGULAR_CLOSE);
    Some(Session {
        date,
        open: new_york::instant(date, REGULAR_OPEN)?,
        close: new_york::instant(date, close)?,
    })
}

/// Whether a covered `date` has a session.
pub(super) fn is_session(date: NaiveDate) -> bool {
    let key = key(date);
    !is_weekend(date) && HOLIDAYS.binary_search(&key).is_err() && special_closure(key).is_none()
}

/// Whether the session of a covered `date` closes before 16:00.
pub(super) fn closes_early(date: NaiveDate) -> bool {
    early_close_minutes(key(date)).is_some()
}

/// Why a covered weekday has no session.
pub(super) fn holiday_name(date: NaiveDate) -> Option<&'static str> {
    let key = key(date);
    if let Some(occasion) = special_closure(key) {
        return Some(occasion);
    }
    HOLIDAYS.binary_search(&key).ok()?;
    // The rules keep the holidays in disjoint parts of the year, so the date names its holiday.
    Some(match (date.month(), date.day()) {
        (1, 1 | 2) => "New Year's Day",
        (1, _) => "Martin Luther King Jr. Day",
        (2, _) => "Washington's Birthday",
        (3 | 4, _) => "Good Friday",
        (5, _) => "Memorial Day",
        (6, _) => "Juneteenth",
        (7, _) => "Independence Day",
        (9, _) => "Labor Day",
        (11, _) => "Thanksgiving Day",
        _ => "Christmas Day",
    })
}

fn is_weekend(date: NaiveDate) -> bool {
    matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
}

fn special_closure(key: u32) -> Option<&'static str> {
    let at = SPECIAL_CLOSURES
        .binary_search_by_key(&key, |(day, _)| *day)
        .ok()?;
    Some(SPECIAL_CLOSURES[at].1)
}

fn early_close_minutes(key: u32) -> Option<i64> {
    EARLY_CLOSES
        .iter()
        .find(|(_, days)| days.binary_search(&key).is_ok())
        .map(|(minutes, _)| *minutes)
}

/// `date` as the table writes it: 2024-07-04 is `2024_07_04`. Covered years are positive.
fn key(date: NaiveDate) -> u32 {
    date.year().unsigned_abs() * 10_000 + date.month() * 100 + date.day()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Binary search needs sorted tables, and a date must not be closed and open at once.
    #[test]
    fn tables_are_sorted_disjoint_weekdays_inside_the_range() {
        let special: Vec<u32> = SPECIAL_CLOSURES.iter().map(|(day, _)| *day).collect();
        let mut lists = vec![&HOLIDAYS[..], &special];
        lists.extend(EARLY_CLOSES.iter().map(|(_, days)| *days));
        for list in &lists {
            assert!(list.is_sorted_by(|a, b| a < b));
        }
        let mut all = lists.concat();
        for key in &all {
            let (year, month, day) = (key / 10_000, key / 100 % 100, key % 100);
            let date = NaiveDate::from_ymd_opt(year.cast_signed(), month, day).unwrap();
            assert!(
                !is_weekend(date) && (FIRST..=LAST).contains(&date),
                "{date}"
            );
        }
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
