//! The free table `[strategy.parameters]` as a strategy's own type.

use ballast_domain::error::{Error, Result};
use serde::de::DeserializeOwned;

use super::sections::StrategyChoice;

impl StrategyChoice {
    /// The parameters as `T`, which names and documents them; what is left out has `T`'s default.
    ///
    /// # Errors
    /// `Configuration` when a parameter is unknown to `T` or has another type.
    pub fn typed_parameters<T: DeserializeOwned>(&self) -> Result<T> {
        let table = self.parameters.clone();
        let typed: std::result::Result<T, toml::de::Error> = table.try_into();
        typed.map_err(|e| {
            Error::config(format!(
                "strategy parameters are refused: {}",
                e.message().replace('`', "'")
            ))
            .context("strategy", &self.name)
            .context("section", "strategy.parameters")
            .hint("leave a parameter out to take its default")
        })
    }
}
