//! Where a run tells what it does.

use std::collections::vec_deque;

use crate::error::Result;
use crate::instrument::Instruments;
use crate::kernel::{Action, Effects, Input, Kernel, Record};
use crate::market::Slice;
use crate::portfolio::Account;
use crate::strategy::Strategy;
use crate::time::Timestamp;

/// The end of one bar: what a run directory or a progress bar may want to know.
#[derive(Clone, Copy, Debug)]
pub struct BarClose<'a> {
    /// The slice that closed.
    pub slice: Slice<'a>,
    /// The account after everything that happened at this instant.
    pub account: &'a Account,
    /// The instruments.
    pub instruments: &'a Instruments,
}

/// One step of the kernel: what it was told, and what it asked for.
#[derive(Clone, Debug)]
pub struct Step<'a> {
    /// When.
    pub now: Timestamp,
    /// What it was told.
    pub input: Input<'a>,
    /// What it recorded.
    pub records: &'a [Record],
    /// What is to be done, in order.
    pub actions: vec_deque::Iter<'a, Action>,
}

/// Where records and bar closes go. Records are durable when `records` returns.
pub trait Sink {
    /// Takes one batch of records.
    ///
    /// # Errors
    /// Whatever keeps them from being kept; the run stops.
    fn records(&mut self, records: &[Record]) -> Result<()>;

    /// The kernel took an input. Whoever keeps these has a tape of the run; most do not.
    #[inline]
    fn step(&mut self, _: &Step<'_>) {}

    /// A bar is complete.
    ///
    /// # Errors
    /// Whatever the sink cannot cope with; the run stops.
    fn bar(&mut self, close: &BarClose<'_>) -> Result<()>;
}

/// Keeps nothing.
impl Sink for () {
    fn records(&mut self, _: &[Record]) -> Result<()> {
        Ok(())
    }

    fn bar(&mut self, _: &BarClose<'_>) -> Result<()> {
        Ok(())
    }
}

/// Tells the kernel `input`, and the sink what came of it.
#[inline(never)]
pub(super) fn step<S: Strategy, K: Sink + ?Sized>(
    kernel: &mut Kernel<S>,
    sink: &mut K,
    effects: &mut Effects,
    now: Timestamp,
    input: Input<'_>,
) {
    step_inlined(kernel, sink, effects, now, input);
}

/// The same, for the one place that calls it at every bar.
#[inline(always)]
pub(super) fn step_inlined<S: Strategy, K: Sink + ?Sized>(
    kernel: &mut Kernel<S>,
    sink: &mut K,
    effects: &mut Effects,
    now: Timestamp,
    input: Input<'_>,
) {
    let (records, actions) = (effects.records.len(), effects.actions.len());
    kernel.step(now, input, effects);
    sink.step(&Step {
        now,
        input,
        // Both only grow; said so that it costs nothing where nobody listens.
        records: effects.records.get(records..).unwrap_or_default(),
        actions: effects.actions.range(actions.min(effects.actions.len())..),
    });
}
