//! Who is who: from a config to a market-data source, instruments, a strategy, a venue.
//!
//! Read [`backtest`] from top to bottom to see what a run is made of. This is the only module
//! that names every adapter.

pub mod arming;
mod audited_journal;
mod cache;
mod guards;
pub mod health;
mod hindered_journal;
mod inputs;
pub mod journal;
pub mod paper;
#[cfg(feature = "sandbox")]
mod sandbox;
mod secrets;
mod sleeves;
pub mod stacks;
mod strategies;

pub use audited_journal::AuditedJournal;
pub use cache::open_cache;
pub use guards::{cascade_settings, guarded_market_data, resilience_policy};
pub use hindered_journal::{HinderedJournal, Hindrance};
pub use inputs::{TracedInputs, shrunk};
pub use secrets::{SecretSurroundings, open_secrets, secret_ages, secrets_folder};
pub use strategies::Strategies;

use std::path::Path;
use std::sync::Arc;

use ballast_domain::instrument::{Asset, Instruments};
use ballast_domain::kernel::{OrderStyle, Settings};
use ballast_domain::market::{BarSize, Field, Fields, PriceBasis};
use ballast_domain::money::{Cash, Rate, Weight};
use ballast_domain::orders::{Installation, TimeInForce};
use ballast_domain::portfolio::{MarginModel, Rebalance};
use ballast_domain::risk::Limits;
use ballast_domain::simulation::{
    ExchangeSettings, FeeModel, LimitFills, MarginTerms, SlippageModel, VenueRules,
};
use ballast_domain::time::{NANOS_PER_DAY, Span};
use ballast_domain::{Error, Result};
use ballast_files::catalog::{Catalog, CatalogMarketData, Selection};
use ballast_files::{ContractStage, CsvMarketData, CsvOptions, CsvSource, Defect, FileDigest};
use ballast_ports::{Clock, MarketData};
use ballast_resilience::{Metered, MetricsRegistry};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::config::{Config, MoneyLimit};
use crate::drivers::backtest::Variant;
use crate::sample;

/// A backtest as the config describes it, for the instruments that were found in the data: what
/// is traded, how the kernel trades, how the exchange executes.
///
/// # Errors
/// `Configuration` when a value does not fit its instrument or asset.
pub fn backtest(config: &Config, symbols: &[String]) -> Result<(Instruments, Variant)> {
    let instruments = instruments(config, symbols)?;
    let variant = Variant {
        settings: settings(config, &instruments)?,
        exchange: exchange(config, &instruments)?,
        rules: rules(config)?,
    };
    Ok((instruments, variant))
}

/// The registry: the base currency, then each symbol in the order given.
///
/// # Errors
/// As [`Instruments::define`].
pub fn instruments(config: &Config, symbols: &[String]) -> Result<Instruments> {
    let base = Asset {
        code: config.account.base.clone(),
        scale: config.cash_scale(),
    };
    let mut instruments = Instruments::new(base)?;
    for symbol in symbols {
        instruments.define(&config.instrument_spec(symbol))?;
    }
    Ok(instruments)
}

