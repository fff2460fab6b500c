//! Domain values for tests, the same on every machine.

mod instruments;
mod random;
mod series;

pub use instruments::{equities, equity, spot};
pub use random::SplitMix64;
pub use series::{SeriesBuilder, day, market, series_of};
