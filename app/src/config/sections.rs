//! The settings of a run, section by section, as a config file writes them.

use std::collections::BTreeMap;
use std::fmt;

use ballast_domain::calendar::Calendar;
use ballast_domain::instrument::InstrumentKind;
use ballast_domain::kernel::SizeAt;
use ballast_domain::market::{BarSize, PriceBasis};
use ballast_domain::portfolio::{MarginModel, ThresholdBase};
use ballast_domain::simulation::FillPoint;
use ballast_domain::strategy::Schedule;
use ballast_files::Strictness;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::decimal;
use super::guards::{Cache, Resilience};
use super::screen::Screen;
use super::style::{LastResort, Style};
use super::trade::Trade;

/// All settings of a run. Field order is the order of the canonical text.
///
/// Values may be built by hand; [`Config::validate`] then says everything that is wrong with them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What the run is called and which days it covers.
    pub run: Run,
    /// Where market data comes from.
    pub data: Data,
    /// What is traded with.
    pub account: Account,
    /// Rules of the instruments.
    pub instruments: Instruments,
    /// What decides.
    pub strategy: StrategyChoice,
    /// How orders fill and what they cost.
    pub execution: Execution,
    /// When drift is worth a trade.
    pub rebalance: Rebalance,
    /// What risk allows.
    pub risk: Risk,
    /// What the report adds.
    pub report: Report,
    /// What guards each source of data.
    #[serde(default, skip_serializing_if = "Resilience::is_silent")]
    pub resilience: Resilience,
    /// What is kept of their answers.
    #[serde(default, skip_serializing_if = "Cache::is_silent")]
    pub cache: Cache,
    /// When the program counts as healthy.
    #[serde(default, skip_serializing_if = "Health::is_silent")]
    pub health: Health,
    /// Where keys and passwords come from.
    #[serde(default, skip_serializing_if = "Secrets::is_silent")]
    pub secrets: Secrets,
    /// What a screen of stocks asks for; nothing of it reaches a backtest.
    #[serde(default, skip_serializing_if = "Screen::is_silent")]
    pub screen: Screen,
    /// How it is traded; nothing of it reaches a backtest.
    #[serde(default, skip_serializing_if = "Trade::is_empty")]
    pub trade: Trade,
}

/// `[run]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Name in reports.
    pub name: String,
    /// Seed of every random draw; below 2^63, the largest whole number of a TOML file.
    pub seed: u64,
    /// First session date; the data's first when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<NaiveDate>,
    /// Last session date; the data's last when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<NaiveDate>,
}

/// `[data]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// A CSV or Parquet file, a folder of them, `catalog:DIR` or `sample:NAME`. Paths are relative to
    /// the config file.
    pub source: String,
    /// Symbols to use; all of the source when empty.
    pub symbols: Vec<String>,
    /// Length of a bar.
    pub bar: BarSize,
    /// When the instruments trade.
    pub calendar: Calendar,
    /// What the prices mean.
    pub basis: PriceBasis,
    /// Whether data that do not meet the contract are refused, or used without the rows at fault.
    pub contract: Strictness,
    /// Column to use as a back-adjusted close.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adjust: Option<String>,
    /// CSV of splits and dividends, relative to the config file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actions: Option<String>,
    /// A source that stands in when `source` fails, written as it is; a backtest does not ask it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
    /// The contract of `fallback`; strict when absent, whatever that of `source` is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback_contract: Option<Strictness>,
    /// `M/D/YYYY` or `D/M/YYYY`; found out when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_format: Option<String>,
}

/// `[account]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Code of the base currency.
    pub base: String,
    /// Opening cash in the base currency.
    #[serde(with = "decimal::amount")]
    pub cash: Decimal,
    /// How the account pays for exposure.
    pub margin: MarginModel,
    /// Number in client order ids, below 2^24.
    pub installation: u32,
}

