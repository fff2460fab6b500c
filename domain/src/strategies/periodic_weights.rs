//! Everything by a weighting method, renewed every so many bars and left to drift in between.

use serde::{Deserialize, Serialize};

use super::eligibility::outside;
use super::identity::Identity;
use super::window::require_window;
use crate::error::{Error, Result};
use crate::indicators::StateReader;
use crate::instrument::{InstrumentId, Instruments};
use crate::market::{Field, Fields};
use crate::strategy::{
    Decision, Note, Reason, Requirements, Slot, State, Strategy, Target, Targets, View,
};
use crate::weighting::{CovarianceEstimator, ReturnWindow, WeightingInputs, WeightingMethod};

/// Parameters of [`PeriodicWeights`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PeriodicWeightsParameters {
    /// How the names share the capital; inverse volatility by default. Methods that need more than
    /// returns and a cap are refused.
    pub method: WeightingMethod,
    /// Simple returns, up to and including the deciding close, in the sample covariance; 2 or more,
    /// 60 by default. A name without a close at each of these bars is left out.
    pub lookback: usize,
    /// Bars from one setting of weights to the next; 1 or more, 21 by default.
    pub every: usize,
    /// Largest weight of one name, for the capped methods.
    pub cap: Option<f64>,
}

impl Default for PeriodicWeightsParameters {
    fn default() -> Self {
        Self {
            method: WeightingMethod::InverseVol,
            lookback: 60,
            every: 21,
            cap: None,
        }
    }
}

/// Sets the weights of [`WeightingMethod`] at the first close with `lookback` returns, and again
/// every `every` bars; in between positions drift.
///
/// Holds while no name has its returns yet, and when a method finds no answer, with its reason; it
/// then tries again at the next slot.
#[derive(Clone, Debug)]
pub struct PeriodicWeights {
    identity: Identity,
    parameters: PeriodicWeightsParameters,
    lanes: usize,
    /// Bars since the weights were set.
    age: Option<usize>,
}

impl PeriodicWeights {
    /// The strategy's name in configs and records.
    pub const NAME: &'static str = "periodic_weights";

    /// A strategy over all of `instruments` that has seen nothing.
    ///
    /// # Errors
    /// `Signal` when there is no instrument, a parameter is out of its range, or the method needs
    /// what this strategy does not have.
    pub fn new(parameters: &PeriodicWeightsParameters, instruments: &Instruments) -> Result<Self> {
        let &PeriodicWeightsParameters {
            method,
            lookback,
            every,
            cap,
        } = parameters;
        require_window("lookback", lookback)?;
        require_window("every", every)?;
        if lookback < 2 || every == 0 {
            return Err(
                Error::signal("periodic_weights needs 2 returns and 1 bar at least")
                    .context("lookback", lookback)
                    .context("every", every)
                    .hint("a usual pair is lookback 60 and every 21"),
            );
        }
        // Two names that move apart: a method that is short of something says so now.
        let trial = ReturnWindow::new(vec![vec![0.01, -0.01, 0.02], vec![0.02, 0.01, -0.01]])?;
        let inputs = WeightingInputs {
            cap,
            ..WeightingInputs::new(vec![0, 1], CovarianceEstimator::Sample.estimate(&trial))
        };
        method.weigh(&inputs)?;
        let identity = Identity::new(
            Self::NAME,
            1,
            vec![
                ("method", method.name().to_owned()),
                ("lookback", lookback.to_string()),
                ("every", every.to_string()),
                (
                    "cap",
                    cap.map_or_else(|| "none".to_owned(), |c| c.to_string()),
                ),
            ],
            instruments,
        )?;
        Ok(Self {
            identity,
            parameters: parameters.clone(),
            lanes: instruments.len(),
            age: None,
        })
    }

    /// The closes of each lane over the window, oldest first.
    fn windows(&self, view: &View<'_>) -> Vec<Vec<f64>> {
        let bars = self.parameters.lookback + 1;
        let mut columns: Vec<Vec<f64>> = vec![Vec::with_capacity(bars); self.lanes];
        for slice in (0..bars).rev().filter_map(|back| view.earlier(back)) {
            for (i, column) in columns.iter_mut().enumerate() {
                column.extend(slice.total_return(InstrumentId::from_index(i), Field::Close));
            }
        }
        columns
    }

