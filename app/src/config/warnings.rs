//! Settings that are allowed and seldom wise.

use std::collections::BTreeMap;
use std::path::Path;

use ballast_domain::screening::{CriteriaTable, Criterion};
use ballast_domain::simulation::FillPoint;
use rust_decimal::Decimal;
use serde::Serialize;

use super::layer::Origin;
use super::sections::{Config, MoneyLimit};

/// A setting to think about; nothing is refused for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// The key, or the name of a variable.
    pub key: String,
    /// Who set it.
    #[serde(rename = "where")]
    pub place: String,
    /// What is unusual.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

/// A position above this share of equity is a bet on one name.
const CONCENTRATED: Decimal = Decimal::from_parts(5, 0, 0, false, 1);
/// Above this multiple of equity a third of a loss takes all of it.
const LEVERED: Decimal = Decimal::from_parts(3, 0, 0, false, 0);
/// A limit this far from its reference catches no slip of a digit.
const WIDE_COLLAR: Decimal = Decimal::from_parts(2, 0, 0, false, 1);
/// The longest closure of a market in ordinary times.
const OLD_PRICE_DAYS: Decimal = Decimal::from_parts(7, 0, 0, false, 0);
/// With less fresh data a rebalance tilts to what still has prices.
const FRESH_SHARE: Decimal = Decimal::from_parts(9, 0, 0, false, 1);

/// Histories at once above which a source takes them for an attack.
const MANY_AT_ONCE: u8 = 25;
/// Analysts and positions of a screen beyond which one voice or one name decides.
const FEW_ANALYSTS: u8 = 4;
const LARGE_PERCENT: u8 = 10;
/// Percent of upside that nearly every stock has, and that hardly one has.
const LOW_UPSIDE: Decimal = Decimal::from_parts(5, 0, 0, false, 0);
const HIGH_UPSIDE: Decimal = Decimal::from_parts(50, 0, 0, false, 0);

/// Everything unusual about `config`, in the order of its keys. Relative paths start from `base`.
pub(super) fn find(
    config: &Config,
    origins: &BTreeMap<String, Origin>,
    base: &Path,
) -> Vec<Warning> {
    let mut found = Vec::new();
    let mut warn = |applies: bool, key: &str, message: String, hint: &str| {
        if applies {
            let origin = origins.get(key).unwrap_or(&Origin::Default);
            found.push(Warning {
                key: key.to_owned(),
                place: origin.to_string(),
                message,
                hint: hint.to_owned(),
            });
        }
    };
    let (execution, rebalance, risk) = (&config.execution, &config.rebalance, &config.risk);
    warn(
        execution.fill == FillPoint::SameClose,
        "execution.fill",
        "orders fill at the close that decided them, which nobody can do".to_owned(),
        "use \"next_open\" or \"next_close\" for figures that can be earned",
    );
    warn(
        execution.fee_bps.is_zero() && execution.slippage_bps.is_zero(),
        "execution.fee_bps",
        "trading costs nothing".to_owned(),
        "set execution.fee_bps and execution.slippage_bps to what the venue takes",
    );
    warn(
        rebalance.threshold.is_zero(),
        "rebalance.threshold",
        "every drift is traded, however small".to_owned(),
        "0.05 leaves drifts of less than a twentieth alone",
    );
    warn(
        rebalance.min_fresh_share < FRESH_SHARE,
        "rebalance.min_fresh_share",
        format!(
            "a rebalance goes on with {} of the exposure's data fresh",
            rebalance.min_fresh_share
        ),
        "0.95 skips rebalances that would tilt to what still has prices",
    );
    for (key, limit) in [
        ("risk.max_order_notional", risk.max_order_notional),
        ("risk.max_position_notional", risk.max_position_notional),
    ] {
        warn(
            limit == MoneyLimit::Unlimited,
            key,
            format!("'{key}' has no limit"),
            "write an amount before money is at stake",
        );
    }
    warn(
        risk.max_position_weight > CONCENTRATED,
        "risk.max_position_weight",
        format!(
            "one position may take {} % of the equity",
            (risk.max_position_weight * Decimal::ONE_HUNDRED).normalize()
        ),
        "0.1 to 0.4 leaves room for others",
    );
    warn(
        risk.max_leverage > LEVERED,
        "risk.max_leverage",
        format!("exposure may be {} times the equity", risk.max_leverage),
        "above 3 a loss of a third takes everything",
    );
    warn(
        risk.price_collar > WIDE_COLLAR,
        "risk.price_collar",
        format!(
            "limits may be {} away from their reference",
            risk.price_collar
        ),
        "0.1 catches a slip of a digit",
    );
    warn(
        risk.max_price_age_days > OLD_PRICE_DAYS,
        "risk.max_price_age_days",
        format!(
            "orders may rest on prices {} days old",
            risk.max_price_age_days
        ),
        "7 outlasts the longest closure of a market",
    );
    let (resilience, cache, screen) = (&config.resilience, &config.cache, &config.screen);
    let at_once = resilience.concurrency.unwrap_or_default();
    warn(
        at_once > MANY_AT_ONCE,
        "resilience.concurrency",
        format!("{at_once} histories are fetched at once"),
        "15 is quick, and no source takes it for an attack",
    );
    warn(
        cache.stale_after_hours == Some(0),
        "cache.stale_after_hours",
        "answers are stale before an hour is over".to_owned(),
        "48 hours outlast an outage over a weekend",
    );
    warn(
        cache.verify == Some(false),
        "cache.verify",
        "a bit that flips on the disk is read as a price".to_owned(),
        "leave it out: a checksum costs less than a fetch",
    );
    if screen.is_silent() {
        return found;
    }
    warn(
        screen.min_analysts() < FEW_ANALYSTS,
        "screen.min_analysts",
        format!(
            "{} analysts are enough for a verdict",
            screen.min_analysts()
        ),
        "4 or more outvote one who is wrong",
    );
    warn(
        screen.max_position_percent() > LARGE_PERCENT,
        "screen.max_position_percent",
        format!(
            "one suggestion may take {} % of the equity",
            screen.max_position_percent()
        ),
        "5 leaves room for twenty",
    );
    if let Some(output) = &screen.output {
        warn(
            !base.join(output).is_dir(),
            "screen.output",
            format!("the folder {output} is not there"),
            "make it, or name one that is",
        );
    }
    for ((region, tier), criteria) in screen.criteria.iter().flat_map(CriteriaTable::iter) {
        let upside = criteria.get(Criterion::MinUpside).unwrap_or_default();
        let path = format!(
            "screen.criteria.{}.{}.min_upside",
            region.name(),
            tier.name()
        );
        let hint = "5 to 50 tells stocks apart";
        let few = format!("{region}/{tier} asks for an upside of {upside} %, which most have");
        warn(upside < LOW_UPSIDE, &path, few, hint);
        let many =
            format!("{region}/{tier} asks for an upside of {upside} %, which hardly one has");
        warn(upside > HIGH_UPSIDE, &path, many, hint);
    }
    found
}
