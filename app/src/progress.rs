//! What a long computation tells, and how it is stopped.

use std::fmt;

/// Told by a driver how far it is; asked whether the user wants to stop.
pub trait Progress: fmt::Debug {
    /// A phase begins: `what` has `steps` to do.
    fn begin(&mut self, what: &str, steps: u64);

    /// `done` steps of the phase are behind. Cheap enough to be called for each bar.
    fn reached(&mut self, done: u64);

    /// The phase ended.
    fn end(&mut self);

    /// Whether the user wants to stop. A driver looks at least once a thousand bars and ends with
    /// [`Failure::interrupted`](crate::exit::Failure::interrupted).
    fn is_interrupted(&self) -> bool;
}

/// Tells nobody and is never stopped.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&mut self, _: &str, _: u64) {}
    fn reached(&mut self, _: u64) {}
    fn end(&mut self) {}
    fn is_interrupted(&self) -> bool {
        false
    }
}
