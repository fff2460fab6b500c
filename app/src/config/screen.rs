//! `[screen]`: what a screen of stocks asks for. It is read, checked and shown; no command screens yet.

use std::collections::BTreeMap;

use ballast_domain::error::Error;
use ballast_domain::screening::{Companies, Criteria, CriteriaTable, Criterion, Region, Tier};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use toml::Value;

use super::check::{Check, canonical};
use super::decimal;
use super::keys::Takes;
use super::layer::join;
use super::nearest::nearest;

/// `[screen]`; there is none unless a key of it is set, and then all fifteen criteria are required.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Screen {
    /// Analysts below which nothing is said about a stock; 4 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_analysts: Option<u8>,
    /// Price targets below which nothing is said about a stock; 4 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_price_targets: Option<u8>,
    /// Largest suggested position in percent of equity; 5 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_position_percent: Option<u8>,
    /// Folder of its reports, relative to the config file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Listings of one company, by a name of its own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub same_company: BTreeMap<String, Vec<String>>,
    /// Thresholds by region and tier.
    #[serde(default, with = "table", skip_serializing_if = "Option::is_none")]
    pub criteria: Option<CriteriaTable>,
}

impl Screen {
    pub(super) fn is_silent(&self) -> bool {
        *self == Self::default()
    }

    /// Analysts below which nothing is said about a stock.
    pub fn min_analysts(&self) -> u8 {
        self.min_analysts.unwrap_or(4)
    }

    /// Price targets below which nothing is said about a stock.
    pub fn min_price_targets(&self) -> u8 {
        self.min_price_targets.unwrap_or(4)
    }

    /// Largest suggested position in percent of equity.
    pub fn max_position_percent(&self) -> u8 {
        self.max_position_percent.unwrap_or(5)
    }

    /// Which symbols are one company.
    ///
    /// # Errors
    /// As [`Companies::new`].
    pub fn companies(&self) -> ballast_domain::Result<Companies> {
        Companies::new(self.same_company.values().map(Vec::as_slice))
    }
}

impl Check<'_> {
    /// The section with every value in its canonical form, and an error for each region and tier that
    /// is not there.
    pub(super) fn screen(&mut self, entries: &toml::Table) -> toml::Table {
        let mut checked = self.section("screen", "screen", entries);
        let table = |name: &str| entries.get(name).and_then(Value::as_table);
        if let Some(lists) = table("same_company") {
            checked.insert("same_company".to_owned(), self.companies(lists));
        }
        let empty = toml::Table::new();
        let criteria = self.criteria(table("criteria").unwrap_or(&empty));
        checked.insert("criteria".to_owned(), criteria);
        checked
    }

    fn companies(&mut self, lists: &toml::Table) -> Value {
        let mut checked = toml::Table::new();
        let mut read = Vec::new();
        for (name, value) in lists {
            let path = join("screen.same_company", name);
            match canonical(Takes::Texts, value) {
                Ok(value) => {
                    let symbols = value.as_array().into_iter().flatten();
                    let symbols = symbols.filter_map(Value::as_str).map(str::to_owned);
                    read.push((path, symbols.collect::<Vec<_>>()));
                    checked.insert(name.clone(), value);
                }
                Err(why) => self.refuse(
                    &path,
                    format!("'{path}' {why}"),
                    format!("write {}", Takes::Texts.phrase()),
                ),
            }
        }
        // Up to and with each list: the first that makes it wrong is at fault.
        for at in 0..read.len() {
            let lists = read[..=at].iter().map(|(_, symbols)| symbols.as_slice());
            if let Err(error) = Companies::new(lists) {
                self.add(&read[at].0, error.context("key", &read[at].0));
                break;
            }
        }
        Value::Table(checked)
    }

    fn criteria(&mut self, regions: &toml::Table) -> Value {
        self.strangers(
            "screen.criteria",
            regions,
            &Region::ALL.map(Region::name),
            "regions",
        );
        let mut checked = toml::Table::new();
        for region in Region::ALL {
            let path = join("screen.criteria", region.name());
            let empty = toml::Table::new();
            let tiers = regions.get(region.name()).and_then(Value::as_table);
            let tiers = tiers.unwrap_or(&empty);
            self.strangers(&path, tiers, &Tier::ALL.map(Tier::name), "tiers");
            let mut of_region = toml::Table::new();
            for tier in Tier::ALL {
                let path = join(&path, tier.name());
                match tiers.get(tier.name()).and_then(Value::as_table) {
                    Some(entries) => {
                        let entries = self.section("screen.criteria", &path, entries);
                        self.of_tier(&path, &entries);
                        of_region.insert(tier.name().to_owned(), Value::Table(entries));
                    }
                    None => self.add(
                        &path,
                        CriteriaTable::missing(region, tier).context("key", &path),
                    ),
                }
            }
            checked.insert(region.name().to_owned(), Value::Table(of_region));
        }
        Value::Table(checked)
    }

    /// What the domain says about thresholds that are fine one by one.
    fn of_tier(&mut self, path: &str, entries: &toml::Table) {
        if let Err(error) = Criteria::new(thresholds(entries)) {
            let at = error.context.iter().find(|(key, _)| key == "criterion");
            let at = at.map_or_else(|| path.to_owned(), |(_, name)| join(path, name));
            // One that was refused for itself is missing here.
            if !self.is_refused(&at) {
                self.add(&at, error.context("key", &at));
            }
        }
    }

    fn strangers(&mut self, path: &str, entries: &toml::Table, known: &[&str], what: &str) {
        for (name, value) in entries {
            let path = join(path, name);
            if !known.contains(&name.as_str()) {
                let hint = match nearest(name, known.iter().copied()) {
                    Some(meant) => format!("did you mean '{meant}'?"),
                    None => format!("the {what} are {}", known.join(", ")),
                };
                self.refuse(&path, format!("unknown key '{path}'"), hint);
            } else if !value.is_table() {
                self.refuse(
                    &path,
                    format!("'{path}' is a table, not a value"),
                    "write [screen.criteria.us.mega] on its own line and its keys below".to_owned(),
                );
            }
        }
    }
}

