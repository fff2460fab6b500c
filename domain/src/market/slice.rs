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
    /// Found once: everybody asks for them, several times a bar.
    time: Timestamp,
    closes: &'a [f64],
    /// Empty while every lane of every row is present.
    states: &'a [LaneState],
}

impl<'a> Slice<'a> {
    /// Panics beyond the last row.
    // Returned through memory it would be read back in other pieces, and wait for them.
    #[inline(always)]
    pub(super) fn new(panel: &'a Panel, row: usize) -> Self {
        let (closes, states) = (panel.closes(row), panel.states(row));
        Self::of(panel, row, panel.close_times()[row], closes, states)
    }

    /// A row whose parts were found already.
    #[inline(always)]
    pub(super) const fn of(
        panel: &'a Panel,
        row: usize,
        time: Timestamp,
        closes: &'a [f64],
        states: &'a [LaneState],
    ) -> Self {
        Self {
            panel,
            row,
            time,
            closes,
            states,
        }
    }

    /// The close time of this slice.
    #[inline]
    pub const fn time(&self) -> Timestamp {
        self.time
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
        self.closes.len()
    }

    /// Which columns this slice carries.
    pub const fn fields(&self) -> Fields {
        self.panel.fields()
    }

    /// The state of a lane; `NotListed` for an unknown one.
    #[inline]
    pub fn state(&self, id: InstrumentId) -> LaneState {
        if id.index() >= self.closes.len() {
            return LaneState::NotListed;
        }
        let known = self.states.get(id.index());
        known.copied().unwrap_or(LaneState::Present)
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
        let close = *self.closes.get(id.index())?;
        self.is_present(id).then_some(close)
    }

    /// A column of all lanes in order, where every lane has a bar in every row of the panel: the usual
    /// case, in which nothing need be asked lane by lane. `None` otherwise, and without the column.
    #[inline]
    pub(crate) fn full(&self, field: Field) -> Option<&'a [f64]> {
        let values = self.panel.values(self.row, field)?;
        self.states.is_empty().then_some(values)
    }

    /// The same of the closes.
    #[inline]
    pub(crate) fn full_closes(&self) -> Option<&'a [f64]> {
        self.states.is_empty().then_some(self.closes)
    }

    /// The last known close, possibly of an earlier slice; `None` before the first bar.
    #[inline]
    pub fn last_close(&self, id: InstrumentId) -> Option<f64> {
        match self.state(id) {
            LaneState::NotListed => None,
            _ => self.closes.get(id.index()).copied(),
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
        let raw = match field {
            Field::Close => self.close(id)?,
            _ => self.value(id, field)?,
        };
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
        Some(Self::new(self.panel, self.row.checked_sub(back)?))
    }

    /// Close times from the first slice to this one.
    pub fn times(&self) -> &'a [Timestamp] {
        &self.panel.close_times()[..=self.row]
    }
}
