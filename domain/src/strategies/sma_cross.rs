//! Long while a fast moving average is above a slow one, flat or short below, traded only when that
//! changes.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::eligibility::{NO_BAR, outside};
use super::identity::Identity;
use super::window::require_window;
use crate::error::{Error, Result};
use crate::indicators::{StateReader, StateWriter};
use crate::instrument::{Instrument, InstrumentId, Instruments};
use crate::market::{Field, Fields, LaneState, Slice};
use crate::money::Quantity;
use crate::signals::SmaCross;
use crate::strategy::{
    Decision, Note, Reason, Requirements, Slot, State, Strategy, Target, Targets, View,
};

/// How much of a name is held while it is long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sizing {
    /// This many units of each name: above zero, whole lots of each instrument.
    Units(Decimal),
    /// The capital in equal parts over the names that are long.
    EqualWeight,
}

/// What a first entry takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// The fast average is above the slow one, as it may be at the first slow average.
    #[default]
    State,
    /// The side was seen to change: averages wait for their first cross, wherever they start.
    Cross,
}

/// What is held while the fast average is not above the slow one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Below {
    /// Nothing.
    #[default]
    Flat,
    /// As much as above, sold short; needs a margin account.
    Short,
}

/// Parameters of [`SmaCrossUnits`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SmaCrossParameters {
    /// Closes in the fast average; 1 or more and below `slow`, 10 by default.
    pub fast: usize,
    /// Closes in the slow average, 50 by default.
    pub slow: usize,
    /// How much is held; one unit by default.
    pub sizing: Sizing,
    /// What a first entry takes; `state` by default.
    pub entry: Entry,
    /// What is held below; `flat` by default.
    pub below: Below,
}

impl Default for SmaCrossParameters {
    fn default() -> Self {
        Self {
            fast: 10,
            slow: 50,
            sizing: Sizing::Units(Decimal::ONE),
            entry: Entry::State,
            below: Below::Flat,
        }
    }
}

/// Long each name while [`SmaCross`] says so, otherwise flat or short.
///
/// The averages are of closes of the total-return index: without corporate actions these are the
/// raw closes to the bit, and with them a split does not look like a crash. Both averages scale with
/// the price, so the comparison does not depend on its level.
///
/// Answers with targets only at a slot where a name's wanted side differs from the last targets, and
/// holds otherwise without allocating: drift is left alone.
#[derive(Clone, Debug)]
pub struct SmaCrossUnits {
    identity: Identity,
    sizing: Sizing,
    entry: Entry,
    below: Below,
    warm_up: usize,
    lanes: Vec<Lane>,
}

#[derive(Clone, Debug)]
struct Lane {
    cross: SmaCross,
    bars: usize,
    /// The side the averages were first seen on.
    first: Option<bool>,
    /// Whether the side now is enough to be wanted.
    armed: bool,
    /// What the latest slice asks for.
    wanted: Held,
    /// What the last targets asked for.
    decided: Held,
}

/// The side of a position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Held {
    #[default]
    Flat,
    Long,
    Short,
}

impl Held {
    const ALL: [Self; 3] = [Self::Flat, Self::Long, Self::Short];

    fn read(reader: &mut StateReader<'_>) -> Result<Self> {
        let code = reader.usize()?;
        Self::ALL.get(code).copied().ok_or_else(|| {
            Error::signal(format!(
                "saved state holds {code} for the side of a position"
            ))
            .hint("the state is damaged: warm up again")
        })
    }
}

impl SmaCrossUnits {
    /// The strategy's name in configs and records.
    pub const NAME: &'static str = "sma_cross";

