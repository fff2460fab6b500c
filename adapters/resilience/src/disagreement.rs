//! Whether two sources tell the same prices.

use std::collections::BTreeMap;

use ballast_domain::market::Field;
use ballast_domain::time::Timestamp;
use ballast_ports::Chunk;

/// Where two answers to one question differ most.
#[derive(Clone, Debug, PartialEq)]
pub struct Disagreement {
    /// The symbol.
    pub symbol: String,
    /// When the bar opens.
    pub at: Timestamp,
    /// Its close in the answer that was given.
    pub given: f64,
    /// Its close in the other one.
    pub other: f64,
    /// The difference as a share of the close that was given.
    pub share: f64,
}

/// The largest difference of closes at the same open times, when it is above `limit`. Bars that only
/// one of the two has are no difference: a source may have more.
pub(crate) fn disagreement(given: &[Chunk], other: &[Chunk], limit: f64) -> Option<Disagreement> {
    let mut closes = BTreeMap::new();
    for chunk in other {
        let bars = &chunk.series.bars;
        for (at, close) in bars.open_times().iter().zip(bars.column(Field::Close)) {
            closes.insert((chunk.symbol.as_str(), *at), *close);
        }
    }
    let mut worst: Option<Disagreement> = None;
    for chunk in given {
        let bars = &chunk.series.bars;
        for (at, close) in bars.open_times().iter().zip(bars.column(Field::Close)) {
            let Some(other) = closes.get(&(chunk.symbol.as_str(), *at)) else {
                continue;
            };
            let share = ((close - other) / close).abs();
            if share > limit && worst.as_ref().is_none_or(|worst| share > worst.share) {
                worst = Some(Disagreement {
                    symbol: chunk.symbol.clone(),
                    at: *at,
                    given: *close,
                    other: *other,
                    share,
                });
            }
        }
    }
    worst
}
