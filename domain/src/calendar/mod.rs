//! Trading calendars: which dates have a session, and when it opens and closes.

mod new_york;
mod us_equities;
mod us_equities_table;

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, Days, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::time::{Span, Timestamp};

/// A set of sessions.
///
/// Every lookup is a function of the date alone, allocates nothing and refuses dates outside
/// [`coverage`](Self::coverage) instead of guessing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Calendar {
    /// Every UTC day is a session, from 00:00 to the next 00:00: markets that never close.
    #[serde(rename = "utc_24x7")]
    Utc24x7,
    /// New York Stock Exchange: 09:30 to 16:00 in New York, with its holidays, one-off closures
    /// and early closes from 1990-01-01 to 2035-12-31. Unscheduled halts and late opens within a
    /// day are not part of it. Future dates follow the holiday rules known in 2026.
    #[serde(rename = "us_equities")]
    UsEquities,
}

/// One trading session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Session {
    /// The date the session is called by: local to the exchange.
    pub date: NaiveDate,
    /// The first instant of the session.
    pub open: Timestamp,
    /// The first instant after the session.
    pub close: Timestamp,
}

impl Session {
    /// Whether `t` is in the session: open included, close excluded.
    pub fn contains(&self, t: Timestamp) -> bool {
        self.open <= t && t < self.close
    }

    /// The time from open to close.
    pub fn length(&self) -> Span {
        self.close.since(self.open)
    }
}

impl Calendar {
    /// All calendars, in the order they are listed to users.
    pub const ALL: [Self; 2] = [Self::Utc24x7, Self::UsEquities];

