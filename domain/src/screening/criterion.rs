//! One thing a screen asks for.

use rust_decimal::Decimal;

/// A threshold of a purchase. Percentages are percent points: 5 is five percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Criterion {
    /// Least distance of the mean target price above the price, in percent.
    MinUpside,
    /// Least share of ratings that say buy, in percent.
    MinBuyPercentage,
    /// Least expected return, upside × buy percentage / 100, in percent.
    MinExret,
    /// Largest forward price-earnings ratio as a multiple of the trailing one.
    MaxPefPetRatio,
    /// Smallest such multiple; optional.
    MinPefPetRatio,
}

impl Criterion {
    /// All, in the order of tables.
    pub const ALL: [Self; 5] = [
        Self::MinUpside,
        Self::MinBuyPercentage,
        Self::MinExret,
        Self::MaxPefPetRatio,
        Self::MinPefPetRatio,
    ];

    /// As configs write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MinUpside => "min_upside",
            Self::MinBuyPercentage => "min_buy_percentage",
            Self::MinExret => "min_exret",
            Self::MaxPefPetRatio => "max_pef_pet_ratio",
            Self::MinPefPetRatio => "min_pef_pet_ratio",
        }
    }

    /// The criterion of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// Whether a tier has to say it.
    pub const fn is_required(self) -> bool {
        !matches!(self, Self::MinPefPetRatio)
    }

    /// The largest value; the smallest is 0. Percentages of what analysts say end at 100; the others
    /// have no natural end and stop where a number can only be a slip.
    pub const fn max(self) -> Decimal {
        let max = match self {
            Self::MinUpside | Self::MinBuyPercentage => 100,
            Self::MinExret | Self::MaxPefPetRatio | Self::MinPefPetRatio => 1_000,
        };
        Decimal::from_parts(max, 0, 0, false, 0)
    }
}
