//! The few instruments with the highest momentum.

use serde::{Deserialize, Serialize};

use super::eligibility::outside;
use super::identity::Identity;
use super::sizing::{Bounds, Risks, by_inverse_volatility};
use super::window::require_window;
use crate::error::{Error, Result};
use crate::indicators::{Ddof, IndicatorCache, ReturnKind, StateReader, StateWriter, Volatility};
use crate::instrument::{Instrument, InstrumentId, Instruments};
use crate::market::{Field, Fields, Slice};
use crate::signals::Momentum;
use crate::strategy::{
    Decision, Note, Reason, Requirements, Slot, State, Strategy, Target, Targets, View,
};
use crate::universe::top_k;
use crate::weighting::{DEFAULT_MIN_VOL, GrossMode, TargetWeights, equal};

/// How the chosen names share the capital.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MomentumWeighting {
    /// The same for each.
    #[default]
    Equal,
    /// Proportional to 1 / volatility.
    InverseVolatility,
}

/// Parameters of [`MomentumTopK`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MomentumParameters {
    /// Bars back to the start of the measured return; above `skip`, 252 by default.
    pub lookback: usize,
    /// Latest bars left out of it; 0 or more, 21 by default.
    pub skip: usize,
    /// How many names are held at most; 1 or more, 2 by default.
    pub top: usize,
    /// Whether a name needs a momentum above zero; true by default.
    pub positive_only: bool,
    /// How the chosen share the capital; equally by default.
    pub weighting: MomentumWeighting,
    /// Simple returns in the sample standard deviation of `weighting = "inverse_volatility"`; 2 or
    /// more, 60 by default. Unused with equal weights.
    pub volatility_window: usize,
    /// Floor under the annualised volatility, a fraction above 0; 0.0001 by default.
    pub min_vol: f64,
    /// Largest weight of one name, a fraction of capital above 0; 1 (no cap) by default. The excess
    /// goes to the other chosen names pro rata; what none can take stays in cash.
    pub cap: f64,
    /// Largest sum of weights, a multiple of capital, 0 or more; 1 by default.
    pub max_gross: f64,
}

impl Default for MomentumParameters {
    fn default() -> Self {
        Self {
            lookback: 252,
            skip: 21,
            top: 2,
            positive_only: true,
            weighting: MomentumWeighting::Equal,
            volatility_window: 60,
            min_vol: DEFAULT_MIN_VOL,
            cap: 1.0,
            max_gross: 1.0,
        }
    }
}

/// Holds the `top` names with the highest [`Momentum`] of the total-return index, long.
///
/// Equal scores are ordered by symbol. With `positive_only` a name that has not risen is never held,
/// so fewer names, or none, may be; those that are share the whole capital up to `cap`. With inverse
/// volatility a name without one (a price that has not moved) is passed over before the ranking.
///
/// Answers every slot with targets; holds only while no name has been warm yet. A name is warm after
/// `lookback + 1` bars, or `volatility_window + 1` where that is more and used.
#[derive(Clone, Debug)]
pub struct MomentumTopK {
    identity: Identity,
    bounds: Bounds,
    top: usize,
    positive_only: bool,
    min_vol: f64,
    warm_up: usize,
    lanes: Vec<Lane>,
}

#[derive(Clone, Debug)]
struct Lane {
    momentum: Momentum,
    /// There with inverse-volatility weights only.
    volatility: Option<Volatility>,
    /// Bars a year of the instrument's calendar.
    annualisation: f64,
    bars: usize,
}

impl MomentumTopK {
    /// The strategy's name in configs and records.
    pub const NAME: &'static str = "momentum";