/// `[instruments]`: rules for all, and `[instruments.SYMBOL]` for one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instruments {
    /// Rules of every instrument without its own.
    pub defaults: InstrumentRules,
    /// Rules by symbol; what a symbol leaves out comes from `defaults`.
    pub by_symbol: BTreeMap<String, InstrumentRules>,
}

/// Rules of an instrument; what is absent follows from its kind (see
/// [`Config::instrument_spec`]).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstrumentRules {
    /// Legal nature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<InstrumentKind>,
    /// Smallest step of a limit price.
    #[serde(
        default,
        with = "decimal::optional_amount",
        skip_serializing_if = "Option::is_none"
    )]
    pub tick: Option<Decimal>,
    /// Smallest step of a quantity.
    #[serde(
        default,
        with = "decimal::optional_amount",
        skip_serializing_if = "Option::is_none"
    )]
    pub lot: Option<Decimal>,
    /// Smallest value of an order.
    #[serde(
        default,
        with = "decimal::optional_amount",
        skip_serializing_if = "Option::is_none"
    )]
    pub min_notional: Option<Decimal>,
    /// Digits after the point of a price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_scale: Option<u8>,
    /// Digits after the point of a quantity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity_scale: Option<u8>,
}

impl Serialize for Instruments {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Flat<'a> {
            #[serde(flatten)]
            defaults: &'a InstrumentRules,
            #[serde(flatten)]
            by_symbol: &'a BTreeMap<String, InstrumentRules>,
        }
        Flat {
            defaults: &self.defaults,
            by_symbol: &self.by_symbol,
        }
        .serialize(to)
    }
}

impl<'de> Deserialize<'de> for Instruments {
    /// A table is a symbol, everything else a rule for all.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut defaults = toml::Table::deserialize(from)?;
        let mut by_symbol = BTreeMap::new();
        let symbols: Vec<String> = defaults
            .iter()
            .filter(|(_, value)| value.is_table())
            .map(|(symbol, _)| symbol.clone())
            .collect();
        for symbol in symbols {
            if let Some(rules) = defaults.remove(&symbol) {
                by_symbol.insert(symbol, rules.try_into().map_err(D::Error::custom)?);
            }
        }
        Ok(Self {
            defaults: toml::Value::Table(defaults)
                .try_into()
                .map_err(D::Error::custom)?,
            by_symbol,
        })
    }
}

/// `[strategy]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StrategyChoice {
    /// Its name in the registry of strategies.
    pub name: String,
    /// When it is asked.
    pub schedule: Schedule,
    /// Its own parameters, checked by the strategy.
    #[serde(default, skip_serializing_if = "toml::Table::is_empty")]
    pub parameters: toml::Table,
}

/// `[execution]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Execution {
    /// Where in a bar orders fill.
    pub fill: FillPoint,
    /// Bars between a decision and its effect: 0 or 1.
    pub signal_lag: u8,
    /// At which prices weights become units.
    pub size_at: SizeAt,
    /// Fee in basis points of the traded value.
    #[serde(with = "decimal")]
    pub fee_bps: Decimal,
    /// Distance of a fill from the bar's price, against us, in basis points.
    #[serde(with = "decimal")]
    pub slippage_bps: Decimal,
    /// Share of a position's last value lost when its instrument is delisted, 0 to 1.
    #[serde(with = "decimal")]
    pub delisting_haircut: Decimal,
    /// Share of a bar's volume that all our orders of one instrument get together, above 0 to 1;
    /// unlimited when absent.
    #[serde(
        default,
        with = "decimal::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub participation: Option<Decimal>,
    /// How the orders of a rebalance are priced; at the market when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub style: Option<Style>,
    /// How much better than the price it was sized at a limit asks for, in basis points; 0 when absent.
    #[serde(
        default,
        with = "decimal::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub limit_offset_bps: Option<Decimal>,
    /// Bars after which the rest of a limit is taken back; 1 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_bars: Option<u16>,
    /// What becomes of that rest; a residual when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_resort: Option<LastResort>,
}

