//! When a strategy is asked: slots, known from the calendar before they come.

use std::num::NonZeroU16;

use serde::{Deserialize, Serialize};

use crate::calendar::Calendar;
use crate::error::Result;
use crate::time::{NANOS_PER_DAY, NANOS_PER_SECOND, Timestamp};

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
    /// Slices that close on a whole multiple of this many minutes since midnight UTC, for bars
    /// within a day. The calendar is not asked: where there is no bar there is no slot.
    EveryMinutes(NonZeroU16),
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
        match self {
            Self::EveryBar => return Ok(true),
            Self::EveryMinutes(minutes) => {
                let step = i64::from(minutes.get()) * 60 * NANOS_PER_SECOND;
                return Ok(time.nanos().rem_euclid(NANOS_PER_DAY) % step == 0);
            }
            Self::WeekEnd | Self::MonthEnd => {}
        }
        if !calendar.closes_at(time)? {
            return Ok(false);
        }
        // A session that ends at midnight belongs to the day before.
        let date = Timestamp::from_nanos(time.nanos() - 1).date();
        match self {
            Self::EveryBar | Self::EveryMinutes(_) => Ok(true),
            Self::WeekEnd => calendar.is_last_session_of_week(date),
            Self::MonthEnd => calendar.is_last_session_of_month(date),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts from midnight each day, so a step that does not divide the day begins anew.
    #[test]
    fn every_n_minutes_counts_from_midnight() {
        let minute = |n: i64| Timestamp::from_nanos(n * 60 * NANOS_PER_SECOND);
        let every = |n| Schedule::EveryMinutes(NonZeroU16::new(n).expect("not zero"));
        let fires = |n, at| {
            every(n)
                .fires(Calendar::UsEquities, at)
                .expect("asks no calendar")
        };
        let of_a_day = |n| (1..=1_440).filter(|m| fires(n, minute(*m))).count();
        assert_eq!((of_a_day(15), of_a_day(1), of_a_day(1_440)), (96, 1_440, 1));
        // 7 divides no day: 205 slots, and the midnight that begins the next one.
        assert_eq!(of_a_day(7), 206);
        assert!(fires(7, minute(1_440)) && fires(7, minute(1_447)) && !fires(7, minute(1_441)));
        assert!(!fires(1, minute(3) + crate::time::Span::from_nanos(1)));
        assert!(fires(15, minute(-15)), "before 1970 as well");
    }
}
