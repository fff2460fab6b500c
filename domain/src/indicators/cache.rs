//! Values that several strategies of one run ask for at the same bar, computed once.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use crate::instrument::InstrumentId;
use crate::time::Timestamp;

/// What a value depends on, besides the prices up to its bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IndicatorKey {
    /// Close of the bar it belongs to.
    pub time: Timestamp,
    /// Whose prices.
    pub instrument: InstrumentId,
    /// Which indicator, with everything that is not its window.
    pub indicator: &'static str,
    /// Its window, in bars.
    pub window: usize,
}

/// How a cache was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheUse {
    /// Values asked for.
    pub asked: u64,
    /// Of them, those computed because nobody had asked before, or too long ago.
    pub computed: u64,
    /// Values forgotten to make room.
    pub evicted: u64,
}

impl CacheUse {
    /// Share of the asked values that were there; `None` when nobody asked.
    pub fn hit_rate(&self) -> Option<f64> {
        (self.asked > 0).then(|| (self.asked - self.computed) as f64 / self.asked as f64)
    }
}

/// The values of the latest bars of one run, at most as many as it was made for. At its capacity it
/// forgets the value that was used longest ago; forgotten values are computed again, so its size
/// changes the work and never a result.
#[derive(Clone, Debug)]
pub struct IndicatorCache {
    capacity: NonZeroUsize,
    values: BTreeMap<IndicatorKey, (Option<f64>, u64)>,
    /// Keys by when they were last used.
    by_use: BTreeMap<u64, IndicatorKey>,
    uses: u64,
    counts: CacheUse,
}

impl IndicatorCache {
    /// An empty cache of at most `capacity` values.
    pub const fn new(capacity: NonZeroUsize) -> Self {
        Self {
            capacity,
            values: BTreeMap::new(),
            by_use: BTreeMap::new(),
            uses: 0,
            counts: CacheUse {
                asked: 0,
                computed: 0,
                evicted: 0,
            },
        }
    }

    /// The value of `key`, from `compute` when it is not here. That there is no value is remembered
    /// too.
    pub fn value(
        &mut self,
        key: IndicatorKey,
        compute: impl FnOnce() -> Option<f64>,
    ) -> Option<f64> {
        self.counts.asked += 1;
        self.uses += 1;
        if let Some((value, used)) = self.values.get_mut(&key) {
            self.by_use.remove(used);
            *used = self.uses;
            self.by_use.insert(self.uses, key);
            return *value;
        }
        let value = compute();
        self.counts.computed += 1;
        if self.values.len() == self.capacity.get()
            && let Some((_, oldest)) = self.by_use.pop_first()
        {
            self.values.remove(&oldest);
            self.counts.evicted += 1;
        }
        self.values.insert(key, (value, self.uses));
        self.by_use.insert(self.uses, key);
        value
    }

    /// How it was used since it was made or cleared.
    pub const fn counts(&self) -> CacheUse {
        self.counts
    }

    /// The number of values it holds.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Forgets everything, its counts included: another run begins.
    pub fn clear(&mut self) {
        *self = Self::new(self.capacity);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(lane: u32, window: usize) -> IndicatorKey {
        IndicatorKey {
            time: Timestamp::EPOCH,
            instrument: InstrumentId(lane),
            indicator: "vol",
            window,
        }
    }

    fn cache(capacity: usize) -> IndicatorCache {
        IndicatorCache::new(NonZeroUsize::new(capacity).unwrap())
    }

    /// WGT-08: the value used longest ago makes room, what it was is computed again, and a cleared
    /// cache knows nothing of the run before.
    #[test]
    fn wgt_08_the_least_recently_used_value_goes_and_a_run_starts_empty() {
        let mut cache = cache(2);
        assert_eq!(cache.counts().hit_rate(), None);
        let ask = |cache: &mut IndicatorCache, lane| cache.value(key(lane, 30), || Some(1.0));
        for lane in [0, 1, 0, 2] {
            ask(&mut cache, lane);
        }
        // 1 was used longest ago and is gone; 0 and 2 are here.
        let absent = |cache: &mut IndicatorCache, lane| {
            let before = cache.counts().computed;
            ask(cache, lane);
            cache.counts().computed > before
        };
        assert_eq!(cache.len(), 2);
        assert!(!absent(&mut cache, 0) && !absent(&mut cache, 2));
        assert!(absent(&mut cache, 1), "it was evicted");
        let counts = cache.counts();
        assert_eq!((counts.asked, counts.computed, counts.evicted), (7, 4, 2));
        assert_eq!(counts.hit_rate(), Some(3.0 / 7.0));
        cache.clear();
        assert_eq!(
            (cache.is_empty(), cache.counts()),
            (true, CacheUse::default())
        );
        assert!(absent(&mut cache, 0), "nothing is left of the run before");
    }

    /// WGT-06: one key is computed once; another window, instrument or bar is another key, and the
    /// absence of a value counts as an answer.
    #[test]
    fn wgt_06_one_symbol_and_window_is_computed_once() {
        let mut cache = cache(100);
        let later = IndicatorKey {
            time: Timestamp::from_seconds(1).unwrap(),
            ..key(0, 30)
        };
        let keys = [key(0, 30), key(0, 14), key(1, 30), later];
        let mut computed = 0_u32;
        for _ in 0..5 {
            for (place, key) in (0_u32..).zip(keys) {
                let value = cache.value(key, || {
                    computed += 1;
                    (place > 0).then(|| f64::from(place))
                });
                assert_eq!(value, (place > 0).then(|| f64::from(place)));
            }
        }
        assert_eq!(computed, 4);
        assert_eq!(cache.counts().asked, 20);
    }
}
