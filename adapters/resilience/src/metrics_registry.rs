//! What was counted and measured: counters and gauges by name and labels, and a snapshot of them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// Name and labels, labels sorted by key.
type Key = (String, BTreeMap<String, String>);

/// Counters and gauges. Clones share what they count; every method may be called from any thread.
///
/// A name ends in its unit, and in `_total` when it only grows. Take a handle once and keep it:
/// looking it up costs a lock and an allocation, counting costs one atomic operation.
#[derive(Clone, Debug, Default)]
pub struct MetricsRegistry {
    cells: Arc<Mutex<Cells>>,
}

#[derive(Debug, Default)]
struct Cells {
    counters: BTreeMap<Key, Counter>,
    gauges: BTreeMap<Key, Gauge>,
}

/// A number of occurrences, which only grows and stops at `u64::MAX`.
#[derive(Clone, Debug, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    /// Counts `n` more.
    pub fn add(&self, n: u64) {
        let grow = |now: u64| Some(now.saturating_add(n));
        // The closure never refuses, so this cannot fail.
        let _ = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, grow);
    }

    /// How many so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A measured value; 0 until it is first set.
#[derive(Clone, Debug, Default)]
pub struct Gauge(Arc<AtomicU64>);

impl Gauge {
    /// Replaces the value. What is not finite is left out: it would have no JSON form.
    pub fn set(&self, value: f64) {
        if value.is_finite() {
            self.0.store(value.to_bits(), Ordering::Relaxed);
        }
    }

    /// Replaces the value if the new one is larger.
    pub fn raise(&self, value: f64) {
        let larger = |now: u64| (value > f64::from_bits(now)).then(|| value.to_bits());
        if value.is_finite() {
            // Refused means that the value there is the larger one.
            let _ = self
                .0
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, larger);
        }
    }

    /// The value.
    pub fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }
}

impl MetricsRegistry {
    /// The counter of this name and these labels, made when it is new.
    pub fn counter(&self, name: &str, labels: &[(&str, &str)]) -> Counter {
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        cells.counters.entry(key(name, labels)).or_default().clone()
    }

    /// The gauge of this name and these labels, made when it is new.
    pub fn gauge(&self, name: &str, labels: &[(&str, &str)]) -> Gauge {
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        cells.gauges.entry(key(name, labels)).or_default().clone()
    }

    /// Every value of this moment, by name and labels, counters first.
    pub fn snapshot(&self) -> MetricsSnapshot {
        let cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        let sample = |kind, (name, labels): &Key, value| Sample {
            name: name.clone(),
            kind,
            labels: labels.clone(),
            value,
        };
        let counters = cells
            .counters
            .iter()
            .map(|(key, counter)| sample(Kind::Counter, key, counter.get() as f64));
        let gauges = cells
            .gauges
            .iter()
            .map(|(key, gauge)| sample(Kind::Gauge, key, gauge.get()));
        MetricsSnapshot {
            samples: counters.chain(gauges).collect(),
        }
    }
}

fn key(name: &str, labels: &[(&str, &str)]) -> Key {
    let labels = labels
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    (name.to_owned(), labels.collect())
}

/// Every value of one moment. As JSON: `{"samples":[{"name","kind","labels":{},"value"}]}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricsSnapshot {
    /// The values, in a fixed order.
    pub samples: Vec<Sample>,
}

/// One value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// What was counted or measured.
    pub name: String,
    /// Whether it only grows.
    pub kind: Kind,
    /// Of whom.
    pub labels: BTreeMap<String, String>,
    /// The value; a counter is exact up to 2⁵³.
    pub value: f64,
}

/// Whether a value only grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        })
    }
}

impl MetricsSnapshot {
    /// The sum over every sample of this name that has all of these labels; 0 when there is none.
    pub fn total(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let has = |sample: &&Sample| {
            let label = |(key, value): &(&str, &str)| {
                sample.labels.get(*key).map(String::as_str) == Some(*value)
            };
            sample.name == name && labels.iter().all(label)
        };
        self.samples.iter().filter(has).map(|s| s.value).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_kept_by_name_and_labels_in_any_order() {
        let registry = MetricsRegistry::default();
        registry
            .counter("a_total", &[("x", "1"), ("y", "2")])
            .add(1);
        registry
            .counter("a_total", &[("y", "2"), ("x", "1")])
            .add(5);
        registry.counter("a_total", &[("x", "3")]).add(u64::MAX);
        registry.counter("a_total", &[("x", "3")]).add(1);
        let gauge = registry.gauge("b", &[]);
        gauge.set(42.0);
        gauge.set(f64::NAN);
        gauge.raise(7.0);
        let snapshot = registry.snapshot();
        assert_eq!(snapshot.samples.len(), 3);
        assert_eq!(snapshot.total("a_total", &[("x", "1")]), 6.0);
        assert_eq!(snapshot.total("a_total", &[("y", "9")]), 0.0);
        assert_eq!(registry.counter("a_total", &[("x", "3")]).get(), u64::MAX);
        assert_eq!(snapshot.total("b", &[]), 42.0);
        gauge.raise(100.0);
        assert_eq!(gauge.get(), 100.0);
    }

    #[test]
    fn no_increment_of_ten_threads_is_lost() {
        let registry = MetricsRegistry::default();
        std::thread::scope(|scope| {
            for _ in 0..10 {
                scope.spawn(|| {
                    let counter = registry.counter("n_total", &[]);
                    (0..1_000).for_each(|_| counter.add(1));
                });
            }
        });
        assert_eq!(registry.snapshot().total("n_total", &[]), 10_000.0);
    }
}
