//! Who is told how far a run has come.

use std::fmt;

/// Is told how far a run has come. Called once a bar: keep it cheap.
pub trait Progress: fmt::Debug {
    /// A run of `bars` begins.
    fn begin(&mut self, bars: usize);

    /// One more bar is done.
    fn advance(&mut self);

    /// The run is over.
    fn end(&mut self);
}

/// Nobody.
impl Progress for () {
    fn begin(&mut self, _: usize) {}

    fn advance(&mut self) {}

    fn end(&mut self) {}
}
