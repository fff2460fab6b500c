//! The machine Ballast runs on: its clock, its disk and the figures of this process.
//!
//! This is the only crate that reads the time of day or a monotonic clock directly.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used))]
#![cfg_attr(not(test), deny(clippy::panic))]

mod clock;
mod disk;
mod kill_switch;
mod process;
mod room;
mod steps;
mod stopwatch;

pub use clock::SystemClock;
pub use disk::write_atomic;
pub use kill_switch::{KillSwitch, KillWatch};
pub use process::peak_rss_bytes;
pub use room::{available_memory_bytes, free_disk_bytes};
pub use steps::{Disk, Fate, Step};
pub use stopwatch::Stopwatch;
