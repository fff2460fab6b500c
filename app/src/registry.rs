//! The strategies a config can name.

use std::fmt;

use ballast_domain::error::{Error, Result};
use ballast_domain::strategy::Strategy;

use crate::config::{StrategyChoice, nearest};

/// Makes a strategy from the table `[strategy.parameters]`.
///
/// It refuses unknown parameters and values out of range with an error that names them.
pub type Build = fn(&toml::Table) -> Result<Box<dyn Strategy>>;

/// One strategy.
#[derive(Clone, Copy)]
pub struct StrategyEntry {
    /// What a config calls it.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub about: &'static str,
    /// Makes one.
    pub build: Build,
}

impl fmt::Debug for StrategyEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StrategyEntry")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The strategies a config can name. An embedder adds its own.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    entries: Vec<StrategyEntry>,
}

impl Registry {
    /// No strategies.
    pub const fn new() -> Self {
        Self {
            entries: Vec::new(),
        }
    }

    /// With one more; a name that is taken is replaced.
    #[must_use]
    pub fn with(mut self, entry: StrategyEntry) -> Self {
        self.entries.retain(|known| known.name != entry.name);
        self.entries.push(entry);
        self
    }

    /// All strategies, in the order they were added.
    pub fn entries(&self) -> &[StrategyEntry] {
        &self.entries
    }

    /// Makes the strategy that `choice` names, with its parameters.
    ///
    /// # Errors
    /// `Configuration` when there is none of that name (the error lists those there are), or
    /// whatever the strategy says about its parameters.
    pub fn build(&self, choice: &StrategyChoice) -> Result<Box<dyn Strategy>> {
        let name = choice.name.as_str();
        if let Some(entry) = self.entries.iter().find(|entry| entry.name == name) {
            return (entry.build)(&choice.parameters).map_err(|e| e.context("strategy", name));
        }
        let names: Vec<&str> = self.entries.iter().map(|entry| entry.name).collect();
        let hint = match nearest(name, names.iter().copied()) {
            Some(meant) => format!("did you mean '{meant}'?"),
            None => "write one of the available names in [strategy] name".to_owned(),
        };
        Err(Error::config(format!("unknown strategy '{name}'"))
            .context("key", "strategy.name")
            .context("available", names.join(", "))
            .hint(hint))
    }
}

#[cfg(test)]
mod tests {
    use ballast_domain::strategy::Schedule;

    use super::*;

    fn never(_: &toml::Table) -> Result<Box<dyn Strategy>> {
        Err(Error::config("parameter 'n' is missing"))
    }

    /// ERR-04: an unknown strategy is refused with the names there are and the one that was meant.
    #[test]
    fn err_04_unknown_strategy_lists_those_there_are() {
        let entry = |name| StrategyEntry {
            name,
            about: "",
            build: never,
        };
        let registry = Registry::new()
            .with(entry("breakout"))
            .with(entry("momentum"));
        let choice = |name: &str| StrategyChoice {
            name: name.to_owned(),
            schedule: Schedule::EveryBar,
            parameters: toml::Table::new(),
        };
        let refused = |name| {
            registry
                .build(&choice(name))
                .map(drop)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            refused("brekout"),
            "unknown strategy 'brekout' (key = strategy.name, available = breakout, momentum); \
             hint: did you mean 'breakout'?"
        );
        assert!(refused("carry").ends_with("in [strategy] name"));
        assert_eq!(
            refused("momentum"),
            "parameter 'n' is missing (strategy = momentum)"
        );
    }
}
