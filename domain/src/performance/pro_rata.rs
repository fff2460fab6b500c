//! A whole number shared by weights, so that the parts add up to it.

/// `total` × weight / Σ weights, in whole units that add up to `total`: each towards zero, then one
/// unit more for the largest remainders, the first of equal ones. Everything goes to the first when
/// the weights add up to nothing.
pub(super) fn pro_rata(total: i128, weights: &[i128]) -> Vec<i128> {
    let whole: i128 = weights.iter().sum();
    let mut parts = vec![0; weights.len()];
    if whole == 0 {
        if let Some(first) = parts.first_mut() {
            *first = total;
        }
        return parts;
    }
    // Split so that the product stays in range: (total mod whole) × weight.
    let (each, rest) = (total / whole, total % whole);
    let mut remainders: Vec<(i128, usize)> = Vec::with_capacity(weights.len());
    for (i, weight) in weights.iter().enumerate() {
        parts[i] = each * weight + rest * weight / whole;
        remainders.push((rest * weight % whole, i));
    }
    let dust = total - parts.iter().sum::<i128>();
    // Only remainders of the dust's own sign were cut off on its side.
    remainders.sort_by_key(|(r, i)| (-(r * dust.signum() * whole.signum()), *i));
    let count = usize::try_from(dust.abs()).unwrap_or(usize::MAX);
    for (_, i) in remainders.into_iter().take(count) {
        parts[i] += dust.signum();
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::pro_rata;
    use proptest::prelude::*;

    #[test]
    fn whole_units_by_the_largest_remainders() {
        for (total, weights, parts) in [
            (10, &[1, 1, 1][..], &[4, 3, 3][..]),
            (-10, &[1, 1, 1], &[-4, -3, -3]),
            (10, &[-1, -1, -1], &[4, 3, 3]),
            (7, &[3, 4], &[3, 4]),
            (5, &[0, 0], &[5, 0]),
            (5, &[0, 2], &[0, 5]),
            // A long and a short that follow one payment.
            (10, &[100, -90], &[100, -90]),
            (0, &[5, 5], &[0, 0]),
        ] {
            assert_eq!(pro_rata(total, weights), parts, "{total} by {weights:?}");
        }
    }

    proptest! {
        /// The parts add up whatever the weights, and none is a unit away from its exact share.
        #[test]
        fn parts_add_up(total in -10_i128.pow(24)..10_i128.pow(24), weights in prop::collection::vec(-1_000_000_i128..1_000_000, 1..5)) {
            let parts = pro_rata(total, &weights);
            prop_assert_eq!(parts.iter().sum::<i128>(), total);
            let whole: i128 = weights.iter().sum();
            for (part, weight) in parts.iter().zip(&weights) {
                if whole != 0 {
                    prop_assert!((part * whole - total * weight).abs() < 2 * whole.abs());
                }
            }
        }
    }
}
