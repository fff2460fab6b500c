//! The journal from outside: the port's contract, refusals, proofs, restarts and figures.

mod contract;
