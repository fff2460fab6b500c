//! What prices, quantities and cash have in common: a count of units and its arithmetic.

use rust_decimal::Decimal;

use crate::error::Error;

/// A newtype over a count of the smallest unit, with sums and exact crossings to decimals and text.
macro_rules! scaled_integer {
    ($(#[$doc:meta])* $name:ident($inner:ty), $noun:literal) => {
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug,
            serde::Serialize, serde::Deserialize,
        )]
        $(#[$doc])*
        pub struct $name(pub(super) $inner);

        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(0);

            /// The count of the smallest unit.
            #[inline]
            pub const fn units(self) -> $inner {
                self.0
            }

            /// Whether this is exactly zero.
            #[inline]
            pub const fn is_zero(self) -> bool {
                self.0 == 0
            }

            /// Whether this is above zero.
            #[inline]
            pub const fn is_positive(self) -> bool {
                self.0 > 0
            }

            /// For statistics and display; the nearest f64.
            #[inline]
            pub fn to_f64(self, scale: u8) -> f64 {
                self.0 as f64 / $crate::money::pow10(scale) as f64
            }

            /// The exact text of this value, without trailing zeros after the point.
            pub fn text(self, scale: u8) -> String {
                $crate::money::fixed_point::fixed_point_text(self.0.into(), scale)
            }
        }

        impl std::ops::Add for $name {
            type Output = Self;
            #[inline]
            fn add(self, other: Self) -> Self {
                Self(self.0 + other.0)
            }
        }

        impl std::ops::AddAssign for $name {
            #[inline]
            fn add_assign(&mut self, other: Self) {
                self.0 += other.0;
            }
        }

        impl std::iter::Sum for $name {
            #[inline]
            fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
                iter.fold(Self::ZERO, std::ops::Add::add)
            }
        }

        impl $name {
            fn exact(value: rust_decimal::Decimal, scale: u8) -> $crate::error::Result<Self> {
                $crate::money::amount::exact_units(value, scale)
                    .and_then(|units| <$inner>::try_from(units).ok())
                    .map(Self)
                    .ok_or_else(|| $crate::money::amount::not_exact($noun, value, scale))
            }

            /// As a decimal.
            ///
            /// # Errors
            /// `Execution` when the value has more than 28 significant digits.
            pub fn to_decimal(self, scale: u8) -> $crate::error::Result<rust_decimal::Decimal> {
                rust_decimal::Decimal::try_from_i128_with_scale(self.0.into(), u32::from(scale))
                    .map(|d| d.normalize())
                    .map_err(|_| {
                        $crate::error::Error::execution(concat!($noun, " does not fit into 28 digits"))
                            .context("units", self.0)
                            .context("scale", scale)
                    })
            }
        }
    };
}

/// What an amount may be that a price may not: below zero.
macro_rules! signed_amount {
    ($name:ident($inner:ty)) => {
        impl $name {
            /// From a count of the smallest unit.
            #[inline]
            pub const fn from_units(units: $inner) -> Self {
                Self(units)
            }

            /// Whether this is below zero.
            #[inline]
            pub const fn is_negative(self) -> bool {
                self.0 < 0
            }

            /// Without its sign.
            #[must_use]
            #[inline]
            pub const fn abs(self) -> Self {
                Self(self.0.abs())
            }

            /// From a decimal that must be exact at `scale`.
            ///
            /// # Errors
            /// `DataValidation` when digits beyond `scale` are not zero or the value is too large.
            pub fn from_decimal(
                value: rust_decimal::Decimal,
                scale: u8,
            ) -> $crate::error::Result<Self> {
                Self::exact(value, scale)
            }
        }

        impl std::ops::Sub for $name {
            type Output = Self;
            #[inline]
            fn sub(self, other: Self) -> Self {
                Self(self.0 - other.0)
            }
        }

        impl std::ops::Neg for $name {
            type Output = Self;
            #[inline]
            fn neg(self) -> Self {
                Self(-self.0)
            }
        }

        impl std::ops::SubAssign for $name {
            #[inline]
            fn sub_assign(&mut self, other: Self) {
                self.0 -= other.0;
            }
        }
    };
}

pub(super) use {scaled_integer, signed_amount};

/// Exact integer units of `value` at `scale`, or `None` when digits would be lost.
pub(super) fn exact_units(value: Decimal, scale: u8) -> Option<i128> {
    let value = value.normalize();
    let missing = u32::from(scale).checked_sub(value.scale())?;
    value.mantissa().checked_mul(10_i128.checked_pow(missing)?)
}

pub(super) fn not_exact(noun: &str, value: Decimal, scale: u8) -> Error {
    Error::validation(format!(
        "{noun} {value} is not exact at {scale} digits after the point"
    ))
    .hint("round it to the scale of its instrument or asset, or define a finer scale")
}
