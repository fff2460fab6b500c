//! Where a stock is listed, as far as a screen tells listings apart.

use std::convert::Infallible;
use std::fmt;

use crate::error::{Error, Result};

/// A group of exchanges whose stocks are held against the same criteria.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Region {
    /// United States.
    Us,
    /// Europe.
    Eu,
    /// Hong Kong.
    Hk,
}

impl Region {
    /// All, in the order of tables.
    pub const ALL: [Self; 3] = [Self::Us, Self::Eu, Self::Hk];

    /// As configs write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Us => "us",
            Self::Eu => "eu",
            Self::Hk => "hk",
        }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name().to_uppercase())
    }
}

impl TryFrom<&str> for Region {
    type Error = Error;

    /// Reads the name in any case.
    fn try_from(text: &str) -> Result<Self> {
        let same = |region: &Self| region.name().eq_ignore_ascii_case(text.trim());
        Self::ALL.into_iter().find(same).ok_or_else(|| {
            Error::config(format!("there is no region '{text}'"))
                .hint("the regions are us, eu and hk")
        })
    }
}

impl From<Infallible> for Error {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
