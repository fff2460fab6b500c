//! How large a company is, as far as a screen tells sizes apart.

use std::fmt;

use crate::error::{Error, Result};

/// A group of companies by market value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// The largest.
    Mega,
    /// Below them.
    Large,
    /// Between the large and the small.
    Mid,
    /// Small.
    Small,
    /// The rest.
    Micro,
}

impl Tier {
    /// All, the largest first.
    pub const ALL: [Self; 5] = [Self::Mega, Self::Large, Self::Mid, Self::Small, Self::Micro];

    /// As configs write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mega => "mega",
            Self::Large => "large",
            Self::Mid => "mid",
            Self::Small => "small",
            Self::Micro => "micro",
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name().to_uppercase())
    }
}

impl TryFrom<&str> for Tier {
    type Error = Error;

    /// Reads the name in any case.
    fn try_from(text: &str) -> Result<Self> {
        let same = |tier: &Self| tier.name().eq_ignore_ascii_case(text.trim());
        Self::ALL.into_iter().find(same).ok_or_else(|| {
            Error::config(format!("there is no tier '{text}'"))
                .hint("the tiers are mega, large, mid, small and micro")
        })
    }
}
