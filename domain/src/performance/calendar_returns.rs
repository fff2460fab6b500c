//! Returns by month and year of the calendar.

use chrono::Datelike;
use serde::Serialize;

use super::defined;
use crate::time::Timestamp;

/// The returns of one calendar year (UTC).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct YearReturns {
    /// The year.
    pub year: i32,
    /// January to December: the last value of the month over the last before it, less one. `None`
    /// for a month without a bar.
    pub months: [Option<f64>; 12],
    /// The last value of the year over the last before it, less one.
    pub total: Option<f64>,
}

/// Returns by month and year, in time order, of an `equity` series that starts with the opening
/// capital; `close_times` has one instant for each later value.
///
/// A bar belongs to the month in which it traded: one that closes at midnight to the day before.
/// The first and the last month and year may be partial.
pub fn calendar_returns(close_times: &[Timestamp], equity: &[f64]) -> Vec<YearReturns> {
    let mut years: Vec<YearReturns> = Vec::new();
    let Some((opening, values)) = equity.split_first() else {
        return years;
    };
    let (mut last, mut month_base, mut year_base) = (*opening, *opening, *opening);
    let mut open_month = None;
    for (time, value) in close_times.iter().zip(values) {
        let day = Timestamp::from_nanos(time.nanos().saturating_sub(1)).date();
        let month = (day.year(), day.month0());
        if open_month != Some(month) {
            month_base = last;
            open_month = Some(month);
        }
        if years.last().is_none_or(|y| y.year != day.year()) {
            year_base = last;
            years.push(YearReturns {
                year: day.year(),
                months: [None; 12],
                total: None,
            });
        }
        if let Some(year) = years.last_mut() {
            year.months[day.month0() as usize] = defined(value / month_base - 1.0);
            year.total = defined(value / year_base - 1.0);
        }
        last = *value;
    }
    years
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn months_chain_into_years_and_years_into_the_whole() {
        let times = [
            "2020-11-30T21:00:00Z",
            "2020-12-30T21:00:00Z",
            "2020-12-31T21:00:00Z",
            "2021-02-01T21:00:00Z",
        ]
        .map(at);
        let years = calendar_returns(&times, &[100.0, 110.0, 120.0, 121.0, 60.5]);
        assert_eq!(years.len(), 2);
        assert_eq!((years[0].year, years[1].year), (2020, 2021));
        let close = |got: Option<f64>, expected: f64| {
            assert!((got.unwrap() - expected).abs() < 1e-15, "{got:?}");
        };
        close(years[0].months[10], 0.1);
        close(years[0].months[11], 0.1);
        close(years[0].total, 0.21);
        close(years[1].months[1], -0.5);
        close(years[1].total, -0.5);
        assert_eq!(years[1].months[0], None);
    }

    #[test]
    fn a_bar_that_closes_at_midnight_belongs_to_the_month_before() {
        let years = calendar_returns(&[at("2021-01-01T00:00:00Z")], &[1.0, 2.0]);
        assert_eq!((years[0].year, years[0].months[11]), (2020, Some(1.0)));
    }

    #[test]
    fn nothing_has_no_years() {
        assert!(calendar_returns(&[], &[]).is_empty());
        assert!(calendar_returns(&[], &[1.0]).is_empty());
    }
}
