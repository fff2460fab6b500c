//! Breakouts sized by inverse volatility.

use serde::{Deserialize, Serialize};

use super::eligibility::{NO_BAR, outside};
use super::identity::Identity;
use super::sizing::{Bounds, Risks, by_inverse_volatility};
use super::window::require_window;
use crate::error::{Error, Result};
use crate::indicators::{Ddof, IndicatorCache, ReturnKind, StateReader, StateWriter, Volatility};
use crate::instrument::{Instrument, InstrumentId, Instruments};
use crate::market::{Field, Fields, Slice};
use crate::signals::{Breakout, BreakoutLabel, BreakoutState};
use crate::strategy::{
    Decision, Note, Reason, Requirements, Slot, State, Strategy, Target, Targets, View,
};
use crate::weighting::{DEFAULT_MIN_VOL, GrossMode};

/// Parameters of [`BreakoutInverseVolatility`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BreakoutParameters {
    /// Bars whose highest high a close must exceed to enter (lowest low for a short); 1 or more,
    /// 50 by default.
    pub entry: usize,
    /// Bars whose lowest low a close must undercut to leave a long; 1 or more, 70 by default.
    pub exit: usize,
    /// Whether shorts are left out; true by default.
    pub long_only: bool,
    /// Simple returns in the sample standard deviation that sizes a name; 2 or more, 60 by default.
    pub volatility_window: usize,
    /// Floor under the annualised volatility, a fraction above 0; 0.0001 by default.
    pub min_vol: f64,
    /// Largest weight of one name, a fraction of capital above 0; 0.4 by default. The excess goes
    /// to the other names of the same side pro rata; what none can take stays in cash.
    pub cap: f64,
    /// Largest sum of weights without their signs, a multiple of capital, 0 or more; 1 by default.
    pub max_gross: f64,
    /// What each side gets; all of the capital for each by default.
    pub gross_mode: GrossMode,
}

impl Default for BreakoutParameters {
    fn default() -> Self {
        Self {
            entry: 50,
            exit: 70,
            long_only: true,
            volatility_window: 60,
            min_vol: DEFAULT_MIN_VOL,
            cap: 0.4,
            max_gross: 1.0,
            gross_mode: GrossMode::FullPerSide,
        }
    }
}

/// Holds each name while its breakout says so, weighted by the inverse of its volatility.
///
/// Signal: [`Breakout`] on high, low and close of the total-return index. Risk: the sample standard
/// deviation of simple returns of that index, annualised with the instrument's calendar as if bars
/// were sessions (for other bars every name is off by the same factor, which matters to `min_vol`
/// alone). Weights of each side are proportional to 1 / volatility, then capped, shared by the gross
/// mode and limited to `max_gross`.
///
/// Answers every slot with targets, so that the rebalance threshold alone decides what trades; holds
/// only while no name has been warm yet. A name is warm after `max(entry, volatility_window) + 1`
/// bars. A price that has not moved at all in the window has no weight.
#[derive(Clone, Debug)]
pub struct BreakoutInverseVolatility {
    identity: Identity,
    bounds: Bounds,
    min_vol: f64,
    warm_up: usize,
    lanes: Vec<Lane>,
}

#[derive(Clone, Debug)]
struct Lane {
    breakout: Breakout,
    volatility: Volatility,
    /// Bars a year of the instrument's calendar.
    annualisation: f64,
    bars: usize,
    label: BreakoutLabel,
    close: f64,
    /// What the latest close was compared with for an entry.
    levels: Option<(f64, f64)>,
}

impl BreakoutInverseVolatility {
    /// The strategy's name in configs and records.
    pub const NAME: &'static str = "breakout";

