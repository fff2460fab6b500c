//! Quantities: signed amounts of an instrument, and whole lots of them.

use super::amount::{scaled_integer, signed_amount};

scaled_integer!(
    /// A signed amount of an instrument, on the instrument's quantity scale. Negative is short.
    #[serde(transparent)]
    Quantity(i64), "quantity"
);
signed_amount!(Quantity(i64));

impl Quantity {
    /// The largest multiple of `lot` that is not further from zero.
    #[must_use]
    #[inline]
    pub const fn to_lots_toward_zero(self, lot: Self) -> Self {
        // Most lots are one unit, and a division is slow.
        if lot.0 == 1 {
            return self;
        }
        Self(self.0 - self.0 % lot.0)
    }

    /// Whether this is a whole number of `lot`s.
    #[inline]
    pub const fn is_multiple_of(self, lot: Self) -> bool {
        lot.0 == 1 || self.0 % lot.0 == 0
    }
}