    /// A strategy over all of `instruments` that has seen nothing.
    ///
    /// # Errors
    /// `Signal` when there is no instrument or a parameter is out of its range.
    pub fn new(parameters: &MomentumParameters, instruments: &Instruments) -> Result<Self> {
        let &MomentumParameters {
            lookback,
            skip,
            top,
            positive_only,
            weighting,
            volatility_window,
            min_vol,
            cap,
            max_gross,
        } = parameters;
        if top == 0 {
            return Err(Error::signal("momentum needs at least one name to hold")
                .context("top", top)
                .hint("use a top of 1 or more; 2 is the default"));
        }
        require_window("lookback", lookback)?;
        require_window("volatility_window", volatility_window)?;
        by_inverse_volatility(&[], min_vol)?;
        let identity = Identity::new(
            Self::NAME,
            1,
            vec![
                ("lookback", lookback.to_string()),
                ("skip", skip.to_string()),
                ("top", top.to_string()),
                ("positive_only", positive_only.to_string()),
                ("weighting", format!("{weighting:?}")),
                ("volatility_window", volatility_window.to_string()),
                ("min_vol", min_vol.to_string()),
                ("cap", cap.to_string()),
                ("max_gross", max_gross.to_string()),
            ],
            instruments,
        )?;
        // Checked even where unused: a config that switches the weighting must not break then.
        let volatility = Volatility::new(volatility_window, ReturnKind::Simple, Ddof::Sample)?;
        let volatility = (weighting == MomentumWeighting::InverseVolatility).then_some(volatility);
        let lane = |instrument: &Instrument| {
            Ok(Lane {
                momentum: Momentum::new(lookback, skip)?,
                volatility: volatility.clone(),
                annualisation: instrument.calendar.annualisation(),
                bars: 0,
            })
        };
        let used_window = volatility.as_ref().map_or(0, Volatility::period);
        Ok(Self {
            identity,
            bounds: Bounds::checked(cap, max_gross, GrossMode::FullPerSide)?,
            top,
            positive_only,
            min_vol,
            warm_up: lookback.max(used_window) + 1,
            lanes: instruments.all().iter().map(lane).collect::<Result<_>>()?,
        })
    }

    fn targets(&self, slice: &Slice<'_>, ask: &mut Risks<'_>) -> Result<Decision> {
        if self.lanes.iter().all(|lane| lane.bars < self.warm_up) {
            return Ok(Decision::hold("warming up"));
        }
        let mut targets = Targets::new();
        let mut scores = Vec::with_capacity(self.lanes.len());
        for (i, lane) in self.lanes.iter().enumerate() {
            let id = InstrumentId::from_index(i);
            match outside(slice.state(id), lane.bars, self.warm_up) {
                Some(reason) => targets.exclude(id, reason),
                None => match self.score(i, lane, ask) {
                    Ok(score) => scores.push((i, score)),
                    Err(reason) => targets.exclude(id, reason),
                },
            }
        }
        let ranked = top_k(&scores, scores.len(), |i| self.identity.symbol(i))?;
        let (chosen, left_out) = ranked.split_at(self.top.min(ranked.len()));
        for (i, rank) in left_out.iter().zip(self.top + 1..) {
            let reason = format!("rank {rank} of {}", ranked.len());
            targets.exclude(InstrumentId::from_index(*i), reason);
        }
        let weights = self.share(chosen, ask)?;
        let bounded = self.bounds.apply(&weights, &TargetWeights::default())?;
        for (i, weight, uncapped) in bounded.entries() {
            let lane = &self.lanes[i];
            let note = Note {
                signal: Reason::Borrowed("momentum"),
                score: lane.momentum.value(),
                volatility: lane.volatility(i, ask),
                uncapped: Some(uncapped),
            };
            targets.push(InstrumentId::from_index(i), Target::Weight(weight), note);
        }
        Ok(Decision::Targets(targets, Reason::Borrowed("momentum")))
    }

    /// The score of a warm lane, or why it takes no part in the ranking.
    fn score(
        &self,
        i: usize,
        lane: &Lane,
        ask: &mut Risks<'_>,
    ) -> std::result::Result<f64, &'static str> {
        let Some(score) = lane.momentum.value().filter(|score| score.is_finite()) else {
            return Err("no momentum");
        };
        if self.positive_only && score <= 0.0 {
            return Err("momentum is not positive");
        }
        if lane.volatility.is_some() && lane.volatility(i, ask).is_none() {
            return Err("no volatility: the price has not moved");
        }
        Ok(score)
    }

    fn share(&self, chosen: &[usize], ask: &mut Risks<'_>) -> Result<TargetWeights> {
        // All lanes or none have a volatility; it says which weighting this is.
        if self.lanes.iter().all(|lane| lane.volatility.is_none()) {
            return equal(chosen);
        }
        // In lane order, so that a change of ranks alone does not change a sum's rounding.
        let mut risks: Vec<_> = chosen
            .iter()
            .filter_map(|&i| Some((i, self.lanes[i].volatility(i, ask)?)))
            .collect();
        risks.sort_unstable_by_key(|&(i, _)| i);
        by_inverse_volatility(&risks, self.min_vol)
    }
}

