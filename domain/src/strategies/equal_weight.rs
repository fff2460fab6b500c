//! The same of everything, bought once: a benchmark.

use serde::{Deserialize, Serialize};

use super::eligibility::{NO_BAR, outside};
use super::identity::Identity;
use crate::error::Result;
use crate::indicators::StateReader;
use crate::instrument::{InstrumentId, Instruments};
use crate::market::{Fields, LaneState, Slice};
use crate::strategy::{
    Decision, Note, Reason, Requirements, Slot, State, Strategy, Target, Targets, View,
};
use crate::weighting::{equal, scale_to_gross};

/// Parameters of [`EqualWeightHold`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EqualWeightParameters {
    /// Sum of the weights, a multiple of capital, 0 or more; 1 by default.
    pub gross: f64,
}

impl Default for EqualWeightParameters {
    fn default() -> Self {
        Self { gross: 1.0 }
    }
}

/// Equal weights of all listed names, set when the set of names changes and left to drift otherwise.
///
/// A name joins at the first slot at which it has a bar, since before that nothing can be bought,
/// and leaves when it is delisted. Each time all names are set to equal weights again.
#[derive(Clone, Debug)]
pub struct EqualWeightHold {
    identity: Identity,
    gross: f64,
    /// Which lanes are in.
    members: Vec<bool>,
}

impl EqualWeightHold {
    /// The strategy's name in configs and records.
    pub const NAME: &'static str = "equal_weight";

    /// A strategy over all of `instruments` that has seen nothing.
    ///
    /// # Errors
    /// `Signal` when there is no instrument or `gross` is negative or not finite.
    pub fn new(parameters: &EqualWeightParameters, instruments: &Instruments) -> Result<Self> {
        let &EqualWeightParameters { gross } = parameters;
        scale_to_gross(&equal(&[])?, gross)?;
        let identity = Identity::new(
            Self::NAME,
            1,
            vec![("gross", gross.to_string())],
            instruments,
        )?;
        Ok(Self {
            identity,
            gross,
            members: vec![false; instruments.len()],
        })
    }

    /// Lets lanes join and leave; whether any did.
    fn update_members(&mut self, slice: &Slice<'_>) -> bool {
        let mut changed = false;
        for (i, member) in self.members.iter_mut().enumerate() {
            let now = match slice.state(InstrumentId::from_index(i)) {
                LaneState::Present => true,
                LaneState::Delisted => false,
                LaneState::Hole | LaneState::NotListed | LaneState::Closed | LaneState::Halted => {
                    *member
                }
            };
            changed |= now != *member;
            *member = now;
        }
        changed
    }

    fn targets(&self, slice: &Slice<'_>) -> Result<Decision> {
        let (mut chosen, mut targets) = (Vec::new(), Targets::new());
        for (i, member) in self.members.iter().enumerate() {
            let id = InstrumentId::from_index(i);
            if *member {
                chosen.push(i);
            } else {
                targets.exclude(id, outside(slice.state(id), 0, 0).unwrap_or(NO_BAR));
            }
        }
        for &(i, weight) in scale_to_gross(&equal(&chosen)?, self.gross)?.entries() {
            let note = Note {
                signal: Reason::Borrowed("listed"),
                ..Note::default()
            };
            targets.push(InstrumentId::from_index(i), Target::Weight(weight), note);
        }
        Ok(Decision::Targets(
            targets,
            Reason::Borrowed("names changed"),
        ))
    }
}

impl Strategy for EqualWeightHold {
    fn name(&self) -> &str {
        self.identity.name()
    }

    fn requirements(&self) -> Requirements {
        Requirements {
            fields: Fields::CLOSE,
            lookback: 1,
            warm_up: 1,
            level_dependent: false,
        }
    }

    /// Nothing to keep: a slot shows all that matters.
    fn on_slice(&mut self, _view: &View<'_>) {}

    fn decide(&mut self, _slot: Slot, view: &View<'_>) -> Decision {
        if !self.update_members(&view.slice()) {
            return Decision::hold("same names");
        }
        self.targets(&view.slice())
            .unwrap_or_else(|error| Decision::Hold(error.to_string().into()))
    }

    fn save(&self) -> State {
        let mut writer = self.identity.write();
        for &member in &self.members {
            writer.bool(member);
        }
        State {
            words: writer.finish(),
        }
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let mut reader = StateReader::new(&state.words);
        self.identity.check(&mut reader)?;
        let mut members = self.members.clone();
        for member in &mut members {
            *member = reader.bool()?;
        }
        reader.finish()?;
        self.members = members;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::trial::{Trial, absent, brief, flat, shares};
    use super::*;

    #[test]
    fn names_join_with_their_first_bar_and_leave_when_delisted() {
        let of = shares(&["A", "B", "C"]);
        let parameters = EqualWeightParameters { gross: 0.9 };
        let mut strategy = EqualWeightHold::new(&parameters, &of).unwrap();
        let (late, hole) = (absent(LaneState::NotListed), absent(LaneState::Hole));
        let gone = absent(LaneState::Delisted);
        let trial = Trial::default()
            .row(&[late, late, late])
            .row(&[flat(10.0), hole, late])
            .row(&[flat(11.0), flat(5.0), late])
            .row(&[hole, flat(6.0), late])
            .row(&[hole, flat(6.0), flat(1.0)])
            .row(&[gone, flat(6.0), flat(1.0)])
            .row(&[gone, flat(9.0), flat(1.0)])
            .row(&[gone, gone, gone]);
        let decisions: Vec<_> = trial.run(&mut strategy, &of).iter().map(brief).collect();
        assert_eq!(
            decisions,
            [
                "hold: same names",
                "0:0.900000 -1(no bar today) -2(not listed)",
                "0:0.450000 1:0.450000 -2(not listed)",
                "hold: same names",
                "0:0.300000 1:0.300000 2:0.300000",
                "-0(delisted) 1:0.450000 2:0.450000",
                "hold: same names",
                "-0(delisted) -1(delisted) -2(delisted)",
            ]
        );
    }

    /// ERR-11: an impossible gross says what it is measured in.
    #[test]
    fn err_11_impossible_parameters_teach() {
        let e = EqualWeightHold::new(&EqualWeightParameters { gross: -0.5 }, &shares(&["A"]));
        assert_eq!(
            e.unwrap_err().to_string(),
            "gross exposure must be zero or more (gross = -0.5); \
             hint: gross is a multiple of equity: 1 for unlevered, 0 for nothing held"
        );
    }

    #[test]
    fn parameters_have_defaults_and_refuse_unknown_keys() {
        let parse = serde_json::from_str::<EqualWeightParameters>;
        assert_eq!(parse("{}").unwrap(), EqualWeightParameters::default());
        assert!(parse(r#"{"top": 3}"#).is_err());
    }
}
