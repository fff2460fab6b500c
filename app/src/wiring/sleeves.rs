//! `strategy.name = "sleeves"`: several of the other strategies, each with its share of the account.

use ballast_domain::instrument::Instruments;
use ballast_domain::strategies::{Sleeve, SleeveStrategy};
use ballast_domain::{Error, Result};
use toml::Value;

use super::Strategies;
use crate::config::{StrategyChoice, nearest};

/// The keys of a sleeve's table.
const KEYS: [&str; 3] = ["strategy", "allocation", "parameters"];
/// The only parameter that is not a sleeve.
const MAX_ALLOCATION: &str = "max_allocation";

/// Makes each sleeve of `[strategy.parameters]` and joins them, in alphabetical order.
///
/// # Errors
/// `Configuration` for a table that is not a sleeve's, and whatever a part refuses, naming it.
pub(super) fn make(
    strategies: &Strategies,
    choice: &StrategyChoice,
    instruments: &Instruments,
) -> Result<SleeveStrategy> {
    let mut max_allocation = 1.0;
    let mut sleeves = Vec::new();
    for (name, value) in &choice.parameters {
        let path = format!("strategy.parameters.{name}");
        match value {
            Value::Table(table) => {
                let sleeve = sleeve(strategies, choice, name, table, instruments)
                    .map_err(|error| named(error, name))?;
                sleeves.push(sleeve);
            }
            value if name == MAX_ALLOCATION => {
                max_allocation = number(value)
                    .ok_or_else(|| refused(&path, "is not a number", "write a number such as 1"))?;
            }
            _ => {
                let hint = match nearest(name, [MAX_ALLOCATION]) {
                    Some(key) => format!("did you mean '{key}'?"),
                    None => format!("write [{path}] with strategy and allocation below it"),
                };
                return Err(refused(&path, "is not a sleeve", &hint));
            }
        }
    }
    SleeveStrategy::new(sleeves, max_allocation, instruments).map_err(as_config)
}

fn sleeve(
    strategies: &Strategies,
    choice: &StrategyChoice,
    name: &str,
    table: &toml::Table,
    instruments: &Instruments,
) -> Result<Sleeve> {
    let path = |key: &str| format!("strategy.parameters.{name}.{key}");
    if let Some(unknown) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
        let hint = match nearest(unknown, KEYS) {
            Some(key) => format!("did you mean '{key}'?"),
            None => format!(
                "known here are {}; a strategy's own go below [{}]",
                KEYS.join(", "),
                path("parameters")
            ),
        };
        return Err(Error::config(format!("unknown key '{}'", path(unknown)))
            .context("key", path(unknown))
            .hint(hint));
    }
    let Some(strategy) = table.get("strategy").and_then(Value::as_str) else {
        let hint = "write the name of a strategy, such as \"breakout\"";
        return Err(refused(&path("strategy"), "is missing or no text", hint));
    };
    let Some(allocation) = table.get("allocation").and_then(number) else {
        let hint = "write its share of the account, such as 0.5";
        let what = "is missing or not a number";
        return Err(refused(&path("allocation"), what, hint));
    };
    if strategy == SleeveStrategy::NAME {
        let hint = "list its parts beside the others, each with its own allocation";
        let what = "cannot be sleeves again";
        return Err(refused(&path("strategy"), what, hint));
    }
    let parameters = match table.get("parameters") {
        None => toml::Table::new(),
        Some(Value::Table(parameters)) => parameters.clone(),
        Some(_) => {
            let hint = format!("write [{}] and its keys below", path("parameters"));
            return Err(refused(&path("parameters"), "is not a table", &hint));
        }
    };
    let part = StrategyChoice {
        name: strategy.to_owned(),
        schedule: choice.schedule,
        parameters,
    };
    Ok(Sleeve {
        name: name.to_owned(),
        allocation,
        strategy: strategies.make(&part, instruments)?,
    })
}

/// An error of a part says which sleeve it is about, and the key below that sleeve.
fn named(mut error: Error, sleeve: &str) -> Error {
    let key = error.context.iter_mut().find(|(name, _)| name == "key");
    match key {
        Some((_, path)) if path == "strategy.name" => {
            *path = format!("strategy.parameters.{sleeve}.strategy");
            error
        }
        Some(_) => error,
        None => error.context("sleeve", sleeve),
    }
}

