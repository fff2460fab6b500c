//! Signals: a state or a score for one instrument from its bars so far.
//!
//! Like indicators they are updated once a bar in constant time, allocate nothing after
//! construction, see nothing later than the bar they are given, and save and restore to the bit.
//! Prices are those the caller chose; decisions over time use the total-return index.

pub mod breakout;
pub mod mean_reversion;
pub mod momentum;
pub mod sma_cross;
pub mod validator;

pub use breakout::{Breakout, BreakoutLabel, BreakoutState};
pub use mean_reversion::{MeanReversion, Surprise};
pub use momentum::Momentum;
pub use sma_cross::SmaCross;
pub use validator::{Sides, SignalValidator};