/// `[rebalance]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rebalance {
    /// What the threshold is a share of.
    pub of: ThresholdBase,
    /// A leg trades when its drift is strictly above this share.
    #[serde(with = "decimal")]
    pub threshold: Decimal,
    /// Below this share of exposure with fresh data nothing is traded, 0 to 1.
    #[serde(with = "decimal")]
    pub min_fresh_share: Decimal,
    /// Whether weights are shares of the equity left after the fees of the rebalance.
    pub net_of_costs: bool,
    /// Plans under one decision, at least 2.
    pub max_plans: u8,
}

/// A limit on an amount of money, or the decision to have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoneyLimit {
    /// Deliberately no limit.
    Unlimited,
    /// At most this amount of the base currency.
    AtMost(Decimal),
}

impl fmt::Display for MoneyLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unlimited => f.write_str("unlimited"),
            Self::AtMost(amount) => write!(f, "{}", amount.normalize()),
        }
    }
}

impl Serialize for MoneyLimit {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MoneyLimit {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        if text == "unlimited" {
            return Ok(Self::Unlimited);
        }
        decimal::parse(&text)
            .map(Self::AtMost)
            .ok_or_else(|| D::Error::custom(format!("'{text}' is neither an amount nor unlimited")))
    }
}

/// `[risk]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Risk {
    /// Largest value of one order.
    pub max_order_notional: MoneyLimit,
    /// Largest worst-case value of one position.
    pub max_position_notional: MoneyLimit,
    /// Largest worst-case position as a share of equity.
    #[serde(with = "decimal")]
    pub max_position_weight: Decimal,
    /// Largest worst-case gross exposure as a share of equity.
    #[serde(with = "decimal")]
    pub max_gross: Decimal,
    /// Largest gross exposure the venue's margin would allow, as a share of equity.
    #[serde(with = "decimal")]
    pub max_leverage: Decimal,
    /// Largest distance of a limit price from its reference, as a share.
    #[serde(with = "decimal")]
    pub price_collar: Decimal,
    /// Oldest reference price, in days of 24 hours.
    #[serde(with = "decimal")]
    pub max_price_age_days: Decimal,
    /// Cash kept back against a price that moves before the fill, as a share of the order.
    #[serde(with = "decimal")]
    pub cash_buffer: Decimal,
    /// What a target is multiplied with when its data come from a stand-in or are old, 0 to 1; 0.5 when
    /// absent. A backtest reads no such data.
    #[serde(
        default,
        with = "decimal::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub degraded_factor: Option<Decimal>,
}

/// `[report]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// What the run is compared with: `equal_weight`, `sample:NAME` or a CSV file.
    pub benchmarks: Vec<String>,
    /// Whether the run is repeated at other costs and one bar later.
    pub robustness: bool,
}

/// `[secrets]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    /// A folder with one file a secret, relative to the config file; `secrets` in the home when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// Whether they come from variables of the environment instead; never in production.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<bool>,
    /// Minutes for which a fetched secret is kept; 5 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_minutes: Option<u32>,
    /// Days after which a secret is told of; 90 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warn_after_days: Option<u32>,
    /// Days after which a secret is refused; never when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refuse_after_days: Option<u32>,
}

impl Secrets {
    fn is_silent(&self) -> bool {
        *self == Self::default()
    }
}

/// `[health]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// Hours a newest bar may be old; not judged when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_data_age_hours: Option<u32>,
    /// Megabytes of disk that have to be free; 1000 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_free_disk_mb: Option<u32>,
    /// Megabytes of memory that have to be available; 256 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_free_memory_mb: Option<u32>,
    /// Seconds between two looks at a running trader; 300 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check_seconds: Option<u32>,
}

impl Health {
    fn is_silent(&self) -> bool {
        *self == Self::default()
    }
}