fn refused(path: &str, what: &str, hint: &str) -> Error {
    Error::config(format!("'{path}' {what}"))
        .context("key", path)
        .hint(hint)
}

/// What the domain refuses came from the config.
fn as_config(error: Error) -> Error {
    let mut config = Error::config(error.message);
    config.context = error.context;
    config.hint = error.hint;
    config.context("key", "strategy.parameters")
}

/// Whole numbers are numbers too.
fn number(value: &Value) -> Option<f64> {
    value
        .as_float()
        .or_else(|| value.as_integer().map(|n| n as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wiring::strategies::one_instrument;
    use ballast_domain::strategies::EqualWeightHold;
    use ballast_domain::strategy::{Schedule, Strategy};

    fn choice(parameters: &str) -> StrategyChoice {
        StrategyChoice {
            name: "sleeves".to_owned(),
            schedule: Schedule::EveryBar,
            parameters: parameters.parse().unwrap(),
        }
    }

    const TWO: &str = "[trend]\nstrategy = \"breakout\"\nallocation = 0.6\n\
                       parameters = { entry = 20, exit = 30 }\n\
                       [winners]\nstrategy = \"momentum\"\nallocation = 0.4\n";

    #[test]
    fn sleeves_are_made_of_any_known_strategy() {
        let strategies = Strategies::built_in().with("mine", |choice, instruments| {
            let parameters = choice.typed_parameters()?;
            Ok(Box::new(EqualWeightHold::new(&parameters, instruments)?))
        });
        strategies.check(&choice(TWO)).unwrap();
        let mine = "[a]\nstrategy = \"mine\"\nallocation = 1\n";
        strategies.check(&choice(mine)).unwrap();
        let made = strategies.make(&choice(TWO), &one_instrument().unwrap());
        let made = made.unwrap();
        assert_eq!(made.name(), "sleeves");
        assert_eq!(made.sleeves(), ["trend", "winners"]);
    }

    /// CFG-07: whatever is wrong in a sleeve is named by its path, with the key that was meant.
    #[test]
    fn what_is_wrong_in_a_sleeve_is_named_by_its_path() {
        let at = "strategy.parameters";
        for (wrong, key, hint) in [
            (
                TWO.replace("allocation = 0.6", "alocation = 0.6"),
                format!("{at}.trend.alocation"),
                "did you mean 'allocation'?",
            ),
            (
                TWO.replace("breakout", "brakout"),
                format!("{at}.trend.strategy"),
                "did you mean 'breakout'?",
            ),
            (
                TWO.replace("momentum", "sleeves"),
                format!("{at}.winners.strategy"),
                "list its parts beside the others, each with its own allocation",
            ),
            (
                TWO.replace("allocation = 0.4", ""),
                format!("{at}.winners.allocation"),
                "write its share of the account, such as 0.5",
            ),
            (
                TWO.replace("entry", "entri"),
                format!("{at}.trend.parameters.entri"),
                "did you mean 'entry'?",
            ),
            (
                TWO.replace("0.6", "0.7"),
                at.to_owned(),
                "lower an allocation, or raise max_allocation if the sleeves may borrow",
            ),
            (
                TWO.replace("0.6", "-0.1"),
                at.to_owned(),
                "0.5 is half of the account",
            ),
            (
                format!("trend2 = 1\n{TWO}"),
                format!("{at}.trend2"),
                "write [strategy.parameters.trend2] with strategy and allocation below it",
            ),
            (
                format!("max_alocation = 1\n{TWO}"),
                format!("{at}.max_alocation"),
                "did you mean 'max_allocation'?",
            ),
            (
                String::new(),
                at.to_owned(),
                "name at least one part, with its strategy and its allocation",
            ),
            (
                TWO.replace("[trend]", "[\"a,b\"]"),
                at.to_owned(),
                "use letters, digits, '-' and '_', at most 32",
            ),
        ] {
            let choice = choice(&wrong);
            let error = Strategies::built_in().check(&choice).unwrap_err();
            assert_eq!(error.hint.as_deref(), Some(hint), "{error}");
            assert_eq!(choice.path_in(&error), key, "{error}");
        }
        let more = format!("max_allocation = 1.5\n{}", TWO.replace("0.6", "1.1"));
        Strategies::built_in().check(&choice(&more)).unwrap();
    }
}
