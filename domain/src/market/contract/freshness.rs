//! Whether data is recent enough to decide on.

use chrono::Days;

use super::{DefectCode, Finding};
use crate::calendar::Calendar;
use crate::error::{Error, Result};
use crate::time::{Span, Timestamp};

/// The age at which data is still fresh unless another is asked for: 48 hours.
pub const DEFAULT_MAX_AGE: Span = Span::from_days(2);

/// Refuses data whose latest time is more than `max_age` before `now`; exactly `max_age` is fresh.
/// Plain time, no calendar: [`staleness`] leaves out days without a session.
///
/// # Errors
/// `DataValidation` when there is no latest time, `DataStale` with both times and the limit.
pub fn require_fresh(
    what: &str,
    latest: Option<Timestamp>,
    now: Timestamp,
    max_age: Span,
) -> Result<()> {
    let Some(latest) = latest else {
        return Err(Error::validation(format!("{what} is empty"))
            .hint("fetch it before asking how old it is"));
    };
    if now.since(latest) <= max_age {
        return Ok(());
    }
    Err(Error::stale(what, latest, now, max_age))
}

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

    /// VAL-12: exactly the age is fresh and a second more is stale, with both times and the limit;
    /// nothing is no data, and a time without a zone was read as UTC.
    #[test]
    fn val_12_freshness_is_strict_and_says_both_times() {
        use crate::error::{ErrorFamily, ErrorKind};
        let now: Timestamp = "2024-01-10T12:00:00Z".parse().unwrap();
        let ask = |latest| require_fresh("close of A", latest, now, DEFAULT_MAX_AGE);
        let limit = now - DEFAULT_MAX_AGE;
        assert_eq!(ask(Some(limit)), Ok(()));
        let late = limit - Span::from_seconds(1);
        let error = ask(Some(late)).unwrap_err();
        assert!(
            matches!(*error.kind, ErrorKind::DataStale { observed_at, max_age, .. }
                if observed_at == late && max_age == DEFAULT_MAX_AGE),
            "{error}"
        );
        assert!(error.to_string().contains("2024-01-10T12:00:00"), "{error}");
        let empty = ask(None).unwrap_err();
        assert_eq!(*empty.kind, ErrorKind::DataValidation);
        assert_eq!(empty.family(), ErrorFamily::Data);
        // Dates carry no zone: each is its midnight in UTC.
        let date = Timestamp::from_date("2024-01-08".parse().unwrap());
        assert_eq!(ask(date).unwrap_err().family(), ErrorFamily::Data);
    }
}
