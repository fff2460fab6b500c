//! How long executions took, from an order's submission to its fill.

use std::collections::BTreeMap;

use ballast_domain::orders::ClientOrderId;
use ballast_domain::time::{Span, Timestamp};
use serde::Serialize;

/// Upper bounds of the buckets, in seconds of trading time; the last bucket has none.
const BOUNDS: [f64; 9] = [
    0.01, 0.1, 1.0, 10.0, 60.0, 600.0, 3_600.0, 86_400.0, 604_800.0,
];

/// Orders whose submission is remembered: far more than can work at once.
const MOST_REMEMBERED: usize = 16_384;

/// A bucket of a cumulative histogram.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LatencyBucket {
    /// Its upper bound in seconds, included; `None` for the last one, which holds everything.
    pub at_most_seconds: Option<f64>,
    /// Fills that took at most so long.
    pub fills: u64,
}

/// Fills by the trading time since their order was given to the venue. A fill of an order that an
/// earlier session sent is in the last bucket alone: nobody here knows when.
#[derive(Debug, Default)]
pub(super) struct FillLatency {
    sent: BTreeMap<ClientOrderId, Timestamp>,
    counts: [u64; BOUNDS.len() + 1],
}

impl FillLatency {
    /// An order is given to the venue.
    pub(super) fn sent(&mut self, order: ClientOrderId, at: Timestamp) {
        self.sent.insert(order, at);
        if self.sent.len() > MOST_REMEMBERED {
            // Ids grow with the decisions: this is the oldest.
            self.sent.pop_first();
        }
    }

    /// A fill was booked.
    pub(super) fn filled(&mut self, order: ClientOrderId, at: Timestamp) {
        let took = self.sent.get(&order).map(|sent| seconds(at.since(*sent)));
        let within = |took: f64| BOUNDS.iter().position(|bound| took <= *bound);
        let bucket = took.and_then(within).unwrap_or(BOUNDS.len());
        self.counts[bucket] += 1;
    }

    /// Each bucket with all that are below it; the last one has every fill.
    pub(super) fn cumulative(&self) -> Vec<LatencyBucket> {
        let bounds = BOUNDS.into_iter().map(Some).chain([None]);
        let mut fills = 0;
        bounds
            .zip(self.counts)
            .map(|(at_most_seconds, count)| {
                fills += count;
                LatencyBucket {
                    at_most_seconds,
                    fills,
                }
            })
            .collect()
    }
}

fn seconds(span: Span) -> f64 {
    span.nanos() as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A fill on a bound is within it; one of an order that nobody sent is in the last bucket alone.
    #[test]
    fn buckets_are_cumulative_and_bounds_are_included() {
        let mut latency = FillLatency::default();
        let id = |decision| ClientOrderId {
            decision,
            ..ClientOrderId::default()
        };
        latency.sent(id(1), Timestamp::EPOCH);
        for took in [0, 10_000_000, 10_000_001, 60_000_000_000, i64::MAX / 4] {
            latency.filled(id(1), Timestamp::EPOCH + Span::from_nanos(took));
        }
        latency.filled(id(2), Timestamp::EPOCH);
        let counts: Vec<u64> = latency.cumulative().iter().map(|b| b.fills).collect();
        assert_eq!(counts, [2, 3, 3, 3, 4, 4, 4, 4, 4, 6]);
        for decision in 3..=u32::try_from(MOST_REMEMBERED).unwrap() + 3 {
            latency.sent(id(decision), Timestamp::EPOCH);
        }
        assert_eq!(latency.sent.len(), MOST_REMEMBERED);
        latency.filled(id(1), Timestamp::EPOCH);
        assert_eq!(
            latency.cumulative()[8].fills,
            4,
            "forgotten: when is not known"
        );
        assert_eq!(latency.cumulative()[9].fills, 7);
    }
}
