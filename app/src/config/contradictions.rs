//! Settings that are fine one by one and contradict each other.

use ballast_domain::instrument::{Asset, Instruments};
use ballast_domain::kernel::SizeAt;
use ballast_domain::market::PriceBasis;
use ballast_domain::portfolio::MarginModel;
use ballast_domain::simulation::FillPoint;
use rust_decimal::Decimal;

use super::check::Check;
use super::guards::{Cache, CacheStore};
use super::layer::join;
use super::profile::Profile;
use super::sections::Config;
use super::style::Style;
use super::trade::TradeJournal;

/// Adds every contradiction within `config` to `check`.
pub(super) fn find(config: &Config, check: &mut Check<'_>) {
    if let (Some(start), Some(end)) = (config.run.start, config.run.end)
        && start > end
    {
        check.refuse(
            "run.end",
            format!("the run ends on {end}, before its start on {start}"),
            "exchange run.start and run.end, or leave one out".to_owned(),
        );
    }
    basis(config, check);
    exposure(config, check);
    limits(config, check);
    instruments(config, check);
    journal(config, check);
}

/// Where the journal is. What the address says is never repeated: it may hold a password.
fn journal(config: &Config, check: &mut Check<'_>) {
    let trade = &config.trade;
    let in_postgres = trade.journal == Some(TradeJournal::Postgres);
    match &trade.database {
        None if in_postgres => check.refuse(
            "trade.database",
            "the journal is in PostgreSQL, and no database is named".to_owned(),
            "set trade.database, such as \"postgresql://ballast@127.0.0.1:5432/trading\""
                .to_owned(),
        ),
        Some(database) if holds_password(database) => check.refuse(
            "trade.database",
            "the address of the database holds a password".to_owned(),
            "take it out, have a new one set, and keep that as the secret postgres_password"
                .to_owned(),
        ),
        Some(_) if !in_postgres => check.refuse(
            "trade.database",
            "a database is named, and the journal is in a file".to_owned(),
            "set trade.journal = \"postgres\", or leave trade.database out".to_owned(),
        ),
        _ => {}
    }
}

/// `user:password@` in an address, or `password=` among words.
fn holds_password(database: &str) -> bool {
    let user = database.split_once("://").map_or("", |(_, rest)| rest);
    let user = user.rsplit_once('@').map_or("", |(user, _)| user);
    user.contains(':') || database.to_ascii_lowercase().contains("password")
}

/// Adds what `profile` does not allow.
pub(super) fn find_in(profile: Profile, config: &Config, check: &mut Check<'_>) {
    guards(config, check);
    if config.cache.verify == Some(false) && profile == Profile::Production {
        check.refuse(
            "cache.verify",
            "production reads no cache without its checksums".to_owned(),
            "leave cache.verify out: a flipped bit of a price would be traded".to_owned(),
        );
    }
    let secrets = &config.secrets;
    if secrets.environment == Some(true) {
        if profile == Profile::Production {
            check.refuse(
                "secrets.environment",
                "production takes no secrets from the environment".to_owned(),
                "leave secrets.environment out and keep them in secrets.folder".to_owned(),
            );
        } else if secrets.folder.is_some() {
            check.refuse(
                "secrets.folder",
                "secrets come from the environment or from a folder, not from both".to_owned(),
                "leave secrets.folder or secrets.environment out".to_owned(),
            );
        }
    }
}

/// The defaults of the guards, as their own types have them.
const TIMEOUT_SECONDS: u32 = 30;
const DEADLINE_SECONDS: u32 = 120;
const STALE_HOURS: u32 = 48;
const REJECT_HOURS: u32 = 168;

/// Limits of time that undo each other.
fn guards(config: &Config, check: &mut Check<'_>) {
    let (resilience, cache) = (&config.resilience, &config.cache);
    let deadline = resilience.deadline_seconds.unwrap_or(DEADLINE_SECONDS);
    let timeout = resilience.timeout_seconds.unwrap_or(TIMEOUT_SECONDS);
    if deadline < timeout {
        check.refuse(
            "resilience.deadline_seconds",
            format!("a call ends after {deadline} s, before its first attempt after {timeout} s"),
            "raise resilience.deadline_seconds, or lower resilience.timeout_seconds".to_owned(),
        );
    }
    cache_store(cache, check);
    let stale = cache.stale_after_hours.unwrap_or(STALE_HOURS);
    let reject = cache.reject_after_hours.unwrap_or(REJECT_HOURS);
    if reject < stale {
        check.refuse(
            "cache.reject_after_hours",
            format!("answers are rejected after {reject} h, before they are stale after {stale} h"),
            "raise cache.reject_after_hours, or lower cache.stale_after_hours".to_owned(),
        );
    }
}