    /// A strategy over all of `instruments` that has seen nothing.
    ///
    /// # Errors
    /// `Signal` when there is no instrument or a parameter is out of its range.
    pub fn new(parameters: &BreakoutParameters, instruments: &Instruments) -> Result<Self> {
        let &BreakoutParameters {
            entry,
            exit,
            long_only,
            volatility_window,
            min_vol,
            cap,
            max_gross,
            gross_mode,
        } = parameters;
        for (name, bars) in [
            ("entry", entry),
            ("exit", exit),
            ("volatility_window", volatility_window),
        ] {
            require_window(name, bars)?;
        }
        by_inverse_volatility(&[], min_vol)?;
        let identity = Identity::new(
            Self::NAME,
            1,
            vec![
                ("entry", entry.to_string()),
                ("exit", exit.to_string()),
                ("long_only", long_only.to_string()),
                ("volatility_window", volatility_window.to_string()),
                ("min_vol", min_vol.to_string()),
                ("cap", cap.to_string()),
                ("max_gross", max_gross.to_string()),
                ("gross_mode", format!("{gross_mode:?}")),
            ],
            instruments,
        )?;
        let lane = |instrument: &Instrument| {
            Ok(Lane {
                breakout: if long_only {
                    Breakout::long_only(entry, exit)?
                } else {
                    Breakout::new(entry, exit)?
                },
                volatility: Volatility::new(volatility_window, ReturnKind::Simple, Ddof::Sample)?,
                annualisation: instrument.calendar.annualisation(),
                bars: 0,
                label: BreakoutLabel::NotReady,
                close: 0.0,
                levels: None,
            })
        };
        Ok(Self {
            identity,
            bounds: Bounds::checked(cap, max_gross, gross_mode)?,
            min_vol,
            warm_up: entry.max(volatility_window) + 1,
            lanes: instruments.all().iter().map(lane).collect::<Result<_>>()?,
        })
    }

    fn targets(&self, slice: &Slice<'_>, ask: &mut Risks<'_>) -> Result<Decision> {
        if self.lanes.iter().all(|lane| lane.bars < self.warm_up) {
            return Ok(Decision::hold("warming up"));
        }
        let mut targets = Targets::new();
        let (mut long, mut short) = (Vec::new(), Vec::new());
        for (i, lane) in self.lanes.iter().enumerate() {
            let id = InstrumentId::from_index(i);
            if let Some(reason) = outside(slice.state(id), lane.bars, self.warm_up) {
                targets.exclude(id, reason);
                continue;
            }
            let side = match lane.breakout.state() {
                BreakoutState::Long => &mut long,
                BreakoutState::Short => &mut short,
                BreakoutState::Flat => {
                    targets.exclude(id, lane.idle_reason(slice.is_present(id)));
                    continue;
                }
            };
            match lane.volatility(i, ask) {
                Some(volatility) => side.push((i, volatility)),
                None => targets.exclude(id, "no volatility: the price has not moved"),
            }
        }
        let bounded = self.bounds.apply(
            &by_inverse_volatility(&long, self.min_vol)?,
            &by_inverse_volatility(&short, self.min_vol)?,
        )?;
        for (i, weight, uncapped) in bounded.entries() {
            let lane = &self.lanes[i];
            let note = Note {
                signal: Reason::Borrowed(lane.label.name()),
                score: lane.score(),
                volatility: lane.volatility(i, ask),
                uncapped: Some(uncapped),
            };
            targets.push(InstrumentId::from_index(i), Target::Weight(weight), note);
        }
        Ok(Decision::Targets(targets, Reason::Borrowed("breakout")))
    }
}

impl Lane {
    #[inline]
    fn update(&mut self, high: f64, low: f64, close: f64) {
        self.levels = self.breakout.entry_levels();
        self.label = self.breakout.update(high, low, close);
        self.volatility.update(close);
        self.close = close;
        self.bars += 1;
    }

    /// `None` before a full window, and for a price that stands still.
    fn volatility(&self, lane: usize, ask: &mut Risks<'_>) -> Option<f64> {
        ask.annualised(lane, &self.volatility, self.annualisation)
    }