    /// A strategy over all of `instruments` that has seen nothing.
    ///
    /// # Errors
    /// `Signal` when there is no instrument, a period is out of its range, or the units are not
    /// whole lots above zero of some instrument.
    pub fn new(parameters: &SmaCrossParameters, instruments: &Instruments) -> Result<Self> {
        let &SmaCrossParameters {
            fast,
            slow,
            sizing,
            entry,
            below,
        } = parameters;
        require_window("slow", slow)?;
        let sizing_text = match sizing {
            Sizing::Units(units) => format!("{} units", units.normalize()),
            Sizing::EqualWeight => "equal weight".to_owned(),
        };
        let identity = Identity::new(
            Self::NAME,
            3,
            vec![
                ("fast", fast.to_string()),
                ("slow", slow.to_string()),
                ("sizing", sizing_text),
                (
                    "entry",
                    if entry == Entry::State {
                        "state"
                    } else {
                        "cross"
                    }
                    .to_owned(),
                ),
                (
                    "below",
                    if below == Below::Flat {
                        "flat"
                    } else {
                        "short"
                    }
                    .to_owned(),
                ),
            ],
            instruments,
        )?;
        if let Sizing::Units(units) = sizing {
            for instrument in instruments.all() {
                require_lots(units, instrument)?;
            }
        }
        let lane = Lane {
            cross: SmaCross::new(fast, slow)?,
            bars: 0,
            first: None,
            armed: entry == Entry::State,
            wanted: Held::Flat,
            decided: Held::Flat,
        };
        Ok(Self {
            identity,
            sizing,
            entry,
            below,
            warm_up: slow,
            lanes: vec![lane; instruments.len()],
        })
    }

    /// Targets of all lanes; what they ask for is now decided.
    #[cold]
    fn targets(&mut self, slice: &Slice<'_>) -> Decision {
        let held = self.lanes.iter().filter(|l| l.wanted != Held::Flat).count();
        let target = |short: bool| match self.sizing {
            Sizing::Units(units) => Target::Units(if short { -units } else { units }),
            Sizing::EqualWeight => {
                let weight = 1.0 / held as f64;
                Target::Weight(if short { -weight } else { weight })
            }
        };
        let mut targets = Targets::new();
        for (i, lane) in self.lanes.iter_mut().enumerate() {
            let id = InstrumentId::from_index(i);
            lane.decided = lane.wanted;
            if lane.wanted != Held::Flat {
                let short = lane.wanted == Held::Short;
                let signal = if short {
                    "fast_not_above_slow"
                } else {
                    "fast_above_slow"
                };
                let note = Note {
                    signal: Reason::Borrowed(signal),
                    ..Note::default()
                };
                targets.push(id, target(short), note);
            } else {
                let state = slice.state(id);
                let idle = match state {
                    LaneState::Present => Reason::Borrowed("fast_not_above_slow"),
                    _ => NO_BAR,
                };
                let reason = outside(state, lane.bars, self.warm_up).unwrap_or(idle);
                targets.exclude(id, reason);
            }
        }
        Decision::Targets(targets, Reason::Borrowed("cross"))
    }
}

fn require_lots(units: Decimal, instrument: &Instrument) -> Result<()> {
    let whole = Quantity::from_decimal(units, instrument.quantity_scale)
        .is_ok_and(|quantity| quantity.is_positive() && quantity.is_multiple_of(instrument.lot));
    if whole {
        return Ok(());
    }
    let lot = instrument.lot.to_decimal(instrument.quantity_scale)?;
    Err(
        Error::signal("sma_cross needs units in whole lots above zero")
            .context("units", units)
            .context("instrument", &instrument.symbol)
            .context("lot", lot.normalize())
            .hint("use a multiple of the lot of every instrument, or sizing = \"equal_weight\""),
    )
}

impl Strategy for SmaCrossUnits {
    fn name(&self) -> &str {
        self.identity.name()
    }

    fn requirements(&self) -> Requirements {
        Requirements {
            fields: Fields::CLOSE,
            lookback: 1,
            warm_up: self.warm_up,
            level_dependent: false,
        }
    }

