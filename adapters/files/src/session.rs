//! When a date's session opens and closes.

use ballast_domain::calendar::Calendar;
use ballast_domain::error::Result;
use ballast_domain::time::Timestamp;
use chrono::NaiveDate;

/// Open and close of a session.
pub(crate) type Session = (Timestamp, Timestamp);

/// The session of `date`, or `None` when the market is closed that day.
///
/// This is the only place where this crate asks a calendar.
fn session(calendar: Calendar, date: NaiveDate) -> Result<Option<Session>> {
    Ok(calendar
        .session(date)?
        .map(|session| (session.open, session.close)))
}

/// Sessions of one calendar, remembering the last: rows of one date follow each other.
#[derive(Debug)]
pub(crate) struct Sessions {
    calendar: Calendar,
    last: Option<(NaiveDate, Option<Session>)>,
}

impl Sessions {
    pub(crate) const fn new(calendar: Calendar) -> Self {
        Self {
            calendar,
            last: None,
        }
    }

    pub(crate) fn of(&mut self, date: NaiveDate) -> Result<Option<Session>> {
        if let Some((known, answer)) = self.last
            && known == date
        {
            return Ok(answer);
        }
        let answer = session(self.calendar, date)?;
        self.last = Some((date, answer));
        Ok(answer)
    }
}
