//! The stages of a bar: what a venue on replayed bars does, one thing after the other.
//!
//! [`run`](super::run()) walks them in one call. Who drives kernel and venue apart from each other
//! walks them one by one with a [`Cursor`], waits for the kernel between two of them, and gets the
//! same executions.

use serde::{Deserialize, Serialize};

use super::exchange::Exchange;
use super::fill_point::FillPoint;
use crate::market::{Panel, Slice};
use crate::time::Timestamp;

/// What of a bar comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Corporate actions, before the first price.
    Actions,
    /// The bar begins: funding on what is held, day orders of an earlier session end.
    Begin,
    /// Prices of the fill point, for targets that wait for them. The venue does nothing.
    Quote,
    /// Executions at the fill point, until nothing executes any more.
    Execute,
    /// Limits the bar trades through, until none does any more.
    Inside,
    /// The marks of the close, and what follows from them.
    Close,
    /// The account is shown the bar. The venue does nothing.
    Show,
}

/// Where a replay stands: the next stage of which bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cursor {
    /// The row of the panel.
    pub row: usize,
    /// What of it comes next.
    pub stage: Stage,
}

impl Cursor {
    /// Before the first bar.
    pub const START: Self = Self {
        row: 0,
        stage: Stage::Actions,
    };

    /// The stage after this one.
    #[must_use]
    pub const fn next(self, point: FillPoint) -> Self {
        let stage = match (self.stage, point) {
            (Stage::Actions, _) => Stage::Begin,
            (Stage::Begin, FillPoint::NextOpen)
            | (Stage::Inside, FillPoint::NextClose)
            | (Stage::Show, FillPoint::SameClose) => Stage::Quote,
            (Stage::Begin, _) | (Stage::Execute, FillPoint::NextOpen) => Stage::Inside,
            (Stage::Inside, _) | (Stage::Execute, FillPoint::NextClose) => Stage::Close,
            (Stage::Quote, _) => Stage::Execute,
            (Stage::Close, _) => Stage::Show,
            (Stage::Execute, FillPoint::SameClose) | (Stage::Show, _) => {
                return Self {
                    row: self.row + 1,
                    stage: Stage::Actions,
                };
            }
        };
        Self {
            row: self.row,
            stage,
        }
    }

    /// When the stage happens, by the market's own clock; `None` after the last bar.
    pub fn time(self, panel: &Panel, point: FillPoint) -> Option<Timestamp> {
        let close = *panel.close_times().get(self.row)?;
        let at_open = match self.stage {
            Stage::Actions | Stage::Begin => true,
            Stage::Quote | Stage::Execute => matches!(point, FillPoint::NextOpen),
            Stage::Inside | Stage::Close | Stage::Show => false,
        };
        if !at_open {
            return Some(close);
        }
        let open = panel.open_times().get(self.row).copied()?;
        let before = self.row.checked_sub(1).map(|r| panel.close_times()[r]);
        Some(before.map_or(open, |closed| open.max(closed)))
    }
}

impl Exchange {
    /// Whether a stage would change nothing, now or when it is carried out again.
    pub fn is_idle(&self, cursor: Cursor, panel: &Panel) -> bool {
        match cursor.stage {
            Stage::Actions => panel.actions_in(cursor.row).is_empty(),
            Stage::Begin | Stage::Inside => self.rules.is_plain(),
            Stage::Execute => !self.has_work(),
            Stage::Quote => true,
            Stage::Close | Stage::Show => false,
        }
    }

    /// Carries out a stage once. `true` says that it moved something and has to come again, after
    /// the account has answered.
    pub fn carry_out(&mut self, cursor: Cursor, panel: &Panel) -> bool {
        let Some(slice) = panel.slice(cursor.row) else {
            return false;
        };
        let Some(at) = cursor.time(panel, self.settings.fill_point) else {
            return false;
        };
        let plain = self.rules.is_plain();
        match cursor.stage {
            Stage::Actions => {
                for (_, id, action) in panel.actions_in(cursor.row) {
                    self.apply(*id, action, &slice);
                }
                false
            }
            Stage::Begin => {
                if !plain {
                    self.settle_funding(at);
                    self.begin_bar(&slice);
                }
                false
            }
            Stage::Execute => self.execute_once(&slice, at),
            Stage::Inside => !plain && self.inside_once(&slice, at),
            Stage::Close => {
                self.note_closes(&slice);
                if !plain {
                    self.end_bar(&slice);
                    self.maintain(at);
                }
                false
            }
            Stage::Quote | Stage::Show => false,
        }
    }

    fn execute_once(&mut self, slice: &Slice<'_>, at: Timestamp) -> bool {
        if !self.has_work() {
            return false;
        }
        if self.execute(slice, at) > 0 {
            return true;
        }
        self.expire(slice);
        false
    }

    /// Funding is told before anything executes: the account answers to it first.
    fn inside_once(&mut self, slice: &Slice<'_>, at: Timestamp) -> bool {
        let before = self.facts.len();
        self.settle_funding(at);
        self.facts.len() > before || self.execute_through_bar(slice, at) > 0
    }
}
