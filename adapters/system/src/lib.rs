//! The machine Ballast runs on: its clock, its disk and the figures of this process.
//!
//! This is the only crate that reads the time of day or a monotonic clock directly.

mod clock;
mod disk;
mod kill_switch;
mod process;
mod steps;
mod stopwatch;

pub use clock::SystemClock;
pub use disk::write_atomic;
pub use kill_switch::{KillSwitch, KillWatch};
pub use process::peak_rss_bytes;
pub use steps::{Disk, Fate, Step};
pub use stopwatch::Stopwatch;
