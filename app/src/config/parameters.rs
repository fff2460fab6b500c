//! The free table `[strategy.parameters]` as a strategy's own type.

use ballast_domain::error::{Error, Result};
use serde::de::DeserializeOwned;

use super::layer::join;
use super::nearest::nearest;
use super::sections::StrategyChoice;

impl StrategyChoice {
    /// The parameters as `T`, which names and documents them; what is left out has `T`'s default.
    ///
    /// # Errors
    /// `Configuration` when a parameter is unknown to `T` (with the nearest known one) or has
    /// another type.
    pub fn typed_parameters<T: DeserializeOwned>(&self) -> Result<T> {
        let table = self.parameters.clone();
        let typed: std::result::Result<T, toml::de::Error> = table.try_into();
        typed.map_err(|e| self.refused(e.message()))
    }

    fn refused(&self, message: &str) -> Error {
        let error = Error::config(format!(
            "strategy parameters are refused: {}",
            message.replace('`', "'")
        ))
        .context("strategy", &self.name);
        // The message quotes the unknown name, then the known ones.
        let mut quoted = message.split('`').skip(1).step_by(2);
        let unknown = message
            .starts_with("unknown field")
            .then(|| quoted.next())
            .flatten();
        match unknown.and_then(|name| nearest(name, quoted)) {
            Some(known) => error.hint(format!("did you mean '{known}'?")),
            None => error.hint("leave a parameter out to take its default"),
        }
    }

    /// The dotted path of the parameter that an error about the parameters speaks of, else of the
    /// strategy's name.
    pub(crate) fn path_in(&self, error: &Error) -> String {
        let context = |name| error.context.iter().find(|(n, _)| *n == name);
        if let Some((_, key)) = context("key").filter(|(_, k)| k.starts_with("strategy.parameters"))
        {
            return key.clone();
        }
        if let Some((_, sleeve)) = context("sleeve") {
            let own = self
                .parameters
                .get(sleeve)
                .and_then(|s| s.get("parameters"));
            let named = error.message.split('\'').nth(1);
            let sleeve = join("strategy.parameters", sleeve);
            return match named.filter(|name| own.is_some_and(|own| own.get(name).is_some())) {
                Some(name) => join(&join(&sleeve, "parameters"), name),
                None => join(&sleeve, "strategy"),
            };
        }
        // The first quoted name is the one that is wrong; known ones may follow.
        match error.message.split('\'').nth(1) {
            Some(name) if self.parameters.contains_key(name) => {
                format!("strategy.parameters.{name}")
            }
            _ => "strategy.name".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use ballast_domain::strategies::BreakoutParameters;
    use ballast_domain::strategy::Schedule;

    use super::*;

    fn refused(parameters: &str) -> (String, Option<String>, String) {
        let choice = StrategyChoice {
            name: "breakout".to_owned(),
            schedule: Schedule::EveryBar,
            parameters: parameters.parse().unwrap(),
        };
        let e = choice.typed_parameters::<BreakoutParameters>().unwrap_err();
        let path = choice.path_in(&e);
        (e.message, e.hint, path)
    }

    #[test]
    fn an_unknown_parameter_names_the_one_that_was_meant() {
        let (message, hint, path) = refused("cap = 0.4\nentri = 50\nexit = 70");
        assert!(message.contains("unknown field 'entri', expected one of 'entry'"));
        assert_eq!(hint.as_deref(), Some("did you mean 'entry'?"));
        assert_eq!(path, "strategy.parameters.entri");
        let (message, hint, path) = refused("entry = \"x\"");
        assert!(message.contains("invalid type"), "{message}");
        assert_eq!(
            hint.as_deref(),
            Some("leave a parameter out to take its default")
        );
        assert_eq!(path, "strategy.name");
    }
}
