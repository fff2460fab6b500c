//! The checks any program with data and a disk needs.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use ballast_domain::time::{Span, Timestamp};
use ballast_ports::{Clock, Finding, Health, MarketData, Result, Severity};
use ballast_resilience::{Breaker, BreakerState};
use ballast_system::{available_memory_bytes, free_disk_bytes};

/// Symbols that a message names before it counts the rest.
const NAMED: usize = 5;

/// Whether the source answers.
#[derive(Debug)]
pub struct Connectivity {
    /// The source.
    pub source: Arc<dyn MarketData>,
}

#[async_trait]
impl Health for Connectivity {
    fn name(&self) -> &'static str {
        "connection"
    }

    fn severity(&self) -> Severity {
        Severity::Critical
    }

    async fn check(&self) -> Result<Finding> {
        if !self.source.capabilities().instruments {
            let message = format!("{} has nothing cheap to ask", self.source.name());
            return Ok(Finding::not_judged(message));
        }
        let listed = self.source.instruments().await?;
        Ok(Finding::healthy(format!(
            "{} answers: {} symbols",
            self.source.name(),
            listed.len()
        )))
    }
}

/// Whether every symbol that is expected is there.
#[derive(Debug)]
pub struct SymbolsThere {
    /// The source.
    pub source: Arc<dyn MarketData>,
    /// What has to be there.
    pub expected: Vec<String>,
}

#[async_trait]
impl Health for SymbolsThere {
    fn name(&self) -> &'static str {
        "completeness"
    }

    fn severity(&self) -> Severity {
        Severity::Warning
    }

    async fn check(&self) -> Result<Finding> {
        if self.expected.is_empty() || !self.source.capabilities().instruments {
            return Ok(Finding::not_judged("no symbols are expected by name"));
        }
        let listed = self.source.instruments().await?;
        let there: BTreeSet<&str> = listed.iter().map(|i| i.symbol.as_str()).collect();
        let missing: Vec<&str> = self
            .expected
            .iter()
            .map(String::as_str)
            .filter(|symbol| !there.contains(symbol))
            .collect();
        let total = self.expected.len();
        if missing.is_empty() {
            return Ok(Finding::healthy(format!("all {total} symbols are there")));
        }
        let more = missing.len().saturating_sub(NAMED);
        let mut named = missing[..missing.len() - more].join(", ");
        if more > 0 {
            named += &format!(" and {more} more");
        }
        Ok(Finding::unhealthy(
            format!("{} of {total} symbols are missing: {named}", missing.len()),
            "correct data.symbols, or bring the data: ballast data import FILE",
        ))
    }
}

/// Whether the newest bar is young enough.
#[derive(Debug)]
pub struct FreshData {
    /// The source.
    pub source: Arc<dyn MarketData>,
    /// Symbols that count; all of the source when empty.
    pub symbols: Vec<String>,
    /// A bar that opened longer ago is too old; at this age it is not. `None` judges nothing.
    pub max_age: Option<Span>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
}

impl FreshData {
    /// What it is when nobody says otherwise.
    pub const MAX_AGE: Span = Span::from_seconds(24 * 3_600);
}

#[async_trait]
impl Health for FreshData {
    fn name(&self) -> &'static str {
        "freshness"
    }

    fn severity(&self) -> Severity {
        Severity::Critical
    }

    async fn check(&self) -> Result<Finding> {
        if !self.source.capabilities().instruments {
            return Ok(Finding::not_judged("the source tells no newest bar"));
        }
        let listed = self.source.instruments().await?;
        let counts = |symbol: &String| self.symbols.is_empty() || self.symbols.contains(symbol);
        // The oldest of the newest bars: one silent symbol is enough.
        let oldest: Option<(Timestamp, String)> = listed
            .into_iter()
            .filter(|i| counts(&i.symbol))
            .filter_map(|i| Some((i.last?, i.symbol)))
            .min();
        let Some((last, symbol)) = oldest else {
            return Ok(Finding::not_judged("the source tells no newest bar"));
        };
        let Some(max_age) = self.max_age else {
            return Ok(Finding::not_judged(format!(
                "data from the past, to {}; health.max_data_age_hours sets a limit",
                last.date()
            )));
        };
        let age = self.clock.now().since(last);
        if age <= max_age {
            return Ok(Finding::healthy(format!(
                "newest bars at most {} old",
                spoken(age)
            )));
        }
        Ok(Finding::unhealthy(
            format!(
                "the newest bar of {symbol} is {} old, the limit is {}",
                spoken(age),
                spoken(max_age)
            ),
            "bring newer data, or look at the source's status",
        ))
    }
}

/// Whether our clock agrees with somebody else's.
#[derive(Debug)]
pub struct ClockOffset {
    /// Ours.
    pub ours: Arc<dyn Clock>,
    /// Whose word counts: the venue's.
    pub reference: Arc<dyn Clock>,
    /// The largest difference, in either direction.
    pub limit: Span,
}

#[async_trait]
impl Health for ClockOffset {
    fn name(&self) -> &'static str {
        "clock"
    }

    fn severity(&self) -> Severity {
        Severity::Critical
    }

    async fn check(&self) -> Result<Finding> {
        let offset = self.ours.now().since(self.reference.now());
        let size = Span::from_nanos(offset.nanos().saturating_abs());
        let seen = format!("{:+.3} s beside the reference", offset.seconds());
        if size <= self.limit {
            return Ok(Finding::healthy(seen));
        }
        Ok(Finding::unhealthy(
            format!("{seen}, the limit is {} s", self.limit.seconds()),
            "set the clock: timedatectl set-ntp true",
        ))
    }
}

