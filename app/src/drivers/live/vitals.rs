//! What a session looks at beside orders: whether the program is well, and whether prices come.

use ballast_domain::error::Result;
use ballast_domain::instrument::{InstrumentId, Instruments};
use ballast_domain::kernel::HealthFact;
use ballast_domain::market::{
    FeedHealth, FeedLimits, FeedMessage, FeedState, LaneState, Panel, Slice,
};
use ballast_domain::time::{Span, Timestamp};

use crate::health::Pulse;

/// The state of health the kernel was told last.
#[derive(Debug)]
pub(super) struct Vitals {
    pulse: Pulse,
    looks: u64,
    unwell: bool,
    feed: FeedHealth,
    sick: Vec<bool>,
}

impl Vitals {
    /// Knows the bars of `panel` before row `shown`, as the kernel does after a restart. A price may be
    /// `max_age` old.
    ///
    /// # Errors
    /// `Configuration` for a limit that every feed breaks.
    pub(super) fn new(
        pulse: Pulse,
        max_age: Span,
        (panel, shown): (&Panel, usize),
        now: Timestamp,
    ) -> Result<Self> {
        let limits = FeedLimits {
            max_age,
            max_silence: max_age,
        };
        let mut feed = FeedHealth::new(limits, panel.lanes(), now)?;
        let mut missing: Vec<InstrumentId> =
            (0..panel.lanes()).map(InstrumentId::from_index).collect();
        for slice in (0..shown).rev().filter_map(|row| panel.slice(row)) {
            if missing.is_empty() || now.since(slice.time()) > max_age {
                break;
            }
            missing.retain(|id| {
                let present = slice.is_present(*id);
                if present {
                    feed.heard(*id, &bar(slice.time(), slice.time()));
                }
                !present
            });
        }
        Ok(Self {
            pulse,
            looks: 0,
            unwell: false,
            feed,
            sick: vec![false; panel.lanes()],
        })
    }

    /// The loop turned once: what has changed about the program's health since it did last.
    pub(super) fn turned(&mut self) -> Option<HealthFact> {
        self.pulse.heartbeat.beat();
        let looks = self.pulse.gate.looks();
        if looks == self.looks {
            return None;
        }
        self.looks = looks;
        let wrong = match self.pulse.gate.admit() {
            Ok(()) => None,
            Err(failure) => {
                let each = failure.errors.iter().map(|e| e.message.as_str());
                Some(each.collect::<Vec<_>>().join("; "))
            }
        };
        match wrong {
            Some(reason) if !self.unwell => {
                self.unwell = true;
                Some(HealthFact::Unwell { reason })
            }
            None if std::mem::replace(&mut self.unwell, false) => Some(HealthFact::Recovered),
            _ => None,
        }
    }

    /// A slice is about to be shown: whose prices have become too old or are young again. What is not
    /// listed, closed, halted or gone has no price to wait for.
    pub(super) fn shown(
        &mut self,
        slice: &Slice<'_>,
        now: Timestamp,
        instruments: &Instruments,
    ) -> Vec<HealthFact> {
        let mut facts = Vec::new();
        for instrument in instruments.ids() {
            if slice.is_present(instrument) {
                self.feed.heard(instrument, &bar(slice.time(), now));
            }
            let state = match slice.state(instrument) {
                LaneState::Present | LaneState::Hole => self.feed.state(instrument, now),
                _ => FeedState::Fresh,
            };
            let Some(told) = self.sick.get_mut(instrument.index()) else {
                continue;
            };
            let sick = !state.is_usable();
            if std::mem::replace(told, sick) == sick {
                continue;
            }
            facts.push(if sick {
                let hours = self.feed.age(instrument, now).seconds() / 3_600.0;
                let reason = format!("missing_feed: no bar for {hours:.1} h");
                HealthFact::FeedDown { instrument, reason }
            } else {
                HealthFact::FeedUp { instrument }
            });
        }
        facts
    }
}

/// A bar shows everything there is to know about its time, so none leaves a gap behind it.
const fn bar(venue_time: Timestamp, received_at: Timestamp) -> FeedMessage {
    FeedMessage {
        venue_time,
        received_at,
        sequence: None,
        quote: None,
        is_snapshot: true,
    }
}
