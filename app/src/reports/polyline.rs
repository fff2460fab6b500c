//! A line thinned to what a screen can show, without losing its extremes.

/// Indices of the points to draw, at most about `budget` of them.
///
/// Values that are not `drawable` split the line into runs. A run beyond its share of the budget
/// is cut into buckets of equal count, each keeping its lowest and highest point in order of time;
/// the first and last point always stay. So a peak or a crash of one bar is never thinned away.
pub fn runs(values: &[f64], drawable: impl Fn(f64) -> bool, budget: usize) -> Vec<Vec<usize>> {
    let mut runs: Vec<Vec<usize>> = Vec::new();
    let mut start = None;
    for i in 0..=values.len() {
        let inside = i < values.len() && drawable(values[i]);
        match (inside, start) {
            (true, None) => start = Some(i),
            (false, Some(from)) => {
                let share = (budget * (i - from)).div_ceil(values.len()).max(4);
                runs.push(thinned(values, from, i, share));
                start = None;
            }
            _ => {}
        }
    }
    runs
}

fn thinned(values: &[f64], from: usize, to: usize, budget: usize) -> Vec<usize> {
    let n = to - from;
    if n <= budget {
        return (from..to).collect();
    }
    let buckets = (budget - 2) / 2;
    let mut kept = Vec::with_capacity(budget + 2);
    kept.push(from);
    for bucket in 0..buckets {
        let (a, b) = (
            from + bucket * n / buckets,
            from + (bucket + 1) * n / buckets,
        );
        let (mut low, mut high) = (a, a);
        for i in a..b {
            if values[i] < values[low] {
                low = i;
            }
            if values[i] > values[high] {
                high = i;
            }
        }
        kept.extend([low.min(high), low.max(high)]);
    }
    kept.push(to - 1);
    kept.dedup();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_lines_are_kept_whole_and_gaps_split_them() {
        let values = [1.0, 2.0, f64::NAN, 3.0];
        assert_eq!(runs(&values, f64::is_finite, 100), [vec![0, 1], vec![3]]);
        assert!(runs(&[], f64::is_finite, 100).is_empty());
        assert!(runs(&[f64::NAN; 3], f64::is_finite, 100).is_empty());
    }

    #[test]
    fn thinning_keeps_the_ends_and_every_spike() {
        let mut values: Vec<f64> = (0..10_000).map(|i| f64::from(i % 7)).collect();
        values[4_321] = 99.0;
        values[4_322] = -99.0;
        let kept = &runs(&values, f64::is_finite, 1_500)[0];
        assert!(kept.len() <= 1_500, "{}", kept.len());
        assert!(kept.is_sorted() && kept.windows(2).all(|w| w[0] < w[1]));
        for i in [0, 4_321, 4_322, 9_999] {
            assert!(kept.contains(&i), "{i} was thinned away");
        }
    }
}
