//! What orders may be sent to: paper, shadow and live are different capabilities, and the last one
//! needs every switch of its own.

use std::path::Path;

use ballast_domain::error::{Error, Result};

use crate::config::TradeStage;

/// Whether this program was built to send real orders at all.
pub const BUILT_FOR_LIVE: bool = cfg!(feature = "live");

/// The name of the file in an account's folder that arms it. Its only line is the fingerprint.
pub const ARMING_FILE: &str = "ARMED";

/// The switches of real trading, each thrown in another place by another act.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Switches {
    /// The program was built with the cargo feature `live`.
    pub feature: bool,
    /// The config says `trade.stage = "live"`.
    pub config: bool,
    /// The config's `trade.fingerprint` is what the venue calls the account.
    pub fingerprint: bool,
    /// The account's folder holds the arming file with that fingerprint.
    pub arming_file: bool,
    /// The command line says `--live`.
    pub flag: bool,
}

/// What orders may be sent to.
#[derive(Debug, PartialEq, Eq)]
pub enum Capability {
    /// A simulated venue, and nothing else.
    Paper,
    /// Nothing: decisions are made, judged and recorded.
    Shadow,
    /// A real venue.
    Live(Armed),
}

/// Proof that every switch was thrown. Only [`capability`] makes one.
#[derive(Debug, PartialEq, Eq)]
pub struct Armed {
    _private: (),
}

/// The capability that a config and the switches give.
///
/// # Errors
/// `Configuration` naming every switch of real trading that is open, when one of those a person
/// throws on purpose (config, flag) is thrown: half of a wish for real orders is no wish.
pub fn capability(stage: TradeStage, switches: Switches) -> Result<Capability> {
    if stage != TradeStage::Live {
        if switches.flag {
            return Err(Error::config("--live contradicts the config")
                .context("trade.stage", stage.name())
                .hint("leave --live out; a config for real orders says trade.stage = \"live\""));
        }
        return Ok(match stage {
            TradeStage::Shadow => Capability::Shadow,
            TradeStage::Paper | TradeStage::Live => Capability::Paper,
        });
    }
    let open: Vec<&str> = [
        (
            switches.feature,
            "this program cannot send real orders: build one with the cargo feature `live`",
        ),
        (
            switches.config,
            "the config does not say trade.stage = \"live\"",
        ),
        (
            switches.fingerprint,
            "trade.fingerprint is not what the venue calls this account",
        ),
        (
            switches.arming_file,
            "the account's folder has no file ARMED with the fingerprint in it",
        ),
        (switches.flag, "the command line does not say --live"),
    ]
    .into_iter()
    .filter_map(|(thrown, what)| (!thrown).then_some(what))
    .collect();
    if open.is_empty() {
        return Ok(Capability::Live(Armed { _private: () }));
    }
    Err(Error::config("real orders are not armed")
        .context("open", open.join("; "))
        .hint("throw every switch on purpose, or set trade.stage = \"paper\""))
}

/// Whether the arming file in `folder` names this fingerprint.
pub fn is_armed(folder: &Path, fingerprint: Option<&str>) -> bool {
    let text = std::fs::read_to_string(folder.join(ARMING_FILE)).unwrap_or_default();
    let wanted = fingerprint.map(str::trim).filter(|f| !f.is_empty());
    wanted.is_some_and(|fingerprint| text.trim() == fingerprint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> impl Iterator<Item = Switches> {
        (0_u8..32).map(|bits| Switches {
            feature: bits & 1 > 0,
            config: bits & 2 > 0,
            fingerprint: bits & 4 > 0,
            arming_file: bits & 8 > 0,
            flag: bits & 16 > 0,
        })
    }

    /// RSK-25: every combination of the switches and every stage; only all of them together, under
    /// the stage that asks for it, may send a real order.
    #[test]
    fn rsk_25_one_combination_of_all_may_send_a_real_order() {
        let (mut live, mut seen) = (0, 0);
        for stage in [TradeStage::Paper, TradeStage::Shadow, TradeStage::Live] {
            for switches in all() {
                seen += 1;
                let given = capability(stage, switches);
                let every = switches.feature
                    && switches.config
                    && switches.fingerprint
                    && switches.arming_file
                    && switches.flag;
                let expected = stage == TradeStage::Live && every;
                assert_eq!(
                    matches!(given, Ok(Capability::Live(_))),
                    expected,
                    "{stage:?} {switches:?}"
                );
                live += usize::from(expected);
                match (stage, given) {
                    (TradeStage::Live, Err(e)) => {
                        // One separates the hint.
                        let open = e.to_string().matches(';').count();
                        let thrown = [
                            switches.feature,
                            switches.config,
                            switches.fingerprint,
                            switches.arming_file,
                            switches.flag,
                        ];
                        let thrown = thrown.into_iter().filter(|t| *t).count();
                        assert_eq!(open, 5 - thrown, "each open switch is named: {e}");
                    }
                    (_, Err(_)) => assert!(switches.flag),
                    (TradeStage::Paper, Ok(c)) => assert_eq!(c, Capability::Paper),
                    (TradeStage::Shadow, Ok(c)) => assert_eq!(c, Capability::Shadow),
                    (TradeStage::Live, Ok(_)) => assert!(every),
                }
            }
        }
        assert_eq!((live, seen), (1, 96));
    }

    /// RSK-25: the build everybody gets cannot send a real order, whatever else is thrown.
    #[test]
    fn rsk_25_the_default_build_cannot_send_a_real_order() {
        if BUILT_FOR_LIVE {
            println!("skipped: built with the feature live");
            return;
        }
        for switches in all() {
            let built = Switches {
                feature: BUILT_FOR_LIVE,
                ..switches
            };
            let given = capability(TradeStage::Live, built);
            assert!(given.is_err(), "{switches:?}");
        }
    }

    #[test]
    fn the_arming_file_has_to_name_the_account() {
        let folder = tempfile::tempdir().unwrap();
        let armed = |fingerprint| is_armed(folder.path(), fingerprint);
        assert!(!armed(Some("U123")));
        std::fs::write(folder.path().join(ARMING_FILE), "U123\n").unwrap();
        assert!(armed(Some("U123")) && armed(Some(" U123 ")));
        assert!(!armed(Some("U12")) && !armed(Some("")) && !armed(None));
        std::fs::write(folder.path().join(ARMING_FILE), "").unwrap();
        assert!(!armed(Some("")) && !armed(None));
    }
}
