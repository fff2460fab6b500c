//! What a panel holds of each instrument, counted.

use serde::Serialize;

use super::action::ActionKind;
use super::lane::LaneState;
use super::panel::Panel;
use crate::time::Timestamp;

/// What a panel holds of one instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Close of the first bar; `None` without a bar.
    pub first: Option<Timestamp>,
    /// Close of the last bar.
    pub last: Option<Timestamp>,
    /// Bars that came.
    pub bars: usize,
    /// Bars that were expected and did not come.
    pub holes: usize,
    /// Rows before the first bar.
    pub not_listed: usize,
    /// Rows at which its market had no session.
    pub closed: usize,
    /// Rows in which trading was suspended.
    pub halted: usize,
    /// Rows after its end.
    pub delisted: usize,
    /// Splits.
    pub splits: usize,
    /// Dividends.
    pub dividends: usize,
}

/// One [`Coverage`] a lane, in lane order. The counts of states add up to the rows of the panel.
pub fn coverage(panel: &Panel) -> Vec<Coverage> {
    let mut all = vec![Coverage::default(); panel.lanes()];
    for (row, time) in panel.close_times().iter().enumerate() {
        for (lane, one) in all.iter_mut().enumerate() {
            match panel.state(row, lane) {
                LaneState::Present => {
                    one.bars += 1;
                    one.first = one.first.or(Some(*time));
                    one.last = Some(*time);
                }
                LaneState::Hole => one.holes += 1,
                LaneState::NotListed => one.not_listed += 1,
                LaneState::Closed => one.closed += 1,
                LaneState::Halted => one.halted += 1,
                LaneState::Delisted => one.delisted += 1,
            }
        }
        for (_, id, action) in panel.actions_in(row) {
            if let Some(one) = all.get_mut(id.index()) {
                match action.kind {
                    ActionKind::Split(_) => one.splits += 1,
                    ActionKind::Dividend(_) => one.dividends += 1,
                    ActionKind::Delisting => {}
                }
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instrument::InstrumentId;
    use crate::market::{CorporateAction, Fields, LaneRow, PriceBasis};

    #[test]
    fn every_row_of_a_lane_is_counted_once() {
        let at = |n: i64| Timestamp::from_seconds(n * 86_400).unwrap();
        let mut panel = Panel::new(2, Fields::CLOSE, PriceBasis::Raw);
        let states = [
            LaneState::NotListed,
            LaneState::Present,
            LaneState::Hole,
            LaneState::Present,
            LaneState::Halted,
        ];
        for (n, state) in (0..).zip(states) {
            let lane = |state| LaneRow {
                state,
                values: [1.0; 5],
            };
            let action = CorporateAction {
                at: at(n),
                kind: ActionKind::Dividend(rust_decimal::Decimal::ONE),
            };
            let actions = [(InstrumentId(1), action)];
            let actions = if n == 3 { &actions[..] } else { &[] };
            let row = [lane(LaneState::Present), lane(state)];
            panel.push_row(at(n), at(n + 1), &row, actions).unwrap();
        }
        let all = coverage(&panel);
        assert_eq!((all[0].bars, all[0].holes, all[0].dividends), (5, 0, 0));
        let c = all[1];
        assert_eq!((c.bars, c.holes, c.not_listed, c.halted), (2, 1, 1, 1));
        assert_eq!((c.first, c.last), (Some(at(2)), Some(at(4))));
        assert_eq!((c.splits, c.dividends), (0, 1));
    }
}
