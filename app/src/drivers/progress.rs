//! Who is told how far a run has come, and who can stop it.

use std::fmt;

/// Is told how far a run has come, once a bar, and asked as often whether to stop: keep both cheap.
pub trait Progress: fmt::Debug {
    /// A run of `bars` begins.
    fn begin(&mut self, bars: usize);

    /// One more bar is done.
    fn advance(&mut self);

    /// The run is over.
    fn end(&mut self);

    /// Whether the user wants to stop.
    fn is_interrupted(&self) -> bool;
}

/// Nobody.
impl Progress for () {
    fn begin(&mut self, _: usize) {}

    fn advance(&mut self) {}

    fn end(&mut self) {}

    fn is_interrupted(&self) -> bool {
        false
    }
}
