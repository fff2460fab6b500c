//! How often returns of which size came.

use serde::Serialize;

use super::tail::Ordered;

/// One bin of a histogram: values from `from` (included) to `to` (not included; included in the
/// last bin).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bin {
    /// Lower edge, a multiple of the common width.
    pub from: f64,
    /// Upper edge.
    pub to: f64,
    /// How many values fell in.
    pub count: usize,
}

/// The most bins there are; a series with far outliers gets wider ones instead of more.
const MOST: f64 = 120.0;

/// A histogram of `values` with bins of one round width (1, 2 or 5 times a power of ten), zero
/// among the edges. The width is such that the middle 98 % of the values span about 30 bins. Empty
/// without values, or when one is not finite.
pub fn histogram(values: &[f64]) -> Vec<Bin> {
    let Some(ordered) = Ordered::new(values) else {
        return Vec::new();
    };
    let (low, high) = (ordered.smallest(), ordered.largest());
    let middle = ordered
        .percentile(0.99)
        .zip(ordered.percentile(0.01))
        .map_or(0.0, |(a, b)| a - b);
    let width = round_up((middle / 30.0).max((high - low) / MOST)).max(1e-9);
    let edge = |value: f64| (value / width).floor();
    let first = edge(low);
    // Bounded by `MOST` and two edges; `edge` of a value is never below that of the smallest.
    let index = |value: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a small count"
        )]
        let index = (edge(value) - first) as usize;
        index
    };
    let mut bins: Vec<Bin> = (0..=index(high))
        .map(|k| {
            let k = first + k as f64;
            Bin {
                from: k * width,
                to: (k + 1.0) * width,
                count: 0,
            }
        })
        .collect();
    for value in values {
        bins[index(*value)].count += 1;
    }
    bins
}

/// The smallest of 1, 2, 5 times a power of ten that is not below `value`.
fn round_up(value: f64) -> f64 {
    if value <= 0.0 {
        return 0.0;
    }
    let magnitude = libm::pow(10.0, libm::log10(value).floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|m| m * magnitude)
        .find(|w| *w >= value * (1.0 - 1e-12))
        .unwrap_or(10.0 * magnitude)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn widths_are_round_and_zero_is_an_edge() {
        let values: Vec<f64> = (-50..50).map(|i| (f64::from(i) + 0.5) / 1_000.0).collect();
        let bins = histogram(&values);
        assert!(
            (bins[0].to - bins[0].from - 0.005).abs() < 1e-15,
            "{bins:?}"
        );
        assert_eq!(bins.len(), 20);
        assert!(bins.iter().all(|b| b.count == 5), "{bins:?}");
        assert!(bins.iter().any(|b| b.from == 0.0));
    }

    #[test]
    fn what_does_not_vary_is_one_bin_and_nothing_is_none() {
        assert_eq!(histogram(&[0.0; 7]).len(), 1);
        assert_eq!(histogram(&[0.0; 7])[0].count, 7);
        assert!(histogram(&[]).is_empty());
        assert!(histogram(&[0.1, f64::NAN]).is_empty());
    }

    proptest! {
        #[test]
        fn every_value_is_counted_once(
            values in proptest::collection::vec(-0.9_f64..3.0, 1..200)
        ) {
            let bins = histogram(&values);
            prop_assert!(bins.len() <= 122, "{}", bins.len());
            prop_assert_eq!(bins.iter().map(|b| b.count).sum::<usize>(), values.len());
            for pair in bins.windows(2) {
                prop_assert_eq!(pair[0].to.to_bits(), pair[1].from.to_bits());
            }
        }
    }
}
