//! The low-volatility factor: the calm against the wild.

use serde::{Deserialize, Serialize};

use super::eligibility::outside;
use super::identity::Identity;
use super::sizing::{Bounds, Risks};
use super::window::require_window;
use crate::error::{Error, Result};
use crate::indicators::{Ddof, IndicatorCache, ReturnKind, StateReader, Volatility};
use crate::instrument::{Instrument, InstrumentId, Instruments};
use crate::market::{Field, Fields, Slice};
use crate::strategy::{
    Decision, Note, Reason, Requirements, Slot, State, Strategy, Target, Targets, View,
};
use crate::universe::{bottom_k, top_k};
use crate::weighting::{GrossMode, equal};

/// Which ends of the ranking by volatility are held, and on which side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VolatilitySides {
    /// The calm long, the wild short, half of the capital each.
    #[default]
    LongLowShortHigh,
    /// The wild long, the calm short, half of the capital each.
    LongHighShortLow,
    /// The calm long with all of the capital.
    LongLow,
    /// The wild long with all of the capital.
    LongHigh,
}

impl VolatilitySides {
    /// Whether the long side is the calm one.
    const fn calm_is_long(self) -> bool {
        matches!(self, Self::LongLowShortHigh | Self::LongLow)
    }

    const fn has_short(self) -> bool {
        matches!(self, Self::LongLowShortHigh | Self::LongHighShortLow)
    }
}

/// Parameters of [`VolatilityFactor`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VolatilityFactorParameters {
    /// Log returns in the sample standard deviation that ranks; 2 or more, 30 by default.
    pub window: usize,
    /// Names a side at most; 1 or more, 10 by default.
    pub names: usize,
    /// Which ends are held; the calm long and the wild short by default.
    pub sides: VolatilitySides,
    /// Largest weight of one name, a fraction of capital above 0; 1 (no cap) by default.
    pub cap: f64,
    /// Largest sum of weights without their signs, a multiple of capital, 0 or more; 1 by default.
    pub max_gross: f64,
}

impl Default for VolatilityFactorParameters {
    fn default() -> Self {
        Self {
            window: 30,
            names: 10,
            sides: VolatilitySides::default(),
            cap: 1.0,
            max_gross: 1.0,
        }
    }
}

/// Ranks all names by annualised volatility and holds equal weights of the `names` at one or both
/// ends.
///
/// Equal volatilities are ordered by symbol. With fewer than twice `names` to rank, both sides get
/// half of them, rounded down, so that no name is on both. A short side needs a margin account.
#[derive(Clone, Debug)]
pub struct VolatilityFactor {
    identity: Identity,
    bounds: Bounds,
    names: usize,
    sides: VolatilitySides,
    warm_up: usize,
    lanes: Vec<Lane>,
}

#[derive(Clone, Debug)]
struct Lane {
    volatility: Volatility,
    /// Bars a year of the instrument's calendar.
    annualisation: f64,
    bars: usize,
}

impl VolatilityFactor {
    /// The strategy's name in configs and records.
    pub const NAME: &'static str = "volatility_factor";

    /// A strategy over all of `instruments` that has seen nothing.
    ///
    /// # Errors
    /// `Signal` when there is no instrument or a parameter is out of its range.
    pub fn new(parameters: &VolatilityFactorParameters, instruments: &Instruments) -> Result<Self> {
        let &VolatilityFactorParameters {
            window,
            names,
            sides,
            cap,
            max_gross,
        } = parameters;
        if names == 0 {
            return Err(
                Error::signal("the volatility factor needs at least one name a side")
                    .context("names", names)
                    .hint("use 1 or more; 10 is the default"),
            );
        }
        require_window("window", window)?;
        let identity = Identity::new(
            Self::NAME,
            1,
            vec![
                ("window", window.to_string()),
                ("names", names.to_string()),
                ("sides", format!("{sides:?}")),
                ("cap", cap.to_string()),
                ("max_gross", max_gross.to_string()),
            ],
            instruments,
        )?;
        let gross_mode = if sides.has_short() {
            GrossMode::SplitHalf
        } else {
            GrossMode::FullPerSide
        };
        let volatility = Volatility::new(window, ReturnKind::Log, Ddof::Sample)?;
        let lane = |instrument: &Instrument| Lane {
            volatility: volatility.clone(),
            annualisation: instrument.calendar.annualisation(),
            bars: 0,
        };
        Ok(Self {
            identity,
            bounds: Bounds::checked(cap, max_gross, gross_mode)?,
            names,
            sides,
            warm_up: window + 1,
            lanes: instruments.all().iter().map(lane).collect(),
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
            if let Some(reason) = outside(slice.state(id), lane.bars, self.warm_up) {
                targets.exclude(id, reason);
                continue;
            }
            match lane.volatility(i, ask) {
                Some(volatility) => scores.push((i, volatility)),
                None => targets.exclude(id, "no volatility: the price has not moved"),
            }
        }
        let ranked = if self.sides.calm_is_long() {
            bottom_k(&scores, scores.len(), |i| self.identity.symbol(i))?
        } else {
            top_k(&scores, scores.len(), |i| self.identity.symbol(i))?
        };
        let room = if self.sides.has_short() {
            ranked.len() / 2
        } else {
            ranked.len()
        };
        let names = self.names.min(room);
        let (long, rest) = ranked.split_at(names);
        let (middle, short) = if self.sides.has_short() {
            rest.split_at(rest.len() - names)
        } else {
            (rest, &[][..])
        };
        for (i, rank) in middle.iter().zip(names + 1..) {
            let reason = format!("rank {rank} of {}", ranked.len());
            targets.exclude(InstrumentId::from_index(*i), reason);
        }
        let bounded = self.bounds.apply(&equal(long)?, &equal(short)?)?;
        for (i, weight, uncapped) in bounded.entries() {
            let volatility = self.lanes[i].volatility(i, ask);
            let note = Note {
                signal: Reason::Borrowed(if weight < 0.0 { "short" } else { "long" }),
                score: volatility,
                volatility,
                uncapped: Some(uncapped),
            };
            targets.push(InstrumentId::from_index(i), Target::Weight(weight), note);
        }
        Ok(Decision::Targets(
            targets,
            Reason::Borrowed("volatility factor"),
        ))
    }
}

impl Lane {
    fn volatility(&self, lane: usize, ask: &mut Risks<'_>) -> Option<f64> {
        ask.annualised(lane, &self.volatility, self.annualisation)
    }
}

impl Strategy for VolatilityFactor {
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
                lane.volatility.update(index);
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
            writer.words(&lane.volatility.save());
            writer.usize(lane.bars);
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
            lane.volatility.restore(reader.words()?)?;
            lane.bars = reader.usize()?;
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

