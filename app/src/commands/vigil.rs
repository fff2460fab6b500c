//! The health of a trader while it trades: looked at before anything, and ever after.

use std::sync::Arc;

use ballast_ports::Clock;

use crate::account_folder::AccountFolder;
use crate::config::Config;
use crate::drivers::RunError;
use crate::exit::Failure;
use crate::health::{Breakers, HealthRegistry, HealthWatcher, Pulse};
use crate::wiring::{TracedInputs, health};

/// Somebody who watches over a trader; dropping it ends the watch.
#[derive(Debug)]
pub(super) struct Vigil {
    pulse: Pulse,
    _watcher: HealthWatcher,
}

impl Vigil {
    /// Looks once, and goes on looking. A session that `trades` does not begin while anything critical
    /// is wrong; one for a person's command does, and adds no risk.
    ///
    /// # Errors
    /// `Refused` with each critical check.
    pub(super) async fn begin(
        config: &Config,
        inputs: &TracedInputs,
        folder: &AccountFolder,
        clock: &Arc<dyn Clock>,
        trades: bool,
    ) -> Result<Self, Failure> {
        let port = |e| Failure::from(RunError::Port(e));
        let pulse = Pulse::new().map_err(port)?;
        let mut registry = HealthRegistry::new(Arc::clone(clock));
        registry.register(pulse.heartbeat.clone());
        health::register_data(
            &mut registry,
            config,
            &(Arc::new(inputs.clone()) as _),
            clock,
        );
        registry.register(Breakers {
            breakers: inputs.breakers(),
        });
        health::register_machine(&mut registry, &config.health, folder.home());
        let first = registry.run().await;
        folder.put_health(&first);
        pulse.gate.update(first);
        if trades {
            pulse.gate.admit()?;
        }
        let told = {
            let folder = folder.clone();
            move |report: &_| folder.put_health(report)
        };
        let every = health::check_interval(&config.health);
        let gate = pulse.gate.clone();
        let watcher = HealthWatcher::start(registry, every, Arc::clone(clock), gate, told);
        Ok(Self {
            pulse,
            _watcher: watcher.map_err(port)?,
        })
    }

    /// What the trader shares with the watch.
    pub(super) fn pulse(&self) -> Pulse {
        self.pulse.clone()
    }
}
