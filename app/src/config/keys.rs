//! Every key of a config file: what it takes, its default and what it is for.

pub(super) use super::takes::Takes;
use super::takes::{from_zero, positive};

/// One key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    pub(super) section: &'static str,
    pub(super) name: &'static str,
    pub(super) takes: Takes,
    /// What stands in for it when no layer sets it.
    pub(super) default: Fallback,
}

/// What stands in for a key that no layer sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fallback {
    /// This value, as TOML.
    Value(&'static str),
    /// Nothing: the key is optional.
    Absent,
    /// Nothing: somebody has to decide. The text says what to write.
    Required(&'static str),
}

use Fallback::{Absent, Required, Value};

const fn key(section: &'static str, name: &'static str, takes: Takes, default: Fallback) -> Key {
    Key {
        section,
        name,
        takes,
        default,
    }
}

/// Digits of a basis point whose fraction is exact to 1e-9.
const BPS_DIGITS: u32 = 5;
/// Digits of a share: weights and rates count in 1e-9.
const SHARE_DIGITS: u32 = 9;

const MONEY_HINT: &str =
    "money limits have no default: write an amount such as \"250000\", or \"unlimited\" on purpose";

/// All keys outside `[instruments]`, in the order of the canonical text.
pub(super) const KEYS: &[Key] = &[
    key("run", "name", Takes::Text, Value("\"backtest\"")),
    key("run", "seed", Takes::Whole(0, i64::MAX), Value("0")),
    key("run", "start", Takes::Date, Absent),
    key("run", "end", Takes::Date, Absent),
    key(
        "data",
        "source",
        Takes::Text,
        Required(
            "write the path of a CSV or Parquet file or folder, \"catalog:DIR\" or \"sample:us-stocks\"",
        ),
    ),
    key("data", "symbols", Takes::Texts, Value("[]")),
    key("data", "bar", Takes::BarSize, Value("\"1d\"")),
    key(
        "data",
        "calendar",
        Takes::Word(&["us_equities", "utc_24x7"]),
        Value("\"us_equities\""),
    ),
    key(
        "data",
        "basis",
        Takes::Word(&["raw", "back_adjusted"]),
        Value("\"raw\""),
    ),
    key(
        "data",
        "contract",
        Takes::Word(&["strict", "lenient"]),
        Value("\"strict\""),
    ),
    key("data", "adjust", Takes::Text, Absent),
    key("data", "actions", Takes::Text, Absent),
    key("data", "fallback", Takes::Text, Absent),
    key(
        "data",
        "fallback_contract",
        Takes::Word(&["strict", "lenient"]),
        Absent,
    ),
    key(
        "data",
        "date_format",
        Takes::Word(&["M/D/YYYY", "D/M/YYYY"]),
        Absent,
    ),
    key("account", "base", Takes::Text, Value("\"USD\"")),
    key("account", "cash", Takes::Amount, Value("\"1000000\"")),
    key(
        "account",
        "margin",
        Takes::Word(&["cash", "margin", "cross_margined_perpetual"]),
        Value("\"cash\""),
    ),
    key(
        "account",
        "installation",
        Takes::Whole(0, (1 << 24) - 1),
        Value("1"),
    ),
    key(
        "strategy",
        "name",
        Takes::Text,
        Required("write the name of a strategy, such as \"breakout\""),
    ),
    key(
        "strategy",
        "schedule",
        Takes::Word(&["every_bar", "week_end", "month_end"]),
        Value("\"every_bar\""),
    ),
    key("strategy", "parameters", Takes::Table, Absent),
    key(
        "execution",
        "fill",
        Takes::Word(&["next_open", "next_close", "same_close"]),
        Value("\"next_open\""),
    ),
    key("execution", "signal_lag", Takes::Whole(0, 1), Value("0")),
    key(
        "execution",
        "size_at",
        Takes::Word(&["decision", "fill"]),
        Value("\"decision\""),
    ),
    key(
        "execution",
        "fee_bps",
        from_zero(10_000, BPS_DIGITS),
        Value("5"),
    ),
    key(
        "execution",
        "slippage_bps",
        from_zero(10_000, BPS_DIGITS),
        Value("5"),
    ),
    key(
        "execution",
        "delisting_haircut",
        from_zero(1, SHARE_DIGITS),
        Value("0"),
    ),
    key(
        "execution",
        "participation",
        positive(1, SHARE_DIGITS),
        Absent,
    ),
    key(
        "execution",
        "style",
        Takes::Word(&["market", "limit"]),
        Absent,
    ),
    key(
        "execution",
        "limit_offset_bps",
        from_zero(10_000, BPS_DIGITS),
        Absent,
    ),
    key("execution", "limit_bars", Takes::Whole(1, 10_000), Absent),
    key(
        "execution",
        "last_resort",
        Takes::Word(&["residual", "market"]),
        Absent,
    ),
    key(
        "rebalance",
        "of",
        Takes::Word(&["gross", "target", "equity"]),
        Value("\"gross\""),
    ),
    key(
        "rebalance",
        "threshold",
        from_zero(1, SHARE_DIGITS),
        Value("0.05"),
    ),
    key(
        "rebalance",
        "min_fresh_share",
        from_zero(1, SHARE_DIGITS),
        Value("0.95"),
    ),
    key("rebalance", "net_of_costs", Takes::Flag, Value("false")),
    key("rebalance", "max_plans", Takes::Whole(2, 255), Value("5")),
    key(
        "risk",
        "max_order_notional",
        Takes::Limit,
        Required(MONEY_HINT),
    ),
    key(
        "risk",
        "max_position_notional",
        Takes::Limit,
        Required(MONEY_HINT),
    ),
    key(
        "risk",
        "max_position_weight",
        positive(1_000, SHARE_DIGITS),
        Value("1"),
    ),
    key(
        "risk",
        "max_gross",
        positive(1_000, SHARE_DIGITS),
        Value("1"),
    ),
    key(
        "risk",
        "max_leverage",
        positive(1_000, SHARE_DIGITS),
        Value("1"),
    ),
    key(
        "risk",
        "price_collar",
        from_zero(1, SHARE_DIGITS),
        Value("0.1"),
    ),
    key(
        "risk",
        "max_price_age_days",
        positive(36_500, SHARE_DIGITS),
        Value("7"),
    ),
    key(
        "risk",
        "cash_buffer",
        from_zero(1, SHARE_DIGITS),
        Value("0.02"),
    ),
    key(
        "risk",
        "degraded_factor",
        from_zero(1, SHARE_DIGITS),
        Absent,
    ),
    key(
        "report",
        "benchmarks",
        Takes::Texts,
        Value("[\"equal_weight\"]"),
    ),
    key("report", "robustness", Takes::Flag, Value("true")),
    key("resilience", "retries", Takes::Whole(0, 10), Absent),
    key(
        "resilience",
        "timeout_seconds",
        Takes::Whole(5, 300),
        Absent,
    ),
    key(
        "resilience",
        "deadline_seconds",
        Takes::Whole(5, 3_600),
        Absent,
    ),
    key(
        "resilience",
        "breaker_failures",
        Takes::Whole(1, 1_000),
        Absent,
    ),
    key(
        "resilience",
        "breaker_seconds",
        Takes::Whole(1, 86_400),
        Absent,
    ),
    key(
        "resilience",
        "calls_per_minute",
        Takes::Whole(1, 1_000_000),
        Absent,
    ),
    key("resilience", "use_fallback", Takes::Flag, Absent),
    key("resilience", "concurrency", Takes::Whole(1, 50), Absent),
    key("cache", "enabled", Takes::Flag, Absent),
    key(
        "cache",
        "store",
        Takes::Word(&["files", "postgres"]),
        Absent,
    ),
    key("cache", "database", Takes::Text, Absent),
    key("cache", "folder", Takes::Text, Absent),
    key("cache", "max_entries", Takes::Whole(1, 1_000_000), Absent),
    key("cache", "serve_minutes", Takes::Whole(1, 10_080), Absent),
    key("cache", "stale_after_hours", Takes::Whole(1, 168), Absent),
    key(
        "cache",
        "reject_after_hours",
        Takes::Whole(1, 8_760),
        Absent,
    ),
    key("cache", "serve_when_down", Takes::Flag, Absent),
    key("cache", "verify", Takes::Flag, Absent),
    key(
        "health",
        "max_data_age_hours",
        Takes::Whole(1, 87_600),
        Absent,
    ),
    key(
        "health",
        "min_free_disk_mb",
        Takes::Whole(1, 1_000_000_000),
        Absent,
    ),
    key(
        "health",
        "min_free_memory_mb",
        Takes::Whole(1, 1_000_000_000),
        Absent,
    ),
    key("health", "check_seconds", Takes::Whole(1, 86_400), Absent),
    key("secrets", "folder", Takes::Text, Absent),
    key("secrets", "environment", Takes::Flag, Absent),
    key("secrets", "keep_minutes", Takes::Whole(1, 1_440), Absent),
    key("secrets", "warn_after_days", Takes::Whole(1, 3_650), Absent),
    key(
        "secrets",
        "refuse_after_days",
        Takes::Whole(1, 3_650),
        Absent,
    ),
    key("screen", "min_analysts", Takes::Whole(1, 50), Absent),
    key("screen", "min_price_targets", Takes::Whole(1, 50), Absent),
    key(
        "screen",
        "max_position_percent",
        Takes::Whole(1, 20),
        Absent,
    ),
    key("screen", "output", Takes::Text, Absent),
    key("screen", "same_company", Takes::Table, Absent),
    key("screen", "criteria", Takes::Table, Absent),
    key("trade", "account", Takes::Text, Absent),
    key(
        "trade",
        "stage",
        Takes::Word(&["paper", "shadow", "live"]),
        Absent,
    ),
    key(
        "trade",
        "venue",
        Takes::Word(&["simulated", "sandbox"]),
        Absent,
    ),
    key("trade", "address", Takes::Text, Absent),
    key(
        "trade",
        "journal",
        Takes::Word(&["sqlite", "postgres"]),
        Absent,
    ),
    key("trade", "database", Takes::Text, Absent),
    key(
        "trade",
        "catch_up",
        Takes::Word(&["each", "latest"]),
        Absent,
    ),
    key("trade", "fingerprint", Takes::Text, Absent),
];

/// The keys of `[instruments]` and of each `[instruments.SYMBOL]`.
pub(super) const RULES: &[Key] = &[
    key(
        "instruments",
        "kind",
        Takes::Word(&["equity", "etf", "spot", "perpetual"]),
        Absent,
    ),
    key("instruments", "tick", Takes::Amount, Absent),
    key("instruments", "lot", Takes::Amount, Absent),
    key("instruments", "min_notional", Takes::Amount, Absent),
    key("instruments", "price_scale", Takes::Whole(0, 12), Absent),
    key("instruments", "quantity_scale", Takes::Whole(0, 12), Absent),
];

const fn criterion(name: &'static str, max: u32) -> Key {
    key(
        "screen.criteria",
        name,
        from_zero(max, SHARE_DIGITS),
        Absent,
    )
}

/// The keys of each `[screen.criteria.REGION.TIER]`.
pub(super) const CRITERIA: &[Key] = &[
    criterion("min_upside", 100),
    criterion("min_buy_percentage", 100),
    criterion("min_exret", 1_000),
    criterion("max_pef_pet_ratio", 1_000),
    criterion("min_pef_pet_ratio", 1_000),
];

/// All sections, in the order of the canonical text.
pub(super) const SECTIONS: &[&str] = &[
    "run",
    "data",
    "account",
    "instruments",
    "strategy",
    "execution",
    "rebalance",
    "risk",
    "report",
    "resilience",
    "cache",
    "health",
    "secrets",
    "screen",
    "trade",
];

/// The keys of `section`; empty when there is no such section.
pub(super) fn keys_of(section: &str) -> Vec<&'static Key> {
    KEYS.iter()
        .chain(RULES)
        .chain(CRITERIA)
        .filter(|key| key.section == section)
        .collect()
}
