//! A holding of one instrument: signed quantity and what it cost.

use serde::{Deserialize, Serialize};

use crate::money::{Cash, Quantity, quotient_and_rest, times};

/// Signed quantity and signed cost in the quote asset (average-cost method). A short has negative
/// quantity and negative cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Position {
    /// How much; negative is short.
    pub quantity: Quantity,
    /// What it cost to get there.
    pub cost: Cash,
}

impl Position {
    /// Applies a signed change worth `value` (same sign) and returns the realised profit.
    ///
    /// The part that reduces the position relieves its share of the cost, rounded towards zero so
    /// that nothing is lost: the remainder stays with what is still held.
    pub(crate) fn apply(&mut self, delta: Quantity, value: Cash) -> Cash {
        let before = self.quantity;
        let reduces = before.units().signum() * delta.units().signum() < 0;
        if !reduces {
            self.quantity += delta;
            self.cost += value;
            return Cash::ZERO;
        }
        if delta.abs() <= before.abs() {
            let relieved = share(self.cost, delta.abs(), before.abs());
            self.quantity += delta;
            self.cost -= relieved;
            return -value - relieved;
        }
        // Through zero: all of the old cost is relieved, the rest opens the other side.
        let closing = share(value, before.abs(), delta.abs());
        let realised = -closing - self.cost;
        self.quantity += delta;
        self.cost = value - closing;
        realised
    }
}

/// `part / whole` of `amount`, towards zero; exactly `amount` when the parts are equal.
fn share(amount: Cash, part: Quantity, whole: Quantity) -> Cash {
    let (part, whole) = (i128::from(part.units()), i128::from(whole.units()));
    if part == whole {
        return amount;
    }
    // Split so that the product cannot overflow: (amount mod whole) × part < 2^126.
    let (times_whole, rest) = quotient_and_rest(amount.units(), whole);
    let (share_of_rest, _) = quotient_and_rest(rest * part, whole);
    Cash::from_units(times(times_whole, part) + share_of_rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(steps: &[(i64, i128)], quantity: i64, cost: i128, realised: i128) {
        let mut p = Position::default();
        let total: Cash = steps
            .iter()
            .map(|(d, v)| p.apply(Quantity::from_units(*d), Cash::from_units(*v)))
            .sum();
        assert_eq!(
            (p.quantity.units(), p.cost.units(), total.units()),
            (quantity, cost, realised)
        );
    }

    #[test]
    fn average_cost_over_adds_reductions_and_flips() {
        check(&[(10, 1000)], 10, 1000, 0);
        check(&[(10, 1000), (10, 1200)], 20, 2200, 0);
        check(&[(10, 1000), (-4, -480)], 6, 600, 80);
        check(&[(10, 1000), (-10, -900)], 0, 0, -100);
        check(&[(-10, -1000), (4, 360)], -6, -600, 40);
        check(&[(10, 1000), (-15, -1800)], -5, -600, 200);
        check(&[(3, 100), (-1, -40)], 2, 67, 7);
        // Three of four at 25.75 cost 77.25: 77 leave the books.
        check(&[(4, 103), (-3, -90)], 1, 26, 13);
    }

    proptest! {
        /// Whatever the path, cost + realised = what was paid in: nothing is lost to rounding.
        #[test]
        fn cost_and_profit_add_up(steps in prop::collection::vec((-50_i64..50, 1_i128..1000), 1..40)) {
            let mut p = Position::default();
            let (mut paid, mut realised) = (Cash::ZERO, Cash::ZERO);
            for (delta, price) in steps {
                let value = Cash::from_units(i128::from(delta) * price);
                realised += p.apply(Quantity::from_units(delta), value);
                paid += value;
                prop_assert_eq!(p.cost, paid + realised);
                prop_assert!(!p.quantity.is_zero() || p.cost.is_zero());
            }
        }
    }
}
