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
