//! `config check` and `config show`, and how every command gets its settings.

use std::path::{Path, PathBuf};

use ballast_domain::error::Error;

use crate::config::{self, BREAKOUT, Layer, Resolved, YOUR_DATA};
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
}

/// Merges, checks and builds what `request` asks for; the strategy is built once to hear what it
/// says about its parameters.
///
/// # Errors
/// Everything that is wrong, as [`config::resolve`] and [`Engine::check_strategy`].
pub fn resolve(request: &SettingsRequest, engine: &dyn Engine) -> Result<Resolved, Failure> {
    let resolved = merged(request)?;
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

fn merged(request: &SettingsRequest) -> Result<Resolved, Failure> {
    let mut arguments = Layer::empty();
    if let Some(data) = &request.data {
        arguments.set_text("--data", "data.source", data)?;
    }
    if let Some(strategy) = &request.strategy {
        arguments.set_text("--strategy", "strategy.name", strategy)?;
    }
    arguments.assign(request.set.iter().map(String::as_str))?;
    let here = Path::new("");
    Ok(match (&request.file, &request.data) {
        (Some(file), None) => config::read(file, arguments)?,
        (Some(_), Some(_)) => {
            return Err(Error::config("two sources of data are named")
                .context("where", "--data")
                .hint("leave --data out, or set data.source=… on top of the config with --set")
                .into());
        }
        (None, None) => config::from_text("breakout.toml", BREAKOUT, arguments, here)?,
        (None, Some(_)) => config::from_text("your-data.toml", YOUR_DATA, arguments, here)?,
    })
}
