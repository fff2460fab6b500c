//! All lanes at one close time, and nothing later.

use super::bars::{Field, Fields};
use super::lane::LaneState;
use super::panel::Panel;
use crate::instrument::InstrumentId;
use crate::time::Timestamp;

/// A row of a [`Panel`] with the history that ends at it.
///
/// Rows after this one are out of reach: look-ahead is not a matter of discipline.
#[derive(Clone, Copy, Debug)]
pub struct Slice<'a> {
    panel: &'a Panel,
    row: usize,
}

impl<'a> Slice<'a> {
    pub(super) const fn new(panel: &'a Panel, row: usize) -> Self {
        Self { panel, row }
    }

    /// The close time of this slice.
    #[inline]
    pub fn time(&self) -> Timestamp {
        self.panel.close_times()[self.row]
    }

    /// When this slice's bars began.
    #[inline]
    pub fn open_time(&self) -> Timestamp {
        self.panel.open_times()[self.row]
    }

    /// How many slices came before this one.
    #[inline]
    pub const fn index(&self) -> usize {
        self.row
    }

    /// How many lanes there are.
    #[inline]
    pub const fn lanes(&self) -> usize {
        self.panel.lanes()
    }

    /// Which columns this slice carries.
    pub const fn fields(&self) -> Fields {
        self.panel.fields()
    }

    /// The state of a lane; `NotListed` for an unknown one.
    #[inline]
    pub fn state(&self, id: InstrumentId) -> LaneState {
        self.panel.state(self.row, id.index())
    }

    /// Whether a validated bar of this lane closed now.
    #[inline]
    pub fn is_present(&self, id: InstrumentId) -> bool {
        self.state(id) == LaneState::Present
    }

    /// A raw value of the bar that closed now; `None` without a bar or a column.
    #[inline]
    pub fn value(&self, id: InstrumentId, field: Field) -> Option<f64> {
        if self.is_present(id) {
            self.panel.value(self.row, id.index(), field)
        } else {
            None
        }
    }

    /// The close of the bar that closed now.
    #[inline]
    pub fn close(&self, id: InstrumentId) -> Option<f64> {
        self.value(id, Field::Close)
    }

    /// The last known close, possibly of an earlier slice; `None` before the first bar.
    #[inline]
    pub fn last_close(&self, id: InstrumentId) -> Option<f64> {
        match self.state(id) {
            LaneState::NotListed => None,
            _ => self.panel.value(self.row, id.index(), Field::Close),
        }
    }

    /// The forward total-return factor: 1 at the lane's first bar, raised by each split and
    /// dividend up to now. Multiplied with a raw price it gives the total-return index.
    #[inline]
    pub fn total_return_factor(&self, id: InstrumentId) -> f64 {
        self.panel.factor(self.row, id.index())
    }

    /// A value of the bar that closed now on the total-return index. Volume is not scaled.
    #[inline]
    pub fn total_return(&self, id: InstrumentId, field: Field) -> Option<f64> {
        let raw = self.value(id, field)?;
        Some(if field == Field::Volume {
            raw
        } else {
            raw * self.total_return_factor(id)
        })
    }

    /// The slice `back` rows earlier; `None` before the first. Strategies reach it through
    /// [`View::earlier`](crate::strategy::View::earlier), within the lookback they declared.
    #[inline]
    pub(crate) fn earlier(&self, back: usize) -> Option<Self> {
        Some(Self {
            row: self.row.checked_sub(back)?,
            ..*self
        })
    }

    /// Close times from the first slice to this one.
    pub fn times(&self) -> &'a [Timestamp] {
        &self.panel.close_times()[..=self.row]
    }
}