    const NAMES: [&str; 5] = ["E", "D", "C", "B", "A"];

    /// Moves of 1 %, 2 %, 3 %, 4 % up and down; the last name never moves.
    fn calm_to_wild() -> Trial {
        [1.0, 0.0, 1.0].iter().fold(Trial::default(), |trial, up| {
            let price = |move_by: f64| flat(100.0 * (1.0 + up * move_by));
            trial.row(&[
                price(0.01),
                price(0.02),
                price(0.03),
                price(0.04),
                price(0.0),
            ])
        })
    }

    fn last(parameters: &VolatilityFactorParameters, trial: &Trial) -> String {
        let of = shares(&NAMES);
        let mut strategy = VolatilityFactor::new(parameters, &of).unwrap();
        brief(trial.run(&mut strategy, &of).last().unwrap())
    }

    fn small(names: usize, sides: VolatilitySides) -> VolatilityFactorParameters {
        VolatilityFactorParameters {
            window: 2,
            names,
            sides,
            ..VolatilityFactorParameters::default()
        }
    }

    /// SIG-04: the calmest are long, the wildest short, half of the capital each.
    #[test]
    fn the_calm_are_long_and_the_wild_short() {
        use VolatilitySides::{LongHigh, LongHighShortLow, LongLow, LongLowShortHigh};
        const FROZEN: &str = " -4(no volatility: the price has not moved)";
        for (names, sides, expected) in [
            (
                1,
                LongLowShortHigh,
                "0:0.500000 -1(rank 2 of 4) -2(rank 3 of 4) 3:-0.500000",
            ),
            (
                2,
                LongLowShortHigh,
                "0:0.250000 1:0.250000 2:-0.250000 3:-0.250000",
            ),
            // No name is on both sides.
            (
                9,
                LongLowShortHigh,
                "0:0.250000 1:0.250000 2:-0.250000 3:-0.250000",
            ),
            (
                1,
                LongHighShortLow,
                "0:-0.500000 -1(rank 3 of 4) -2(rank 2 of 4) 3:0.500000",
            ),
            (
                1,
                LongLow,
                "0:1.000000 -1(rank 2 of 4) -2(rank 3 of 4) -3(rank 4 of 4)",
            ),
            (
                2,
                LongHigh,
                "-0(rank 4 of 4) -1(rank 3 of 4) 2:0.500000 3:0.500000",
            ),
        ] {
            assert_eq!(
                last(&small(names, sides), &calm_to_wild()),
                format!("{expected}{FROZEN}")
            );
        }
    }

    #[test]
    fn what_is_not_there_takes_no_rank() {
        let trial = calm_to_wild().row(&[
            absent(LaneState::Delisted),
            flat(100.0),
            absent(LaneState::Hole),
            flat(100.0),
            flat(100.0),
        ]);
        let got = last(&small(1, VolatilitySides::LongLowShortHigh), &trial);
        assert!(got.contains("-0(delisted)"), "{got}");
        assert!(
            got.contains("1:0.500000") && got.contains("3:-0.500000"),
            "{got}"
        );
    }

    /// ERR-11: a side of no names is refused with a way out.
    #[test]
    fn err_11_impossible_parameters_teach() {
        let parameters = small(0, VolatilitySides::LongLow);
        assert_eq!(
            VolatilityFactor::new(&parameters, &shares(&["A"]))
                .unwrap_err()
                .to_string(),
            "the volatility factor needs at least one name a side (names = 0); \
             hint: use 1 or more; 10 is the default"
        );
    }
}
