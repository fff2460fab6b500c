//! Numbers of twice the precision of f64 (T. Dekker, Numer. Math. 18, 1971), as a reference.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// An unevaluated sum of two f64: about 32 digits.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Exact {
    high: f64,
    low: f64,
}

impl Exact {
    pub(crate) const fn of(x: f64) -> Self {
        Self { high: x, low: 0.0 }
    }

    pub(crate) fn value(self) -> f64 {
        self.high + self.low
    }

    pub(crate) fn sqrt(self) -> Self {
        if self.high <= 0.0 {
            return Self::default();
        }
        let root = Self::of(self.high.sqrt());
        // One step of Newton's method doubles the digits.
        (root + self / root) * Self::of(0.5)
    }

    pub(crate) fn max(self, other: Self) -> Self {
        if (self - other).high >= 0.0 {
            self
        } else {
            other
        }
    }

    pub(crate) fn abs(self) -> Self {
        self.max(-self)
    }

    /// Of two numbers of which the first is the larger.
    fn ordered(a: f64, b: f64) -> Self {
        let high = a + b;
        Self {
            high,
            low: b - (high - a),
        }
    }
}

impl Neg for Exact {
    type Output = Self;

    fn neg(self) -> Self {
        Self {
            high: -self.high,
            low: -self.low,
        }
    }
}

impl Add for Exact {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let sum = self.high + other.high;
        let part = sum - self.high;
        let lost = (self.high - (sum - part)) + (other.high - part);
        Self::ordered(sum, lost + self.low + other.low)
    }
}

impl Sub for Exact {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Mul for Exact {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        let product = self.high * other.high;
        let lost = self.high.mul_add(other.high, -product);
        let cross = self.high * other.low + self.low * other.high;
        Self::ordered(product, lost + cross)
    }
}

impl Div for Exact {
    type Output = Self;

    fn div(self, other: Self) -> Self {
        let first = self.high / other.high;
        let rest = self - other * Self::of(first);
        let second = rest.high / other.high;
        let rest = rest - other * Self::of(second);
        Self::ordered(first, second) + Self::of(rest.high / other.high)
    }
}

impl std::iter::Sum for Exact {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Add::add)
    }
}
