//! Part of one symbol's history.

use ballast_domain::market::Series;

/// Consecutive bars of one symbol with the corporate actions that came with them.
#[derive(Clone, Debug, PartialEq)]
pub struct Chunk {
    /// The symbol, as it was requested.
    pub symbol: String,
    /// Bars in time order, and actions in time order.
    pub series: Series,
}
