//! Elapsed machine time.

use std::time::{Duration, Instant};

/// Measures monotonic time, unaffected by steps of the wall clock.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts measuring.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Time since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_passes() {
        let watch = Stopwatch::start();
        std::thread::sleep(Duration::from_millis(2));
        let first = watch.elapsed();
        assert!(first >= Duration::from_millis(2));
        assert!(watch.elapsed() >= first);
    }
}
