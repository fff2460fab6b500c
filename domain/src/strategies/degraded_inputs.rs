//! Less size on inputs that are not what was wanted, whatever strategy is inside.

use std::borrow::Cow;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::error::{Error, Result};
use crate::indicators::{CacheUse, IndicatorCache};
use crate::instrument::{InstrumentId, Instruments};
use crate::strategy::{
    Decision, Requirements, SleeveAction, Slot, State, Strategy, Target, TargetEntry, Targets, View,
};

/// An instrument whose data come from a stand-in, or are old.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DegradedInput {
    /// Which instrument.
    pub instrument: InstrumentId,
    /// Where its data come from and how old they are, as `fallback alpha_csv, 0.0 h old`.
    pub origin: String,
}

/// Multiplies each target on a degraded input by one factor, and says so in the target's note and in the
/// reason of the decision, so that an order can be followed back to its source.
///
/// A factor of 0 closes what is held and opens nothing; 1 changes no size and still says where the data
/// come from. What is not degraded is passed on as it is. Sleeves are treated one by one.
#[derive(Debug)]
pub struct DegradedInputs<S> {
    inner: S,
    factor: Decimal,
    /// What is said in the note of a target, by instrument; `None` for data as wanted.
    notes: Vec<Option<String>>,
    /// What is said in the reason of every decision.
    summary: String,
}

impl<S: Strategy> DegradedInputs<S> {
    /// The factor of a config that names none.
    pub const FACTOR: Decimal = Decimal::from_parts(5, 0, 0, false, 1);

    /// Guards `inner` by `factor`, from 0 to 1.
    ///
    /// # Errors
    /// `Configuration` for a factor beyond these bounds or an instrument that is not in `instruments`.
    pub fn new(
        inner: S,
        instruments: &Instruments,
        inputs: &[DegradedInput],
        factor: Decimal,
    ) -> Result<Self> {
        if factor < Decimal::ZERO || factor > Decimal::ONE {
            return Err(Error::config("what is degraded is never traded larger")
                .context("factor", factor)
                .hint("use a factor from 0 to 1"));
        }
        let mut notes = vec![None; instruments.len()];
        let mut named = Vec::with_capacity(inputs.len());
        for input in inputs {
            let known = instruments.get(input.instrument);
            let (Some(instrument), Some(note)) = (known, notes.get_mut(input.instrument.index()))
            else {
                return Err(
                    Error::config("a degraded input of no instrument of this account")
                        .context("instrument", input.instrument.0),
                );
            };
            *note = Some(format!("size x{} for {}", factor.normalize(), input.origin));
            named.push(format!("{} from {}", instrument.symbol, input.origin));
        }
        let summary = format!(
            "sizes x{} on degraded inputs: {}",
            factor.normalize(),
            named.join("; ")
        );
        Ok(Self {
            inner,
            factor,
            notes,
            summary,
        })
    }

    fn shrunk(&self, decision: Decision) -> Decision {
        match decision {
            Decision::Hold(reason) => Decision::Hold(reason),
            Decision::Targets(targets, reason) => {
                let (targets, changed) = self.targets(&targets);
                Decision::Targets(targets, self.said(reason, changed))
            }
            Decision::Sleeves(mut sleeves) => {
                for sleeve in &mut sleeves {
                    if let SleeveAction::Targets(targets, reason) = &mut sleeve.action {
                        let (new, changed) = self.targets(targets);
                        *targets = new;
                        *reason = self.said(std::mem::take(reason), changed);
                    }
                }
                Decision::Sleeves(sleeves)
            }
        }
    }

    /// The targets, smaller where their input is degraded, and whether any is.
    fn targets(&self, wanted: &Targets) -> (Targets, bool) {
        let mut targets = Targets::new();
        let mut changed = false;
        for entry in wanted.entries() {
            let TargetEntry {
                instrument,
                mut target,
                mut note,
            } = entry.clone();
            if let Some(Some(said)) = self.notes.get(instrument.index()) {
                changed = true;
                target = self.times(target);
                note.signal = Cow::Owned(match note.signal.as_ref() {
                    "" => said.clone(),
                    signal => format!("{signal}; {said}"),
                });
            }
            targets.push(instrument, target, note);
        }
        for excluded in wanted.excluded() {
            targets.exclude(excluded.instrument, excluded.reason.clone());
        }
        (targets, changed)
    }

    fn times(&self, target: Target) -> Target {
        match target {
            // A factor from 0 to 1 with few digits has an f64.
            Target::Weight(weight) => {
                Target::Weight(weight * self.factor.to_f64().unwrap_or_default())
            }
            Target::Units(units) => Target::Units(units * self.factor),
            Target::Notional(value) => Target::Notional(value * self.factor),
        }
    }

    fn said(&self, reason: crate::strategy::Reason, changed: bool) -> crate::strategy::Reason {
        if changed {
            Cow::Owned(format!("{reason}; {}", self.summary))
        } else {
            reason
        }
    }
}

