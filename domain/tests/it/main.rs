//! Integration tests of the domain, one binary.

mod corpus;
mod metrics_corpus;
