//! `weights METHOD... --input FILE_OR_FOLDER`: what each method would hold, from past closes.

use ballast_domain::error::{Error, Result};
use ballast_domain::weighting::{
    CovarianceEstimator, ReturnWindow, VolatilityTarget, WeightingInputs, WeightingMethod,
};
use serde::Serialize;
use serde::ser::Serializer;

use super::close_table::{CloseSelection, CloseTable};
use crate::config::nearest;
use crate::exit::{Exit, Failure};

/// Which weights of which closes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WeightsRequest {
    /// Names of methods, in the order they are shown.
    pub methods: Vec<String>,
    /// The closes.
    pub closes: CloseSelection,
    /// `sample`, `ledoit_wolf`, or `ew_` and a decay such as `ew_0.94`; `None` is `sample`.
    pub covariance: Option<String>,
    /// The largest weight of the capped methods.
    pub cap: Option<f64>,
    /// Wanted volatility a year, of the method that targets one.
    pub target_vol: Option<f64>,
    /// The most its weights are multiplied by; `None` is 1.
    pub max_leverage: Option<f64>,
    /// Bars in a year; `None` for daily bars: 365 when one is on a weekend, else 252.
    pub annualisation: Option<f64>,
    /// `SYMBOL=VALUE` market values, all in one currency.
    pub market_caps: Vec<String>,
}

/// Weights by method.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Weights {
    /// The last bar they rest on: a date when a bar is a day, else an instant.
    pub asof: String,
    /// The symbols, in the order of the weights.
    pub symbols: Vec<String>,
    /// One entry a method.
    #[serde(serialize_with = "by_method")]
    pub weights: Vec<MethodWeights>,
    /// Returns of each symbol they rest on.
    #[serde(skip)]
    pub returns: usize,
    /// Bars left out because some symbol had no close.
    #[serde(skip)]
    pub left_out: usize,
    /// Options no method of the request looks at.
    #[serde(skip)]
    pub unused: Vec<&'static str>,
}

/// The weights one method gives.
#[derive(Clone, Debug, PartialEq)]
pub struct MethodWeights {
    /// Its name.
    pub method: WeightingMethod,
    /// Symbol and weight.
    pub entries: Vec<(String, f64)>,
    /// Sum of the weights; what is missing to 1 is cash.
    pub net: f64,
}

fn by_method<S: Serializer>(
    list: &[MethodWeights],
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    struct Entries<'a>(&'a [(String, f64)]);
    impl Serialize for Entries<'_> {
        fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
            to.collect_map(self.0.iter().map(|(symbol, weight)| (symbol, weight)))
        }
    }
    serializer.collect_map(list.iter().map(|m| (m.method.name(), Entries(&m.entries))))
}

/// Reads the closes and weighs them by each method.
///
/// # Errors
/// As [`CloseTable::read`]; with exit code 2 for an unknown method or an option that is missing or
/// out of range; with exit code 3 when the closes cannot carry a method, such as a singular
/// covariance.
pub fn weights(request: &WeightsRequest) -> std::result::Result<Weights, Failure> {
    let methods = methods(&request.methods)?;
    let estimator = estimator(request.covariance.as_deref())?;
    in_range(request)?;
    let table = CloseTable::read(&request.closes)?;
    let refused = |e| Failure::new(Exit::DataRefused, e);
    let window = ReturnWindow::from_closes(&table.closes).map_err(refused)?;
    let covariance = estimator.estimate(&window);
    let instruments = (0..table.symbols.len()).collect();
    let mut inputs = WeightingInputs::new(instruments, covariance);
    inputs.cap = request.cap;
    inputs.volatility_target = match request.target_vol {
        Some(annual) => Some(VolatilityTarget {
            annual,
            max_leverage: request.max_leverage.unwrap_or(1.0),
            annualisation: annualisation(request, &table)?,
        }),
        None => None,
    };
    inputs.market_values = market_values(&request.market_caps, &table.symbols)?;
    for &method in &methods {
        let missing = match method {
            _ if wants_cap(method) && inputs.cap.is_none() => "--cap",
            WeightingMethod::InverseVolVolTarget if request.target_vol.is_none() => "--target-vol",
            WeightingMethod::MarketCap if inputs.market_values.is_none() => "--market-cap",
            _ => continue,
        };
        return Err(Error::config(format!("{method} needs {missing}"))
            .hint("see 'ballast help weights'")
            .into());
    }
    let mut list = Vec::with_capacity(methods.len());
    for &method in &methods {
        let weights = method
            .weigh(&inputs)
            .map_err(|e| refused(placed(e, method, &table)))?;
        let named = weights
            .entries()
            .iter()
            .map(|&(i, w)| (table.symbols[i].clone(), w));
        list.push(MethodWeights {
            method,
            entries: named.collect(),
            net: weights.net(),
        });
    }
    Ok(Weights {
        asof: table.as_of(),
        weights: list,
        returns: window.rows(),
        left_out: table.left_out,
        unused: unused(request, &methods),
        symbols: table.symbols,
    })
}

