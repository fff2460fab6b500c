//! Where rows stand in time: on the grid, in a session, in order, once.

use super::{DefectCode, Finding, RawBar, Terms};
use crate::calendar::{Calendar, Session};
use crate::error::Result;
use crate::time::{NANOS_PER_DAY, NANOS_PER_SECOND, Span, Timestamp};

/// Share of a bar by which a time may miss the grid and still be its bar: 1/100, the jitter of a
/// writer's clock. Further off the row belongs to no bar.
const JITTER: i64 = 100;

/// From midnight in New York to the open of the session there.
const NEW_YORK_OPEN: i64 = (9 * 60 + 30) * 60 * NANOS_PER_SECOND;

/// A row with its place on the grid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Placed {
    pub(super) raw: RawBar,
    /// The open it stands for.
    pub(super) open: Timestamp,
    /// When its bar closes.
    pub(super) close: Timestamp,
    /// Whether its values may be used.
    pub(super) is_usable: bool,
}

/// Rows that come after a later one. A list from new to old is one finding.
pub(super) fn order(rows: &[RawBar], findings: &mut Vec<Finding>) {
    let hint = "sort the rows by time";
    if rows.len() > 2 && rows.windows(2).all(|w| w[1].time < w[0].time) {
        let found = Finding::new(DefectCode::NotSorted, "the rows run from new to old", hint);
        return findings.push(found.at(&rows[0]));
    }
    let mut latest = Timestamp::MIN;
    for row in rows {
        if row.time < latest {
            let message = "the row is earlier than one above it";
            findings.push(Finding::new(DefectCode::NotSorted, message, hint).at(row));
        }
        latest = latest.max(row.time);
    }
}

/// The rows that stand for a bar, by time; what stands for none or is not over yet is a finding.
/// Rows off the grid are kept, unusable, as a sign that their bar is not missing.
pub(super) fn place(
    rows: &[RawBar],
    terms: &Terms,
    findings: &mut Vec<Finding>,
) -> Result<Vec<Placed>> {
    let mut placed = Vec::with_capacity(rows.len());
    let length = terms.bar.intraday().map_or(NANOS_PER_DAY, Span::nanos);
    for row in rows {
        let jitter = Span::from_nanos(length / JITTER);
        // A clock that is early may write the end of the day before.
        let nearest = match terms.bar.intraday() {
            None => row.time + jitter,
            Some(_) => row.time,
        };
        if let Some(now) = terms.now.filter(|now| row.time > *now) {
            let message = format!("the bar opens after {now}");
            let hint = "remove the row, or check the zone of the times";
            findings.push(Finding::new(DefectCode::FutureTimestamp, message, hint).at(row));
            continue;
        }
        let Some(session) = terms.calendar.session(nearest.date())? else {
            let message = "the market is closed that day";
            let hint = "remove the row, or use the calendar of its market";
            findings.push(Finding::new(DefectCode::NonSessionDay, message, hint).at(row));
            continue;
        };
        let (off, open, close) = match terms.bar.intraday() {
            None => (
                day_offset(row.time, &session, terms.calendar),
                session.open,
                session.close,
            ),
            Some(length) => {
                let (off, open) = grid(row.time, &session, length.nanos());
                // Trading outside the regular hours ends no earlier than its own bar.
                let full = open + length;
                let cut = session.contains(open) && session.close < full;
                (off, open, if cut { session.close } else { full })
            }
        };
        if let Some(now) = terms.now.filter(|now| close > until(*now)) {
            let message = format!("the bar is not over at {now}: it closes at {close}");
            let hint = "leave it out until it has closed";
            findings.push(Finding::new(DefectCode::PartialBar, message, hint).at(row));
            continue;
        }
        let is_near = off <= jitter.nanos();
        if off > 0 {
            let seconds = off / NANOS_PER_SECOND;
            let message = format!("the time is {seconds} s off the grid of {} bars", terms.bar);
            let hint = "write the open time of the bar, and one zone in the whole file";
            let found = Finding::new(DefectCode::OffGrid, message, hint).at(row);
            findings.push(if is_near { found.warning() } else { found });
        }
        placed.push(Placed {
            raw: *row,
            open,
            close,
            is_usable: is_near && row.values.is_some(),
        });
    }
    placed.sort_by_key(|bar| (bar.open, bar.raw.row));
    Ok(placed)
}

/// The end of now: an instant in whole seconds stands for its second.
fn until(now: Timestamp) -> Timestamp {
    if now.nanos() % NANOS_PER_SECOND == 0 {
        now + Span::from_seconds(1)
    } else {
        now
    }
}

/// How far a time is from what a day is named by: its midnight in UTC, its session open or, for US
/// equities, its midnight in New York. Nanoseconds.
fn day_offset(time: Timestamp, session: &Session, calendar: Calendar) -> i64 {
    let mut off = time.since(session.open).nanos().abs();
    if let Some(midnight) = Timestamp::from_date(session.date) {
        off = off.min(time.since(midnight).nanos().abs());
    }
    if calendar == Calendar::UsEquities {
        let local = session.open - Span::from_nanos(NEW_YORK_OPEN);
        off = off.min(time.since(local).nanos().abs());
    }
    off
}

