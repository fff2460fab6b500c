//! The strategies a config can name, and how each is made from its table of parameters.

use ballast_domain::calendar::Calendar;
use ballast_domain::instrument::{Asset, InstrumentKind, InstrumentSpec, Instruments};
use ballast_domain::strategies::{
    BreakoutInverseVolatility, BreakoutParameters, EqualWeightHold, EqualWeightParameters,
    MomentumParameters, MomentumTopK, PeriodicWeights, PeriodicWeightsParameters,
    SmaCrossParameters, SmaCrossUnits,
};
use ballast_domain::strategy::Strategy;
use ballast_domain::{Error, Result};
use rust_decimal::Decimal;

use crate::config::{StrategyChoice, nearest};

/// What a config may write as `strategy.name`.
pub const STRATEGIES: [&str; 5] = [
    "breakout",
    "momentum",
    "sma_cross",
    "periodic_weights",
    "equal_weight",
];

/// Makes the chosen strategy for these instruments.
///
/// # Errors
/// `Configuration` for an unknown name, an unknown parameter or one out of range.
pub fn strategy(choice: &StrategyChoice, instruments: &Instruments) -> Result<Box<dyn Strategy>> {
    match choice.name.as_str() {
        "breakout" => {
            let parameters: BreakoutParameters = choice.typed_parameters()?;
            Ok(Box::new(BreakoutInverseVolatility::new(
                &parameters,
                instruments,
            )?))
        }
        "momentum" => {
            let parameters: MomentumParameters = choice.typed_parameters()?;
            Ok(Box::new(MomentumTopK::new(&parameters, instruments)?))
        }
        "sma_cross" => {
            let parameters: SmaCrossParameters = choice.typed_parameters()?;
            Ok(Box::new(SmaCrossUnits::new(&parameters, instruments)?))
        }
        "periodic_weights" => {
            let parameters: PeriodicWeightsParameters = choice.typed_parameters()?;
            Ok(Box::new(PeriodicWeights::new(&parameters, instruments)?))
        }
        "equal_weight" => {
            let parameters: EqualWeightParameters = choice.typed_parameters()?;
            Ok(Box::new(EqualWeightHold::new(&parameters, instruments)?))
        }
        unknown => Err(unknown_strategy(unknown)),
    }
}

/// Checks a choice before there is any data.
///
/// # Errors
/// As [`strategy`].
pub fn check_strategy(choice: &StrategyChoice) -> Result<()> {
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
    strategy(choice, &instruments).map(drop)
}

fn unknown_strategy(name: &str) -> Error {
    let error = Error::config(format!("unknown strategy '{name}'"))
        .context("key", "strategy.name")
        .context("available", STRATEGIES.join(", "));
    match nearest(name, STRATEGIES) {
        Some(known) => error.hint(format!("did you mean '{known}'?")),
        None => error.hint("choose one of the available strategies"),
    }
}