/// The kernel's settings.
///
/// # Errors
/// `Configuration` when a number is not exact at its scale.
pub fn settings(config: &Config, instruments: &Instruments) -> Result<Settings> {
    let (execution, risk) = (&config.execution, &config.risk);
    let scale = instruments.base().scale;
    let style = execution.order_style()?;
    let money = |limit: MoneyLimit| match limit {
        MoneyLimit::Unlimited => Ok(None),
        MoneyLimit::AtMost(amount) => Cash::from_decimal(amount, scale).map(Some),
    };
    Ok(Settings {
        installation: Installation::new(config.account.installation)?,
        schedule: config.strategy.schedule,
        calendar: config.data.calendar,
        signal_lag: usize::from(execution.signal_lag),
        size_at: execution.size_at,
        rebalance: Rebalance {
            of: config.rebalance.of,
            value: weight(config.rebalance.threshold)?,
            net_of_costs: config.rebalance.net_of_costs,
        },
        limits: Limits {
            max_order_notional: money(risk.max_order_notional)?,
            max_position_notional: money(risk.max_position_notional)?,
            max_position_weight: weight(risk.max_position_weight)?,
            max_gross: weight(risk.max_gross)?,
            max_leverage: weight(risk.max_leverage)?,
            price_collar: Rate::from_decimal(risk.price_collar)?,
            max_price_age: days(risk.max_price_age_days)?,
            fee_estimate: bps(execution.fee_bps)?,
            cash_buffer: Rate::from_decimal(risk.cash_buffer)?,
        },
        margin: config.account.margin,
        // What a bar's volume or a limit does not fill works on; else an order is over with its fill point.
        time_in_force: match (execution.participation, style) {
            (None, OrderStyle::Market) => execution.fill.time_in_force(),
            _ => TimeInForce::Gtc,
        },
        style,
        // An order for the next open must outlive the longest closure of its market.
        permit_lifetime: days(risk.max_price_age_days)?,
        max_plans: config.rebalance.max_plans,
        min_fresh_share: config.rebalance.min_fresh_share.to_f64().unwrap_or(1.0),
        record_idle_legs: true,
        record_state: false,
        record_holds: false,
        watch: None,
        remembered_orders: 64,
    })
}

/// The exchange's settings.
///
/// # Errors
/// `Configuration` when a number is not exact at its scale.
pub fn exchange(config: &Config, instruments: &Instruments) -> Result<ExchangeSettings> {
    let execution = &config.execution;
    Ok(ExchangeSettings {
        fill_point: execution.fill,
        fees: FeeModel::Proportional(bps(execution.fee_bps)?),
        slippage: SlippageModel::Proportional(bps(execution.slippage_bps)?),
        opening_cash: Cash::from_decimal(config.account.cash, instruments.base().scale)?,
        delisting_haircut: Rate::from_decimal(execution.delisting_haircut)?,
    })
}

/// What the exchange does beyond that. A margin account carries `risk.max_leverage` times its equity.
/// It has no maintenance requirement: configs have no key for one, and the initial one in its place
/// would liquidate what the venue had just let in. So nothing is liquidated, and a run whose account
/// loses all of its equity ends with an error.
///
/// # Errors
/// `Configuration` when a number is not exact at its scale.
pub fn rules(config: &Config) -> Result<VenueRules> {
    let margin = match config.account.margin {
        MarginModel::Cash => None,
        MarginModel::Margin => Some(MarginTerms::carrying(weight(config.risk.max_leverage)?)),
        model @ MarginModel::CrossMarginedPerpetual => Some(MarginTerms {
            model,
            ..MarginTerms::carrying(weight(config.risk.max_leverage)?)
        }),
    };
    let participation = config.execution.participation;
    let limit_fills = match config.execution.order_style()? {
        OrderStyle::Market => LimitFills::AtFillPoint,
        OrderStyle::Limit(_) => LimitFills::ThroughBar,
    };
    Ok(VenueRules {
        limit_fills,
        participation: participation.map(Rate::from_decimal).transpose()?,
        margin,
        ..VenueRules::default()
    })
}

/// Market data and the files it was read from.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The source.
    pub source: Arc<dyn MarketData>,
    /// Its files with their hashes.
    pub files: Vec<FileDigest>,
    /// What the data contract let pass, left out or repaired.
    pub warnings: Vec<Defect>,
}

impl Opened {
    /// The same, each call of the source counted into `metrics` by the time of `clock`.
    #[must_use]
    pub fn metered(self, clock: Arc<dyn Clock>, metrics: &MetricsRegistry) -> Self {
        Self {
            source: Arc::new(Metered::new(self.source, clock, metrics)),
            files: self.files,
            warnings: self.warnings,
        }
    }
}

