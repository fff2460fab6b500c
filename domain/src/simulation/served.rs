//! An exchange that is served to other processes: orders come as text, from whoever sends them.

use super::exchange::Exchange;
use crate::orders::Intent;
use crate::time::Timestamp;

impl Exchange {
    /// Takes an order that came over a wire and arrives at `now`; after `expires_at` it is refused,
    /// as its sender asked.
    ///
    /// On this side of a wire there are no permits: whether the sender had one is what a served
    /// exchange is for finding out. Behind the feature `served`, so that no program that sends orders
    /// has a way around them.
    pub fn receive_from_wire(&mut self, intent: Intent, expires_at: Timestamp, now: Timestamp) {
        self.arrive(intent, expires_at, now);
    }
}
