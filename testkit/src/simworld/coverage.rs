//! What the days have reached: which fault hit which order state in which mode.

use std::fmt::Write as _;

use ballast_domain::orders::OrderStatus;

use super::fault::{FaultKind, STANDING_ROWS, reachable_rows};

/// Modes of the account, its session counted in, and no process at all.
pub(super) const MODES: [&str; 6] = [
    "active",
    "reduce_only",
    "cancel_only",
    "halted",
    "reconciling",
    "no process",
];

/// Order states that can be open, and the state of no open order.
pub(super) const STATES: [&str; 8] = [
    "none",
    "recorded",
    "sent",
    "unknown",
    "accepted",
    "partially_filled",
    "pending_cancel",
    "ended, incomplete",
];

/// The place of an order's status in [`STATES`].
pub(super) const fn state(status: OrderStatus) -> usize {
    match status {
        OrderStatus::Recorded => 1,
        OrderStatus::Sent => 2,
        OrderStatus::Unknown => 3,
        OrderStatus::Accepted => 4,
        OrderStatus::PartiallyFilled => 5,
        OrderStatus::PendingCancel => 6,
        _ => 7,
    }
}

/// How often each (mode, order state, fault) was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    hits: Vec<u64>,
    standing: u64,
}

impl Default for Coverage {
    fn default() -> Self {
        Self {
            hits: vec![0; MODES.len() * STATES.len() * FaultKind::ALL.len()],
            standing: 0,
        }
    }
}

impl Coverage {
    const fn place(mode: usize, state: usize, kind: FaultKind) -> usize {
        (kind.index() * MODES.len() + mode) * STATES.len() + state
    }

    /// A fault took effect in this mode while an order was in this state.
    pub(super) fn hit(&mut self, mode: usize, state: usize, kind: FaultKind) {
        self.hits[Self::place(mode, state, kind)] += 1;
    }

    /// The world's standing conditions held: bit by bit in the order of [`STANDING_ROWS`].
    pub(super) const fn stand(&mut self, row: usize) {
        self.standing |= 1 << row;
    }

    /// Adds what other days reached.
    pub fn add(&mut self, other: &Self) {
        for (sum, more) in self.hits.iter_mut().zip(&other.hits) {
            *sum += more;
        }
        self.standing |= other.standing;
    }

    /// How often a kind took effect.
    pub fn of(&self, kind: FaultKind) -> u64 {
        let first = Self::place(0, 0, kind);
        self.hits[first..first + MODES.len() * STATES.len()]
            .iter()
            .sum()
    }

    /// Rows of the catalogue that no fault of these days brought about.
    pub fn unreached(&self) -> Vec<&'static str> {
        let reached = |row: &str| {
            let standing = STANDING_ROWS.iter().position(|r| *r == row);
            standing.is_some_and(|n| self.standing & 1 << n != 0)
                || FaultKind::ALL
                    .iter()
                    .any(|k| k.rows().contains(&row) && self.of(*k) > 0)
        };
        reachable_rows()
            .into_iter()
            .filter(|row| !reached(row))
            .collect()
    }

    /// The map as text: a line a fault, in each mode the number of order states it was reached in.
    pub fn table(&self) -> String {
        let mut text = format!("{:<22}", "fault (hits)");
        for mode in MODES {
            let _ = write!(text, "{mode:>13}");
        }
        text.push('\n');
        let mut filled = 0;
        for kind in FaultKind::ALL {
            let _ = write!(
                text,
                "{:<22}",
                format!("{} ({})", kind.name(), self.of(*kind))
            );
            for mode in 0..MODES.len() {
                let states = (0..STATES.len())
                    .filter(|s| self.hits[Self::place(mode, *s, *kind)] > 0)
                    .count();
                filled += states;
                let _ = write!(text, "{:>13}", format!("{states}/{}", STATES.len()));
            }
            text.push('\n');
        }
        let _ = writeln!(text, "{filled} of {} cells", self.hits.len());
        text
    }
}
