//! Integration tests of the domain, one binary.

mod calendar;
mod conservation;
mod corporate_actions;
mod corpus;
mod exchange;
mod kernel_path;
mod metrics_corpus;
mod scenario;
mod sma_cross_reference;
