//! What a result is a function of, and the name that follows from it.

use std::collections::BTreeMap;
use std::fmt;

use ballast_domain::error::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::stable_hash::stable_hash;

/// The version of this program.
pub const PROGRAM_VERSION: &str = env!("CARGO_PKG_VERSION");

/// Everything a result follows from. It stands in the summary, the report and the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The first 16 hex digits of BLAKE3 over the other four.
    pub result_id: String,
    /// Version of the program.
    pub program_version: String,
    /// [`Config::hash`].
    pub config_hash: String,
    /// [`Identity::hash_of_data`] over all data files.
    pub data_hash: String,
    /// Seed of every random draw.
    pub seed: u64,
}

impl Identity {
    /// The identity of `config` over data whose files have these hashes (by their name in the
    /// config).
    ///
    /// # Errors
    /// `Invariant` from [`stable_hash`].
    pub fn new(config: &Config, data: &BTreeMap<String, String>) -> Result<Self> {
        Self::of_version(PROGRAM_VERSION, config, data)
    }

    fn of_version(version: &str, config: &Config, data: &BTreeMap<String, String>) -> Result<Self> {
        #[derive(Serialize)]
        struct Parts<'a> {
            program_version: &'a str,
            config_hash: &'a str,
            data_hash: &'a str,
            seed: u64,
        }
        let config_hash = config.hash();
        let data_hash = Self::hash_of_data(data)?;
        let seed = config.run.seed;
        let mut result_id = stable_hash(&Parts {
            program_version: version,
            config_hash: &config_hash,
            data_hash: &data_hash,
            seed,
        })?;
        result_id.truncate(16);
        Ok(Self {
            result_id,
            program_version: version.to_owned(),
            config_hash,
            data_hash,
            seed,
        })
    }

    /// One hash over the hashes of all data files.
    ///
    /// # Errors
    /// `Invariant` from [`stable_hash`].
    pub fn hash_of_data(data: &BTreeMap<String, String>) -> Result<String> {
        stable_hash(data)
    }
}

/// The name of one execution: 128 random bits, new for each run, in hex with dashes
/// (8-4-4-4-12).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(String);

impl RunId {
    /// From random bits.
    pub fn from_random(bits: [u8; 16]) -> Self {
        let hex: String = bits.iter().map(|byte| format!("{byte:02x}")).collect();
        Self(format!(
            "{}-{}-{}-{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..]
        ))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// New random bits from the operating system. They name a run and reach no result.
    ///
    /// # Errors
    /// `Api` when the system has none to give.
    pub fn draw() -> Result<Self> {
        let mut bits = [0_u8; 16];
        getrandom::fill(&mut bits).map_err(|e| {
            Error::new(
                ballast_domain::error::ErrorKind::Api,
                format!("the system gives no random bits: {e}"),
            )
            .hint("a run needs 16 random bytes for its name; check the system's random source")
        })?;
        Ok(Self::from_random(bits))
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::BREAKOUT;

    fn config(text: &str) -> Config {
        Config::from_toml(text).unwrap()
    }

    fn data(hash: &str) -> BTreeMap<String, String> {
        BTreeMap::from([("data.csv".to_owned(), hash.to_owned())])
    }

    /// REP-01: settings in another order give the same result id; another version, setting, data
    /// file or seed gives another one; each run id is new.
    #[test]
    fn rep_01_result_id_follows_from_its_four_parts() {
        let settings = config(BREAKOUT);
        let at = BREAKOUT.find("[report]").unwrap();
        let reordered = format!("{}\n{}", &BREAKOUT[at..], &BREAKOUT[..at]);
        let id = |version: &str, settings: &Config, hash: &str| {
            Identity::of_version(version, settings, &data(hash))
                .unwrap()
                .result_id
        };
        let base = id("1", &settings, "a");
        assert_eq!(base.len(), 16);
        assert_eq!(base, id("1", &config(&reordered), "a"));
        let mut seeded = settings.clone();
        seeded.run.seed = 1;
        let mut cheaper = settings.clone();
        cheaper.execution.fee_bps = rust_decimal::Decimal::ZERO;
        let others = [
            id("2", &settings, "a"),
            id("1", &settings, "b"),
            id("1", &seeded, "a"),
            id("1", &cheaper, "a"),
        ];
        assert!(!others.contains(&base), "{base} {others:?}");
        let (a, b) = (RunId::draw().unwrap(), RunId::draw().unwrap());
        assert_ne!(a, b);
    }

    #[test]
    fn run_ids_read_like_uuids() {
        let id = RunId::from_random([0xab; 16]);
        assert_eq!(id.as_str(), "abababab-abab-abab-abab-abababababab");
    }
}
