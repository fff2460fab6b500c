//! The contract market data has to meet before anything is computed from it.
//!
//! Pure rules over rows that could be read: times against bar size, calendar and now, order,
//! repetition, gaps, freshness, and moves no market makes. Each threshold stands on a constant of
//! its file. Two things look like defects and are none: a real move, however large, which trades
//! through its bar and does not jump back between bars; and a minute without a trade.

mod code;
mod freshness;
mod gaps;
mod labels;
mod times;
mod values;

pub use code::{DefectCode, Verdict};
pub use freshness::{DEFAULT_MAX_AGE, require_fresh, staleness};
pub use labels::{FEW, mislabelled};

use super::{BarSize, Field, Fields};
use crate::calendar::Calendar;
use crate::error::Result;
use crate::time::Timestamp;
use chrono::NaiveDate;

/// What rows are held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Size of a bar.
    pub bar: BarSize,
    /// When the instrument trades.
    pub calendar: Calendar,
    /// The instant the data is for; `None` leaves future and unfinished bars unseen.
    pub now: Option<Timestamp>,
    /// The columns the rows have.
    pub fields: Fields,
}

/// A row of one symbol, in the order it was delivered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RawBar {
    /// Where it stands; repeated in findings.
    pub row: u64,
    /// Open time as delivered; a date is its midnight in UTC.
    pub time: Timestamp,
    /// Open, high, low, close, volume, zero where there is no such column. `None` when the values
    /// were refused already: then the row only shows that its bar is not missing.
    pub values: Option<[f64; 5]>,
}

impl RawBar {
    /// The value of a column, zero when the row has none.
    fn value(&self, field: Field) -> f64 {
        self.values.map_or(0.0, |values| values[field as usize])
    }
}

/// One thing that is wrong with the rows of a symbol.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Its kind.
    pub code: DefectCode,
    /// What follows from it.
    pub verdict: Verdict,
    /// The row, where one is meant; of a run the first.
    pub row: Option<u64>,
    /// The time, where one is meant.
    pub time: Option<Timestamp>,
    /// The column, where one is meant.
    pub field: Option<Field>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: &'static str,
}

impl Finding {
    /// A finding with the usual consequence of its code.
    fn new(code: DefectCode, message: impl Into<String>, hint: &'static str) -> Self {
        Self {
            code,
            verdict: code.verdict(),
            row: None,
            time: None,
            field: None,
            message: message.into(),
            hint,
        }
    }

    fn at(mut self, bar: &RawBar) -> Self {
        self.row = Some(bar.row);
        self.time = Some(bar.time);
        self
    }

    const fn column(mut self, field: Field) -> Self {
        self.field = Some(field);
        self
    }

    const fn warning(mut self) -> Self {
        self.verdict = Verdict::Warn;
        self
    }
}

/// What the rows of one symbol turned out to be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Examination {
    /// Everything that is wrong.
    pub findings: Vec<Finding>,
    /// Rows that may be used, in order of time.
    pub usable: Vec<RawBar>,
    /// Open and close of the bar each usable row stands for, in the same order.
    pub sessions: Vec<(Timestamp, Timestamp)>,
    /// Close of the newest usable bar.
    pub newest_close: Option<Timestamp>,
}

/// Holds the rows of one symbol against the terms.
///
/// # Errors
/// When the calendar cannot answer for a date.
pub fn examine(rows: &[RawBar], terms: &Terms) -> Result<Examination> {
    let mut findings = Vec::new();
    times::order(rows, &mut findings);
    let placed = times::place(rows, terms, &mut findings)?;
    gaps::gaps(&placed, terms, &mut findings)?;
    let placed = times::without_repetitions(placed, &mut findings);
    let newest_close = placed.last().map(|bar| bar.close);
    let bars: Vec<RawBar> = placed.iter().map(|bar| bar.raw).collect();
    let dropped = values::implausible(&bars, terms, &mut findings);
    let (usable, sessions) = (placed.into_iter().enumerate())
        .filter(|(i, _)| !dropped.contains(i))
        .map(|(_, bar)| (bar.raw, (bar.open, bar.close)))
        .unzip();
    Ok(Examination {
        findings,
        usable,
        sessions,
        newest_close,
    })
}

/// The fewest dates from which a calendar can be told: two weeks of sessions.
const DATES_MIN: usize = 10;

/// The calendar that dates follow: US equities when at most one date, or 2 % of them, is no session
/// there, and there are at least ten; else every day.
pub fn likely_calendar(dates: &[NaiveDate]) -> Calendar {
    let mut distinct = dates.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let calendar = Calendar::UsEquities;
    let closed = (distinct.iter())
        .filter(|date| !matches!(calendar.is_session(**date), Ok(true)))
        .count();
    if distinct.len() >= DATES_MIN && closed <= 1.max(distinct.len() / 50) {
        calendar
    } else {
        Calendar::Utc24x7
    }
}