    /// How far the close is beyond the level of an entry on its side, a fraction.
    fn score(&self) -> Option<f64> {
        let (upper, lower) = self.levels?;
        match self.breakout.state() {
            BreakoutState::Long => Some(self.close / upper - 1.0),
            BreakoutState::Short => Some(self.close / lower - 1.0),
            BreakoutState::Flat => None,
        }
    }

    fn idle_reason(&self, present: bool) -> Reason {
        if present {
            Reason::Borrowed(self.label.name())
        } else {
            NO_BAR
        }
    }

    fn write(&self, writer: &mut StateWriter) {
        writer.words(&self.breakout.save());
        writer.words(&self.volatility.save());
        writer.usize(self.bars);
        writer.u64(self.label as u64);
        writer.f64(self.close);
        let (upper, lower) = self.levels.unwrap_or_default();
        writer.bool(self.levels.is_some());
        writer.f64(upper);
        writer.f64(lower);
    }

    fn read(&mut self, reader: &mut StateReader<'_>) -> Result<()> {
        self.breakout.restore(reader.words()?)?;
        self.volatility.restore(reader.words()?)?;
        self.bars = reader.usize()?;
        let code = reader.usize()?;
        self.label = *BreakoutLabel::ALL.get(code).ok_or_else(|| {
            Error::signal("the saved breakout label is unknown")
                .context("label", code)
                .hint("the state is damaged; start fresh and warm up again")
        })?;
        self.close = reader.f64()?;
        let known = reader.bool()?;
        let levels = (reader.f64()?, reader.f64()?);
        self.levels = known.then_some(levels);
        Ok(())
    }
}

impl Strategy for BreakoutInverseVolatility {
    fn name(&self) -> &str {
        self.identity.name()
    }

    fn requirements(&self) -> Requirements {
        Requirements {
            fields: Fields::of(&[Field::High, Field::Low, Field::Close]),
            lookback: 1,
            warm_up: self.warm_up,
            // Closes and extremes scale alike, so a common factor changes no comparison.
            level_dependent: false,
        }
    }

