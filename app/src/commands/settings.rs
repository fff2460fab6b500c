//! `config check`, `config show` and `config diff`, and how every command gets its settings.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ballast_domain::error::Error;

use crate::config::{
    self, Above, BREAKOUT, Layer, PROFILE, Profile, Resolved, SettingDifference, YOUR_DATA,
};
use crate::engine::Engine;
use crate::exit::Failure;

/// Which settings a command is asked to use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettingsRequest {
    /// A config file; the shipped default run when neither it nor `data` is named.
    pub file: Option<PathBuf>,
    /// A data file or folder, for a run without a config file.
    pub data: Option<String>,
    /// The strategy of a run without a config file.
    pub strategy: Option<String>,
    /// `key=value` assignments on top.
    pub set: Vec<String>,
    /// The profile; that of the environment when absent, `development` without one.
    pub profile: Option<String>,
    /// The environment, by name.
    pub variables: BTreeMap<String, String>,
}

/// Merges, checks and builds what `request` asks for; the strategy is built once to hear what it
/// says about its parameters.
///
/// # Errors
/// Everything that is wrong, as [`config::resolve`] and [`Engine::check_strategy`].
pub fn resolve(request: &SettingsRequest, engine: &dyn Engine) -> Result<Resolved, Failure> {
    let resolved = merged(request)?;
    for warning in &resolved.warnings {
        tracing::warn!(target: "ballast::config", key = warning.key, "{}", warning.message);
    }
    let choice = &resolved.config.strategy;
    engine.check_strategy(choice).map_err(|error| {
        let error = match resolved.origin(&choice.path_in(&error)) {
            Some(origin) => error.context("where", origin),
            None => error,
        };
        Failure::from(error)
    })?;
    Ok(resolved)
}

/// Merges and checks what `request` asks for; the strategy is not asked.
///
/// # Errors
/// As [`config::resolve`].
pub(super) fn merged(request: &SettingsRequest) -> Result<Resolved, Failure> {
    let mut arguments = Layer::empty();
    if let Some(data) = &request.data {
        arguments.set_text("--data", "data.source", data)?;
    }
    if let Some(strategy) = &request.strategy {
        arguments.set_text("--strategy", "strategy.name", strategy)?;
    }
    arguments.assign(request.set.iter().map(String::as_str))?;
    let above = above(request, arguments)?;
    let here = Path::new("");
    Ok(match (&request.file, &request.data) {
        (Some(file), None) => config::read(file, above)?,
        (Some(_), Some(_)) => {
            return Err(Error::config("two sources of data are named")
                .context("where", "--data")
                .hint("leave --data out, or set data.source=… on top of the config with --set")
                .into());
        }
        (None, None) => config::from_text("breakout.toml", BREAKOUT, above, here)?,
        (None, Some(_)) => config::from_text("your-data.toml", YOUR_DATA, above, here)?,
    })
}

/// What goes on top of the file, from the command line and the environment.
fn above(request: &SettingsRequest, arguments: Layer) -> Result<Above, Failure> {
    let profile = match (&request.profile, request.variables.get(PROFILE)) {
        (Some(name), _) => Profile::named(name, "--profile")?,
        (None, Some(name)) => Profile::named(name, &format!("variable {PROFILE}"))?,
        (None, None) => Profile::default(),
    };
    let (variables, warnings) = Layer::variables(&request.variables)?;
    Ok(Above {
        profile,
        variables,
        warnings,
        arguments,
    })
}

/// The settings that two config files come to, where they differ; each with the defaults and nothing
/// on top, in the chosen profile.
///
/// # Errors
/// Everything that is wrong with one of the files.
pub fn diff(a: &Path, b: &Path, profile: Option<&str>) -> Result<Vec<SettingDifference>, Failure> {
    let effective = |file: &Path| -> Result<String, Failure> {
        let request = SettingsRequest {
            file: Some(file.to_owned()),
            profile: profile.map(str::to_owned),
            ..SettingsRequest::default()
        };
        Ok(merged(&request)?.config.to_toml())
    };
    Ok(config::setting_differences(&effective(a)?, &effective(b)?)?)
}
