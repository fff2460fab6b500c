//! Exact text of scaled integers.

use std::fmt;

use super::pow10;

/// A value and its scale, for `Display`.
#[derive(Clone, Copy, Debug)]
pub struct FixedPoint {
    units: i128,
    scale: u8,
}

impl FixedPoint {
    /// `units` of `10^-scale`.
    pub const fn new(units: i128, scale: u8) -> Self {
        Self { units, scale }
    }
}

impl fmt::Display for FixedPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&fixed_point_text(self.units, self.scale))
    }
}

pub(super) fn fixed_point_text(units: i128, scale: u8) -> String {
    let one = i128::from(pow10(scale));
    let (whole, part) = (
        units.unsigned_abs() / one.unsigned_abs(),
        units.unsigned_abs() % one.unsigned_abs(),
    );
    let sign = if units < 0 { "-" } else { "" };
    if part == 0 {
        return format!("{sign}{whole}");
    }
    let digits = format!("{part:0width$}", width = usize::from(scale));
    format!("{sign}{whole}.{}", digits.trim_end_matches('0'))
}
