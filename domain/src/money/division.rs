//! Division and multiplication of money: where remainders go, and 64 bits where they do.

/// Where the remainder of a division goes. Each money operation names its direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// Towards zero: sizes of exposure.
    TowardZero,
    /// Away from zero: fees and reservations against us.
    AwayFromZero,
    /// Towards negative infinity: prices of our sells, limit prices of our buys.
    Down,
    /// Towards positive infinity: prices of our buys, limit prices of our sells.
    Up,
}

/// `numerator / denominator` with the remainder sent in the `rounding` direction.
///
/// Panics when `denominator` is not positive.
pub const fn divide(numerator: i128, denominator: i128, rounding: Rounding) -> i128 {
    assert!(denominator > 0, "denominator must be positive");
    let (quotient, remainder) = quotient_and_rest(numerator, denominator);
    if remainder == 0 {
        return quotient;
    }
    match rounding {
        Rounding::TowardZero => quotient,
        Rounding::AwayFromZero => quotient + if numerator > 0 { 1 } else { -1 },
        Rounding::Down => quotient - if numerator < 0 { 1 } else { 0 },
        Rounding::Up => quotient + if numerator > 0 { 1 } else { 0 },
    }
}

/// `value` where it fits 64 bits, which is most of the time and several times faster to divide.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "compared with what it came from"
)]
const fn in_64_bits(value: i128) -> Option<i64> {
    let small = value as i64;
    if small as i128 == value {
        Some(small)
    } else {
        None
    }
}

/// `numerator / denominator` towards zero, and the rest, by one division; the denominator is positive.
#[inline]
pub(crate) const fn quotient_and_rest(numerator: i128, denominator: i128) -> (i128, i128) {
    if let (Some(n), Some(d)) = (in_64_bits(numerator), in_64_bits(denominator)) {
        return ((n / d) as i128, (n % d) as i128);
    }
    let quotient = numerator / denominator;
    // What was divided out cannot be more than what was there.
    let divided = quotient.wrapping_mul(denominator);
    (quotient, numerator.wrapping_sub(divided))
}

/// `value / 10^9` towards zero, and the rest: the unit of rates and weights.
#[inline]
pub(super) const fn by_a_billion(value: i128) -> (i128, i64) {
    by_constant::<1_000_000_000>(value)
}

/// `value / 10^15` towards zero, and the rest.
#[inline]
pub(super) const fn by_a_quadrillion(value: i128) -> (i128, i64) {
    by_constant::<1_000_000_000_000_000>(value)
}

/// `value / DIVISOR` towards zero, and the rest, for a divisor from 2 to 2^63.
///
/// Cash at a fine scale needs more than 64 bits, and 128 bits are divided by a loop in a library. By a
/// constant it goes digit by digit of 64 bits, each two multiplications.
#[inline]
const fn by_constant<const DIVISOR: i64>(value: i128) -> (i128, i64) {
    if let Some(value) = in_64_bits(value) {
        return ((value / DIVISOR) as i128, value % DIVISOR);
    }
    let (quotient, rest) = wide_by_constant::<DIVISOR>(value.unsigned_abs());
    if value < 0 {
        (-quotient, -rest)
    } else {
        (quotient, rest)
    }
}

/// A divisor shifted up until its highest bit is set, and what to multiply by instead of dividing.
#[derive(Clone, Copy, Debug)]
struct Divisor {
    shift: u32,
    shifted: u64,
    /// `(2^128 - 1) / shifted - 2^64`.
    reciprocal: u64,
}

impl Divisor {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the quotient is below 2^65"
    )]
    const fn new(divisor: i64) -> Self {
        assert!(divisor >= 2, "one and less need no division");
        let shift = divisor.leading_zeros();
        let shifted = divisor.unsigned_abs() << shift;
        let reciprocal = (u128::MAX / shifted as u128) as u64;
        Self {
            shift,
            shifted,
            reciprocal,
        }
    }

    /// `(high × 2^64 + low) / shifted` and the rest; `high` is below the divisor.
    ///
    /// N. Möller and T. Granlund, "Improved division by invariant integers", algorithm 4.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "halves are cut out on purpose"
    )]
    const fn divide(self, high: u64, low: u64) -> (u64, u64) {
        let guess = (self.reciprocal as u128 * high as u128)
            .wrapping_add(((high as u128) << 64) | low as u128);
        let mut quotient = ((guess >> 64) as u64).wrapping_add(1);
        let mut rest = low.wrapping_sub(quotient.wrapping_mul(self.shifted));
        if rest > guess as u64 {
            quotient = quotient.wrapping_sub(1);
            rest = rest.wrapping_add(self.shifted);
        }
        if rest >= self.shifted {
            quotient = quotient.wrapping_add(1);
            rest -= self.shifted;
        }
        (quotient, rest)
    }
}

/// A value of at most 2^127 by a constant.
// With the divisor known, its shifts are those of one register pair.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "halves are cut out on purpose"
)]
const fn wide_by_constant<const DIVISOR: i64>(value: u128) -> (i128, i64) {
    let divisor = const { Divisor::new(DIVISOR) };
    let up = divisor.shift;
    // Three digits of the shifted value: what the shift pushes out of 128 bits is the first.
    let first = (value >> (128 - up)) as u64;
    let value = value << up;
    let (top, rest) = divisor.divide(first, (value >> 64) as u64);
    let (bottom, rest) = divisor.divide(rest, value as u64);
    let quotient = ((top as u128) << 64) | bottom as u128;
    (quotient.cast_signed(), (rest >> up).cast_signed())
}

/// `left × right`; two factors of 64 bits cannot overflow and need no check.
#[inline]
pub(crate) const fn times(left: i128, right: i128) -> i128 {
    match (in_64_bits(left), in_64_bits(right)) {
        (Some(left), Some(right)) => left as i128 * right as i128,
        _ => left * right,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Values of every size, both signs, and the edges between 64 and 128 bits.
    fn wide() -> impl Strategy<Value = i128> {
        let edges = [
            i128::from(i64::MAX),
            i128::from(u64::MAX),
            1 << 94,
            i128::MAX,
        ];
        prop_oneof![
            any::<i128>(),
            any::<i64>().prop_map(i128::from),
            (any::<i128>(), 0_u32..127).prop_map(|(value, bits)| value >> bits),
            (0_usize..4, -3_i128..=0, any::<bool>()).prop_map(move |(i, off, negative)| {
                let value = edges[i] + off;
                if negative { -value } else { value }
            }),
        ]
    }

    proptest! {
        /// The short ways divide and multiply as the plain operators do.
        #[test]
        fn short_ways_equal_plain_arithmetic(value in wide(), other in wide()) {
            let plain = |one: i128| (value / one, value % one);
            let (quotient, rest) = by_a_billion(value);
            prop_assert_eq!((quotient, rest.into()), plain(1_000_000_000));
            let (quotient, rest) = by_a_quadrillion(value);
            prop_assert_eq!((quotient, rest.into()), plain(1_000_000_000_000_000));
            for (divisor, found) in [
                (2, by_constant::<2>(value)),
                (3, by_constant::<3>(value)),
                (1 << 62, by_constant::<{ 1 << 62 }>(value)),
                (i64::MAX, by_constant::<{ i64::MAX }>(value)),
            ] {
                prop_assert_eq!((found.0, i128::from(found.1)), plain(divisor.into()));
            }
            if other > 0 {
                prop_assert_eq!(quotient_and_rest(value, other), plain(other));
            }
            if let Some(product) = value.checked_mul(other) {
                prop_assert_eq!(times(value, other), product);
            }
        }
    }
}
