//! Bars of one instrument in columns, and the series they belong to.

use serde::{Deserialize, Serialize};

use super::action::CorporateAction;
use super::bar::Bar;
use crate::error::{Error, Result};
use crate::time::Timestamp;

/// A column of a bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// First price.
    Open,
    /// Highest price.
    High,
    /// Lowest price.
    Low,
    /// Last price.
    Close,
    /// Units traded.
    Volume,
}

/// A set of columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Fields(u8);

impl Fields {
    /// Every column.
    pub const ALL: Self = Self(0b1_1111);
    /// The close alone.
    pub const CLOSE: Self = Self(0b0_1000);

    /// A set of these columns; the close is always in it.
    pub fn of(fields: &[Field]) -> Self {
        fields
            .iter()
            .fold(Self::CLOSE, |set, f| Self(set.0 | 1 << *f as u8))
    }

    /// Whether `field` is in the set.
    pub const fn has(self, field: Field) -> bool {
        self.0 & (1 << field as u8) != 0
    }

    /// The columns in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The columns of `self` that `other` lacks, by name.
    pub fn missing_from(self, other: Self) -> Vec<&'static str> {
        [
            (Field::Open, "open"),
            (Field::High, "high"),
            (Field::Low, "low"),
            (Field::Close, "close"),
            (Field::Volume, "volume"),
        ]
        .into_iter()
        .filter(|(f, _)| self.has(*f) && !other.has(*f))
        .map(|(_, name)| name)
        .collect()
    }
}

/// What the prices of a series mean.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum PriceBasis {
    /// As traded. Corporate actions are separate events.
    #[default]
    Raw,
    /// Rewritten by the vendor so that past prices are comparable with the last one. Every level
    /// depends on the future: fractional lots, no ticks, no level-dependent rules.
    BackAdjusted,
}

/// Bars of one instrument, one vector a column. Columns outside `fields` are empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bars {
    fields: Fields,
    open_time: Vec<Timestamp>,
    close_time: Vec<Timestamp>,
    columns: [Vec<f64>; 5],
}

impl Bars {
    /// No bars, with room for `fields`.
    pub fn new(fields: Fields) -> Self {
        Self {
            fields: fields.union(Fields::CLOSE),
            ..Self::default()
        }
    }

    /// Appends a bar that is valid and later than the last one.
    ///
    /// For close-only data, open, high and low of `bar` are ignored.
    ///
    /// # Errors
    /// `DataValidation` from [`Bar::validate`], or when the bar does not come after the last one.
    pub fn push(&mut self, bar: &Bar) -> Result<()> {
        let kept = if self.fields == Fields::ALL {
            *bar
        } else {
            self.with_kept_fields(bar)
        };
        kept.validate()?;
        if let Some(last) = self.close_time.last().filter(|last| **last > bar.open_time) {
            return Err(Error::validation("bar is not later than the one before it")
                .context("open_time", bar.open_time)
                .context("previous_close_time", last)
                .hint("sort the rows by time and remove duplicates"));
        }
        self.open_time.push(bar.open_time);
        self.close_time.push(bar.close_time);
        let values = [bar.open, bar.high, bar.low, bar.close, bar.volume];
        for (i, value) in values.into_iter().enumerate() {
            if self.fields.0 & (1 << i) != 0 {
                self.columns[i].push(value);
            }
        }
        Ok(())
    }

    /// Values of columns this series does not keep cannot make a bar invalid.
    fn with_kept_fields(&self, bar: &Bar) -> Bar {
        let keep = |field, value| {
            if self.fields.has(field) {
                value
            } else {
                bar.close
            }
        };
        let (open, high, low) = (
            keep(Field::Open, bar.open),
            keep(Field::High, bar.high),
            keep(Field::Low, bar.low),
        );
        let volume = if self.fields.has(Field::Volume) {
            bar.volume
        } else {
            0.0
        };
        let (high, low) = match (self.fields.has(Field::High), self.fields.has(Field::Low)) {
            (true, true) => (high, low),
            (true, false) => (high, open.min(bar.close)),
            (false, true) => (open.max(bar.close), low),
            (false, false) => (open.max(bar.close), open.min(bar.close)),
        };
        Bar {
            open,
            high,
            low,
            volume,
            ..*bar
        }
    }