/// The nearest grid time and how far it is, on the grid of the session open or of midnight in UTC.
fn grid(time: Timestamp, session: &Session, length: i64) -> (i64, Timestamp) {
    let nearest = |anchor: Timestamp| {
        let since = time.since(anchor).nanos().rem_euclid(length);
        let (off, shift) = if since * 2 <= length {
            (since, -since)
        } else {
            (length - since, length - since)
        };
        (off, time + Span::from_nanos(shift))
    };
    let by_session = nearest(session.open);
    let by_day = nearest(Timestamp::EPOCH);
    if by_day.0 < by_session.0 {
        by_day
    } else {
        by_session
    }
}

/// One row a bar. Equal repetitions are repaired by leaving one; different ones contradict.
pub(super) fn without_repetitions(placed: Vec<Placed>, findings: &mut Vec<Finding>) -> Vec<Placed> {
    let mut kept: Vec<Placed> = Vec::with_capacity(placed.len());
    for bar in placed.into_iter().filter(|bar| bar.is_usable) {
        let Some(first) = kept.last().filter(|last| last.open == bar.open) else {
            kept.push(bar);
            continue;
        };
        let (code, word) = if first.raw.values == bar.raw.values {
            (DefectCode::DuplicateTimestamp, "repeats")
        } else {
            (DefectCode::DuplicateConflict, "contradicts")
        };
        let message = format!("the row {word} the bar of row {}", first.raw.row);
        let hint = "keep one row for each time";
        findings.push(Finding::new(code, message, hint).at(&bar.raw));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::contract::Verdict;
    use crate::market::{BarSize, Fields};

    /// What the rule says about one bar at `time`, at a now of 2024-06-01.
    fn verdict(bar: &str, calendar: Calendar, time: &str) -> Option<(DefectCode, Verdict)> {
        let terms = Terms {
            bar: bar.parse::<BarSize>().unwrap(),
            calendar,
            now: Some("2024-06-01T00:00:00Z".parse().unwrap()),
            fields: Fields::ALL,
        };
        let row = RawBar {
            row: 2,
            time: time.parse().unwrap(),
            values: Some([1.0; 5]),
        };
        let mut findings = Vec::new();
        place(&[row], &terms, &mut findings).unwrap();
        assert!(findings.len() < 2, "{findings:?}");
        findings.first().map(|found| (found.code, found.verdict))
    }

    #[test]
    fn a_row_stands_for_a_bar_that_is_over() {
        use Calendar::{UsEquities, Utc24x7};
        use DefectCode::{FutureTimestamp, NonSessionDay, OffGrid, PartialBar};
        for (bar, calendar, time, expected) in [
            ("1d", Utc24x7, "2024-05-30T00:00:00Z", None),
            (
                "1d",
                Utc24x7,
                "2024-05-30T00:14:24Z",
                Some((OffGrid, Verdict::Warn)),
            ),
            (
                "1d",
                Utc24x7,
                "2024-05-29T23:59:53Z",
                Some((OffGrid, Verdict::Warn)),
            ),
            (
                "1d",
                Utc24x7,
                "2024-05-30T00:14:25Z",
                Some((OffGrid, Verdict::DropRows)),
            ),
            ("1d", Utc24x7, "2024-05-31T00:00:00Z", None),
            (
                "1d",
                Utc24x7,
                "2024-06-01T00:00:00Z",
                Some((PartialBar, Verdict::DropRows)),
            ),
            (
                "1d",
                Utc24x7,
                "2024-06-02T00:00:00Z",
                Some((FutureTimestamp, Verdict::DropRows)),
            ),
            // Midnight in UTC, midnight in New York and the session open name the same day.
            ("1d", UsEquities, "2024-05-30T00:00:00Z", None),
            ("1d", UsEquities, "2024-05-30T04:00:00Z", None),
            ("1d", UsEquities, "2024-05-30T13:30:00Z", None),
            (
                "1d",
                UsEquities,
                "2024-05-25T00:00:00Z",
                Some((NonSessionDay, Verdict::DropRows)),
            ),
            // Hours count from the open or from midnight; trading before the open is real.
            ("1h", UsEquities, "2024-05-30T13:30:00Z", None),
            ("1h", UsEquities, "2024-05-30T14:00:00Z", None),
            ("1m", UsEquities, "2024-05-30T08:00:00Z", None),
            (
                "1h",
                Utc24x7,
                "2024-05-30T14:20:00Z",
                Some((OffGrid, Verdict::DropRows)),
            ),
        ] {
            assert_eq!(
                verdict(bar, calendar, time),
                expected,
                "{bar} {calendar} {time}"
            );
        }
    }
}
