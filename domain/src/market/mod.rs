//! Market data as values: bars, columns of them, and the panel of all lanes over time.

mod action;
mod bar;
mod bar_size;
mod bars;
pub mod contract;
mod coverage;
mod feed;
mod lane;
mod panel;
mod panel_builder;
mod slice;

pub use action::{ActionKind, CorporateAction, SplitRatio};
pub use bar::Bar;
pub use bar_size::BarSize;
pub use bars::{Bars, Field, Fields, PriceBasis, Series};
pub use coverage::{Coverage, coverage};
pub use feed::{Admission, FeedChange, FeedCounts, FeedHealth, FeedLimits, FeedMessage, FeedState};
pub use lane::LaneState;
pub use panel::{LaneRow, Panel};
pub use panel_builder::PanelBuilder;
pub use slice::Slice;
