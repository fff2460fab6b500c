//! Equal weights.

use crate::error::Result;
use crate::weighting::TargetWeights;

/// The same weight for each of `instruments`, summing to 1; nothing in, nothing out.
///
/// # Errors
/// When an instrument occurs twice.
pub fn equal(instruments: &[usize]) -> Result<TargetWeights> {
    let weight = 1.0 / instruments.len() as f64;
    TargetWeights::new(instruments.iter().map(|&i| (i, weight)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_gets_the_same_and_twice_is_refused() {
        assert!(equal(&[]).unwrap().is_empty());
        assert_eq!(equal(&[7]).unwrap().entries(), [(7, 1.0)]);
        let four = equal(&[3, 0, 9, 5]).unwrap();
        assert_eq!(four.entries(), [(0, 0.25), (3, 0.25), (5, 0.25), (9, 0.25)]);
        let e = equal(&[2, 2]).unwrap_err();
        assert!(e.to_string().contains("two target weights"), "{e}");
    }
}
