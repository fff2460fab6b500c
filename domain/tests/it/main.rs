//! Integration tests of the domain, one binary.

mod attribution;
mod boundaries;
mod calendar;
mod conservation;
mod corporate_actions;
mod corpus;
mod exchange;
mod indicators_corpus;
mod indicators_reference;
mod kernel_facts;
mod kernel_interleavings;
mod kernel_path;
mod kernel_reconcile;
mod kernel_recovery;
mod kernel_watch;
mod look_ahead;
mod margin;
mod metrics_corpus;
mod panels;
mod roster;
mod scenario;
mod sma_cross_reference;
mod strategy_state;
mod two_strategies;
mod venue_rules;
mod weights_corpus;
