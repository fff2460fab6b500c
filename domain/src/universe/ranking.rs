//! Ranking: the best or worst few of many scores, the same few every time.

use crate::error::{Error, Result};

/// The `k` instruments with the highest scores, best first; all of them when there are fewer.
///
/// Instruments are dense indices. Equal scores are ordered by name, then by index, so that the order
/// of the input never shows.
///
/// # Errors
/// When a score is NaN or infinite: leave out what has no score before ranking.
pub fn top_k<'a>(
    scores: &[(usize, f64)],
    k: usize,
    names: impl Fn(usize) -> &'a str,
) -> Result<Vec<usize>> {
    ranked(scores, k, names, |score| -score)
}

/// The `k` instruments with the lowest scores, lowest first; all of them when there are fewer.
///
/// Ties and errors as in [`top_k`].
///
/// # Errors
/// When a score is NaN or infinite.
pub fn bottom_k<'a>(
    scores: &[(usize, f64)],
    k: usize,
    names: impl Fn(usize) -> &'a str,
) -> Result<Vec<usize>> {
    ranked(scores, k, names, |score| score)
}

fn ranked<'a>(
    scores: &[(usize, f64)],
    k: usize,
    names: impl Fn(usize) -> &'a str,
    key: impl Fn(f64) -> f64,
) -> Result<Vec<usize>> {
    if let Some(&(instrument, score)) = scores.iter().find(|(_, score)| !score.is_finite()) {
        return Err(
            Error::signal_calculation("a score to rank must be a finite number")
                .context("instrument", names(instrument))
                .context("score", score)
                .hint("leave instruments without a score out of the ranking"),
        );
    }
    let mut order: Vec<(f64, &str, usize)> = scores
        .iter()
        // Adding zero turns −0 into 0: the two are a tie.
        .map(|&(instrument, score)| (key(score) + 0.0, names(instrument), instrument))
        .collect();
    order.sort_unstable_by(|a, b| {
        let by_score = a.0.total_cmp(&b.0);
        by_score.then(a.1.cmp(b.1)).then(a.2.cmp(&b.2))
    });
    Ok(order.into_iter().take(k).map(|(.., i)| i).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NAMES: [&str; 5] = ["MSFT", "AAPL", "IBM", "GOOG", "FB"];

    fn name(instrument: usize) -> &'static str {
        NAMES[instrument]
    }

    #[test]
    fn ties_are_ordered_by_name() {
        let scores = [(0, 0.5), (1, 0.5), (2, 0.9), (3, -0.0), (4, 0.0)];
        assert_eq!(top_k(&scores, 3, name).unwrap(), [2, 1, 0]);
        assert_eq!(bottom_k(&scores, 3, name).unwrap(), [4, 3, 1]);
        assert_eq!(top_k(&scores, 9, name).unwrap(), [2, 1, 0, 4, 3]);
        assert!(top_k(&[], 2, name).unwrap().is_empty());
        assert!(top_k(&scores, 0, name).unwrap().is_empty());
    }

    /// ERR-11: a score that is no number names its instrument.
    #[test]
    fn err_11_a_score_that_is_no_number_teaches() {
        let e = top_k(&[(0, 1.0), (1, f64::NAN)], 1, name).unwrap_err();
        assert_eq!(
            e.to_string(),
            "a score to rank must be a finite number (instrument = AAPL, score = NaN); \
             hint: leave instruments without a score out of the ranking"
        );
        assert!(bottom_k(&[(2, f64::INFINITY)], 1, name).is_err());
    }

    proptest! {
        #[test]
        fn the_order_of_the_input_never_shows(
            scores in prop::collection::vec((-2_i32..3).prop_map(f64::from), 5),
            order in Just(vec![0_usize, 1, 2, 3, 4]).prop_shuffle(),
            k in 0_usize..7,
        ) {
            let straight: Vec<_> = scores.iter().copied().enumerate().collect();
            let shuffled: Vec<_> = order.iter().map(|&i| (i, scores[i])).collect();
            let top = top_k(&straight, k, name).unwrap();
            prop_assert_eq!(&top, &top_k(&shuffled, k, name).unwrap());
            prop_assert_eq!(
                bottom_k(&straight, k, name).unwrap(),
                bottom_k(&shuffled, k, name).unwrap()
            );
            prop_assert_eq!(top.len(), k.min(5));
            for pair in top.windows(2) {
                prop_assert!(scores[pair[0]] >= scores[pair[1]]);
            }
            // Nobody left out is better than anybody chosen.
            for i in (0..5).filter(|i| !top.contains(i)) {
                prop_assert!(top.iter().all(|&t| scores[t] >= scores[i]));
            }
        }
    }
}
