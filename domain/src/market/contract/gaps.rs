//! Bars that should be there.

use chrono::Days;

use super::times::Placed;
use super::{DefectCode, Finding, Terms};
use crate::error::Result;
use crate::market::BarSize;
use crate::time::{Span, Timestamp};

/// Sessions in a row that may be absent from daily bars, or wholly from bars below an hour: two
/// weeks of a market with a five-day week. One more breaks every window that spans them.
const SESSIONS_MAX: usize = 10;

/// Bars in a row that may be absent from bars of an hour and more: two days of hours.
const BARS_MAX: usize = 48;

/// Whether a bar without a trade is simply not written: true below an hour, where only a whole
/// session without a bar counts as missing.
fn may_be_sparse(bar: BarSize) -> bool {
    bar.intraday()
        .is_some_and(|length| length < Span::from_seconds(3_600))
}

/// Finds expected bars between the first and the last row that have none.
///
/// # Errors
/// When the calendar cannot answer for a date.
pub(super) fn gaps(placed: &[Placed], terms: &Terms, findings: &mut Vec<Finding>) -> Result<()> {
    for pair in placed.windows(2) {
        let (count, first) = match terms.bar.intraday() {
            Some(length) if !may_be_sparse(terms.bar) => {
                bars_between(pair[0].open, pair[1].open, length, terms)?
            }
            _ => sessions_between(pair[0].open, pair[1].open, terms)?,
        };
        let Some(first) = first else { continue };
        let is_bars = terms.bar.intraday().is_some() && !may_be_sparse(terms.bar);
        let (most, noun) = if is_bars {
            (BARS_MAX, "bars")
        } else {
            (SESSIONS_MAX, "sessions")
        };
        let mut found = if count > most {
            let message = format!("expected {noun} without a row: {count} on end, from {first}");
            let hint = "fetch them, or use the data after the gap only";
            Finding::new(DefectCode::GapTooLong, message, hint)
        } else {
            let message = format!("expected {noun} without a row: {count}, from {first}");
            let hint = "fetch what is missing, or check the calendar";
            Finding::new(DefectCode::MissingBar, message, hint)
        };
        found.row = Some(pair[1].raw.row);
        found.time = Some(first);
        findings.push(found);
    }
    Ok(())
}

/// Sessions strictly between the dates of two bars, and the open of the first.
fn sessions_between(
    before: Timestamp,
    after: Timestamp,
    terms: &Terms,
) -> Result<(usize, Option<Timestamp>)> {
    let (from, to) = (before.date() + Days::new(1), after.date() - Days::new(1));
    if to < from {
        return Ok((0, None));
    }
    let mut sessions = terms.calendar.sessions(from, to)?;
    let first = sessions.next().map(|session| session.open);
    Ok((sessions.count() + usize::from(first.is_some()), first))
}

/// Bars of the grid strictly between two bars, inside the regular sessions, and the first.
fn bars_between(
    before: Timestamp,
    after: Timestamp,
    length: Span,
    terms: &Terms,
) -> Result<(usize, Option<Timestamp>)> {
    if after.since(before) <= length {
        return Ok((0, None));
    }
    let (mut count, mut first) = (0, None);
    for session in terms.calendar.sessions(before.date(), after.date())? {
        // Numbers of the first bar after `before` and the first not before `after` or the close.
        let end = after.min(session.close).since(session.open).nanos();
        let begin = before.since(session.open).nanos();
        let from = begin.div_euclid(length.nanos()).saturating_add(1).max(0);
        let to = end.div_euclid(length.nanos()) + i64::from(end.rem_euclid(length.nanos()) > 0);
        if to > from {
            count += usize::try_from(to - from).unwrap_or(usize::MAX);
            first = first.or(Some(session.open + Span::from_nanos(from * length.nanos())));
        }
    }
    Ok((count, first))
}
