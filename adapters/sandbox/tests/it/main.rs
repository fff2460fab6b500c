//! The account at a sandbox venue, over real sockets.

mod answers;
mod conformance;
mod outlives;
mod venue;