    /// Targets for the lanes that have all their closes, which are at least one.
    fn targets(&self, view: &View<'_>, closes: &[Vec<f64>]) -> Result<Decision> {
        let bars = self.parameters.lookback + 1;
        let (lanes, whole): (Vec<usize>, Vec<&[f64]>) = closes
            .iter()
            .enumerate()
            .filter(|(_, column)| column.len() == bars)
            .map(|(lane, column)| (lane, column.as_slice()))
            .unzip();
        let covariance = match self.parameters.method {
            // Equal weights look at no return, and a name that does not move is none the worse.
            WeightingMethod::Equal => Err(Error::signal("equal weights need no covariance")),
            _ => CovarianceEstimator::Sample.estimate(&ReturnWindow::from_closes(&whole)?),
        };
        let mut inputs = WeightingInputs::new(lanes, covariance);
        inputs.cap = self.parameters.cap;
        let weights = self.parameters.method.weigh(&inputs)?;
        let mut targets = Targets::new();
        for &(lane, weight) in weights.entries() {
            let note = Note {
                signal: Reason::Borrowed(self.parameters.method.name()),
                ..Note::default()
            };
            targets.push(InstrumentId::from_index(lane), Target::Weight(weight), note);
        }
        for lane in (0..self.lanes).filter(|lane| !inputs.instruments.contains(lane)) {
            let id = InstrumentId::from_index(lane);
            let absent = outside(view.slice().state(id), bars, bars);
            let short = || format!("{} of {bars} closes in the window", closes[lane].len()).into();
            targets.exclude(id, absent.unwrap_or_else(short));
        }
        Ok(Decision::Targets(targets, Reason::Borrowed("renewed")))
    }
}

impl Strategy for PeriodicWeights {
    fn name(&self) -> &str {
        self.identity.name()
    }

    fn requirements(&self) -> Requirements {
        Requirements {
            fields: Fields::CLOSE,
            lookback: self.parameters.lookback + 1,
            warm_up: self.parameters.lookback + 1,
            level_dependent: false,
        }
    }

    fn on_slice(&mut self, _view: &View<'_>) {
        if let Some(age) = &mut self.age {
            *age += 1;
        }
    }

    fn decide(&mut self, _slot: Slot, view: &View<'_>) -> Decision {
        if self.age.is_some_and(|age| age < self.parameters.every) {
            return Decision::hold("not due");
        }
        let closes = self.windows(view);
        if closes
            .iter()
            .all(|column| column.len() <= self.parameters.lookback)
        {
            return Decision::hold("warming up");
        }
        match self.targets(view, &closes) {
            Ok(decision) => {
                self.age = Some(0);
                decision
            }
            Err(error) => Decision::Hold(error.to_string().into()),
        }
    }

    fn save(&self) -> State {
        let mut writer = self.identity.write();
        writer.bool(self.age.is_some());
        writer.usize(self.age.unwrap_or(0));
        State {
            words: writer.finish(),
        }
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let mut reader = StateReader::new(&state.words);
        self.identity.check(&mut reader)?;
        let (set, age) = (reader.bool()?, reader.usize()?);
        reader.finish()?;
        self.age = set.then_some(age);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::trial::{Trial, absent, brief, flat, shares};
    use super::*;
    use crate::market::LaneState;

    #[test]
    fn weights_are_set_at_the_first_window_and_then_every_so_many_bars() {
        let of = shares(&["A", "B", "C"]);
        let parameters = PeriodicWeightsParameters {
            lookback: 2,
            every: 2,
            ..PeriodicWeightsParameters::default()
        };
        let mut strategy = PeriodicWeights::new(&parameters, &of).unwrap();
        let late = absent(LaneState::NotListed);
        // B's returns swing twice as far as A's: +1 %, -1 % against +2 %, -2 %.
        let trial = Trial::default()
            .row(&[flat(100.0), flat(100.0), late])
            .row(&[flat(101.0), flat(102.0), late])
            .row(&[flat(99.99), flat(99.96), late])
            .row(&[flat(100.0), flat(100.0), flat(7.0)])
            .row(&[flat(101.0), absent(LaneState::Hole), flat(7.0)]);
        let decisions: Vec<_> = trial.run(&mut strategy, &of).iter().map(brief).collect();
        assert_eq!(
            decisions,
            [
                "hold: warming up",
                "hold: warming up",
                "0:0.666667 1:0.333333 -2(not listed)",
                "hold: not due",
                "0:1.000000 -1(2 of 3 closes in the window) -2(2 of 3 closes in the window)",
            ]
        );
    }

    /// ERR-11: what cannot be meant is refused before the first bar.
    #[test]
    fn err_11_impossible_parameters_teach() {
        let usual = PeriodicWeightsParameters::default;
        for (parameters, text) in [
            (
                PeriodicWeightsParameters {
                    every: 0,
                    ..usual()
                },
                "needs 2 returns and 1 bar at least (lookback = 60, every = 0)",
            ),
            (
                PeriodicWeightsParameters {
                    method: WeightingMethod::InverseVolCapped,
                    ..usual()
                },
                "inverse_vol_capped needs a cap",
            ),
            (
                PeriodicWeightsParameters {
                    method: WeightingMethod::MarketCap,
                    ..usual()
                },
                "needs a market value for each instrument",
            ),
        ] {
            let e = PeriodicWeights::new(&parameters, &shares(&["A"])).unwrap_err();
            assert!(e.to_string().contains(text), "{e}");
        }
    }
}