    #[inline]
    fn on_slice(&mut self, view: &View<'_>) {
        let slice = view.slice();
        for (i, lane) in self.lanes.iter_mut().enumerate() {
            let id = InstrumentId::from_index(i);
            if let Some(close) = slice.total_return(id, Field::Close) {
                let above = lane.cross.update(close);
                // Both are known for good after the first answers, and not written again.
                if lane.first.is_none() {
                    lane.first = above;
                }
                if !lane.armed {
                    lane.armed = above != lane.first && self.entry == Entry::Cross;
                }
                lane.wanted = match (above, self.below) {
                    _ if !lane.armed => Held::Flat,
                    (Some(true), _) => Held::Long,
                    (Some(false), Below::Short) => Held::Short,
                    _ => Held::Flat,
                };
                lane.bars += 1;
            } else if slice.state(id) == LaneState::Delisted {
                lane.wanted = Held::Flat;
            }
        }
    }

    #[inline]
    fn decide(&mut self, _slot: Slot, view: &View<'_>) -> Decision {
        if self.lanes.iter().all(|lane| lane.wanted == lane.decided) {
            return Decision::hold("no cross");
        }
        self.targets(&view.slice())
    }

    fn save(&self) -> State {
        let mut writer: StateWriter = self.identity.write();
        for lane in &self.lanes {
            writer.words(&lane.cross.save());
            writer.usize(lane.bars);
            writer.bool(lane.first.is_some());
            writer.bool(lane.first == Some(true));
            writer.bool(lane.armed);
            writer.usize(lane.wanted as usize);
            writer.usize(lane.decided as usize);
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
            lane.cross.restore(reader.words()?)?;
            lane.bars = reader.usize()?;
            let (seen, above) = (reader.bool()?, reader.bool()?);
            lane.first = seen.then_some(above);
            lane.armed = reader.bool()?;
            lane.wanted = Held::read(&mut reader)?;
            lane.decided = Held::read(&mut reader)?;
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

    fn small(sizing: Sizing) -> SmaCrossParameters {
        SmaCrossParameters {
            fast: 1,
            slow: 2,
            sizing,
            entry: Entry::State,
            below: Below::Flat,
        }
    }

    #[test]
    fn below_can_be_short_and_a_cross_waits_for_the_first_change_of_side() {
        let of = shares(&["A"]);
        let closes = [10.0, 9.0, 8.0, 9.0, 8.0];
        let trial = closes
            .iter()
            .fold(Trial::default(), |trial, c| trial.row(&[flat(*c)]));
        for (entry, expected) in [
            (
                Entry::State,
                ["hold: no cross", "0:-3u", "hold: no cross", "0:3u", "0:-3u"],
            ),
            (
                Entry::Cross,
                [
                    "hold: no cross",
                    "hold: no cross",
                    "hold: no cross",
                    "0:3u",
                    "0:-3u",
                ],
            ),
        ] {
            let parameters = SmaCrossParameters {
                entry,
                below: Below::Short,
                ..small(Sizing::Units(Decimal::new(3, 0)))
            };
            let mut strategy = SmaCrossUnits::new(&parameters, &of).unwrap();
            let decisions: Vec<_> = trial.run(&mut strategy, &of).iter().map(brief).collect();
            assert_eq!(decisions, expected, "{entry:?}");
        }
    }

    #[track_caller]
    fn check(sizing: Sizing, trial: &Trial, expected: &[&str]) {
        let of = shares(&["A", "B"]);
        let mut strategy = SmaCrossUnits::new(&small(sizing), &of).unwrap();
        let decisions: Vec<_> = trial.run(&mut strategy, &of).iter().map(brief).collect();
        assert_eq!(decisions, expected);
    }

    fn crossing() -> Trial {
        Trial::default()
            .row(&[flat(10.0), absent(LaneState::NotListed)])
            .row(&[flat(11.0), flat(5.0)])
            .row(&[flat(12.0), flat(6.0)])
            .row(&[flat(11.0), absent(LaneState::Hole)])
            .row(&[flat(11.0), flat(7.0)])
            .row(&[absent(LaneState::Halted), absent(LaneState::Delisted)])
    }

    #[test]
    fn targets_come_only_when_a_side_changes() {
        check(
            Sizing::Units(Decimal::new(3, 0)),
            &crossing(),
            &[
                "hold: no cross",
                "0:3u -1(warming up: 1 of 2 bars)",
                "0:3u 1:3u",
                // Lane 1 has no bar and keeps its side.
                "-0(fast_not_above_slow) 1:3u",
                "hold: no cross",
                "-0(no bar today) -1(delisted)",
            ],
        );
        check(
            Sizing::EqualWeight,
            &crossing(),
            &[
                "hold: no cross",
                "0:1.000000 -1(warming up: 1 of 2 bars)",
                "0:0.500000 1:0.500000",
                "-0(fast_not_above_slow) 1:1.000000",
                "hold: no cross",
                "-0(no bar today) -1(delisted)",
            ],
        );
    }

    #[test]
    fn a_split_is_no_cross() {
        let split = CorporateAction {
            at: Timestamp::EPOCH,
            kind: ActionKind::Split(SplitRatio { new: 2, old: 1 }),
        };
        let rising = |close: f64| {
            let idle = absent(LaneState::NotListed);
            Trial::default()
                .row(&[flat(10.0), idle])
                .row(&[flat(11.0), idle])
                .row(&[flat(close), idle])
        };
        let one = Sizing::Units(Decimal::ONE);
        let start = ["hold: no cross", "0:1u -1(not listed)"];
        let held = [start[0], start[1], "hold: no cross"];
        let sold = [start[0], start[1], "-0(fast_not_above_slow) -1(not listed)"];
        check(one, &rising(6.0).action(0, split), &held);
        check(one, &rising(6.0), &sold);
    }

    /// ERR-11: each parameter out of its range is named with a way out.
    #[test]
    fn err_11_impossible_parameters_teach() {
        let usual = SmaCrossParameters::default;
        for (parameters, text) in [
            (
                SmaCrossParameters {
                    fast: 50,
                    ..usual()
                },
                "sma cross needs a fast period shorter than its slow period \
                 (fast = 50, slow = 50); hint: a usual pair is fast 10 and slow 50",
            ),
            (
                SmaCrossParameters {
                    sizing: Sizing::Units(Decimal::new(5, 1)),
                    ..usual()
                },
                "sma_cross needs units in whole lots above zero \
                 (units = 0.5, instrument = A, lot = 1); hint: use a multiple of the lot of every \
                 instrument, or sizing = \"equal_weight\"",
            ),
            (
                SmaCrossParameters {
                    slow: 1_000_001,
                    ..usual()
                },
                "slow is longer than 1000000 bars (slow = 1000001); \
                 hint: use a shorter window, or longer bars",
            ),
        ] {
            let e = SmaCrossUnits::new(&parameters, &shares(&["A"])).unwrap_err();
            assert_eq!(e.to_string(), text);
        }
        for units in [Decimal::ZERO, -Decimal::ONE] {
            let parameters = small(Sizing::Units(units));
            assert!(SmaCrossUnits::new(&parameters, &shares(&["A"])).is_err());
        }
    }

    #[test]
    fn parameters_have_defaults_and_refuse_unknown_keys() {
        let parse = serde_json::from_str::<SmaCrossParameters>;
        assert_eq!(parse("{}").unwrap(), SmaCrossParameters::default());
        let some = parse(r#"{"fast": 2, "sizing": {"units": "2.5"}}"#).unwrap();
        assert_eq!(
            (some.fast, some.sizing),
            (2, Sizing::Units(Decimal::new(25, 1)))
        );
        let equal = parse(r#"{"sizing": "equal_weight"}"#).unwrap();
        assert_eq!(equal.sizing, Sizing::EqualWeight);
        assert!(parse(r#"{"price": "raw"}"#).is_err());
    }
}
