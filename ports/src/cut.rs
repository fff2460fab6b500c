//! Cutting a whole series into chunks.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;

use ballast_domain::market::Series;
use ballast_domain::time::Timestamp;

use crate::chunk::Chunk;
use crate::market_data::HistoryRequest;

/// Cuts the requested range of a whole `series` into chunks of at most `max_bars`.
///
/// Chunks are copied one at a time, when they are taken. No chunk is empty: a range without bars
/// gives none.
pub(crate) fn cut(
    symbol: &str,
    series: Arc<Series>,
    request: &HistoryRequest,
    max_bars: NonZeroUsize,
) -> impl Iterator<Item = Chunk> + Send + use<> {
    let opens = series.bars.open_times();
    let bars = within(opens, request, |t| *t);
    let actions = within(&series.actions, request, |a| a.at);
    let symbol = symbol.to_owned();
    let mut next_bar = bars.start;
    let mut next_action = actions.start;
    std::iter::from_fn(move || {
        if next_bar == bars.end {
            return None;
        }
        let end = bars.end.min(next_bar + max_bars.get());
        let last_open = series.bars.open_times()[end - 1];
        let actions_end = if end == bars.end {
            actions.end
        } else {
            let due =
                series.actions[next_action..actions.end].partition_point(|a| a.at <= last_open);
            next_action + due
        };
        let chunk = Chunk {
            symbol: symbol.clone(),
            series: Series {
                basis: series.basis,
                bars: series.bars.range(next_bar..end),
                actions: series.actions[next_action..actions_end].to_vec(),
            },
        };
        (next_bar, next_action) = (end, actions_end);
        Some(chunk)
    })
}

fn within<T>(
    items: &[T],
    request: &HistoryRequest,
    time: impl Fn(&T) -> Timestamp,
) -> Range<usize> {
    let start = items.partition_point(|i| time(i) < request.start);
    let end = items.partition_point(|i| time(i) < request.end);
    start..end.max(start)
}

#[cfg(test)]
mod tests {
    use ballast_domain::market::{
        ActionKind, Bar, BarSize, Bars, CorporateAction, Fields, SplitRatio,
    };

    use super::*;

    fn day(n: i64) -> Timestamp {
        Timestamp::from_seconds(n * 86_400).unwrap()
    }

    fn series(days: i64, actions: &[i64]) -> Arc<Series> {
        let mut bars = Bars::new(Fields::CLOSE);
        for n in 0..days {
            let bar = Bar {
                open_time: day(n),
                close_time: day(n + 1),
                open: 1.0,
                high: 1.0,
                low: 1.0,
                close: 1.0,
                volume: 0.0,
            };
            bars.push(&bar).unwrap();
        }
        let kind = ActionKind::Split(SplitRatio { new: 2, old: 1 });
        let actions = actions
            .iter()
            .map(|n| CorporateAction { at: day(*n), kind })
            .collect();
        Arc::new(Series {
            bars,
            actions,
            ..Series::default()
        })
    }

    #[test]
    fn chunks_are_bounded_half_open_and_carry_their_actions() {
        let request = HistoryRequest::all(["A"], BarSize::DAY);
        let two = NonZeroUsize::new(2).unwrap();
        let shape = |request: &HistoryRequest, actions: &[i64]| -> Vec<_> {
            cut("A", series(6, actions), request, two)
                .map(|c| (c.series.bars.len(), c.series.actions.len()))
                .collect()
        };
        let inner = request.clone().between(day(1), day(4));
        assert_eq!(shape(&inner, &[0, 1, 3, 4]), [(2, 1), (1, 1)]);
        // An action after the last bar comes with the last chunk.
        assert_eq!(shape(&request, &[2, 9]), [(2, 0), (2, 1), (2, 1)]);
        assert_eq!(shape(&request.between(day(7), day(9)), &[8]), []);
    }
}
