//! The journal from outside: the port's contract, refusals, proofs, restarts and figures.

mod contract;
mod figures;
mod flips;
mod life;
mod refusals;
mod restarts;
mod system_calls;