impl<S: Strategy> Strategy for DegradedInputs<S> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn requirements(&self) -> Requirements {
        self.inner.requirements()
    }

    fn sleeves(&self) -> Vec<&str> {
        self.inner.sleeves()
    }

    fn on_slice(&mut self, view: &View<'_>) {
        self.inner.on_slice(view);
    }

    fn decide(&mut self, slot: Slot, view: &View<'_>) -> Decision {
        let decision = self.inner.decide(slot, view);
        self.shrunk(decision)
    }

    fn decide_beside(
        &mut self,
        slot: Slot,
        view: &View<'_>,
        shared: &mut IndicatorCache,
    ) -> Decision {
        let decision = self.inner.decide_beside(slot, view, shared);
        self.shrunk(decision)
    }

    fn cache_use(&self) -> CacheUse {
        self.inner.cache_use()
    }

    /// The inner strategy's: a restart may find other sources, and its memory is the same.
    fn save(&self) -> State {
        self.inner.save()
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.inner.restore(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::Calendar;
    use crate::instrument::{Asset, InstrumentSpec};
    use crate::strategy::{Note, SleeveDecision, SleeveId};

    const A: InstrumentId = InstrumentId(0);
    const B: InstrumentId = InstrumentId(1);

    /// Never asked: the tests hand decisions over.
    #[derive(Debug)]
    struct Nobody;

    impl Strategy for Nobody {
        fn name(&self) -> &'static str {
            "nobody"
        }

        fn requirements(&self) -> Requirements {
            unreachable!("not asked")
        }

        fn on_slice(&mut self, _: &View<'_>) {}

        fn decide(&mut self, _: Slot, _: &View<'_>) -> Decision {
            unreachable!("not asked")
        }

        fn save(&self) -> State {
            State { words: vec![7] }
        }

        fn restore(&mut self, _: &State) -> Result<()> {
            Ok(())
        }
    }

    fn guarded(factor: Decimal) -> Result<DegradedInputs<Nobody>> {
        let base = Asset {
            code: "USD".to_owned(),
            scale: 4,
        };
        let mut instruments = Instruments::new(base)?;
        for symbol in ["A", "B"] {
            instruments.define(&InstrumentSpec::share(symbol, Calendar::UsEquities))?;
        }
        let input = DegradedInput {
            instrument: B,
            origin: "fallback alpha_csv, 0.0 h old".to_owned(),
        };
        DegradedInputs::new(Nobody, &instruments, &[input], factor)
    }

    fn targets() -> Targets {
        let mut targets = Targets::new();
        let note = |signal: &'static str| Note {
            signal: signal.into(),
            ..Note::default()
        };
        targets.push(A, Target::Weight(0.4), note("long"));
        targets.push(B, Target::Weight(-0.4), note("short"));
        targets.push(B, Target::Units(Decimal::TEN), Note::default());
        targets.push(B, Target::Notional(Decimal::ONE_HUNDRED), Note::default());
        targets.exclude(A, "cold");
        targets
    }

    /// Each kind of target on a degraded input is multiplied, short or long, and says why; the other is
    /// bit for bit what it was, and what was excluded stays so.
    #[test]
    fn only_degraded_inputs_are_shrunk_and_say_so() {
        let guarded = guarded(DegradedInputs::<Nobody>::FACTOR).unwrap();
        let decision = guarded.shrunk(Decision::Targets(targets(), "monthly".into()));
        let Decision::Targets(shrunk, reason) = decision else {
            panic!("{decision:?}");
        };
        let wanted = [
            (A, Target::Weight(0.4), "long"),
            (
                B,
                Target::Weight(-0.2),
                "short; size x0.5 for fallback alpha_csv, 0.0 h old",
            ),
            (
                B,
                Target::Units(Decimal::from(5)),
                "size x0.5 for fallback alpha_csv, 0.0 h old",
            ),
            (
                B,
                Target::Notional(Decimal::from(50)),
                "size x0.5 for fallback alpha_csv, 0.0 h old",
            ),
        ];
        let got = shrunk.entries().iter();
        let got: Vec<_> = got
            .map(|e| (e.instrument, e.target, e.note.signal.as_ref()))
            .collect();
        assert_eq!(got, wanted);
        assert_eq!(shrunk.excluded().len(), 1);
        assert_eq!(
            reason,
            "monthly; sizes x0.5 on degraded inputs: B from fallback alpha_csv, 0.0 h old"
        );
    }

    /// Sleeves are shrunk one by one; one that holds, or that has nothing degraded, is left alone.
    #[test]
    fn sleeves_are_shrunk_one_by_one() {
        let guarded = guarded(Decimal::ZERO).unwrap();
        let sleeve = |n, action| SleeveDecision {
            sleeve: SleeveId(n),
            allocation: 0.5,
            action,
        };
        let only_a = Targets::new().with(A, Target::Weight(1.0));
        let untouched = [
            sleeve(0, SleeveAction::Hold("quiet".into())),
            sleeve(1, SleeveAction::Targets(only_a, "a".into())),
        ];
        let mut all = untouched.to_vec();
        all.push(sleeve(2, SleeveAction::Targets(targets(), "both".into())));
        let Decision::Sleeves(shrunk) = guarded.shrunk(Decision::Sleeves(all)) else {
            panic!("other decision");
        };
        assert_eq!(shrunk[..2], untouched);
        let SleeveAction::Targets(targets, reason) = &shrunk[2].action else {
            panic!("other action");
        };
        assert_eq!(targets.entries()[1].target, Target::Weight(-0.0));
        assert!(reason.starts_with("both; sizes x0 "), "{reason}");
        let hold = Decision::hold("nothing new");
        assert_eq!(guarded.shrunk(hold.clone()), hold);
    }

    #[test]
    fn a_factor_that_adds_risk_is_refused() {
        for factor in [Decimal::NEGATIVE_ONE, Decimal::new(1_000_001, 6)] {
            assert!(guarded(factor).is_err(), "{factor}");
        }
        assert!(guarded(Decimal::ONE).is_ok() && guarded(Decimal::ZERO).is_ok());
    }
}