/// The thresholds of a table whose values are canonical.
fn thresholds(entries: &toml::Table) -> Vec<(Criterion, Decimal)> {
    let read = |(name, value): (&String, &Value)| {
        Some((Criterion::named(name)?, decimal::parse(value.as_str()?)?))
    };
    entries.iter().filter_map(read).collect()
}

/// A table of criteria as nested tables: region, tier, criterion.
mod table {
    use serde::de::Error as _;
    use serde::{Deserializer, Serializer};

    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Exact(#[serde(with = "decimal")] Decimal);

    type Nested = BTreeMap<String, BTreeMap<String, BTreeMap<String, Exact>>>;

    #[expect(clippy::ref_option, reason = "serde's signature")]
    pub(super) fn serialize<S: Serializer>(
        table: &Option<CriteriaTable>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let Some(table) = table else {
            return to.serialize_none();
        };
        let mut nested = Nested::new();
        for ((region, tier), criteria) in table.iter() {
            let of_region = nested.entry(region.name().to_owned()).or_default();
            let thresholds = criteria.iter();
            let thresholds =
                thresholds.map(|(criterion, value)| (criterion.name().to_owned(), Exact(value)));
            of_region.insert(tier.name().to_owned(), thresholds.collect());
        }
        to.serialize_some(&nested)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<CriteriaTable>, D::Error> {
        let mut all = Vec::new();
        for (region, tiers) in Nested::deserialize(from)? {
            let region = Region::try_from(region.as_str()).map_err(D::Error::custom)?;
            for (tier, thresholds) in tiers {
                let tier = Tier::try_from(tier.as_str()).map_err(D::Error::custom)?;
                let thresholds = thresholds
                    .into_iter()
                    .map(|(name, Exact(value))| {
                        let unknown = || Error::config(format!("there is no criterion '{name}'"));
                        Ok((Criterion::named(&name).ok_or_else(unknown)?, value))
                    })
                    .collect::<Result<Vec<_>, Error>>()
                    .map_err(D::Error::custom)?;
                let criteria = Criteria::new(thresholds).map_err(D::Error::custom)?;
                all.push(((region, tier), criteria));
            }
        }
        let table = CriteriaTable::new(all);
        table.map(Some).map_err(|missing| {
            D::Error::custom(missing.first().map_or_else(String::new, Error::to_string))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys::CRITERIA;
    use super::*;

    /// The bounds of the file are those of the domain.
    #[test]
    fn every_criterion_has_its_key() {
        assert_eq!(CRITERIA.len(), Criterion::ALL.len());
        for (key, criterion) in CRITERIA.iter().zip(Criterion::ALL) {
            assert_eq!(key.name, criterion.name());
            let Takes::Number(range) = key.takes else {
                panic!("{} takes no number", key.name);
            };
            assert_eq!((range.zero, range.max), (true, criterion.max()));
        }
    }
}
