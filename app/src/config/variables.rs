//! Settings from the environment: `BALLAST_SECTION_KEY`.

use std::collections::BTreeMap;

use ballast_domain::error::{Error, Result};

use super::keys::{SECTIONS, keys_of};
use super::layer::{Layer, Origin, read_value};
use super::nearest::nearest;
use super::warnings::Warning;

/// What every variable of the program begins with.
pub const PREFIX: &str = "BALLAST_";

/// Names the profile.
pub const PROFILE: &str = "BALLAST_PROFILE";

/// What secrets in the environment begin with; they are no settings.
pub const SECRET_PREFIX: &str = "BALLAST_SECRET_";

/// Read by builds and tests, never by the program.
const OTHERS: &[&str] = &[
    "BALLAST_CORPUS",
    "BALLAST_BENCH_",
    "BALLAST_GIT_",
    "BALLAST_TARGET",
    "BALLAST_TEST_",
];

impl Layer {
    /// The settings among `variables`, and a warning for each `BALLAST_` name that is none.
    ///
    /// A variable is section and key in capitals: `BALLAST_RISK_MAX_GROSS`. Its value is read as one
    /// of `--set` is. A name near to a key or below a section is refused when it is none; any other
    /// is not ours to refuse: a host may well be called ballast (`BALLAST_PORT_8080_TCP`).
    ///
    /// # Errors
    /// `Configuration` for each misspelt name, with the one that was meant.
    pub fn variables(
        variables: &BTreeMap<String, String>,
    ) -> std::result::Result<(Self, Vec<Warning>), Vec<Error>> {
        let mut layer = Self::empty();
        let (mut warnings, mut errors) = (Vec::new(), Vec::new());
        for (name, value) in variables {
            let Some(rest) = name.strip_prefix(PREFIX) else {
                continue;
            };
            let other = |prefix: &&&str| name.starts_with(**prefix);
            if name == PROFILE
                || name.starts_with(SECRET_PREFIX)
                || OTHERS.iter().any(|prefix| other(&prefix))
            {
                continue;
            }
            match key_of(rest, name) {
                Ok(Some((section, key))) => layer.put(name, section, key, value),
                Ok(None) => warnings.push(Warning {
                    key: name.clone(),
                    place: "environment".to_owned(),
                    message: format!("variable {name} is no setting and is not read"),
                    hint: "settings are BALLAST_SECTION_KEY, such as BALLAST_RISK_MAX_GROSS"
                        .to_owned(),
                }),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() {
            Ok((layer, warnings))
        } else {
            Err(errors)
        }
    }

    fn put(&mut self, name: &str, section: &str, key: &str, value: &str) {
        let entry = self
            .table
            .entry(section)
            .or_insert_with(|| toml::Value::Table(toml::Table::new()));
        if let Some(table) = entry.as_table_mut() {
            table.insert(key.to_owned(), read_value(value));
        }
        let name = name.to_owned();
        let origin = Origin::Variable { name };
        self.origins.insert(format!("{section}.{key}"), origin);
    }
}

/// Section and key of a variable; `None` when it means neither.
fn key_of(rest: &str, name: &str) -> Result<Option<(&'static str, &'static str)>> {
    let lower = rest.to_ascii_lowercase();
    let (section, key) = lower.split_once('_').unwrap_or((&lower, ""));
    let refused = |hint: String| {
        Err(Error::config(format!("variable {name} is no setting"))
            .context("where", "environment")
            .hint(hint))
    };
    let known = SECTIONS.iter().find(|known| **known == section);
    let Some(section) = known else {
        return match nearest(section, SECTIONS.iter().copied()) {
            // A short word is near to too much.
            Some(meant) if section.len() > 3 => {
                refused(format!("did you mean {}?", spelt(meant, key)))
            }
            _ => Ok(None),
        };
    };
    let keys = keys_of(section);
    if rest == rest.to_ascii_uppercase()
        && let Some(found) = keys.iter().find(|known| known.name == key)
    {
        return Ok(Some((section, found.name)));
    }
    let names = || keys.iter().map(|known| known.name);
    match nearest(key, names()) {
        Some(meant) => refused(format!("did you mean {}?", spelt(section, meant))),
        None => refused(format!(
            "below {} are {}",
            spelt(section, ""),
            names()
                .map(str::to_uppercase)
                .collect::<Vec<_>>()
                .join(", ")
        )),
    }
}

fn spelt(section: &str, key: &str) -> String {
    format!("{PREFIX}{section}_{key}").to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(name: &str, value: &str) -> std::result::Result<(Layer, Vec<Warning>), Vec<Error>> {
        Layer::variables(&BTreeMap::from([(name.to_owned(), value.to_owned())]))
    }

    #[test]
    fn a_variable_is_section_and_key_in_capitals() {
        for (name, value) in [
            ("BALLAST_RISK_MAX_POSITION_WEIGHT", "0.5"),
            ("BALLAST_DATA_SYMBOLS", "AAPL,IBM"),
            ("BALLAST_STRATEGY_PARAMETERS", "{ entry = 20 }"),
        ] {
            let (layer, warnings) = layer(name, value).unwrap();
            assert_eq!(layer.origins.len(), 1, "{name}");
            let (_, origin) = layer.origins.first_key_value().unwrap();
            assert_eq!(origin.to_string(), format!("variable {name}"));
            assert_eq!(warnings, []);
        }
    }

    #[test]
    fn a_misspelt_variable_is_refused_and_a_strangers_is_not() {
        for (name, hint) in [
            (
                "BALLAST_RISK_MAX_GROS",
                "did you mean BALLAST_RISK_MAX_GROSS?",
            ),
            (
                "BALLAST_RIKS_MAX_GROSS",
                "did you mean BALLAST_RISK_MAX_GROSS?",
            ),
            (
                "BALLAST_risk_max_gross",
                "did you mean BALLAST_RISK_MAX_GROSS?",
            ),
            (
                "BALLAST_REPORT",
                "below BALLAST_REPORT_ are BENCHMARKS, ROBUSTNESS",
            ),
        ] {
            let errors = layer(name, "1").unwrap_err();
            assert_eq!(errors[0].hint.as_deref(), Some(hint), "{name}");
        }
        for name in ["BALLAST_PORT_8080_TCP", "BALLAST_SERVICE_HOST", "BALLAST_"] {
            let (layer, warnings) = layer(name, "1").unwrap();
            assert!(layer.origins.is_empty() && warnings.len() == 1, "{name}");
        }
        for name in [
            "PATH",
            "BALLAST_PROFILE",
            "BALLAST_SECRET_KEY",
            "BALLAST_TEST_STEP",
        ] {
            let (layer, warnings) = layer(name, "1").unwrap();
            assert!(layer.origins.is_empty() && warnings.is_empty(), "{name}");
        }
    }
}
