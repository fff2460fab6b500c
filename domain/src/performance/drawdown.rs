//! Losses from the highest equity so far: the deepest, all of them, and how they hurt together.

use serde::Serialize;

use super::defined;
use super::moments::sum;

/// `equity[t] / max(equity[..=t]) - 1` for each bar: zero at a peak, negative below it.
///
/// The first value of `equity` is the opening capital and counts as a peak. Values must be
/// positive (see [`check_equity`](super::check_equity)).
pub fn underwater(equity: &[f64]) -> Vec<f64> {
    let mut peak = f64::NEG_INFINITY;
    equity
        .iter()
        .map(|value| {
            peak = peak.max(*value);
            value / peak - 1.0
        })
        .collect()
}

/// The deepest drawdown of an equity series.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MaxDrawdown {
    /// How deep, as a negative fraction of the peak.
    pub depth: f64,
    /// Index in the equity series of the first bar at the peak.
    pub peak: usize,
    /// Index in the equity series of the first bar at the trough.
    pub trough: usize,
}

/// The deepest drawdown, the earliest of equals; `None` when equity never fell below a peak.
pub fn max_drawdown(equity: &[f64]) -> Option<MaxDrawdown> {
    let mut worst: Option<MaxDrawdown> = None;
    let mut peak = 0;
    for (i, value) in equity.iter().enumerate() {
        if *value > equity[peak] {
            peak = i;
        }
        let depth = value / equity[peak] - 1.0;
        if depth < worst.map_or(0.0, |w| w.depth) {
            worst = Some(MaxDrawdown {
                depth,
                peak,
                trough: i,
            });
        }
    }
    worst
}

/// One time under water: from a peak over the trough to the first bar at or above the peak again.
///
/// Indices are those of the equity series given.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Drawdown {
    /// The last bar at the peak.
    pub start: usize,
    /// The first bar at the lowest value.
    pub trough: usize,
    /// The first bar at or above the peak again; `None` while still under water at the end.
    pub recovery: Option<usize>,
    /// How deep, as a negative fraction of the peak.
    pub depth: f64,
    /// Bars from peak to trough.
    pub decline_bars: usize,
    /// Bars from trough to recovery; `None` while still under water at the end.
    pub recovery_bars: Option<usize>,
    /// Bars from peak to recovery, or to the end of the series.
    pub length_bars: usize,
}

/// All drawdowns, in the order they began.
pub fn drawdowns(equity: &[f64]) -> Vec<Drawdown> {
    let mut list = Vec::new();
    let mut peak = 0;
    let mut trough = None;
    for i in 1..equity.len() {
        if equity[i] >= equity[peak] {
            if let Some(trough) = trough.take() {
                list.push(episode(equity, peak, trough, Some(i)));
            }
            peak = i;
        } else if trough.is_none_or(|t: usize| equity[i] < equity[t]) {
            trough = Some(i);
        }
    }
    if let Some(trough) = trough {
        list.push(episode(equity, peak, trough, None));
    }
    list
}

/// The `n` deepest drawdowns, deepest first, the earlier of equals first.
pub fn worst_drawdowns(equity: &[f64], n: usize) -> Vec<Drawdown> {
    let mut list = drawdowns(equity);
    list.sort_by(|a, b| a.depth.total_cmp(&b.depth));
    list.truncate(n);
    list
}

fn episode(equity: &[f64], start: usize, trough: usize, recovery: Option<usize>) -> Drawdown {
    Drawdown {
        start,
        trough,
        recovery,
        depth: equity[trough] / equity[start] - 1.0,
        decline_bars: trough - start,
        recovery_bars: recovery.map(|r| r - trough),
        length_bars: recovery.unwrap_or(equity.len() - 1) - start,
    }
}

/// Root mean square of the drawdowns of all bars after the opening capital (P. Martin, 1987);
/// `None` with fewer than two equity values.
pub fn ulcer_index(equity: &[f64]) -> Option<f64> {
    let depths = underwater(equity);
    let bars = depths.get(1..).filter(|bars| !bars.is_empty())?;
    defined((sum(bars.iter().map(|d| d * d)) / bars.len() as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PATH: [f64; 11] = [
        100.0, 80.0, 100.0, 120.0, 60.0, 90.0, 120.0, 150.0, 150.0, 135.0, 120.0,
    ];

    /// BT-05: a known path has a known list of drawdowns.
    #[test]
    fn bt_05_known_path_has_known_drawdowns() {
        let found: Vec<_> = drawdowns(&PATH)
            .iter()
            .map(|d| (d.start, d.trough, d.recovery, d.length_bars))
            .collect();
        assert_eq!(
            found,
            [(0, 1, Some(2), 2), (3, 4, Some(6), 3), (8, 10, None, 2)]
        );
        let worst = worst_drawdowns(&PATH, 2);
        assert_eq!(
            worst[0],
            Drawdown {
                start: 3,
                trough: 4,
                recovery: Some(6),
                depth: -0.5,
                decline_bars: 1,
                recovery_bars: Some(2),
                length_bars: 3,
            }
        );
        assert_eq!((worst[1].start, worst[1].recovery), (0, Some(2)));
        assert!((worst[1].depth + 0.2).abs() < 1e-15);
        assert_eq!(
            max_drawdown(&PATH),
            Some(MaxDrawdown {
                depth: -0.5,
                peak: 3,
                trough: 4
            })
        );
    }

    #[test]
    fn ulcer_index_equals_a_hand_calculation() {
        // Depths after the opening: -0.2, 0, 0, -0.5.
        let expected = ((0.04_f64 + 0.25) / 4.0).sqrt();
        assert!((ulcer_index(&PATH[..5]).unwrap() - expected).abs() < 1e-15);
        assert_eq!(ulcer_index(&[1.0]), None);
        assert_eq!(ulcer_index(&[]), None);
    }

    #[test]
    fn a_series_that_never_falls_has_no_drawdown() {
        for path in [&[][..], &[1.0], &[1.0, 1.0, 2.0]] {
            assert_eq!(max_drawdown(path), None);
            assert!(drawdowns(path).is_empty());
        }
    }

    proptest! {
        #[test]
        fn the_list_covers_exactly_the_bars_under_water(
            path in proptest::collection::vec(1.0_f64..100.0, 1..200)
        ) {
            let depths = underwater(&path);
            let list = drawdowns(&path);
            for (i, depth) in depths.iter().enumerate() {
                let inside = list.iter().any(|d| d.start < i && d.recovery.is_none_or(|r| i < r));
                prop_assert_eq!(inside, *depth < 0.0, "bar {}", i);
            }
            let deepest = worst_drawdowns(&path, 1).first().map(|d| (d.depth, d.trough));
            prop_assert_eq!(deepest, max_drawdown(&path).map(|m| (m.depth, m.trough)));
        }
    }
}