    fn on_slice(&mut self, view: &View<'_>) {
        let slice = view.slice();
        for (i, lane) in self.lanes.iter_mut().enumerate() {
            let id = InstrumentId::from_index(i);
            let price = |field| slice.total_return(id, field);
            if let (Some(high), Some(low), Some(close)) =
                (price(Field::High), price(Field::Low), price(Field::Close))
            {
                lane.update(high, low, close);
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
    use crate::market::{ActionKind, CorporateAction, LaneState, SplitRatio};
    use crate::time::Timestamp;

    /// Windows small enough to follow by hand; warm after three bars.
    fn small() -> BreakoutParameters {
        BreakoutParameters {
            entry: 2,
            exit: 2,
            volatility_window: 2,
            cap: 1.0,
            ..BreakoutParameters::default()
        }
    }

    #[track_caller]
    fn check(parameters: &BreakoutParameters, symbols: &[&str], trial: &Trial, last: &[&str]) {
        let of = shares(symbols);
        let mut strategy = BreakoutInverseVolatility::new(parameters, &of).unwrap();
        let decisions: Vec<_> = trial.run(&mut strategy, &of).iter().map(brief).collect();
        assert_eq!(decisions[decisions.len() - last.len()..], *last);
    }

    /// Lane 0 rises by 10 % and 20 %, lane 1 by 10 % and 30 %: sample deviations 1 to 2.
    fn rising() -> Trial {
        Trial::default()
            .row(&[flat(100.0), flat(10.0)])
            .row(&[flat(110.0), flat(11.0)])
            .row(&[flat(132.0), flat(14.3)])
    }

    #[test]
    fn weights_are_inverse_to_volatility_from_the_first_warm_bar() {
        check(
            &small(),
            &["A", "B"],
            &rising(),
            &[
                "hold: warming up",
                "hold: warming up",
                "0:0.666667 1:0.333333",
            ],
        );
        let capped = BreakoutParameters {
            cap: 0.6,
            ..small()
        };
        check(&capped, &["A", "B"], &rising(), &["0:0.600000 1:0.400000"]);
        let cash = BreakoutParameters {
            cap: 0.4,
            ..small()
        };
        check(&cash, &["A", "B"], &rising(), &["0:0.400000 1:0.400000"]);
        let half = BreakoutParameters {
            max_gross: 0.5,
            ..small()
        };
        check(&half, &["A", "B"], &rising(), &["0:0.333333 1:0.166667"]);
    }

    #[test]
    fn notes_say_how_a_weight_came_about() {
        let of = shares(&["A", "B"]);
        let parameters = BreakoutParameters {
            cap: 0.6,
            ..small()
        };
        let mut strategy = BreakoutInverseVolatility::new(&parameters, &of).unwrap();
        let decisions = rising().run(&mut strategy, &of);
        let Some(Decision::Targets(targets, reason)) = decisions.last() else {
            panic!("no targets");
        };
        let note = &targets.entries()[0].note;
        assert_eq!(
            (reason.as_ref(), note.signal.as_ref()),
            ("breakout", "long")
        );
        // Above the highest high before it, 110, by a fifth.
        assert!((note.score.unwrap() - 0.2).abs() < 1e-12);
        // Returns 0.1 and 0.2 have the sample deviation 0.05 × √2.
        let yearly = (0.005_f64 * 365.0).sqrt();
        assert!((note.volatility.unwrap() - yearly).abs() < 1e-12);
        assert!((note.uncapped.unwrap() - 2.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn a_hole_moves_nobody_and_what_is_outside_says_why() {
        let trial = rising()
            .row(&[absent(LaneState::Hole), flat(14.3)])
            .row(&[flat(60.0), absent(LaneState::Delisted)])
            .row(&[absent(LaneState::Halted), absent(LaneState::Delisted)]);
        check(
            &small(),
            &["A", "B"],
            &trial,
            &[
                // Lane 1 stood still: returns 30 % and 0 % now. Lane 0 keeps 0.05 × √2.
                "0:0.750000 1:0.250000",
                "-0(exit_long) -1(delisted)",
                "-0(no bar today) -1(delisted)",
            ],
        );
        let late = Trial::default()
            .row(&[flat(100.0), absent(LaneState::NotListed)])
            .row(&[flat(110.0), absent(LaneState::NotListed)])
            .row(&[flat(105.0), absent(LaneState::NotListed)])
            .row(&[flat(121.0), flat(9.0)]);
        check(
            &small(),
            &["A", "B"],
            &late,
            &[
                "-0(neutral) -1(not listed)",
                "0:1.000000 -1(warming up: 1 of 3 bars)",
            ],
        );
    }

    #[test]
    fn a_frozen_price_has_no_weight() {
        // Close-to-close nothing moves, yet the close is above the highs before it once.
        let of = shares(&["A"]);
        let mut strategy = BreakoutInverseVolatility::new(&small(), &of).unwrap();
        let trial = Trial::default()
            .row(&[flat(10.0)])
            .row(&[flat(10.0)])
            .row(&[flat(11.0)])
            .row(&[flat(11.0)])
            .row(&[flat(11.0)]);
        let last = trial.run(&mut strategy, &of).pop().unwrap();
        assert_eq!(brief(&last), "-0(no volatility: the price has not moved)");
    }

    #[test]
    fn both_sides_share_by_the_gross_mode() {
        let trial = Trial::default()
            .row(&[flat(100.0), flat(100.0)])
            .row(&[flat(110.0), flat(90.0)])
            .row(&[flat(132.0), flat(72.0)]);
        let long_only = small();
        check(&long_only, &["A", "B"], &trial, &["0:1.000000 -1(neutral)"]);
        let both = BreakoutParameters {
            long_only: false,
            ..small()
        };
        // Full for each side is a gross of 2, more than the limit of 1.
        check(&both, &["A", "B"], &trial, &["0:0.500000 1:-0.500000"]);
        let split = BreakoutParameters {
            gross_mode: GrossMode::SplitHalf,
            cap: 0.3,
            ..both
        };
        check(&split, &["A", "B"], &trial, &["0:0.300000 1:-0.300000"]);
    }

    #[test]
    fn a_split_changes_no_decision() {
        let of = shares(&["A", "B"]);
        let run = |trial: Trial| {
            let mut strategy = BreakoutInverseVolatility::new(&small(), &of).unwrap();
            trial.run(&mut strategy, &of)
        };
        let split = CorporateAction {
            at: Timestamp::EPOCH,
            kind: ActionKind::Split(SplitRatio { new: 2, old: 1 }),
        };
        let whole = run(rising().row(&[flat(140.0), flat(14.0)]));
        let halved = run(rising().row(&[flat(70.0), flat(14.0)]).action(0, split));
        assert_eq!(whole, halved);
        let without = run(rising().row(&[flat(70.0), flat(14.0)]));
        assert_ne!(whole, without);
    }

    /// ERR-11: each parameter out of its range is named with a way out.
    #[test]
    fn err_11_impossible_parameters_teach() {
        let refused = |parameters: &BreakoutParameters, symbols: &[&str]| {
            BreakoutInverseVolatility::new(parameters, &shares(symbols))
                .unwrap_err()
                .to_string()
        };
        let usual = BreakoutParameters::default;
        for (parameters, text) in [
            (
                BreakoutParameters {
                    entry: 0,
                    ..usual()
                },
                "breakout entry needs a period of at least 1 (period = 0); \
                 hint: use a period of 1 bars or more",
            ),
            (
                BreakoutParameters {
                    exit: usize::MAX,
                    ..usual()
                },
                "exit is longer than 1000000 bars (exit = 18446744073709551615); \
                 hint: use a shorter window, or longer bars",
            ),
            (
                BreakoutParameters {
                    volatility_window: 1,
                    ..usual()
                },
                "rolling sample standard deviation needs a period of at least 2 (period = 1); \
                 hint: use a period of 2 bars or more",
            ),
            (
                BreakoutParameters {
                    min_vol: 0.0,
                    ..usual()
                },
                "the volatility floor must be above zero (min_vol = 0); \
                 hint: the usual floor is 0.0001",
            ),
            (
                BreakoutParameters {
                    cap: f64::NAN,
                    ..usual()
                },
                "a weight cap must be above zero (cap = NaN); hint: a cap is a fraction of equity, \
                 such as 0.4; 1 does not limit a single name",
            ),
            (
                BreakoutParameters {
                    max_gross: -1.0,
                    ..usual()
                },
                "gross exposure must be zero or more (gross = -1); \
                 hint: gross is a multiple of equity: 1 for unlevered, 0 for nothing held",
            ),
        ] {
            assert_eq!(refused(&parameters, &["A"]), text);
        }
        assert_eq!(
            refused(&usual(), &[]),
            "strategy 'breakout' has no instrument to look at; \
             hint: define at least one instrument before the strategy"
        );
    }

    #[test]
    fn parameters_have_defaults_and_refuse_unknown_keys() {
        let parse = serde_json::from_str::<BreakoutParameters>;
        assert_eq!(parse("{}").unwrap(), BreakoutParameters::default());
        let some = parse(r#"{"exit": 20, "gross_mode": "split_half"}"#).unwrap();
        assert_eq!((some.exit, some.gross_mode), (20, GrossMode::SplitHalf));
        let e = parse(r#"{"exits": 20}"#).unwrap_err().to_string();
        assert!(e.contains("unknown field `exits`"), "{e}");
    }
}
