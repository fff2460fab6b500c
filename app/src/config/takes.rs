//! What a key of a config takes: types and bounds, and how a hint says them.

use rust_decimal::Decimal;

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Takes {
    /// Any text but the empty one.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A bar size such as `1d`.
    BarSize,
    /// A whole number within bounds, both included.
    Whole(i64, i64),
    /// A decimal number.
    Number(Range),
    /// A positive amount of money.
    Amount,
    /// A positive amount of money or `unlimited`.
    Limit,
    /// A date.
    Date,
    /// True or false.
    Flag,
    /// Texts, each once.
    Texts,
    /// A table that its reader checks.
    Table,
}

/// The values a decimal number may have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Range {
    /// Whether 0 is allowed; below it nothing is.
    pub(super) zero: bool,
    /// The largest value, allowed.
    pub(super) max: Decimal,
    /// Digits after the point that are kept.
    pub(super) digits: u32,
}

/// From 0 to `max`, 0 included.
pub(super) const fn from_zero(max: u32, digits: u32) -> Takes {
    Takes::Number(Range {
        zero: true,
        max: Decimal::from_parts(max, 0, 0, false, 0),
        digits,
    })
}

/// Above 0, to `max`.
pub(super) const fn positive(max: u32, digits: u32) -> Takes {
    Takes::Number(Range {
        zero: false,
        max: Decimal::from_parts(max, 0, 0, false, 0),
        digits,
    })
}

impl Takes {
    /// What to write, for hints: `a decimal number from 0 to 1`.
    pub(super) fn phrase(self) -> String {
        match self {
            Self::Text => "a text in quotes".to_owned(),
            Self::Word(words) => format!("one of \"{}\"", words.join("\", \"")),
            Self::BarSize => "a bar size such as \"1d\" or \"1h\"".to_owned(),
            Self::Whole(min, i64::MAX) => format!("a whole number, {min} or more"),
            Self::Whole(min, max) => format!("a whole number from {min} to {max}"),
            Self::Number(range) if range.zero => {
                format!(
                    "a number from 0 to {} with at most {} digits after the point",
                    range.max, range.digits
                )
            }
            Self::Number(range) => {
                format!(
                    "a number above 0, up to {}, with at most {} digits after the point",
                    range.max, range.digits
                )
            }
            Self::Amount => "a positive amount such as \"1000000\"".to_owned(),
            Self::Limit => "a positive amount such as \"250000\", or \"unlimited\"".to_owned(),
            Self::Date => "a date such as 2005-02-28".to_owned(),
            Self::Flag => "true or false".to_owned(),
            Self::Texts => "a list of texts such as [\"AAPL\", \"IBM\"], each once".to_owned(),
            Self::Table => "a table".to_owned(),
        }
    }
}