    /// Appends all of `later`, a chunk of the same series.
    ///
    /// # Errors
    /// `DataValidation` when the columns differ or `later` does not come after the last bar.
    pub fn append(&mut self, later: &Self) -> Result<()> {
        if self.is_empty() && self.fields != later.fields {
            self.fields = later.fields;
        }
        if self.fields != later.fields {
            return Err(
                Error::validation("chunks of one series have different columns")
                    .hint("deliver the same columns in each chunk"),
            );
        }
        if let (Some(last), Some(first)) = (self.close_time.last(), later.open_time.first())
            && last > first
        {
            return Err(
                Error::validation("chunk is not later than the one before it")
                    .context("open_time", first)
                    .context("previous_close_time", last)
                    .hint("deliver chunks in time order"),
            );
        }
        self.open_time.extend_from_slice(&later.open_time);
        self.close_time.extend_from_slice(&later.close_time);
        for (mine, theirs) in self.columns.iter_mut().zip(&later.columns) {
            mine.extend_from_slice(theirs);
        }
        Ok(())
    }

    /// The bars at positions `range`, as a chunk of the same series. Panics outside the bars.
    #[must_use]
    pub fn range(&self, range: std::ops::Range<usize>) -> Self {
        let cut = |column: &Vec<f64>| column.get(range.clone()).unwrap_or_default().to_vec();
        Self {
            fields: self.fields,
            open_time: self.open_time[range.clone()].to_vec(),
            close_time: self.close_time[range.clone()].to_vec(),
            columns: self.columns.each_ref().map(cut),
        }
    }

    /// Which columns are there.
    pub const fn fields(&self) -> Fields {
        self.fields
    }

    /// How many bars there are.
    pub fn len(&self) -> usize {
        self.close_time.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.close_time.is_empty()
    }

    /// When each bar began.
    pub fn open_times(&self) -> &[Timestamp] {
        &self.open_time
    }

    /// When each bar was complete.
    pub fn close_times(&self) -> &[Timestamp] {
        &self.close_time
    }

    /// A column; empty when it is not in [`Bars::fields`].
    pub fn column(&self, field: Field) -> &[f64] {
        &self.columns[field as usize]
    }
}

/// The history of one instrument: bars, what their prices mean, and its corporate actions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// What the prices mean.
    pub basis: PriceBasis,
    /// The bars, in time order.
    pub bars: Bars,
    /// Corporate actions in time order.
    pub actions: Vec<CorporateAction>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(day: i64, close: f64) -> Bar {
        let open_time = Timestamp::from_seconds(day * 86_400).unwrap();
        let close_time = Timestamp::from_seconds((day + 1) * 86_400).unwrap();
        Bar {
            open_time,
            close_time,
            open: close,
            high: close,
            low: close,
            close,
            volume: 1.0,
        }
    }

    #[test]
    fn bars_must_come_in_order() {
        let mut bars = Bars::new(Fields::ALL);
        bars.push(&bar(1, 10.0)).unwrap();
        let e = bars.push(&bar(1, 10.0)).unwrap_err().to_string();
        assert!(e.contains("not later than the one before it"), "{e}");
        bars.push(&bar(2, 11.0)).unwrap();
        assert_eq!(bars.column(Field::Close), [10.0, 11.0]);
    }

    #[test]
    fn ranges_append_back_to_the_whole() {
        let mut bars = Bars::new(Fields::of(&[Field::High]));
        for day in 0..5 {
            bars.push(&bar(day, 10.0 + day as f64)).unwrap();
        }
        let mut again = bars.range(0..2);
        assert_eq!(again.column(Field::High), [10.0, 11.0]);
        assert!(again.column(Field::Open).is_empty());
        again.append(&bars.range(2..5)).unwrap();
        assert_eq!(again, bars);
    }

    #[test]
    fn close_only_data_has_no_other_columns() {
        let mut bars = Bars::new(Fields::CLOSE);
        bars.push(&Bar {
            open: f64::NAN,
            ..bar(1, 10.0)
        })
        .unwrap();
        assert!(bars.column(Field::Open).is_empty());
        assert_eq!(
            Fields::ALL.missing_from(bars.fields()),
            ["open", "high", "low", "volume"]
        );
        assert!(bars.push(&bar(2, f64::NAN)).is_err());
    }
}
