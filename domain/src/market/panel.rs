//! All instruments over time: rows are close times, lanes are instruments.

use rust_decimal::prelude::ToPrimitive;

use super::action::{ActionKind, CorporateAction};
use super::bars::{Field, Fields, PriceBasis};
use super::lane::LaneState;
use super::slice::Slice;
use crate::error::{Error, Result};
use crate::instrument::InstrumentId;
use crate::time::Timestamp;

/// What one lane brings to a new row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LaneRow {
    /// State of the lane; the values count only when `Present`.
    pub state: LaneState,
    /// Open, high, low, close and volume; those outside the panel's fields are ignored.
    pub values: [f64; 5],
}

impl LaneRow {
    /// A lane without a bar.
    pub const fn absent(state: LaneState) -> Self {
        Self {
            state,
            values: [0.0; 5],
        }
    }
}

/// Columns over (row, lane), row-major, with the corporate actions that take effect in each row.
///
/// The total-return factor is built row by row as rows arrive, from that row's close and actions
/// only, so no factor depends on a later row. A lane without a bar repeats its last close, which
/// is reachable only as a stale value.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    lanes: usize,
    fields: Fields,
    basis: PriceBasis,
    open_time: Vec<Timestamp>,
    close_time: Vec<Timestamp>,
    columns: [Vec<f64>; 5],
    /// Empty while every lane of every row is present.
    states: Vec<LaneState>,
    /// Empty until the first action: the factor is 1.
    factors: Vec<f64>,
    /// Dividends per unit of each lane that wait for its next close; empty as long as `factors`.
    owed: Vec<f64>,
    /// Sorted by row.
    actions: Vec<(usize, InstrumentId, CorporateAction)>,
}

impl Panel {
    /// An empty panel of `lanes` lanes that keeps `fields` (the close always).
    pub fn new(lanes: usize, fields: Fields, basis: PriceBasis) -> Self {
        Self {
            lanes,
            fields: fields.union(Fields::CLOSE),
            basis,
            open_time: Vec::new(),
            close_time: Vec::new(),
            columns: Default::default(),
            states: Vec::new(),
            factors: Vec::new(),
            owed: Vec::new(),
            actions: Vec::new(),
        }
    }

    /// Appends a row: one [`LaneRow`] a lane, and the actions that take effect at its open.
    ///
    /// # Errors
    /// `DataValidation` when times do not increase or a present price is not finite and positive;
    /// `Invariant` when the number of lanes differs.
    pub fn push_row(
        &mut self,
        open_time: Timestamp,
        close_time: Timestamp,
        row: &[LaneRow],
        actions: &[(InstrumentId, CorporateAction)],
    ) -> Result<()> {
        if row.len() != self.lanes {
            return Err(
                Error::invariant("row and panel have different numbers of lanes")
                    .context("row", row.len())
                    .context("panel", self.lanes),
            );
        }
        let last = self.close_time.last().copied().unwrap_or(Timestamp::MIN);
        if close_time <= open_time || close_time <= last {
            return Err(
                Error::validation("slice does not come after the one before it")
                    .context("open_time", open_time)
                    .context("close_time", close_time)
                    .context("previous_close_time", last)
                    .hint("deliver slices in the order of their close times"),
            );
        }
        for (lane, r) in row.iter().enumerate() {
            let bad = |v: &f64| !(v.is_finite() && *v > 0.0);
            if r.state == LaneState::Present
                && (0..4).any(|i| self.fields.has(FIELDS[i]) && bad(&r.values[i]))
            {
                return Err(Error::validation("price is not a positive number")
                    .context("lane", lane)
                    .context("close_time", close_time)
                    .hint("validate bars before they reach the panel"));
            }
        }
        let number = self.close_time.len();
        self.open_time.push(open_time);
        self.close_time.push(close_time);
        for (i, field) in FIELDS.into_iter().enumerate() {
            if !self.fields.has(field) {
                continue;
            }
            for (lane, r) in row.iter().enumerate() {
                let value = if r.state == LaneState::Present {
                    r.values[i]
                } else if field == Field::Volume || number == 0 {
                    0.0
                } else {
                    self.columns[i][(number - 1) * self.lanes + lane]
                };
                self.columns[i].push(value);
            }
        }
        self.push_states(number, row);
        self.push_factors(number, row, actions);
        for (id, action) in actions {
            self.actions.push((number, *id, *action));
        }
        Ok(())
    }

    fn push_states(&mut self, number: usize, row: &[LaneRow]) {
        if self.states.is_empty() {
            if row.iter().all(|r| r.state == LaneState::Present) {
                return;
            }
            self.states = vec![LaneState::Present; number * self.lanes];
        }
        self.states.extend(row.iter().map(|r| r.state));
    }

