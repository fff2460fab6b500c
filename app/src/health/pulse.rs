//! What a trader and whoever watches its health share.

use std::time::Duration;

use ballast_ports::Result;

use super::gate::HealthGate;
use super::heartbeat::Heartbeat;

/// Between two beats that are counted.
const INTERVAL: Duration = Duration::from_secs(1);
/// Beats that may be missing: a slot with a large covariance may take seconds, a hung disk takes more.
const MISSED_MAX: u32 = 30;

/// The gate a trader asks before it adds risk, and the heartbeat it gives. Clones are one.
#[derive(Clone, Debug)]
pub struct Pulse {
    /// Holds what the last look found.
    pub gate: HealthGate,
    /// Beats while the trader's loop turns.
    pub heartbeat: Heartbeat,
}

impl Pulse {
    /// A gate nobody has looked for yet, and a heart that has beaten now.
    ///
    /// # Errors
    /// As [`Heartbeat::new`].
    pub fn new() -> Result<Self> {
        Ok(Self {
            gate: HealthGate::default(),
            heartbeat: Heartbeat::new("trader", INTERVAL, MISSED_MAX)?,
        })
    }
}
