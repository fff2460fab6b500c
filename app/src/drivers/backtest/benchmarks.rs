//! What a run is compared with: a portfolio nobody had to think about, and an index.

use ballast_domain::market::{Field, Panel, Series};
use ballast_domain::{Error, Result};

/// A value a close, aligned with the run's equity curve.
#[derive(Clone, Debug)]
pub struct Benchmark {
    /// Its name.
    pub name: String,
    /// What it is, in a sentence.
    pub description: String,
    /// The opening capital, then the value at each close of the run.
    pub values: Vec<f64>,
}

/// An index scaled to `capital`: bought at the first close it shares with the run, price only.
///
/// At a close the index does not have, its last level counts; before its first level it is cash.
///
/// # Errors
/// `DataMissing` when the index has no level within the run.
pub(super) fn from_index(
    name: &str,
    description: &str,
    index: &Series,
    panel: &Panel,
    capital: f64,
) -> Result<Benchmark> {
    let (times, closes) = (index.bars.close_times(), index.bars.column(Field::Close));
    let mut values = vec![capital];
    let mut base = None;
    let mut next = 0;
    for time in panel.close_times() {
        while times.get(next).is_some_and(|t| t <= time) {
            next += 1;
        }
        let level = next.checked_sub(1).map(|i| closes[i]);
        base = base.or(level);
        values.push(match (level, base) {
            (Some(level), Some(base)) => capital * (level / base),
            _ => capital,
        });
    }
    if base.is_none() {
        return Err(
            Error::missing(format!("benchmark {name} has no value within the run"))
                .hint("choose a benchmark that covers the run's dates"),
        );
    }
    Ok(Benchmark {
        name: name.to_owned(),
        description: description.to_owned(),
        values,
    })
}

#[cfg(test)]
mod tests {
    use ballast_domain::market::{Bar, Bars, Fields, LaneRow, LaneState, PriceBasis};
    use ballast_domain::time::Timestamp;

    use super::*;

    fn day(n: i64) -> Timestamp {
        Timestamp::from_seconds(n * 86_400).expect("a day near the epoch")
    }

    fn index(levels: &[(i64, f64)]) -> Series {
        let mut bars = Bars::new(Fields::CLOSE);
        for (n, close) in levels {
            let bar = Bar {
                open_time: day(*n),
                close_time: day(n + 1),
                open: *close,
                high: *close,
                low: *close,
                close: *close,
                volume: 0.0,
            };
            bars.push(&bar).unwrap();
        }
        Series {
            bars,
            ..Series::default()
        }
    }

    fn panel(days: std::ops::Range<i64>) -> Panel {
        let mut panel = Panel::new(1, Fields::CLOSE, PriceBasis::Raw);
        let row = [LaneRow {
            state: LaneState::Present,
            values: [1.0; 5],
        }];
        for n in days {
            panel.push_row(day(n), day(n + 1), &row, &[]).unwrap();
        }
        panel
    }

    #[test]
    fn an_index_is_aligned_scaled_and_carried_over_gaps() {
        let index = index(&[(2, 50.0), (3, 75.0), (5, 100.0)]);
        let b = from_index("i", "an index", &index, &panel(1..6), 100.0).unwrap();
        assert_eq!(b.values, [100.0, 100.0, 100.0, 150.0, 150.0, 200.0]);
        let late = from_index("i", "an index", &index, &panel(0..2), 100.0).unwrap_err();
        assert!(
            late.to_string().contains("no value within the run"),
            "{late}"
        );
    }
}
