//! A fallback chain: the first method that can answer does, and the answer says which.

use crate::error::Error;
use crate::weighting::{TargetWeights, WeightingInputs, WeightingMethod, equal};

/// Weights, which method gave them, and why those before it did not.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// The weights.
    pub weights: TargetWeights,
    /// The method that gave them.
    pub method: WeightingMethod,
    /// The methods asked before it, in order, with their errors; empty when the first answered.
    pub refused: Vec<(WeightingMethod, Error)>,
}

/// The answer of the first method of `chain` that has one, else equal weights.
///
/// Total: there is always an answer. Equal weights need nothing but the instruments, and one listed
/// twice counts once there.
#[allow(
    clippy::expect_used,
    reason = "internal invariant: distinct instruments can be weighted equally"
)]
pub fn weigh_with_fallback(chain: &[WeightingMethod], inputs: &WeightingInputs) -> Answered {
    let mut refused = Vec::new();
    for &method in chain {
        match method.weigh(inputs) {
            Ok(weights) => {
                return Answered {
                    weights,
                    method,
                    refused,
                };
            }
            Err(error) => refused.push((method, error)),
        }
    }
    let mut distinct = inputs.instruments.clone();
    distinct.sort_unstable();
    distinct.dedup();
    Answered {
        weights: equal(&distinct).expect("distinct instruments can be weighted equally"),
        method: WeightingMethod::Equal,
        refused,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::weighting::SymmetricMatrix;

    const CHAIN: [WeightingMethod; 3] = [
        WeightingMethod::MinVarianceUnconstrained,
        WeightingMethod::RiskParityErc,
        WeightingMethod::InverseVol,
    ];

    #[test]
    fn the_answer_says_which_rung_it_stands_on() {
        let answer = |rows: &[Vec<f64>], asked: usize| {
            let covariance = SymmetricMatrix::from_rows(rows);
            let inputs = WeightingInputs::new(vec![4, 2], covariance);
            let answer = weigh_with_fallback(&CHAIN, &inputs);
            assert_eq!(answer.refused.len(), asked, "{answer:?}");
            assert!((answer.weights.net() - 1.0).abs() < 1e-12);
            answer.method
        };
        let fine = [vec![0.04, 0.01], vec![0.01, 0.09]];
        assert_eq!(answer(&fine, 0), WeightingMethod::MinVarianceUnconstrained);
        let twins = [vec![0.04, 0.04], vec![0.04, 0.04]];
        assert_eq!(answer(&twins, 1), WeightingMethod::RiskParityErc);
        let hedge = [vec![0.04, -0.04], vec![-0.04, 0.04]];
        assert_eq!(answer(&hedge, 2), WeightingMethod::InverseVol);
        let still = [vec![0.0, 0.0], vec![0.0, 0.04]];
        assert_eq!(answer(&still, 3), WeightingMethod::Equal);
    }

    proptest! {
        /// Whatever the inputs, there is an answer that sums to 1, and refusals come in order.
        #[test]
        fn there_is_always_an_answer(
            instruments in prop::collection::vec(0_usize..6, 1..5),
            factors in prop::collection::vec(prop::num::f64::ANY, 16),
            size in 1_usize..5,
        ) {
            let covariance = SymmetricMatrix::from_fn(size, |i, j| factors[i * 4 + j]);
            let inputs = WeightingInputs::new(instruments, Ok(covariance));
            let answer = weigh_with_fallback(&CHAIN, &inputs);
            let asked: Vec<_> = answer.refused.iter().map(|(method, _)| *method).collect();
            prop_assert_eq!(&asked[..], &CHAIN[..asked.len()]);
            let weights = &answer.weights;
            let rounding = 1e-9 * weights.gross().max(1.0);
            prop_assert!((weights.net() - 1.0).abs() < rounding, "{:?}", answer);
        }
    }
}
