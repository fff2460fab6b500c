//! Kills a real program at its worst moments, over and over, and judges by what is left.
//!
//! The program trades at a [`sandbox`](crate::sandbox) venue in a process of its own. Each cycle
//! starts it, kills it with SIGKILL, exports its journal with the program's own command, reads the
//! venue's ledger, and holds the two against each other and against the export of the cycle before.
//! The next cycle's start is the recovery. An account is traded for some cycles, then once more
//! without a kill, and must then agree with the venue to the last execution.
//!
//! Half of the kills come at random instants. The others are aimed, at the phase that was hit least:
//! the venue tells the killer what it has just done, and the journal's file shows when it grows; how
//! soon after that a kill must come is learned from hits and misses, and phases that end with a write
//! are met on a disk that is 3 ms slower. Which phase a kill hit is read
//! from the evidence, never from the aim.

mod account;
mod aim;
mod evidence;
mod phase;
mod processes;

pub use account::{Account, Places, Session};
pub use aim::{Aim, Reach, journal_delay_ms};
pub use evidence::{Evidence, Record};
pub use phase::{Histogram, Phase};
pub use processes::{Said, VenueProcess};
