//! Which lanes a strategy may hold, and what to say about the others.

use crate::market::LaneState;
use crate::strategy::Reason;

/// The reason of a listed lane that is not wanted and has no bar to say more.
pub(super) const NO_BAR: Reason = Reason::Borrowed("no bar today");

/// Why a lane in this state, with `bars` bars so far, is outside the universe; `None` when it is
/// inside. A lane without a bar now stays inside on its last known values.
pub(super) fn outside(state: LaneState, bars: usize, warm_up: usize) -> Option<Reason> {
    match state {
        LaneState::NotListed => Some(Reason::Borrowed("not listed")),
        LaneState::Delisted => Some(Reason::Borrowed("delisted")),
        LaneState::Present | LaneState::Hole | LaneState::Closed | LaneState::Halted => {
            (bars < warm_up).then(|| format!("warming up: {bars} of {warm_up} bars").into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lane_state_has_its_reason() {
        use LaneState::{Closed, Delisted, Halted, Hole, NotListed, Present};
        for (state, bars, expected) in [
            (NotListed, 0, Some("not listed")),
            (Delisted, 900, Some("delisted")),
            (Present, 12, Some("warming up: 12 of 61 bars")),
            (Hole, 60, Some("warming up: 60 of 61 bars")),
            (Present, 61, None),
            (Hole, 61, None),
            (Closed, 61, None),
            (Halted, 61, None),
        ] {
            assert_eq!(
                outside(state, bars, 61).as_deref(),
                expected,
                "{state:?} {bars}"
            );
        }
    }
}
