//! Integration tests of the domain, one binary.

mod calendar;
mod corpus;
mod metrics_corpus;
mod sma_cross_reference;