/// The market data a config names: files, a sample, or `catalog:` and the folder of a catalog.
/// Relative paths start at `base`.
///
/// # Errors
/// `NotFound` for an unknown sample, path or symbol, `InvalidData` with every defect of the files or
/// for a damaged catalog, `Config` when the config and the catalog contradict each other.
pub fn market_data(config: &Config, base: &Path) -> ballast_ports::Result<Opened> {
    if let Some(folder) = config.data.source.strip_prefix("catalog:") {
        let data = catalog(config, &base.join(folder))?;
        return Ok(Opened {
            files: data.inventory().files.clone(),
            warnings: data.warnings().to_vec(),
            source: Arc::new(data),
        });
    }
    let data = files(config, base)?;
    Ok(Opened {
        files: data.inventory().files.clone(),
        warnings: data.warnings().to_vec(),
        source: Arc::new(data),
    })
}

fn catalog(config: &Config, folder: &Path) -> ballast_ports::Result<CatalogMarketData> {
    let data = &config.data;
    let refuse = |message: &str, hint: &str| {
        let kind = ballast_ports::ErrorKind::Config;
        Err(ballast_ports::Error::new(kind, "open", message).hint(hint))
    };
    if data.basis != PriceBasis::Raw || data.adjust.is_some() || data.actions.is_some() {
        return refuse(
            "a catalog has raw prices and its own corporate actions",
            "leave basis, adjust and actions of [data] out",
        );
    }
    let catalog = Catalog::new(folder);
    let selection = Selection {
        symbols: data.symbols.clone(),
        bar: Some(data.bar),
    };
    let opened = CatalogMarketData::open(&catalog, &selection, Some(data.contract))?;
    let manifest = catalog.manifest()?;
    let of_run = |symbol: &String| manifest.find(symbol, data.bar);
    let mut series = opened.inventory().symbols.keys().filter_map(of_run);
    match series.find(|series| series.calendar != data.calendar) {
        Some(other) => refuse(
            &format!("the catalog has {} on {}", other.symbol, other.calendar),
            "set calendar of [data] to the calendar of the catalog",
        ),
        None => Ok(opened),
    }
}

fn files(config: &Config, base: &Path) -> ballast_ports::Result<CsvMarketData> {
    let data = &config.data;
    let (source, sample_actions) = match data.source.strip_prefix("sample:") {
        Some(name) => sample::source(name)?,
        None => (CsvSource::Path(base.join(&data.source)), None),
    };
    let domain = |e| ballast_ports::Error::from_domain("open", e);
    let mut options = CsvOptions::new(source, data.calendar);
    options.actions = match &data.actions {
        Some(path) => Some(CsvSource::Path(base.join(path))),
        None => sample_actions,
    };
    options.bar = Some(data.bar);
    options.date_format = data
        .date_format
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(domain)?;
    options.basis = data.basis;
    options.adjust.clone_from(&data.adjust);
    options.required = Fields::of(&[Field::Close]);
    options.contract = Some(ContractStage {
        strictness: data.contract,
        calendar: Some(data.calendar),
    });
    CsvMarketData::open(&options)
}

/// Bars in a year, for annualising: the calendar's days times the bars of a day.
pub fn annualisation(config: &Config) -> f64 {
    let calendar = config.data.calendar;
    let days = calendar.annualisation();
    let Some(bar) = config.data.bar.intraday() else {
        return days;
    };
    let session = match calendar {
        ballast_domain::calendar::Calendar::Utc24x7 => NANOS_PER_DAY,
        ballast_domain::calendar::Calendar::UsEquities => Span::from_seconds(23_400).nanos(),
    };
    days * (session as f64 / bar.nanos() as f64)
}

/// Whether one bar is one session.
pub fn is_daily(bar: BarSize) -> bool {
    bar.is_day()
}

fn weight(value: Decimal) -> Result<Weight> {
    Weight::try_from(Rate::from_decimal(value)?.units())
}

fn bps(value: Decimal) -> Result<Rate> {
    Rate::from_decimal(value / Decimal::from(10_000))
}

fn days(value: Decimal) -> Result<Span> {
    (value * Decimal::from(NANOS_PER_DAY))
        .to_i64()
        .map(Span::from_nanos)
        .ok_or_else(|| Error::config(format!("{value} days are too long")).hint("use fewer days"))
}
