//! What stands between an intent and the market: limits, named controls, verdicts, modes.

mod check;
mod control;
mod exposure;
mod limits;
mod mode;

pub use check::{Context, check};
pub(crate) use check::{cost_of_buy, margin_room, set_aside};
pub use control::{Breach, Control, Verdict};
pub use exposure::Exposure;
pub use limits::Limits;
pub use mode::{Mode, ModeScope, Modes};
