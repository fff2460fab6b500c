//! How many bars each instrument has had.

use crate::instrument::InstrumentId;
use crate::market::{LaneState, Slice};

/// Bars of each lane in the slices shown so far.
#[derive(Clone, Debug)]
pub struct BarsSeen {
    /// Slices in which every lane had a bar: most, and they cost one count for all.
    complete: u32,
    /// Those of a lane in all other slices.
    others: Vec<u32>,
}

impl BarsSeen {
    /// None yet.
    pub fn new(lanes: usize) -> Self {
        Self {
            complete: 0,
            others: vec![0; lanes],
        }
    }

    /// Counts the bars of one more slice.
    #[inline]
    pub fn count(&mut self, slice: &Slice<'_>) {
        if slice.full_closes().is_some() {
            self.complete += 1;
        } else {
            self.count_present(slice);
        }
    }

    #[inline(never)]
    fn count_present(&mut self, slice: &Slice<'_>) {
        for (i, seen) in self.others.iter_mut().enumerate() {
            let state = slice.state(InstrumentId::from_index(i));
            *seen += u32::from(state == LaneState::Present);
        }
    }

    /// Bars of one lane; 0 for an unknown one.
    #[inline]
    pub fn of(&self, id: InstrumentId) -> u32 {
        self.others
            .get(id.index())
            .map_or(0, |others| self.complete + others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::{Fields, LaneRow, Panel, PriceBasis};
    use crate::time::Timestamp;

    /// Whether a slice comes from a panel with or without holes makes no difference.
    #[test]
    fn a_lane_counts_its_own_bars_and_no_other() {
        let bar = LaneRow {
            state: LaneState::Present,
            values: [1.0; 5],
        };
        let hole = LaneRow::absent(LaneState::Hole);
        let panel = |rows: &[[LaneRow; 2]]| {
            let mut panel = Panel::new(2, Fields::CLOSE, PriceBasis::Raw);
            for (day, row) in (0_i64..).zip(rows) {
                let at = |n: i64| Timestamp::from_seconds(n * 86_400).unwrap();
                panel.push_row(at(day), at(day + 1), row, &[]).unwrap();
            }
            panel
        };
        let mut seen = BarsSeen::new(2);
        for panel in [panel(&[[bar, bar]; 3]), panel(&[[bar, hole], [bar, bar]])] {
            panel.slices().for_each(|slice| seen.count(&slice));
        }
        let of = |i| seen.of(InstrumentId::from_index(i));
        assert_eq!([of(0), of(1), of(2)], [5, 4, 0]);
    }
}
