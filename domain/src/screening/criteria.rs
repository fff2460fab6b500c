//! Every threshold of a screen, by region and tier: complete, within bounds, never changed.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::criterion::Criterion;
use super::region::Region;
use super::tier::Tier;
use crate::error::{Error, Result};

/// The thresholds of one region and tier. A value never changes: [`Criteria::with`] gives another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Criteria(BTreeMap<Criterion, Decimal>);

impl Criteria {
    /// Criteria of these thresholds.
    ///
    /// # Errors
    /// `ConfigurationMissing` naming a required one that is not there; `Configuration` naming one out
    /// of its bounds, and a smallest ratio above the largest.
    pub fn new(thresholds: impl IntoIterator<Item = (Criterion, Decimal)>) -> Result<Self> {
        let all: BTreeMap<_, _> = thresholds.into_iter().collect();
        for criterion in Criterion::ALL {
            match all.get(&criterion) {
                None if criterion.is_required() => {
                    let message = format!("'{}' is missing", criterion.name());
                    return Err(Error::config_missing(message)
                        .context("criterion", criterion.name())
                        .hint(format!("write a number from 0 to {}", criterion.max())));
                }
                Some(value) if value.is_sign_negative() || *value > criterion.max() => {
                    let message = format!("'{}' cannot be {value}", criterion.name());
                    return Err(Error::config(message)
                        .context("criterion", criterion.name())
                        .hint(format!("write a number from 0 to {}", criterion.max())));
                }
                _ => {}
            }
        }
        if let (Some(min), Some(max)) = (
            all.get(&Criterion::MinPefPetRatio),
            all.get(&Criterion::MaxPefPetRatio),
        ) && min > max
        {
            let message = format!("no ratio is both {min} or more and {max} or less");
            return Err(Error::config(message)
                .context("criterion", Criterion::MinPefPetRatio.name())
                .hint("exchange min_pef_pet_ratio and max_pef_pet_ratio, or leave the first out"));
        }
        Ok(Self(all))
    }

    /// A threshold; `None` for an optional one that is not set.
    pub fn get(&self, criterion: Criterion) -> Option<Decimal> {
        self.0.get(&criterion).copied()
    }

    /// Every threshold, in the order of tables.
    pub fn iter(&self) -> impl Iterator<Item = (Criterion, Decimal)> + '_ {
        self.0.iter().map(|(criterion, value)| (*criterion, *value))
    }

    /// The same criteria with another threshold; these stay as they are.
    ///
    /// # Errors
    /// As [`Criteria::new`].
    pub fn with(&self, criterion: Criterion, value: Decimal) -> Result<Self> {
        Self::new(self.iter().chain([(criterion, value)]))
    }
}

/// The criteria of every region and tier: all fifteen are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CriteriaTable(BTreeMap<(Region, Tier), Criteria>);

impl CriteriaTable {
    /// A table of these criteria.
    ///
    /// # Errors
    /// `ConfigurationMissing` for each region and tier without any, in the order of tables.
    pub fn new(
        criteria: impl IntoIterator<Item = ((Region, Tier), Criteria)>,
    ) -> std::result::Result<Self, Vec<Error>> {
        let all: BTreeMap<_, _> = criteria.into_iter().collect();
        let places = Region::ALL.map(|region| Tier::ALL.map(|tier| (region, tier)));
        let missing = places.into_iter().flatten();
        let missing = missing.filter(|place| !all.contains_key(place));
        let errors: Vec<_> = missing
            .map(|(region, tier)| Self::missing(region, tier))
            .collect();
        if errors.is_empty() {
            Ok(Self(all))
        } else {
            Err(errors)
        }
    }

    /// The error for a region and tier without criteria.
    pub fn missing(region: Region, tier: Tier) -> Error {
        Error::config_missing(format!("missing criteria for {region}/{tier}")).hint(
            "a screen needs the criteria of all three regions and five tiers; the example screen.toml has them",
        )
    }

    /// Every region and tier with its criteria, in the order of tables.
    pub fn iter(&self) -> impl Iterator<Item = ((Region, Tier), &Criteria)> {
        self.0.iter().map(|(place, criteria)| (*place, criteria))
    }

    /// The criteria of a region and a tier, each as a value or as its name in any case.
    ///
    /// # Errors
    /// `Configuration` for a name that is none, with those there are.
    pub fn get<R, T>(&self, region: R, tier: T) -> Result<&Criteria>
    where
        R: TryInto<Region>,
        T: TryInto<Tier>,
        Error: From<R::Error> + From<T::Error>,
    {
        let (region, tier) = (region.try_into()?, tier.try_into()?);
        self.0
            .get(&(region, tier))
            .ok_or_else(|| Self::missing(region, tier))
    }
}