    /// The name used in configs and records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Utc24x7 => "utc_24x7",
            Self::UsEquities => "us_equities",
        }
    }

    /// Periods a year for annualising daily statistics: 365 or 252.
    pub const fn annualisation(self) -> f64 {
        match self {
            Self::Utc24x7 => 365.0,
            Self::UsEquities => 252.0,
        }
    }

    /// The first and the last date this calendar knows, both included.
    ///
    /// For [`Utc24x7`](Self::Utc24x7) the dates whose midnights a [`Timestamp`] can hold.
    pub fn coverage(self) -> (NaiveDate, NaiveDate) {
        match self {
            Self::Utc24x7 => (
                Timestamp::MIN.date() + Days::new(1),
                Timestamp::MAX.date() - Days::new(1),
            ),
            Self::UsEquities => (us_equities::FIRST, us_equities::LAST),
        }
    }

    /// The session of `date`, or `None` when the market is closed all day.
    ///
    /// # Errors
    /// Missing data when `date` is outside [`coverage`](Self::coverage).
    pub fn session(self, date: NaiveDate) -> Result<Option<Session>> {
        self.check(date)?;
        Ok(self.covered_session(date))
    }

    /// Whether `date` has a session.
    ///
    /// # Errors
    /// As [`session`](Self::session).
    pub fn is_session(self, date: NaiveDate) -> Result<bool> {
        self.check(date)?;
        Ok(self.is_covered_session(date))
    }

    /// The session that contains `t` (open included, close excluded), or `None` between sessions.
    ///
    /// # Errors
    /// As [`session`](Self::session), for the UTC date of `t`.
    pub fn session_containing(self, t: Timestamp) -> Result<Option<Session>> {
        // No session of either calendar crosses midnight UTC.
        let session = self.session(t.date())?;
        Ok(session.filter(|session| session.contains(t)))
    }

    /// Whether a session closes at exactly `t`.
    ///
    /// # Errors
    /// As [`session`](Self::session).
    pub fn closes_at(self, t: Timestamp) -> Result<bool> {
        // A close at midnight belongs to the day before.
        let date = (t - Span::from_nanos(1)).date();
        Ok(self
            .session(date)?
            .is_some_and(|session| session.close == t))
    }

    /// The first session on a date after `after`.
    ///
    /// # Errors
    /// Missing data when `after` or the next session is outside [`coverage`](Self::coverage).
    pub fn next_session(self, after: NaiveDate) -> Result<Session> {
        self.check(after)?;
        self.covered_sessions(after, self.coverage().1)
            .find(|session| session.date > after)
            .ok_or_else(|| self.outside(after + Days::new(1)))
    }

    /// The last session on a date before `before`.
    ///
    /// # Errors
    /// Missing data when `before` or the previous session is outside [`coverage`](Self::coverage).
    pub fn previous_session(self, before: NaiveDate) -> Result<Session> {
        self.check(before)?;
        self.covered_sessions(self.coverage().0, before)
            .rfind(|session| session.date < before)
            .ok_or_else(|| self.outside(before - Days::new(1)))
    }

    /// All sessions from `first` to `last`, both included, ascending; none when `last < first`.
    ///
    /// # Errors
    /// Missing data when `first` or `last` is outside [`coverage`](Self::coverage).
    pub fn sessions(
        self,
        first: NaiveDate,
        last: NaiveDate,
    ) -> Result<impl DoubleEndedIterator<Item = Session> + Clone> {
        self.check(first)?;
        self.check(last)?;
        Ok(self.covered_sessions(first, last))
    }

    /// Whether `date` is the last session of its calendar month; false when it is no session.
    ///
    /// # Errors
    /// As [`session`](Self::session).
    pub fn is_last_session_of_month(self, date: NaiveDate) -> Result<bool> {
        let left = u64::from(date.num_days_in_month()) - u64::from(date.day());
        self.is_last_session_in(date, left)
    }

    /// Whether `date` is the last session of its week, Monday to Sunday; false when it is no
    /// session.
    ///
    /// # Errors
    /// Missing data when `date` or a later day of its week that decides is outside
    /// [`coverage`](Self::coverage).
    pub fn is_last_session_of_week(self, date: NaiveDate) -> Result<bool> {
        let left = 6 - u64::from(date.weekday().num_days_from_monday());
        self.is_last_session_in(date, left)
    }

    /// The close of the session of `date` when that is earlier than the regular one.
    ///
    /// # Errors
    /// As [`session`](Self::session).
    pub fn early_close(self, date: NaiveDate) -> Result<Option<Timestamp>> {
        let session = self.session(date)?;
        Ok(match self {
            Self::Utc24x7 => None,
            Self::UsEquities => session
                .filter(|_| us_equities::closes_early(date))
                .map(|session| session.close),
        })
    }

    /// The holiday or occasion that closes the market on the weekday `date`; `None` for sessions
    /// and weekends.
    ///
    /// # Errors
    /// As [`session`](Self::session).
    pub fn holiday_name(self, date: NaiveDate) -> Result<Option<&'static str>> {
        self.check(date)?;
        Ok(match self {
            Self::Utc24x7 => None,
            Self::UsEquities => us_equities::holiday_name(date),
        })
    }

    fn is_last_session_in(self, date: NaiveDate, days_left: u64) -> Result<bool> {
        if !self.is_session(date)? {
            return Ok(false);
        }
        for days in 1..=days_left {
            if self.is_session(date + Days::new(days))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn covered_session(self, date: NaiveDate) -> Option<Session> {
        match self {
            Self::Utc24x7 => Some(Session {
                date,
                open: Timestamp::from_date(date)?,
                close: Timestamp::from_date(date.succ_opt()?)?,
            }),
            Self::UsEquities => us_equities::session(date),
        }
    }

    fn is_covered_session(self, date: NaiveDate) -> bool {
        match self {
            Self::Utc24x7 => true,
            Self::UsEquities => us_equities::is_session(date),
        }
    }

    fn covered_sessions(
        self,
        first: NaiveDate,
        last: NaiveDate,
    ) -> impl DoubleEndedIterator<Item = Session> + Clone {
        let days = (last - first).num_days() + 1;
        (0..days).filter_map(move |i| {
            let date = first + Days::new(i.unsigned_abs());
            self.covered_session(date)
        })
    }

    fn check(self, date: NaiveDate) -> Result<()> {
        let (first, last) = self.coverage();
        if first <= date && date <= last {
            Ok(())
        } else {
            Err(self.outside(date))
        }
    }

    fn outside(self, date: NaiveDate) -> Error {
        let (first, last) = self.coverage();
        let hint = match self {
            Self::Utc24x7 => "use dates that a timestamp in nanoseconds can hold",
            Self::UsEquities => {
                "shorten the date range, or extend the calendar's data table; holidays outside it \
                 are not guessed"
            }
        };
        Error::missing(format!("calendar {self} does not cover {date}"))
            .context("first", first)
            .context("last", last)
            .hint(hint)
    }
}

impl fmt::Display for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Calendar {
    type Err = Error;

    /// Reads [`name`](Self::name); other common names are errors that suggest the right one.
    fn from_str(text: &str) -> Result<Self> {
        if let Some(calendar) = Self::ALL.into_iter().find(|c| c.name() == text) {
            return Ok(calendar);
        }
        let wanted = text.to_ascii_lowercase();
        let like = |words: &[&str]| words.iter().any(|word| wanted.contains(word));
        let suggestion = if wanted.starts_with("us") || like(&["nys", "nasdaq", "equit", "stock"]) {
            Some(Self::UsEquities)
        } else if like(&["utc", "24", "crypto", "always"]) {
            Some(Self::Utc24x7)
        } else {
            None
        };
        let names = Self::ALL.map(Self::name).join(", ");
        Err(Error::config(format!("unknown calendar '{text}'"))
            .context("available", &names)
            .hint(match suggestion {
                Some(calendar) => format!("did you mean '{calendar}'?"),
                None => format!("use one of {names}"),
            }))
    }
}
