//! Settings of a run: typed, layered, refused with everything that is wrong at once.
//!
//! Layers in order: built-in defaults, one file, the file's table of the chosen [`Profile`],
//! variables of the environment, `--set` on the command line. [`resolve`] merges them key by key and
//! remembers who set what. A [`Config`] can also be built by hand.
//!
//! The canonical text ([`Config::to_toml`]) names every key in a fixed order; the canonical hash
//! ([`Config::hash`]) does not depend on the order in which a file wrote them.

mod check;
mod contradictions;
mod decimal;
mod difference;
mod examples;
mod guards;
mod instruments;
mod keys;
mod layer;
mod migrate;
mod nearest;
mod parameters;
mod profile;
mod retired;
mod schema;
mod screen;
mod sections;
mod show;
mod style;
mod takes;
mod trade;
mod variables;
mod warnings;

pub use difference::{SettingDifference, setting_differences};
pub use examples::{BREAKOUT, MOMENTUM, PROFILES, SCREEN, TWO_SLEEVES, YOUR_DATA};
pub use guards::{Cache, CacheStore, Resilience};
pub use layer::{Layer, Origin};
pub use migrate::{Migration, Moved, migrated};
pub(crate) use nearest::nearest;
pub use profile::Profile;
pub use schema::schema;
pub use screen::Screen;
pub use sections::{
    Account, Config, Data, Execution, Health, InstrumentRules, Instruments, MoneyLimit, Rebalance,
    Report, Risk, Run, Secrets, StrategyChoice,
};
pub use style::{LastResort, Style};
pub use trade::{CatchUp, Trade, TradeJournal, TradeStage, TradeVenue};
pub use variables::{PREFIX, PROFILE, SECRET_PREFIX};
pub use warnings::Warning;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ballast_domain::error::{Error, ErrorKind};

use crate::stable_hash::stable_hash;
use check::Check;

/// A config and who set each of its keys.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// The settings.
    pub config: Config,
    /// The folder that relative paths in the config start from.
    pub base: PathBuf,
    /// Where the program runs. It is no part of the config: equal settings are one config, whichever
    /// profile they came from.
    pub profile: Profile,
    /// What is allowed and seldom wise.
    pub warnings: Vec<Warning>,
    /// Who set each leaf, by its dotted path.
    origins: BTreeMap<String, Origin>,
}

impl Resolved {
    /// Who set the key at the dotted `path`; `None` when nobody did.
    pub fn origin(&self, path: &str) -> Option<&Origin> {
        self.origins.get(path)
    }

    /// Who set each leaf, by its dotted path, in order of paths.
    pub fn origins(&self) -> impl Iterator<Item = (&str, &Origin)> {
        self.origins
            .iter()
            .map(|(path, origin)| (path.as_str(), origin))
    }

    /// The canonical text with each key's origin as comment.
    pub fn show(&self) -> String {
        show::annotated(&self.config.to_toml(), &self.origins)
    }
}

/// Merges `layers`, later ones winning key by key, and checks the result.
///
/// # Errors
/// `Configuration`, one for each thing that is wrong: unknown keys with the nearest known one,
/// wrong types, values out of range, required keys that are missing, contradictions.
pub fn resolve(layers: &[Layer], base: &Path) -> Result<Resolved, Vec<Error>> {
    resolve_in(Profile::default(), layers, base)
}

fn resolve_in(profile: Profile, layers: &[Layer], base: &Path) -> Result<Resolved, Vec<Error>> {
    let mut table = toml::Table::new();
    let mut origins = BTreeMap::new();
    for layer in layers {
        layer::merge(&mut table, &layer.table);
        origins.extend(layer.origins.clone());
    }
    let config = typed(&table, &origins)?;
    let mut check = Check::new(&origins);
    contradictions::find_in(profile, &config, &mut check);
    let errors = check.finish();
    if !errors.is_empty() {
        return Err(errors);
    }
    Ok(Resolved {
        warnings: warnings::find(&config, &origins, base),
        config,
        base: base.to_owned(),
        profile,
        origins,
    })
}

/// What goes on top of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Above {
    /// Whose table of the file is used.
    pub profile: Profile,
    /// Settings of the environment.
    pub variables: Layer,
    /// What is strange about the environment.
    pub warnings: Vec<Warning>,
    /// Settings of the command line.
    pub arguments: Layer,
}

impl From<Layer> for Above {
    /// Arguments alone.
    fn from(arguments: Layer) -> Self {
        Self {
            profile: Profile::default(),
            variables: Layer::empty(),
            warnings: Vec::new(),
            arguments,
        }
    }
}

