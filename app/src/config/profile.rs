//! Profiles: where the program runs, and what a config file sets differently there.

use std::collections::BTreeMap;
use std::fmt;

use ballast_domain::error::{Error, Result};

use super::layer::{Layer, Origin};
use super::nearest::nearest;

/// The section of a config file that holds one table a profile.
pub(super) const SECTION: &str = "profile";

/// Where the program runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// At a desk; when nobody says otherwise.
    #[default]
    Development,
    /// As in production, with nothing at stake.
    Staging,
    /// With something at stake: secrets never come from the environment.
    Production,
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Development, Self::Staging, Self::Production];

    /// Its name in files, variables and arguments.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }

    /// The profile called `name`, as `place` says.
    ///
    /// # Errors
    /// `Configuration` for any other name, with the one that was meant.
    pub fn named(name: &str, place: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|profile| profile.name() == name);
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::name);
            let hint = match nearest(name, names) {
                Some(meant) => format!("did you mean '{meant}'?"),
                None => format!("the profiles are {}", names.join(", ")),
            };
            Error::config(format!("there is no profile '{name}'"))
                .context("where", place)
                .hint(hint)
        })
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Layer {
    /// Takes `[profile.NAME]` tables out of a file, each a layer that goes on top of it.
    ///
    /// # Errors
    /// `Configuration` for each table whose name is no profile, or which is none.
    pub(super) fn take_profiles(
        &mut self,
    ) -> std::result::Result<BTreeMap<Profile, Self>, Vec<Error>> {
        let mut layers = BTreeMap::new();
        let Some(profiles) = self.table.remove(SECTION) else {
            return Ok(layers);
        };
        let prefix = format!("{SECTION}.");
        let all = std::mem::take(&mut self.origins);
        let (origins, rest): (BTreeMap<String, Origin>, _) = all
            .into_iter()
            .partition(|(key, _)| key == SECTION || key.starts_with(&prefix));
        self.origins = rest;
        let place = |path: &str| {
            let origin = origins.get(path).or_else(|| {
                let below = format!("{path}.");
                let mut inner = origins.iter().filter(|(key, _)| key.starts_with(&below));
                inner.next().map(|(_, origin)| origin)
            });
            origin.map_or_else(|| path.to_owned(), ToString::to_string)
        };
        let no_table = |path: &str| {
            Error::config(format!("'{path}' is a section, not a value"))
                .context("key", path)
                .context("where", place(path))
                .hint("write [profile.production.risk] on its own line and its keys below")
        };
        let toml::Value::Table(profiles) = profiles else {
            return Err(vec![no_table(SECTION)]);
        };
        let mut errors = Vec::new();
        for (name, value) in profiles {
            let path = super::layer::join(SECTION, &name);
            let profile = match Profile::named(&name, &place(&path)) {
                Ok(profile) => profile,
                Err(error) => {
                    errors.push(error.context("key", &path));
                    continue;
                }
            };
            let toml::Value::Table(table) = value else {
                errors.push(no_table(&path));
                continue;
            };
            let below = format!("{prefix}{profile}.");
            let of_profile = origins.iter().filter_map(|(key, origin)| {
                let key = key.strip_prefix(&below)?;
                let Origin::File { name, line } = origin else {
                    return None;
                };
                let (name, line) = (name.clone(), *line);
                let origin = Origin::Profile {
                    profile,
                    name,
                    line,
                };
                Some((key.to_owned(), origin))
            });
            let layer = Self {
                origins: of_profile.collect(),
                table,
            };
            layers.insert(profile, layer);
        }
        if errors.is_empty() {
            Ok(layers)
        } else {
            Err(errors)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_profiles_become_layers_with_their_lines() {
        let text = "[risk]\nmax_gross = 1\n[profile.production]\nrun.name = \"x\"\n\
                    [profile.production.risk]\nmax_gross = 0.5\n[report]\nrobustness = true\n";
        let mut file = Layer::file("my.toml", text).unwrap();
        let layers = file.take_profiles().unwrap();
        assert!(!file.table.contains_key("profile"));
        assert_eq!(
            file.origins["report.robustness"].to_string(),
            "my.toml line 8"
        );
        assert!(file.origins.keys().all(|key| !key.starts_with("profile")));
        let layer = &layers[&Profile::Production];
        assert_eq!(layers.len(), 1);
        assert_eq!(layer.table["risk"]["max_gross"].as_float(), Some(0.5));
        assert_eq!(
            layer.origins["risk.max_gross"].to_string(),
            "my.toml line 6, profile production"
        );
    }

    #[test]
    fn another_name_is_no_profile() {
        let text = "[profile.prodction.risk]\nmax_gross = 1\n[profile]\nstaging = 3\n";
        let mut file = Layer::file("my.toml", text).unwrap();
        let errors = file.take_profiles().unwrap_err();
        assert_eq!(errors.len(), 2, "{errors:?}");
        assert_eq!(
            errors[0].hint.as_deref(),
            Some("did you mean 'production'?")
        );
        assert!(
            errors[0].to_string().contains("my.toml line 1"),
            "{errors:?}"
        );
        assert!(errors[1].message.contains("'profile.staging' is a section"));
        let e = Profile::named("live", "--profile").unwrap_err();
        assert!(e.to_string().contains("development, staging, production"));
    }
}
