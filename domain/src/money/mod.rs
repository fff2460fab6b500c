//! Exact money: scaled integers behind newtypes, and every crossing from or to other numbers.
//!
//! A [`Price`] or [`Quantity`] counts units of `10^-scale` of its instrument; [`Cash`] counts units
//! of `10^-scale` of its asset. The scale lives in the instrument or asset, not in the value, so a
//! value is one machine word and arithmetic is integer arithmetic. Decimal is the type of every
//! edge; floats enter through named functions only ([`Price::from_market_data`], [`Weight::new`] and
//! [`Weight::leveraged`]) and leave through `to_f64`, for statistics.
//!
//! Overflow panics in every profile (`overflow-checks` stay on in release): a wrong sum of money is
//! worse than a stop.

mod amount;
mod cash;
mod division;
mod fixed_point;
mod price;
mod quantity;
mod rate;
mod shares;
#[cfg(test)]
mod tests;
mod weight;

pub use cash::Cash;
pub use division::{Rounding, divide};
pub(crate) use division::{quotient_and_rest, times};
pub use fixed_point::FixedPoint;
pub use price::Price;
pub use quantity::Quantity;
pub use rate::Rate;
pub(crate) use shares::Shares;
pub use weight::Weight;

/// The largest scale (digits after the point) of prices and quantities.
pub const MAX_SCALE: u8 = 12;
/// The largest scale of cash: enough for a price and a quantity of 9 digits each.
pub const MAX_CASH_SCALE: u8 = 18;

/// Powers of ten up to 10^18.
const POW10: [i64; 19] = {
    let mut table = [1_i64; 19];
    let mut i = 1;
    while i < 19 {
        table[i] = table[i - 1] * 10;
        i += 1;
    }
    table
};

/// `10^exponent`. Panics above 18.
pub const fn pow10(exponent: u8) -> i64 {
    POW10[exponent as usize]
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "callers have checked the range"
)]
fn truncate_to_i64(value: f64) -> i64 {
    value as i64
}