/// Whether the disk has room.
#[derive(Clone, Debug)]
pub struct DiskSpace {
    /// A folder on it, or one that will be made there.
    pub folder: PathBuf,
    /// Less is too little; this much is not.
    pub min_bytes: u64,
}

impl DiskSpace {
    /// What it is when nobody says otherwise: a journal stops before its disk is full.
    pub const MIN_BYTES: u64 = 1_000_000_000;

    fn judged(free: u64, min_bytes: u64, folder: &str) -> Finding {
        let seen = format!("{} free", gigabytes(free));
        if free >= min_bytes {
            return Finding::healthy(seen);
        }
        Finding::unhealthy(
            format!("{seen}, {} are needed", gigabytes(min_bytes)),
            format!("free space on the disk of {folder}: old runs go with `ballast runs archive`"),
        )
    }
}

#[async_trait]
impl Health for DiskSpace {
    fn name(&self) -> &'static str {
        "disk"
    }

    fn severity(&self) -> Severity {
        Severity::Critical
    }

    async fn check(&self) -> Result<Finding> {
        let there = self.folder.ancestors().find(|path| path.is_dir());
        let folder = there.map_or_else(|| PathBuf::from("."), PathBuf::from);
        Ok(match free_disk_bytes(&folder)? {
            Some(free) => Self::judged(free, self.min_bytes, &self.folder.display().to_string()),
            None => Finding::not_judged("this system tells no free space"),
        })
    }
}

/// Whether there is memory left.
#[derive(Clone, Copy, Debug)]
pub struct FreeMemory {
    /// Less is too little; this much is not.
    pub min_bytes: u64,
}

impl FreeMemory {
    /// What it is when nobody says otherwise.
    pub const MIN_BYTES: u64 = 256_000_000;

    fn judged(free: Option<u64>, min_bytes: u64) -> Finding {
        match free {
            None => Finding::not_judged("this system tells no available memory"),
            Some(free) if free >= min_bytes => {
                Finding::healthy(format!("{} available", gigabytes(free)))
            }
            Some(free) => Finding::unhealthy(
                format!(
                    "{} available, {} are needed",
                    gigabytes(free),
                    gigabytes(min_bytes)
                ),
                "stop what is not needed, before the system stops something that is",
            ),
        }
    }
}

#[async_trait]
impl Health for FreeMemory {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn severity(&self) -> Severity {
        Severity::Warning
    }

    async fn check(&self) -> Result<Finding> {
        Ok(Self::judged(available_memory_bytes(), self.min_bytes))
    }
}

/// Whether any breaker refuses calls.
#[derive(Debug)]
pub struct Breakers {
    /// Each with the name of its neighbour.
    pub breakers: Vec<(String, Breaker)>,
}

#[async_trait]
impl Health for Breakers {
    fn name(&self) -> &'static str {
        "breakers"
    }

    fn severity(&self) -> Severity {
        Severity::Critical
    }

    async fn check(&self) -> Result<Finding> {
        let open: Vec<&str> = self
            .breakers
            .iter()
            .filter(|(_, breaker)| breaker.statistics().state != BreakerState::Closed)
            .map(|(name, _)| name.as_str())
            .collect();
        if open.is_empty() {
            let all = self.breakers.len();
            return Ok(Finding::healthy(format!("all {all} closed")));
        }
        Ok(Finding::unhealthy(
            format!("not closed: {}", open.join(", ")),
            "look at the neighbour's status; a breaker closes by itself once calls succeed",
        ))
    }
}

fn gigabytes(bytes: u64) -> String {
    format!("{}.{} GB", bytes / 1_000_000_000, bytes / 100_000_000 % 10)
}

/// Days from two on, hours from two on, else seconds.
fn spoken(span: Span) -> String {
    let seconds = span.nanos() / 1_000_000_000;
    match seconds {
        s if s >= 2 * 86_400 => format!("{} days", s / 86_400),
        s if s >= 7_200 => format!("{} h", s / 3_600),
        s => format!("{s} s"),
    }
}

#[cfg(test)]
mod tests {
    use ballast_ports::Standing;

    use super::*;

    /// OBS-32: 0.9 GB of free disk is critical, 1.1 GB is fine, and so is exactly the least.
    #[test]
    fn obs_32_little_disk_is_critical() {
        for (free, healthy) in [
            (900_000_000, false),
            (999_999_999, false),
            (1_000_000_000, true),
            (1_100_000_000, true),
        ] {
            let found = DiskSpace::judged(free, DiskSpace::MIN_BYTES, "home");
            assert_eq!(found.standing == Standing::Healthy, healthy, "{free}");
        }
        let check = DiskSpace {
            folder: PathBuf::from("/nowhere/at/all"),
            min_bytes: u64::MAX,
        };
        assert_eq!(check.severity(), Severity::Critical);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let found = runtime.block_on(check.check()).unwrap();
        assert_eq!(found.standing, Standing::Unhealthy, "{found:?}");
    }

    #[test]
    fn little_memory_is_a_warning() {
        for (free, standing) in [
            (Some(255_999_999), Standing::Unhealthy),
            (Some(256_000_000), Standing::Healthy),
            (None, Standing::NotJudged),
        ] {
            let found = FreeMemory::judged(free, FreeMemory::MIN_BYTES);
            assert_eq!(found.standing, standing);
        }
    }
}
