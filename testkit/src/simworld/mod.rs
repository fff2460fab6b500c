//! A simulated world for the kernel: a venue that lies, wires and a disk that fail, a process that
//! dies, a person who interferes, and oracles that watch.
//!
//! A day is a [`Plan`]: derived from a seed before anything happens, plain data, replayed from its
//! JSON text as well as from its seed. [`run`] plays it and stops at the first thing that must
//! never happen.

mod account;
mod books;
mod chance;
mod coverage;
mod disk;
mod fault;
mod injection;
mod judge;
mod judge_venue;
mod kept_state;
#[cfg(test)]
mod kill_everywhere;
mod ledger;
mod lockstep;
mod market;
mod operator;
mod outage;
mod outcome;
mod overview;
pub mod parity;
mod plan;
mod planted;
mod process;
mod queue;
mod shrink;
mod strategy;
pub mod tape;
mod venue;
mod venue_events;
mod venue_view;
mod wires;
mod world;
#[cfg(test)]
mod wrong_histories;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub use coverage::Coverage;
pub use fault::{ARMED_FOR, Fault, FaultKind, STANDING_ROWS, Shape, reachable_rows};
pub use lockstep::Lockstep;
pub use outage::Outages;
pub use outcome::{Counts, Outcome, Violation};
pub use plan::{Idempotency, Plan, Profile, Tuning};
pub use planted::Planted;
pub use shrink::shrink;

/// Plays a day. A panic of the program under test is a violation like any other.
pub fn run(plan: &Plan) -> Outcome {
    run_with(plan, None)
}

/// Plays a day with a bug in the program, to see that an oracle finds it.
pub fn run_with(plan: &Plan, bug: Option<Planted>) -> Outcome {
    let play = || world::World::new(plan, bug).run();
    catch_unwind(AssertUnwindSafe(play)).unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
        Outcome {
            violation: Some(Violation {
                invariant: "panic".to_owned(),
                at: 0,
                what: text.unwrap_or("without words").to_owned(),
            }),
            ..Outcome::default()
        }
    })
}
