//! What fell unusually far on unusual volume, for as long as it does.

use serde::{Deserialize, Serialize};

use super::eligibility::outside;
use super::identity::Identity;
use super::sizing::{Bounds, Risks, by_inverse_volatility};
use super::window::require_window;
use crate::error::{Error, Result};
use crate::indicators::{Ddof, IndicatorCache, ReturnKind, StateReader, Volatility};
use crate::instrument::{Instrument, InstrumentId, Instruments};
use crate::market::{Field, Fields, Slice};
use crate::signals::MeanReversion;
use crate::strategy::{
    Decision, Note, Reason, Requirements, Slot, State, Strategy, Target, Targets, View,
};
use crate::weighting::{DEFAULT_MIN_VOL, GrossMode, TargetWeights};

/// Parameters of [`MeanReversionLong`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MeanReversionParameters {
    /// Bars of the measured move; 1 or more, 2 by default.
    pub period: usize,
    /// Earlier moves it is measured against; 2 or more, 30 by default.
    pub window: usize,
    /// Deviations of the price at or below which a name is bought; below 0, −1.5 by default.
    pub entry: f64,
    /// Deviations of the volume, either way, at or above which it counts; 0 or more, 1 by default.
    pub volume: f64,
    /// Log returns in the sample standard deviation that sizes; 2 or more, 30 by default.
    pub volatility_window: usize,
    /// Floor under the annualised volatility, a fraction above 0; 0.0001 by default.
    pub min_vol: f64,
    /// Largest weight of one name, a fraction of capital above 0; 1 (no cap) by default.
    pub cap: f64,
    /// Largest sum of weights, a multiple of capital, 0 or more; 1 by default.
    pub max_gross: f64,
}

impl Default for MeanReversionParameters {
    fn default() -> Self {
        Self {
            period: 2,
            window: 30,
            entry: -1.5,
            volume: 1.0,
            volatility_window: 30,
            min_vol: DEFAULT_MIN_VOL,
            cap: 1.0,
            max_gross: 1.0,
        }
    }
}

/// Holds, long and by inverse volatility, each name whose latest [`MeanReversion`] surprise is
/// oversold, and nothing else.
///
/// A position lasts as long as the surprise does, usually a bar or two, so costs decide. The capital
/// goes to those that qualify, be it one: a `cap` keeps a single name from taking it all.
#[derive(Clone, Debug)]
pub struct MeanReversionLong {
    identity: Identity,
    bounds: Bounds,
    entry: f64,
    volume: f64,
    min_vol: f64,
    warm_up: usize,
    lanes: Vec<Lane>,
}

#[derive(Clone, Debug)]
struct Lane {
    signal: MeanReversion,
    volatility: Volatility,
    /// Bars a year of the instrument's calendar.
    annualisation: f64,
    bars: usize,
}

impl MeanReversionLong {
    /// The strategy's name in configs and records.
    pub const NAME: &'static str = "mean_reversion";

    /// A strategy over all of `instruments` that has seen nothing.
    ///
    /// # Errors
    /// `Signal` when there is no instrument or a parameter is out of its range.
    pub fn new(parameters: &MeanReversionParameters, instruments: &Instruments) -> Result<Self> {
        let &MeanReversionParameters {
            period,
            window,
            entry,
            volume,
            volatility_window,
            min_vol,
            cap,
            max_gross,
        } = parameters;
        if !(entry < 0.0 && entry.is_finite() && volume >= 0.0 && volume.is_finite()) {
            return Err(Error::signal(
                "mean reversion buys falls: entry must be below zero, volume zero or more",
            )
            .context("entry", entry)
            .context("volume", volume)
            .hint("both are standard deviations; the usual pair is entry -1.5 and volume 1"));
        }
        require_window("period", period)?;
        require_window("window", window)?;
        require_window("volatility_window", volatility_window)?;
        by_inverse_volatility(&[], min_vol)?;
        let identity = Identity::new(
            Self::NAME,
            1,
            vec![
                ("period", period.to_string()),
                ("window", window.to_string()),
                ("entry", entry.to_string()),
                ("volume", volume.to_string()),
                ("volatility_window", volatility_window.to_string()),
                ("min_vol", min_vol.to_string()),
                ("cap", cap.to_string()),
                ("max_gross", max_gross.to_string()),
            ],
            instruments,
        )?;
        let signal = MeanReversion::new(period, window)?;
        let volatility = Volatility::new(volatility_window, ReturnKind::Log, Ddof::Sample)?;
        let lane = |instrument: &Instrument| Lane {
            signal: signal.clone(),
            volatility: volatility.clone(),
            annualisation: instrument.calendar.annualisation(),
            bars: 0,
        };
        Ok(Self {
            identity,
            bounds: Bounds::checked(cap, max_gross, GrossMode::FullPerSide)?,
            entry,
            volume,
            min_vol,
            warm_up: signal.warm_up().max(volatility_window + 1),
            lanes: instruments.all().iter().map(lane).collect(),
        })
    }

