//! The pure core of Ballast: values in, decisions out.
//!
//! No I/O, no clock, no threads, no randomness: time is an argument, market data is a value, and
//! every decision is a function of what was pushed into it. Read the modules in this order:
//!
//! | what there is | modules |
//! |---|---|
//! | values | [`money`], [`time`], [`error`], [`instrument`], [`calendar`], [`market`] |
//! | numbers from prices | [`indicators`], [`signals`], [`universe`], [`weighting`] |
//! | what a screen of stocks asks for | [`screening`] |
//! | your idea | [`strategy`] |
//! | ideas that are here already | [`strategies`] |
//! | what is held and what is allowed | [`portfolio`], [`orders`], [`risk`] |
//! | the state machine | [`kernel`] |
//! | a venue to try it on | [`simulation`] |
//! | how it went | [`performance`] |

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used))]
#![cfg_attr(not(test), deny(clippy::panic))]

pub mod calendar;
pub mod error;
pub mod indicators;
pub mod instrument;
pub mod kernel;
pub mod market;
pub mod money;
pub mod orders;
pub mod performance;
pub mod portfolio;
pub mod risk;
pub mod screening;
pub mod signals;
pub mod simulation;
pub mod strategies;
pub mod strategy;
pub mod time;
pub mod universe;
pub mod weighting;

pub use error::{Error, ErrorFamily, ErrorKind, Result};
