//! Hierarchical risk parity: risk split in half, again and again, along a tree of correlations.

use crate::error::Result;
use crate::weighting::target_weights::paired;
use crate::weighting::{SymmetricMatrix, TargetWeights};

/// Hierarchical risk parity with single linkage; weights above zero that sum to 1.
///
/// López de Prado, "Building Diversified Portfolios that Outperform Out of Sample", Journal of
/// Portfolio Management 42 (2016), clustering `√((1 − ρ)/2)` itself: instruments are put in the order
/// of the tree's leaves, that list is halved again and again (the first half is the shorter one),
/// and each half gets weight by the inverse of its variance under inverse-variance weights.
///
/// `covariance` has a row for each of `instruments`, in that order. The order matters: of two
/// branches the one whose cluster is older, or at first whose row comes first, is on the left, so
/// the same instruments in another order may be halved elsewhere.
///
/// # Errors
/// When a variance is not above zero, sizes differ or an instrument occurs twice.
pub fn hierarchical_risk_parity(
    instruments: &[usize],
    covariance: &SymmetricMatrix,
) -> Result<TargetWeights> {
    let (correlation, _) = covariance.to_correlation()?;
    let distance = SymmetricMatrix::from_fn(correlation.size(), |i, j| {
        (0.5 * (1.0 - correlation.get(i, j))).clamp(0.0, 1.0).sqrt()
    });
    let order = leaf_order(&distance);
    let mut weights = vec![1.0; order.len()];
    bisect(&order, covariance, &mut weights);
    paired(instruments, weights)
}

/// The edges of a minimum spanning tree in the order Prim's algorithm finds them from row 0: each
/// leads from the row found before to the next, with the next one's distance to the tree.
fn spanning_path(distance: &SymmetricMatrix) -> Vec<(usize, usize, f64)> {
    let n = distance.size();
    let mut found = vec![false; n];
    let mut nearest = vec![f64::INFINITY; n];
    let mut edges = Vec::with_capacity(n.saturating_sub(1));
    let mut at = 0;
    for _ in 1..n {
        found[at] = true;
        let mut next: Option<usize> = None;
        for i in (0..n).filter(|&i| !found[i]) {
            nearest[i] = nearest[i].min(distance.get(at, i));
            if next.is_none_or(|known| nearest[i] < nearest[known]) {
                next = Some(i);
            }
        }
        let Some(next) = next else { break };
        edges.push((at, next, nearest[next]));
        at = next;
    }
    edges
}

/// The rows in the order of the leaves of the single-linkage tree, the older cluster on the left.
fn leaf_order(distance: &SymmetricMatrix) -> Vec<usize> {
    let n = distance.size();
    let mut edges = spanning_path(distance);
    // Stable: equal distances merge in the order they were found.
    edges.sort_by(|a, b| a.2.total_cmp(&b.2));
    // A cluster's leaves live in the slot of its age: rows first, then merges as they come.
    let mut leaves: Vec<Vec<usize>> = (0..n).map(|i| vec![i]).collect();
    let mut cluster: Vec<usize> = (0..n).collect();
    for (a, b, _) in edges {
        let (a, b) = (cluster[a], cluster[b]);
        let mut merged = std::mem::take(&mut leaves[a.min(b)]);
        merged.append(&mut leaves[a.max(b)]);
        for &leaf in &merged {
            cluster[leaf] = leaves.len();
        }
        leaves.push(merged);
    }
    leaves.pop().unwrap_or_default()
}

/// Splits the weight of `part` between its halves, and then within each.
fn bisect(part: &[usize], covariance: &SymmetricMatrix, weights: &mut [f64]) {
    if part.len() < 2 {
        return;
    }
    let (first, second) = part.split_at(part.len() / 2);
    let (a, b) = (
        inverse_variance_risk(first, covariance),
        inverse_variance_risk(second, covariance),
    );
    let share = 1.0 - a / (a + b);
    for &i in first {
        weights[i] *= share;
    }
    for &i in second {
        weights[i] *= 1.0 - share;
    }
    bisect(first, covariance, weights);
    bisect(second, covariance, weights);
}

/// The variance of some rows under inverse-variance weights.
fn inverse_variance_risk(rows: &[usize], covariance: &SymmetricMatrix) -> f64 {
    let part = covariance.sub_matrix(rows);
    let mut weights: Vec<f64> = part
        .diagonal()
        .iter()
        .map(|variance| 1.0 / variance)
        .collect();
    let total: f64 = weights.iter().sum();
    for weight in &mut weights {
        *weight /= total;
    }
    part.quadratic_form(&weights)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::weighting::matrix::dot;

    fn distances(list: &[(usize, usize, f64)], size: usize) -> SymmetricMatrix {
        SymmetricMatrix::from_fn(size, |i, j| {
            let listed = list.iter().find(|(a, b, _)| (*a, *b) == (i, j));
            listed.map_or(if i == j { 0.0 } else { 0.9 }, |(_, _, d)| *d)
        })
    }

    #[test]
    fn the_tree_puts_neighbours_side_by_side() {
        // 0 and 3 first (cluster 4), then 1 and 2 (cluster 5), then both.
        let d = distances(&[(0, 3, 0.1), (1, 2, 0.2), (2, 3, 0.5)], 4);
        assert_eq!(leaf_order(&d), [0, 3, 1, 2]);
        // 1 and 2 first (cluster 4), then 3 joins it from the left as the older cluster, then 0.
        let d = distances(&[(1, 2, 0.1), (2, 3, 0.2), (0, 3, 0.4)], 4);
        assert_eq!(leaf_order(&d), [0, 3, 1, 2]);
        assert_eq!(leaf_order(&distances(&[], 1)), [0]);
        assert!(leaf_order(&distances(&[], 0)).is_empty());
    }

    #[test]
    fn two_instruments_are_weighted_by_inverse_variance() {
        let rows = [vec![0.04, 0.03], vec![0.03, 0.12]];
        let covariance = SymmetricMatrix::from_rows(&rows).unwrap();
        let weights = hierarchical_risk_parity(&[5, 1], &covariance).unwrap();
        assert_eq!(weights.entries(), [(1, 0.25), (5, 0.75)]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        /// Every instrument is a leaf once; weights are above zero and sum to 1, also for a
        /// singular covariance.
        #[test]
        fn weights_are_a_full_allocation(
            n in 1_usize..12,
            factors in prop::collection::vec(-1.0_f64..1.0, 36),
        ) {
            let row = |i: usize| &factors[i * 3..i * 3 + 3];
            let covariance = SymmetricMatrix::from_fn(n, |i, j| dot(row(i), row(j)));
            prop_assume!(covariance.diagonal().iter().all(|v| *v > 1e-6));
            let instruments: Vec<usize> = (0..n).collect();
            let weights = hierarchical_risk_parity(&instruments, &covariance).unwrap();
            prop_assert!((weights.net() - 1.0).abs() < 1e-12);
            prop_assert!(weights.entries().iter().all(|(_, w)| *w >= 0.0));
            let (correlation, _) = covariance.to_correlation().unwrap();
            let distance = SymmetricMatrix::from_fn(n, |i, j| 1.0 - correlation.get(i, j));
            let mut order = leaf_order(&distance);
            order.sort_unstable();
            prop_assert_eq!(order, instruments);
        }
    }
}