    fn targets(&self, slice: &Slice<'_>, ask: &mut Risks<'_>) -> Result<Decision> {
        if self.lanes.iter().all(|lane| lane.bars < self.warm_up) {
            return Ok(Decision::hold("warming up"));
        }
        let mut targets = Targets::new();
        let mut risks = Vec::new();
        for (i, lane) in self.lanes.iter().enumerate() {
            let id = InstrumentId::from_index(i);
            if let Some(reason) = outside(slice.state(id), lane.bars, self.warm_up) {
                targets.exclude(id, reason);
                continue;
            }
            match self.risk(i, lane, ask) {
                Ok(volatility) => risks.push((i, volatility)),
                Err(reason) => targets.exclude(id, reason),
            }
        }
        let weights = by_inverse_volatility(&risks, self.min_vol)?;
        let bounded = self.bounds.apply(&weights, &TargetWeights::default())?;
        for (i, weight, uncapped) in bounded.entries() {
            let lane = &self.lanes[i];
            let note = Note {
                signal: Reason::Borrowed("oversold"),
                score: lane.signal.value().map(|surprise| surprise.price),
                volatility: lane.volatility(i, ask),
                uncapped: Some(uncapped),
            };
            targets.push(InstrumentId::from_index(i), Target::Weight(weight), note);
        }
        Ok(Decision::Targets(
            targets,
            Reason::Borrowed("mean reversion"),
        ))
    }

    /// The volatility of a lane that qualifies, or why it does not.
    fn risk(
        &self,
        i: usize,
        lane: &Lane,
        ask: &mut Risks<'_>,
    ) -> std::result::Result<f64, &'static str> {
        match lane.signal.value() {
            None => Err("no surprise: earlier moves do not differ"),
            Some(s) if !s.is_oversold(self.entry, self.volume) => Err("not oversold"),
            Some(_) => lane
                .volatility(i, ask)
                .ok_or("no volatility: the price has not moved"),
        }
    }
}

impl Lane {
    fn volatility(&self, lane: usize, ask: &mut Risks<'_>) -> Option<f64> {
        ask.annualised(lane, &self.volatility, self.annualisation)
    }
}

impl Strategy for MeanReversionLong {
    fn name(&self) -> &str {
        self.identity.name()
    }

    fn requirements(&self) -> Requirements {
        Requirements {
            fields: Fields::of(&[Field::Volume]),
            lookback: 1,
            warm_up: self.warm_up,
            // Moves are ratios.
            level_dependent: false,
        }
    }

    fn on_slice(&mut self, view: &View<'_>) {
        let slice = view.slice();
        for (i, lane) in self.lanes.iter_mut().enumerate() {
            let id = InstrumentId::from_index(i);
            let close = slice.total_return(id, Field::Close);
            if let Some((index, volume)) = close.zip(slice.value(id, Field::Volume)) {
                lane.signal.update(index, volume);
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
            writer.words(&lane.signal.save());
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
            lane.signal.restore(reader.words()?)?;
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
    use super::super::trial::{Trial, brief, shares};
    use super::*;
    use crate::market::{LaneRow, LaneState};

    fn bar(price: f64, volume: f64) -> LaneRow {
        LaneRow {
            state: LaneState::Present,
            values: [price, price, price, price, volume],
        }
    }

    /// Four bars of small moves, then a last one.
    fn then(last: [LaneRow; 2]) -> Trial {
        [(100.0, 10.0), (101.0, 11.0), (100.0, 10.0), (101.0, 11.0)]
            .iter()
            .fold(Trial::default(), |trial, &(price, volume)| {
                trial.row(&[bar(price, volume), bar(price * 2.0, volume)])
            })
            .row(&last)
    }

    fn small() -> MeanReversionParameters {
        MeanReversionParameters {
            period: 1,
            window: 3,
            volatility_window: 2,
            ..MeanReversionParameters::default()
        }
    }

    fn decide(trial: &Trial) -> Vec<String> {
        let of = shares(&["A", "B"]);
        let mut strategy = MeanReversionLong::new(&small(), &of).unwrap();
        trial.run(&mut strategy, &of).iter().map(brief).collect()
    }

    /// SIG-03: a fall beyond −1.5 deviations on unusual volume is bought; a fall alone, a rise or a
    /// quiet day is not.
    #[test]
    fn a_fall_on_unusual_volume_is_held_while_it_lasts() {
        let trial = then([bar(80.0, 30.0), bar(160.0, 10.5)]);
        let got = decide(&trial);
        assert_eq!(got[..4], ["hold: warming up"; 4]);
        assert_eq!(got[4], "0:1.000000 -1(not oversold)");
        let both = then([bar(80.0, 30.0), bar(160.0, 1.0)]);
        assert_eq!(decide(&both)[4], "0:0.500000 1:0.500000");
        let rise = then([bar(130.0, 30.0), bar(202.0, 10.0)]);
        assert_eq!(decide(&rise)[4], "-0(not oversold) -1(not oversold)");
        let after =
            then([bar(80.0, 30.0), bar(202.0, 10.0)]).row(&[bar(81.0, 11.0), bar(202.0, 10.0)]);
        assert_eq!(decide(&after)[5], "-0(not oversold) -1(not oversold)");
    }

    /// ERR-11: thresholds that would buy rises are refused.
    #[test]
    fn err_11_impossible_parameters_teach() {
        let parameters = MeanReversionParameters {
            entry: 1.5,
            ..small()
        };
        assert_eq!(
            MeanReversionLong::new(&parameters, &shares(&["A"]))
                .unwrap_err()
                .to_string(),
            "mean reversion buys falls: entry must be below zero, volume zero or more \
             (entry = 1.5, volume = 1); hint: both are standard deviations; the usual pair is entry \
             -1.5 and volume 1"
        );
    }
}
