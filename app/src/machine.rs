//! The machine the program runs on, through the system adapter.

use std::fmt;

use ballast_domain::time::Timestamp;
use ballast_ports::Clock as _;
use ballast_system::{Stopwatch, SystemClock, peak_rss_bytes};

use crate::engine::Machine;

/// The wall clock, a stopwatch and the figures of this process.
pub struct ThisMachine {
    clock: SystemClock,
    stopwatch: Stopwatch,
}

impl ThisMachine {
    /// This machine, its stopwatch started.
    pub fn new() -> Self {
        Self {
            clock: SystemClock::new(),
            stopwatch: Stopwatch::start(),
        }
    }
}

impl Default for ThisMachine {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ThisMachine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThisMachine").finish_non_exhaustive()
    }
}

impl Machine for ThisMachine {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn seconds(&self) -> f64 {
        self.stopwatch.elapsed().as_secs_f64()
    }

    fn peak_memory_bytes(&self) -> Option<u64> {
        peak_rss_bytes()
    }
}
