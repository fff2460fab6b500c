//! Whether data is recent enough to decide on.

use chrono::Days;

use super::{DefectCode, Finding};
use crate::calendar::Calendar;
use crate::error::Result;
use crate::time::{Span, Timestamp};

/// The age at which data is still fresh unless another is asked for: 48 hours.
pub const DEFAULT_MAX_AGE: Span = Span::from_days(2);

/// A finding when the newest bar closed more than `max_age` before `now` (exactly `max_age` is
/// fresh). Whole days without a session do not age data: a Friday is fresh on Monday.
///
/// # Errors
/// When the calendar cannot answer for a date in between.
pub fn staleness(
    newest_close: Timestamp,
    now: Timestamp,
    max_age: Span,
    calendar: Calendar,
) -> Result<Option<Finding>> {
    let total = now.since(newest_close);
    if total <= max_age {
        return Ok(None);
    }
    // The day a bar that closes at midnight belongs to is the day before.
    let last = (newest_close - Span::from_nanos(1)).date();
    let (from, to) = (last + Days::new(1), now.date() - Days::new(1));
    let mut closed = 0;
    if from <= to {
        let days = (to - from).num_days() + 1;
        let open = calendar.sessions(from, to)?.count();
        closed = days - i64::try_from(open).unwrap_or(days);
    }
    let age = Span::from_nanos(total.nanos() - Span::from_days(closed).nanos());
    if age <= max_age {
        return Ok(None);
    }
    let hours = |span: Span| span.nanos() as f64 / 3.6e12;
    let message = format!(
        "the newest bar closed at {newest_close}, {:.1} h before {now}; at most {:.1} h are allowed",
        hours(age),
        hours(max_age)
    );
    let mut found = Finding::new(
        DefectCode::StaleData,
        message,
        "fetch newer data; for a study of the past leave now and the age out",
    );
    found.time = Some(newest_close);
    Ok(Some(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_without_a_session_do_not_age_data() {
        let stocks = Calendar::UsEquities;
        let coins = Calendar::Utc24x7;
        // A Friday's close; Monday 2024-01-15 is a holiday.
        for (calendar, close, now, is_stale) in [
            (
                stocks,
                "2024-01-05T21:00:00Z",
                "2024-01-08T12:00:00Z",
                false,
            ),
            (coins, "2024-01-05T21:00:00Z", "2024-01-08T12:00:00Z", true),
            (
                stocks,
                "2024-01-12T21:00:00Z",
                "2024-01-16T21:00:00Z",
                false,
            ),
            (stocks, "2024-01-12T21:00:00Z", "2024-01-17T21:00:01Z", true),
            (coins, "2024-01-05T00:00:00Z", "2024-01-07T00:00:00Z", false),
            (coins, "2024-01-05T00:00:00Z", "2024-01-07T00:00:01Z", true),
        ] {
            let (close, now) = (close.parse().unwrap(), now.parse().unwrap());
            let found = staleness(close, now, DEFAULT_MAX_AGE, calendar).unwrap();
            assert_eq!(found.is_some(), is_stale, "{calendar} {close} {now}");
        }
    }
}
