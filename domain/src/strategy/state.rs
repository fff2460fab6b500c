//! A strategy's memory as bits, so that a restart continues with exactly the same numbers.

use serde::{Deserialize, Serialize};

/// Saved state: 64-bit words whose meaning the strategy knows. Floats are stored as their bits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The words, starting with whatever the strategy needs to recognise its own.
    pub words: Vec<u64>,
}
