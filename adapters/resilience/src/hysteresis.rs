//! When a cascade that has left its primary goes back.

use std::num::NonZeroU32;

use ballast_domain::time::{Span, Timestamp};

/// Which source a cascade prefers, and how far its primary has recovered.
///
/// Without this a primary that fails every other call would make two sources alternate bar by bar.
#[derive(Debug)]
pub(crate) struct Hysteresis {
    recoveries: NonZeroU32,
    probe_every: Span,
    preferred: usize,
    answered: u32,
    next_probe: Timestamp,
}

impl Hysteresis {
    pub(crate) fn new(recoveries: NonZeroU32, probe_every: Span) -> Self {
        Self {
            recoveries,
            probe_every,
            preferred: 0,
            answered: 0,
            next_probe: Timestamp::MIN,
        }
    }

    /// The source to ask first; 0 is the primary.
    pub(crate) fn preferred(&self) -> usize {
        self.preferred
    }

    /// Whether this call asks the primary too, to see if it is back. At most one call in
    /// `probe_every` does.
    pub(crate) fn claim_probe(&mut self, now: Timestamp) -> bool {
        let due = self.preferred != 0 && now >= self.next_probe;
        if due {
            self.next_probe = now + self.probe_every;
        }
        due
    }

    /// The primary answered while another source is preferred: whether it is preferred again.
    pub(crate) fn primary_answered(&mut self) -> bool {
        self.answered += 1;
        if self.answered >= self.recoveries.get() {
            self.preferred = 0;
            self.answered = 0;
        }
        self.preferred == 0
    }

    /// The primary failed while another source is preferred: it begins anew.
    pub(crate) fn primary_failed(&mut self) {
        self.answered = 0;
    }

    /// `preferred` failed and `source` answered in its place.
    pub(crate) fn move_to(&mut self, source: usize, now: Timestamp) {
        if self.preferred == 0 {
            self.next_probe = now + self.probe_every;
        }
        self.preferred = source;
        self.answered = 0;
    }
}
