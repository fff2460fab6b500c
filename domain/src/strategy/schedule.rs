//! When a strategy is asked: slots, known from the calendar before they come.

use serde::{Deserialize, Serialize};

use crate::calendar::Calendar;
use crate::error::Result;
use crate::time::Timestamp;

/// A moment at which a strategy decides. Each slot is used once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Slot {
    /// The close time of the slice that fired it.
    pub time: Timestamp,
}

/// Which slices fire a slot.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// Every slice.
    #[default]
    EveryBar,
    /// Slices that close with the last session of an ISO week.
    WeekEnd,
    /// Slices that close with the last session of a month.
    MonthEnd,
}

impl Schedule {
    /// Whether a slice that closes at `time` fires a slot on this calendar.
    ///
    /// Whether a session is the last of its month comes from the calendar, not from later bars.
    ///
    /// # Errors
    /// `DataMissing` when the calendar does not cover `time`.
    #[inline]
    pub fn fires(self, calendar: Calendar, time: Timestamp) -> Result<bool> {
        if self == Self::EveryBar {
            return Ok(true);
        }
        if !calendar.closes_at(time)? {
            return Ok(false);
        }
        // A session that ends at midnight belongs to the day before.
        let date = Timestamp::from_nanos(time.nanos() - 1).date();
        match self {
            Self::EveryBar => Ok(true),
            Self::WeekEnd => calendar.is_last_session_of_week(date),
            Self::MonthEnd => calendar.is_last_session_of_month(date),
        }
    }
}