/// Reads the config file at `path` and puts `above` on top of it and of the defaults.
///
/// # Errors
/// `ConfigurationMissing` without the file, `Configuration` when it cannot be read, else as [`resolve`].
pub fn read(path: &Path, above: impl Into<Above>) -> Result<Resolved, Vec<Error>> {
    let text = std::fs::read_to_string(path).map_err(|e| {
        let message = format!("config file cannot be read: {e}");
        let error = match e.kind() {
            std::io::ErrorKind::NotFound => Error::config_missing(message),
            _ => Error::config(message),
        };
        vec![
            error
                .context("path", path.display())
                .hint("check the path; `ballast init DIR` writes a config to start from"),
        ]
    })?;
    let base = path.parent().unwrap_or(Path::new(""));
    from_text(&path.display().to_string(), &text, above, base)
}

/// As [`read`], from a text that is called `name`.
///
/// # Errors
/// As [`resolve`]; also what is wrong with the table of a profile that is not used now, so that nobody
/// finds out in production.
pub fn from_text(
    name: &str,
    text: &str,
    above: impl Into<Above>,
    base: &Path,
) -> Result<Resolved, Vec<Error>> {
    let above = above.into();
    let mut file = Layer::file(name, text).map_err(|e| vec![e])?;
    let (mut profiles, mut errors) = match file.take_profiles() {
        Ok(profiles) => (profiles, Vec::new()),
        Err(errors) => (BTreeMap::new(), errors),
    };
    let mut layers = vec![
        Layer::defaults(),
        file,
        profiles.remove(&above.profile).unwrap_or_else(Layer::empty),
        above.variables,
        above.arguments,
    ];
    let used = resolve_in(above.profile, &layers, base);
    if let Err(found) = &used {
        errors.extend(found.iter().cloned());
    }
    // What is on top here is not on top there, and what is missing may be.
    for (profile, layer) in profiles {
        layers.truncate(2);
        layers.push(layer);
        let found = resolve_in(profile, &layers, base).err().unwrap_or_default();
        for error in found {
            let may_come_later = matches!(*error.kind, ErrorKind::ConfigurationMissing);
            if !may_come_later && !errors.contains(&error) {
                errors.push(error.context("profile", profile));
            }
        }
    }
    let mut resolved = used.or(Err(Vec::new()));
    if let Ok(resolved) = &mut resolved {
        resolved.warnings.splice(0..0, above.warnings);
    }
    if errors.is_empty() {
        resolved
    } else {
        Err(errors)
    }
}

fn typed(table: &toml::Table, origins: &BTreeMap<String, Origin>) -> Result<Config, Vec<Error>> {
    let mut check = Check::new(origins);
    let checked = check.table(table);
    // A section that lost a refused value cannot become typed; its errors are enough.
    match toml::Value::Table(checked).try_into::<Config>() {
        Ok(config) => {
            contradictions::find(&config, &mut check);
            let errors = check.finish();
            if errors.is_empty() {
                Ok(config)
            } else {
                Err(errors)
            }
        }
        Err(e) => {
            let errors = check.finish();
            if errors.is_empty() {
                // The table of keys and the typed sections disagree: a bug here.
                return Err(vec![Error::invariant(format!(
                    "a checked config is refused: {e}"
                ))]);
            }
            Err(errors)
        }
    }
}

impl Config {
    /// Reads a complete config: the defaults and `text`.
    ///
    /// # Errors
    /// As [`resolve`].
    pub fn from_toml(text: &str) -> Result<Self, Vec<Error>> {
        from_text("config.toml", text, Layer::empty(), Path::new("")).map(|r| r.config)
    }

    /// The canonical text: every key, fixed order. [`Config::from_toml`] gives back an equal config.
    #[allow(
        clippy::expect_used,
        reason = "internal invariant: every section is a table of plain values"
    )]
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("every section is a table of plain values")
    }

    /// Everything that is wrong with a config that was built by hand.
    ///
    /// # Errors
    /// As [`resolve`].
    pub fn validate(&self) -> Result<(), Vec<Error>> {
        let table = toml::Table::try_from(self).map_err(|e| {
            vec![Error::config(format!(
                "config cannot be written as TOML: {e}"
            ))]
        })?;
        typed(&table, &BTreeMap::new()).map(drop)
    }

    /// What is allowed and seldom wise about a config that was built by hand; relative paths start from
    /// `base`.
    pub fn warnings(&self, base: &Path) -> Vec<Warning> {
        warnings::find(self, &BTreeMap::new(), base)
    }

    /// BLAKE3 over the canonical JSON with sorted keys, in hex: equal for equal settings, however
    /// a file ordered or wrote them.
    #[allow(
        clippy::expect_used,
        reason = "internal invariant: a config is a tree of plain values"
    )]
    pub fn hash(&self) -> String {
        stable_hash(self).expect("a config is a tree of plain values")
    }
}

#[cfg(test)]
mod tests;
