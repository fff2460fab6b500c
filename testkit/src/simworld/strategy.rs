//! A strategy whose every decision is given by the seed, so that a day has as many orders as wanted.

use ballast_domain::error::{Error, Result};
use ballast_domain::instrument::InstrumentId;
use ballast_domain::market::Fields;
use ballast_domain::strategy::{
    Decision, Note, Requirements, Slot, State, Strategy, Target, Targets, View,
};
use ballast_domain::time::Span;
use rust_decimal::Decimal;

use super::chance;
use super::market::{MINUTE, dawn};
use super::plan::Plan;

/// Bars between two draws of an instrument's target, in slots.
const SLOTS_A_TARGET: u64 = 3;

/// Wants new weights for a third of its instruments at each slot, and nothing new once the day is
/// calm. A pure function of the slot: a restart continues where a run without one would be.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    seed: u64,
    instruments: u32,
    slot: i64,
    calm: i64,
    /// Factor of every weight.
    scale: u64,
    decisions: u64,
}

impl Planned {
    pub(super) fn new(plan: &Plan) -> Self {
        Self {
            seed: plan.seed,
            instruments: plan.instruments,
            slot: i64::from(plan.slot) * MINUTE,
            calm: i64::from(plan.calm) * MINUTE,
            scale: if plan.tuning.crowded { 2 } else { 1 },
            decisions: 0,
        }
    }

    /// The weight wanted of an instrument, in thousandths; 0 for three targets in ten.
    fn weight(&self, slot: u64, instrument: u64) -> u64 {
        let draw = (slot + instrument) / SLOTS_A_TARGET;
        let bits = chance::bits(self.seed, 3, draw << 16 | instrument);
        if bits % 10 < 3 {
            0
        } else {
            (5 + (bits >> 8) % 55) * self.scale
        }
    }
}

impl Strategy for Planned {
    fn name(&self) -> &str {
        "planned"
    }

    fn requirements(&self) -> Requirements {
        Requirements {
            fields: Fields::CLOSE,
            lookback: 1,
            warm_up: 1,
            level_dependent: false,
        }
    }

    fn on_slice(&mut self, _: &View<'_>) {}

    fn decide(&mut self, slot: Slot, view: &View<'_>) -> Decision {
        let since: Span = slot.time.since(dawn());
        if since.nanos() > self.calm {
            return Decision::hold("the day is calm");
        }
        self.decisions += 1;
        let number = u64::try_from(since.nanos() / self.slot).unwrap_or(0);
        if chance::happens(self.seed, 16, number, 10) {
            return Decision::hold("nothing to do");
        }
        let mut targets = Targets::new();
        for i in 0..self.instruments {
            let weight = self.weight(number, u64::from(i));
            if weight == 0 {
                continue;
            }
            let id = InstrumentId(i);
            // One in eight is wanted in units rather than as a share of the account.
            let target = match view.slice().last_close(id) {
                Some(price) if weight.is_multiple_of(8) => {
                    let units = weight as f64 * 1_000.0 / price;
                    Target::Units(Decimal::try_from(units).unwrap_or_default().trunc())
                }
                _ => Target::Weight(weight as f64 / 1_000.0),
            };
            targets.push(id, target, Note::default());
        }
        Decision::Targets(targets, "planned".into())
    }

    fn save(&self) -> State {
        State {
            words: vec![self.seed, self.decisions],
        }
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        match state.words.as_slice() {
            [seed, decisions] if *seed == self.seed => {
                self.decisions = *decisions;
                Ok(())
            }
            _ => Err(Error::invariant("the memory belongs to another plan")),
        }
    }
}
