//! The strategies a config can name, and how each is made from its table of parameters.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use ballast_domain::calendar::Calendar;
use ballast_domain::instrument::{Asset, InstrumentKind, InstrumentSpec, Instruments};
use ballast_domain::strategies::{
    BreakoutInverseVolatility, EqualWeightHold, MeanReversionLong, MomentumTopK, PeriodicWeights,
    SmaCrossUnits, VolatilityFactor,
};
use ballast_domain::strategy::Strategy;
use ballast_domain::{Error, Result};
use rust_decimal::Decimal;

use crate::config::{StrategyChoice, nearest};

/// Makes a strategy of the chosen parameters for these instruments.
type Make = dyn Fn(&StrategyChoice, &Instruments) -> Result<Box<dyn Strategy>> + Send + Sync;

/// What a config may write as `strategy.name`: the built-in strategies and those of an embedder.
///
/// ```
/// use ballast::config::StrategyChoice;
/// use ballast::wiring::Strategies;
/// use ballast_domain::strategies::{EqualWeightHold, EqualWeightParameters};
///
/// let strategies = Strategies::built_in().with("mine", |choice, instruments| {
///     let parameters: EqualWeightParameters = choice.typed_parameters()?;
///     Ok(Box::new(EqualWeightHold::new(&parameters, instruments)?))
/// });
/// assert_eq!(
///     strategies.names().collect::<Vec<_>>(),
///     [
///         "breakout", "equal_weight", "mean_reversion", "mine", "momentum", "periodic_weights",
///         "sma_cross", "volatility_factor"
///     ]
/// );
/// ```
#[derive(Clone)]
pub struct Strategies {
    by_name: BTreeMap<&'static str, Arc<Make>>,
}

impl Strategies {
    /// Those that ship with Ballast.
    pub fn built_in() -> Self {
        let none = Self {
            by_name: BTreeMap::new(),
        };
        none.with("breakout", |choice, instruments| {
            let parameters = choice.typed_parameters()?;
            Ok(Box::new(BreakoutInverseVolatility::new(
                &parameters,
                instruments,
            )?))
        })
        .with("momentum", |choice, instruments| {
            let parameters = choice.typed_parameters()?;
            Ok(Box::new(MomentumTopK::new(&parameters, instruments)?))
        })
        .with("mean_reversion", |choice, instruments| {
            let parameters = choice.typed_parameters()?;
            Ok(Box::new(MeanReversionLong::new(&parameters, instruments)?))
        })
        .with("volatility_factor", |choice, instruments| {
            let parameters = choice.typed_parameters()?;
            Ok(Box::new(VolatilityFactor::new(&parameters, instruments)?))
        })
        .with("sma_cross", |choice, instruments| {
            let parameters = choice.typed_parameters()?;
            Ok(Box::new(SmaCrossUnits::new(&parameters, instruments)?))
        })
        .with("periodic_weights", |choice, instruments| {
            let parameters = choice.typed_parameters()?;
            Ok(Box::new(PeriodicWeights::new(&parameters, instruments)?))
        })
        .with("equal_weight", |choice, instruments| {
            let parameters = choice.typed_parameters()?;
            Ok(Box::new(EqualWeightHold::new(&parameters, instruments)?))
        })
    }

    /// With one more strategy. `make` is called several times a run: for the check of the config,
    /// for the run itself and for each repetition; it reads its parameters with
    /// [`StrategyChoice::typed_parameters`] and refuses a wrong one with `Configuration`.
    ///
    /// Panics when the name is taken: that is a mistake in the program, not in its input.
    #[must_use]
    pub fn with(
        mut self,
        name: &'static str,
        make: impl Fn(&StrategyChoice, &Instruments) -> Result<Box<dyn Strategy>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        let before = self.by_name.insert(name, Arc::new(make));
        assert!(
            before.is_none(),
            "two strategies are called '{name}': give yours another name"
        );
        self
    }

    /// All names, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.by_name.keys().copied()
    }

    /// Makes the chosen strategy for these instruments.
    ///
    /// # Errors
    /// `Configuration` for an unknown name, an unknown parameter or one out of range.
    pub fn make(
        &self,
        choice: &StrategyChoice,
        instruments: &Instruments,
    ) -> Result<Box<dyn Strategy>> {
        match self.by_name.get(choice.name.as_str()) {
            Some(make) => make(choice, instruments),
            None => Err(self.unknown(&choice.name)),
        }
    }

    /// Checks a choice before there is any data.
    ///
    /// # Errors
    /// As [`Strategies::make`].
    pub fn check(&self, choice: &StrategyChoice) -> Result<()> {
        // Parameters do not depend on the instrument; a strategy only wants to see one.
        let mut instruments = Instruments::new(Asset {
            code: "USD".to_owned(),
            scale: 8,
        })?;
        instruments.define(&InstrumentSpec {
            symbol: "ANY".to_owned(),
            kind: InstrumentKind::Equity,
            quote: "USD".to_owned(),
            price_scale: 4,
            quantity_scale: 0,
            tick: Decimal::new(1, 2),
            lot: Decimal::ONE,
            min_notional: Decimal::ONE,
            multiplier: Decimal::ONE,
            calendar: Calendar::Utc24x7,
        })?;
        self.make(choice, &instruments).map(drop)
    }

    fn unknown(&self, name: &str) -> Error {
        let available: Vec<_> = self.names().collect();
        let error = Error::config(format!("unknown strategy '{name}'"))
            .context("key", "strategy.name")
            .context("available", available.join(", "));
        match nearest(name, available) {
            Some(known) => error.hint(format!("did you mean '{known}'?")),
            None => error.hint("choose one of the available strategies"),
        }
    }
}

impl Default for Strategies {
    fn default() -> Self {
        Self::built_in()
    }
}

impl fmt::Debug for Strategies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ballast_domain::strategy::Schedule;

    fn choice(name: &str) -> StrategyChoice {
        StrategyChoice {
            name: name.to_owned(),
            schedule: Schedule::EveryBar,
            parameters: toml::Table::new(),
        }
    }

    #[test]
    fn a_strategy_of_the_caller_is_known_by_its_name_and_no_other() {
        let strategies = Strategies::built_in().with("mine", |choice, instruments| {
            let parameters = choice.typed_parameters()?;
            Ok(Box::new(EqualWeightHold::new(&parameters, instruments)?))
        });
        strategies.check(&choice("mine")).unwrap();
        let e = strategies.check(&choice("mime")).unwrap_err();
        assert_eq!(e.hint.as_deref(), Some("did you mean 'mine'?"));
        assert!(Strategies::built_in().check(&choice("mine")).is_err());
    }

    #[test]
    #[should_panic(expected = "two strategies are called 'breakout'")]
    fn a_taken_name_is_refused() {
        let _ = Strategies::built_in().with("breakout", |_, _| Err(Error::config("never made")));
    }
}