/// The error with the method, and with the symbol a position stands for.
fn placed(error: Error, method: WeightingMethod, table: &CloseTable) -> Error {
    let at = error
        .context
        .iter()
        .find(|(key, _)| key == "position" || key == "instrument");
    let symbol = at
        .and_then(|(_, value)| value.parse::<usize>().ok())
        .and_then(|at| table.symbols.get(at).cloned());
    let error = error.context("method", method);
    match symbol {
        Some(symbol) => error.context("symbol", symbol),
        None => error,
    }
}

fn methods(names: &[String]) -> Result<Vec<WeightingMethod>> {
    let mut methods: Vec<WeightingMethod> = Vec::with_capacity(names.len());
    for name in names {
        let method = name.parse().map_err(|error: Error| {
            match nearest(name, WeightingMethod::ALL.map(WeightingMethod::name)) {
                Some(near) => error.hint(format!("did you mean '{near}'?")),
                None => error,
            }
        })?;
        if !methods.contains(&method) {
            methods.push(method);
        }
    }
    Ok(methods)
}

fn estimator(name: Option<&str>) -> Result<CovarianceEstimator> {
    let unknown = |name: &str| {
        Error::config(format!("there is no covariance '{name}'"))
            .hint("use sample, ledoit_wolf, or ew_ and a decay above 0 and below 1, as in ew_0.94")
    };
    match name {
        None | Some("sample") => Ok(CovarianceEstimator::Sample),
        Some("ledoit_wolf") => Ok(CovarianceEstimator::LedoitWolf),
        Some(name) => {
            let decay = name.strip_prefix("ew_").and_then(|text| text.parse().ok());
            let decay = decay.filter(|decay| *decay > 0.0 && *decay < 1.0);
            let decay = decay.ok_or_else(|| unknown(name))?;
            Ok(CovarianceEstimator::Exponential { decay })
        }
    }
}

fn in_range(request: &WeightsRequest) -> Result<()> {
    for (option, value) in [
        ("--cap", request.cap),
        ("--target-vol", request.target_vol),
        ("--max-leverage", request.max_leverage),
        ("--annualisation", request.annualisation),
    ] {
        if let Some(value) = value
            && !(value > 0.0 && value.is_finite())
        {
            return Err(Error::config(format!("{option} must be above zero"))
                .context("value", value)
                .hint("caps and volatilities are fractions: 0.15 is 15 %"));
        }
    }
    Ok(())
}

fn annualisation(request: &WeightsRequest, table: &CloseTable) -> Result<f64> {
    request
        .annualisation
        .or_else(|| table.annualisation())
        .ok_or_else(|| {
            Error::config("a target volatility needs the bars in a year")
                .hint("bars are not days here: give --annualisation, such as 8760 for hours")
        })
}

/// One value for each symbol, or `None` when none is given.
fn market_values(given: &[String], symbols: &[String]) -> Result<Option<Vec<f64>>> {
    if given.is_empty() {
        return Ok(None);
    }
    let mut values: Vec<Option<f64>> = vec![None; symbols.len()];
    for text in given {
        let pair = text.rsplit_once('=');
        let parsed = pair.and_then(|(symbol, value)| {
            let at = symbols.iter().position(|s| s == symbol)?;
            let value: f64 = value.parse().ok()?;
            (value > 0.0 && value.is_finite()).then_some((at, value))
        });
        let Some((at, value)) = parsed else {
            return Err(Error::config(format!("'{text}' is no market value"))
                .hint("write a symbol of the input and a value above zero, as in AAPL=3.1e12"));
        };
        values[at] = Some(value);
    }
    let full: Option<Vec<f64>> = values.iter().copied().collect();
    let first_missing = values.iter().position(Option::is_none);
    match (full, first_missing) {
        (None, Some(at)) => Err(
            Error::config(format!("'{}' has no market value", symbols[at]))
                .hint("give --market-cap for each symbol, or choose symbols with --symbols"),
        ),
        (full, _) => Ok(full),
    }
}

const fn wants_cap(method: WeightingMethod) -> bool {
    matches!(
        method,
        WeightingMethod::InverseVolCapped | WeightingMethod::MinVarianceCapped
    )
}

fn unused(request: &WeightsRequest, methods: &[WeightingMethod]) -> Vec<&'static str> {
    let targets = methods.contains(&WeightingMethod::InverseVolVolTarget);
    [
        (
            "--cap",
            request.cap.is_some(),
            methods.iter().any(|m| wants_cap(*m)),
        ),
        ("--target-vol", request.target_vol.is_some(), targets),
        ("--max-leverage", request.max_leverage.is_some(), targets),
        ("--annualisation", request.annualisation.is_some(), targets),
        (
            "--market-cap",
            !request.market_caps.is_empty(),
            methods.contains(&WeightingMethod::MarketCap),
        ),
    ]
    .into_iter()
    .filter(|(_, given, used)| *given && !used)
    .map(|(option, _, _)| option)
    .collect()
}