impl Lane {
    fn volatility(&self, lane: usize, ask: &mut Risks<'_>) -> Option<f64> {
        ask.annualised(lane, self.volatility.as_ref()?, self.annualisation)
    }

    fn write(&self, writer: &mut StateWriter) {
        writer.words(&self.momentum.save());
        if let Some(volatility) = &self.volatility {
            writer.words(&volatility.save());
        }
        writer.usize(self.bars);
    }

    fn read(&mut self, reader: &mut StateReader<'_>) -> Result<()> {
        self.momentum.restore(reader.words()?)?;
        if let Some(volatility) = &mut self.volatility {
            volatility.restore(reader.words()?)?;
        }
        self.bars = reader.usize()?;
        Ok(())
    }
}

impl Strategy for MomentumTopK {
    fn name(&self) -> &str {
        self.identity.name()
    }

    fn requirements(&self) -> Requirements {
        Requirements {
            fields: Fields::CLOSE,
            lookback: 1,
            warm_up: self.warm_up,
            // Returns are ratios of two closes.
            level_dependent: false,
        }
    }

    fn on_slice(&mut self, view: &View<'_>) {
        let slice = view.slice();
        for (i, lane) in self.lanes.iter_mut().enumerate() {
            let id = InstrumentId::from_index(i);
            if let Some(index) = slice.total_return(id, Field::Close) {
                lane.momentum.update(index);
                if let Some(volatility) = &mut lane.volatility {
                    volatility.update(index);
                }
                lane.bars += 1;
            }
        }
    }

    fn decide(&mut self, _slot: Slot, view: &View<'_>) -> Decision {
        self.targets(&view.slice(), &mut Risks::alone())
            .unwrap_or_else(|error| Decision::Hold(error.to_string().into()))
    }

    fn decide_beside(
        &mut self,
        _slot: Slot,
        view: &View<'_>,
        shared: &mut IndicatorCache,
    ) -> Decision {
        self.targets(&view.slice(), &mut Risks::beside(shared, view.time()))
            .unwrap_or_else(|error| Decision::Hold(error.to_string().into()))
    }

