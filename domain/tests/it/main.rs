//! Integration tests of the domain, one binary.

mod calendar;
mod corpus;
mod look_ahead;
mod metrics_corpus;
mod panels;
mod roster;
mod sma_cross_reference;
mod strategy_state;
