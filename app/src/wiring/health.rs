//! What is looked at: the checks of a config, for `doctor` and for a running trader.

use std::path::Path;
use std::sync::Arc;

use ballast_domain::time::Span;
use ballast_ports::{Clock, MarketData};

use crate::config::{Config, Health};
use crate::health::{Connectivity, DiskSpace, FreeMemory, FreshData, HealthRegistry, SymbolsThere};

/// Seconds between two looks where the config names none.
const CHECK_SECONDS: u32 = 300;

/// Whether the data's source answers, has every symbol, and is young enough.
pub fn register_data(
    registry: &mut HealthRegistry,
    config: &Config,
    source: &Arc<dyn MarketData>,
    clock: &Arc<dyn Clock>,
) {
    let symbols = config.data.symbols.clone();
    registry.register(Connectivity {
        source: Arc::clone(source),
    });
    registry.register(SymbolsThere {
        source: Arc::clone(source),
        expected: symbols.clone(),
    });
    let hours = config.health.max_data_age_hours;
    registry.register(FreshData {
        source: Arc::clone(source),
        symbols,
        max_age: hours.map(|h| Span::from_seconds(i64::from(h) * 3_600)),
        clock: Arc::clone(clock),
    });
}

/// Whether disk and memory have room.
pub fn register_machine(registry: &mut HealthRegistry, health: &Health, home: &Path) {
    let megabytes = |mb: Option<u32>, default| mb.map_or(default, |mb| u64::from(mb) * 1_000_000);
    registry.register(DiskSpace {
        folder: home.to_owned(),
        min_bytes: megabytes(health.min_free_disk_mb, DiskSpace::MIN_BYTES),
    });
    registry.register(FreeMemory {
        min_bytes: megabytes(health.min_free_memory_mb, FreeMemory::MIN_BYTES),
    });
}

/// Between two looks at a running trader.
pub fn check_interval(health: &Health) -> Span {
    Span::from_seconds(i64::from(health.check_seconds.unwrap_or(CHECK_SECONDS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// OBS-34: a running trader is looked at every 300 s unless its config says otherwise.
    #[test]
    fn obs_34_every_five_minutes_unless_the_config_says_otherwise() {
        let mut health = Health::default();
        assert_eq!(check_interval(&health), Span::from_seconds(300));
        health.check_seconds = Some(7);
        assert_eq!(check_interval(&health), Span::from_seconds(7));
    }
}