/// Where the cache is. What the address says is never repeated: it may hold a password.
fn cache_store(cache: &Cache, check: &mut Check<'_>) {
    let in_postgres = cache.store == Some(CacheStore::Postgres);
    match &cache.database {
        None if in_postgres => check.refuse(
            "cache.database",
            "the cache is in PostgreSQL, and no database is named".to_owned(),
            "set cache.database, such as \"postgresql://ballast@127.0.0.1:5432/trading\""
                .to_owned(),
        ),
        Some(database) if holds_password(database) => check.refuse(
            "cache.database",
            "the address of the database holds a password".to_owned(),
            "take it out, have a new one set, and keep that as the secret postgres_password"
                .to_owned(),
        ),
        Some(_) if !in_postgres => check.refuse(
            "cache.database",
            "a database is named, and the cache is in files".to_owned(),
            "set cache.store = \"postgres\", or leave cache.database out".to_owned(),
        ),
        _ => {}
    }
    if in_postgres && cache.folder.is_some() {
        check.refuse(
            "cache.folder",
            "a folder is named, and the cache is in PostgreSQL".to_owned(),
            "set cache.store = \"files\", or leave cache.folder out".to_owned(),
        );
    }
}

fn basis(config: &Config, check: &mut Check<'_>) {
    let data = &config.data;
    if data.adjust.is_some() && data.basis == PriceBasis::Raw {
        check.refuse(
            "data.adjust",
            "an adjusted close is not raw".to_owned(),
            "set data.basis = \"back_adjusted\", or leave data.adjust out".to_owned(),
        );
    }
    if data.actions.is_some() && data.basis == PriceBasis::BackAdjusted {
        check.refuse(
            "data.actions",
            "back-adjusted prices hold their splits and dividends already".to_owned(),
            "leave data.actions out, or use raw prices".to_owned(),
        );
    }
}

fn exposure(config: &Config, check: &mut Check<'_>) {
    let risk = &config.risk;
    if config.account.margin == MarginModel::Cash && risk.max_gross > Decimal::ONE {
        check.refuse(
            "risk.max_gross",
            format!(
                "a cash account cannot hold {} times its equity",
                risk.max_gross
            ),
            "set risk.max_gross to 1 or less".to_owned(),
        );
    } else if risk.max_gross > risk.max_leverage {
        check.refuse(
            "risk.max_gross",
            format!(
                "max_gross {} is above max_leverage {}",
                risk.max_gross, risk.max_leverage
            ),
            "lower risk.max_gross, or raise risk.max_leverage".to_owned(),
        );
    }
    if config.account.margin == MarginModel::CrossMarginedPerpetual {
        check.refuse(
            "account.margin",
            "perpetual accounts cannot trade yet".to_owned(),
            "set account.margin = \"cash\" or \"margin\"".to_owned(),
        );
    }
}

/// Limit orders whose executions bars cannot show, and keys of limits where there are none.
fn limits(config: &Config, check: &mut Check<'_>) {
    let execution = &config.execution;
    if execution.style != Some(Style::Limit) {
        for (key, set) in [
            ("limit_offset_bps", execution.limit_offset_bps.is_some()),
            ("limit_bars", execution.limit_bars.is_some()),
            ("last_resort", execution.last_resort.is_some()),
        ] {
            if set {
                check.refuse(
                    &join("execution", key),
                    format!("'execution.{key}' has no effect on market orders"),
                    "set execution.style = \"limit\", or leave it out".to_owned(),
                );
            }
        }
        return;
    }
    let refused = [
        (
            execution.fill == FillPoint::SameClose,
            "execution.fill",
            "a limit cannot rest in the bar whose close the decision saw",
            "use next_open or next_close",
        ),
        (
            execution.size_at == SizeAt::Fill,
            "execution.size_at",
            "a limit cannot be set from the price it executes at",
            "use size_at = \"decision\"",
        ),
        (
            config.data.basis == PriceBasis::BackAdjusted,
            "data.basis",
            "nobody quoted back-adjusted prices, so no limit rested there",
            "use raw prices with their corporate actions, or market orders",
        ),
    ];
    for (wrong, key, message, hint) in refused {
        if wrong {
            check.refuse(key, message.to_owned(), hint.to_owned());
        }
    }
}

/// Each set of rules is tried on a registry of its own.
fn instruments(config: &Config, check: &mut Check<'_>) {
    let named = config.instruments.by_symbol.keys().map(String::as_str);
    let mut general_is_refused = false;
    for symbol in std::iter::once("").chain(named) {
        let mut spec = config.instrument_spec(symbol);
        if symbol.is_empty() {
            spec.symbol = "SYMBOL".to_owned();
        }
        let base = Asset {
            code: config.account.base.clone(),
            scale: config.cash_scale(),
        };
        let refused = Instruments::new(base).and_then(|mut all| all.define(&spec));
        let Err(error) = refused else { continue };
        if symbol.is_empty() {
            general_is_refused = true;
            check.add("instruments", error.context("key", "instruments"));
        } else if !general_is_refused {
            let path = join("instruments", symbol);
            check.add(&path, error.context("key", &path));
        }
    }
}