    /// `factor_t = factor_{t−1} × split × (1 + dividend / close_t)`: the forward form of the
    /// vendor rule `adj_t / adj_{t−1} = (close_t + dividend_t) × split_t / close_{t−1}`. A dividend
    /// of a row without a bar waits for the lane's next close: the last one still contains it.
    fn push_factors(
        &mut self,
        number: usize,
        row: &[LaneRow],
        actions: &[(InstrumentId, CorporateAction)],
    ) {
        if self.factors.is_empty() {
            if actions.is_empty() {
                return;
            }
            self.factors = vec![1.0; number * self.lanes];
            self.owed = vec![0.0; self.lanes];
        }
        for lane in 0..self.lanes {
            let before = if number == 0 {
                1.0
            } else {
                self.factors[(number - 1) * self.lanes + lane]
            };
            self.factors.push(before);
        }
        let factors = &mut self.factors[number * self.lanes..];
        for (id, action) in actions {
            match action.kind {
                ActionKind::Split(ratio) => {
                    factors[id.index()] *= ratio.to_f64();
                    self.owed[id.index()] /= ratio.to_f64();
                }
                ActionKind::Dividend(_) if row[id.index()].state == LaneState::NotListed => {}
                ActionKind::Dividend(amount) => {
                    self.owed[id.index()] += amount.to_f64().unwrap_or(0.0);
                }
                ActionKind::Delisting => {}
            }
        }
        for ((factor, owed), lane) in factors.iter_mut().zip(&mut self.owed).zip(row) {
            if *owed > 0.0 && lane.state == LaneState::Present {
                *factor *= 1.0 + *owed / lane.values[Field::Close as usize];
                *owed = 0.0;
            }
        }
    }

    pub(super) fn reserve(&mut self, rows: usize) {
        self.open_time.reserve_exact(rows);
        self.close_time.reserve_exact(rows);
        for (i, field) in FIELDS.into_iter().enumerate() {
            if self.fields.has(field) {
                self.columns[i].reserve_exact(rows * self.lanes);
            }
        }
    }

    /// The slice at `row`; `None` beyond the last.
    #[inline]
    pub fn slice(&self, row: usize) -> Option<Slice<'_>> {
        (row < self.close_time.len()).then(|| Slice::new(self, row))
    }

    /// All slices in time order.
    #[inline]
    pub fn slices(&self) -> impl Iterator<Item = Slice<'_>> {
        // Cut off one after the other, so that no row is looked for.
        let mut closes = self.columns[Field::Close as usize].as_slice();
        let mut states = self.states.as_slice();
        let times = self.close_time.iter().enumerate();
        times.map(move |(row, time)| {
            let (own_closes, later) = closes.split_at(self.lanes);
            closes = later;
            let mut own_states = states;
            if !states.is_empty() {
                (own_states, states) = states.split_at(self.lanes);
            }
            Slice::of(self, row, *time, own_closes, own_states)
        })
    }

    /// The first row from `row` on in which an action takes effect.
    pub(crate) fn next_actions(&self, row: usize) -> Option<usize> {
        let from = self.actions.partition_point(|(r, _, _)| *r < row);
        self.actions.get(from).map(|(r, _, _)| *r)
    }

    /// The corporate actions that take effect in `row`, in the order they were pushed.
    #[inline]
    pub fn actions_in(&self, row: usize) -> &[(usize, InstrumentId, CorporateAction)] {
        if self.actions.is_empty() {
            return &[];
        }
        self.find_actions(row)
    }

    fn find_actions(&self, row: usize) -> &[(usize, InstrumentId, CorporateAction)] {
        let from = self.actions.partition_point(|(r, _, _)| *r < row);
        let to = self.actions.partition_point(|(r, _, _)| *r <= row);
        &self.actions[from..to]
    }

    /// How many rows there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.close_time.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.close_time.is_empty()
    }

    /// How many lanes there are.
    pub const fn lanes(&self) -> usize {
        self.lanes
    }

    /// Which columns are kept.
    pub const fn fields(&self) -> Fields {
        self.fields
    }

    /// What the prices mean.
    pub const fn basis(&self) -> PriceBasis {
        self.basis
    }

    /// When each row's bars began.
    #[inline]
    pub fn open_times(&self) -> &[Timestamp] {
        &self.open_time
    }

    /// The close time of each row.
    #[inline]
    pub fn close_times(&self) -> &[Timestamp] {
        &self.close_time
    }

    /// The closes of `row`, one a lane.
    #[inline(always)]
    pub(super) fn closes(&self, row: usize) -> &[f64] {
        &self.columns[Field::Close as usize][row * self.lanes..][..self.lanes]
    }

    /// The values of `row`, one a lane; `None` without the column.
    #[inline]
    pub(super) fn values(&self, row: usize, field: Field) -> Option<&[f64]> {
        let from = row * self.lanes;
        self.columns[field as usize].get(from..from + self.lanes)
    }

    /// The states of `row`, one a lane; empty while every lane of every row is present.
    #[inline(always)]
    pub(super) fn states(&self, row: usize) -> &[LaneState] {
        if self.states.is_empty() {
            return &[];
        }
        &self.states[row * self.lanes..][..self.lanes]
    }

    #[inline]
    pub(super) fn value(&self, row: usize, lane: usize, field: Field) -> Option<f64> {
        self.columns[field as usize]
            .get(row * self.lanes + lane)
            .copied()
    }

    pub(super) fn state(&self, row: usize, lane: usize) -> LaneState {
        let known = self.states(row).get(lane);
        known.copied().unwrap_or(LaneState::Present)
    }

    #[inline]
    pub(super) fn factor(&self, row: usize, lane: usize) -> f64 {
        if self.factors.is_empty() {
            1.0
        } else {
            self.factors[row * self.lanes + lane]
        }
    }
}

/// All columns, in the order of a bar.
pub(super) const FIELDS: [Field; 5] = [
    Field::Open,
    Field::High,
    Field::Low,
    Field::Close,
    Field::Volume,
];
