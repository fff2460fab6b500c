//! Universe: which instruments a strategy may hold.

pub mod ranking;

pub use ranking::{bottom_k, top_k};
