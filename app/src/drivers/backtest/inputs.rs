//! How old the prices are that a decision saw.

use std::collections::BTreeMap;

use ballast_domain::instrument::Instruments;
use ballast_domain::market::{LaneState, Slice};
use ballast_domain::time::Timestamp;

use crate::run_directory::StaleInput;

/// Which prices of each close were older than it. A close with fresh prices alone costs nothing.
#[derive(Debug, Default)]
pub(super) struct Inputs {
    last: Vec<Option<Timestamp>>,
    stale: BTreeMap<Timestamp, Vec<StaleInput>>,
}

impl Inputs {
    /// Takes the bars of a close.
    pub(super) fn close(&mut self, slice: &Slice<'_>, instruments: &Instruments) {
        let now = slice.time();
        self.last.resize(instruments.len(), None);
        let mut stale = Vec::new();
        for (id, instrument) in instruments.ids().zip(instruments.all()) {
            let last = &mut self.last[id.index()];
            match (slice.state(id), *last) {
                (LaneState::Present, _) => *last = Some(now),
                // What is not there yet or no longer is no input.
                (LaneState::NotListed | LaneState::Delisted, _) | (_, None) => {}
                (_, Some(closed)) => stale.push(StaleInput {
                    symbol: instrument.symbol.clone(),
                    age_seconds: now.since(closed).seconds(),
                }),
            }
        }
        if !stale.is_empty() {
            self.stale.insert(now, stale);
        }
    }

    /// What was older than the close of `slot`. Earlier closes are forgotten: decisions come in the
    /// order of their slots.
    pub(super) fn of(&mut self, slot: Timestamp) -> Vec<StaleInput> {
        self.stale = self.stale.split_off(&slot);
        self.stale.get(&slot).cloned().unwrap_or_default()
    }
}