    fn save(&self) -> State {
        let mut writer = self.identity.write();
        for lane in &self.lanes {
            lane.write(&mut writer);
        }
        State {
            words: writer.finish(),
        }
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let mut reader = StateReader::new(&state.words);
        self.identity.check(&mut reader)?;
        let mut lanes = self.lanes.clone();
        for lane in &mut lanes {
            lane.read(&mut reader)?;
        }
        reader.finish()?;
        self.lanes = lanes;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::trial::{Trial, absent, brief, flat, shares};
    use super::*;
    use crate::market::LaneState;

    /// Warm after three bars; scores are the return over the last two.
    fn small() -> MomentumParameters {
        MomentumParameters {
            lookback: 2,
            skip: 0,
            volatility_window: 2,
            ..MomentumParameters::default()
        }
    }

    #[track_caller]
    fn check(parameters: &MomentumParameters, trial: &Trial, last: &[&str]) {
        let of = shares(&["D", "C", "B", "A"]);
        let mut strategy = MomentumTopK::new(parameters, &of).unwrap();
        let decisions: Vec<_> = trial.run(&mut strategy, &of).iter().map(brief).collect();
        assert_eq!(decisions[decisions.len() - last.len()..], *last);
    }

    /// Two-bar returns: 20 %, 50 %, 20 %, −20 %.
    fn mixed() -> Trial {
        Trial::default()
            .row(&[flat(10.0), flat(10.0), flat(10.0), flat(10.0)])
            .row(&[flat(11.0), flat(11.0), flat(11.5), flat(11.0)])
            .row(&[flat(12.0), flat(15.0), flat(12.0), flat(8.0)])
    }

    #[test]
    fn the_best_few_share_the_capital_and_ties_go_by_symbol() {
        check(
            &small(),
            &mixed(),
            &[
                "hold: warming up",
                "hold: warming up",
                "-0(rank 3 of 3) 1:0.500000 2:0.500000 -3(momentum is not positive)",
            ],
        );
        let one = MomentumParameters {
            top: 1,
            cap: 0.4,
            ..small()
        };
        check(
            &one,
            &mixed(),
            &["-0(rank 3 of 3) 1:0.400000 -2(rank 2 of 3) -3(momentum is not positive)"],
        );
        let any = MomentumParameters {
            top: 9,
            positive_only: false,
            ..small()
        };
        check(
            &any,
            &mixed(),
            &["0:0.250000 1:0.250000 2:0.250000 3:0.250000"],
        );
    }

    #[test]
    fn skipped_bars_do_not_count() {
        let skipping = MomentumParameters {
            lookback: 2,
            skip: 1,
            top: 1,
            ..small()
        };
        check(
            &skipping,
            &mixed(),
            &["-0(rank 4 of 4) -1(rank 3 of 4) 2:1.000000 -3(rank 2 of 4)"],
        );
    }

    #[test]
    fn inverse_volatility_passes_over_a_frozen_price() {
        let parameters = MomentumParameters {
            weighting: MomentumWeighting::InverseVolatility,
            positive_only: false,
            top: 2,
            ..small()
        };
        // Deviations of 10 %, 20 % and 10 %, 30 %: 1 to 2.
        let trial = Trial::default()
            .row(&[flat(100.0), flat(100.0), flat(7.0), flat(100.0)])
            .row(&[flat(110.0), flat(110.0), flat(7.0), flat(90.0)])
            .row(&[flat(132.0), flat(143.0), flat(7.0), flat(60.0)]);
        check(
            &parameters,
            &trial,
            &["0:0.666667 1:0.333333 -2(no volatility: the price has not moved) -3(rank 3 of 3)"],
        );
    }

    #[test]
    fn a_hole_keeps_its_score_and_what_is_outside_takes_no_rank() {
        let trial = mixed()
            .row(&[flat(12.0), absent(LaneState::Hole), flat(12.0), flat(8.0)])
            .row(&[
                flat(12.5),
                absent(LaneState::Delisted),
                flat(12.1),
                flat(8.0),
            ]);
        check(
            &small(),
            &trial,
            &[
                "0:0.500000 1:0.500000 -2(rank 3 of 3) -3(momentum is not positive)",
                "0:0.500000 -1(delisted) 2:0.500000 -3(momentum is not positive)",
            ],
        );
    }

    /// ERR-11: each parameter out of its range is named with a way out.
    #[test]
    fn err_11_impossible_parameters_teach() {
        let usual = MomentumParameters::default;
        for (parameters, text) in [
            (
                MomentumParameters { top: 0, ..usual() },
                "momentum needs at least one name to hold (top = 0); \
                 hint: use a top of 1 or more; 2 is the default",
            ),
            (
                MomentumParameters {
                    skip: 252,
                    ..usual()
                },
                "momentum needs a lookback longer than its skip (lookback = 252, skip = 252); \
                 hint: the usual pair is lookback 252 and skip 21",
            ),
            (
                MomentumParameters {
                    lookback: 2_000_000,
                    ..usual()
                },
                "lookback is longer than 1000000 bars (lookback = 2000000); \
                 hint: use a shorter window, or longer bars",
            ),
            (
                MomentumParameters {
                    cap: 0.0,
                    ..usual()
                },
                "a weight cap must be above zero (cap = 0); hint: a cap is a fraction of equity, \
                 such as 0.4; 1 does not limit a single name",
            ),
        ] {
            let e = MomentumTopK::new(&parameters, &shares(&["A"])).unwrap_err();
            assert_eq!(e.to_string(), text);
        }
    }

    #[test]
    fn parameters_have_defaults_and_refuse_unknown_keys() {
        let parse = serde_json::from_str::<MomentumParameters>;
        assert_eq!(parse("{}").unwrap(), MomentumParameters::default());
        let some = parse(r#"{"top": 3, "weighting": "inverse_volatility"}"#).unwrap();
        assert_eq!(
            (some.top, some.weighting),
            (3, MomentumWeighting::InverseVolatility)
        );
        assert!(parse(r#"{"k": 3}"#).is_err());
    }
}
