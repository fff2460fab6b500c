//! Paper trading: the kernel of a backtest watched as a live one, and a venue with a memory.

use std::fmt::Write as _;
use std::sync::Arc;

use ballast_domain::instrument::Instruments;
use ballast_domain::kernel::{SendGate, Settings, Watch};
use ballast_domain::market::Panel;
use ballast_domain::time::{NANOS_PER_DAY, Span, Timestamp};
use ballast_domain::{Error, Result};
use ballast_ports::{Broker, VenueReports};
use ballast_simulated::{ReplayClock, ReplayTerms, SimulatedBroker};

use crate::account_folder::AccountFolder;
use crate::config::{Config, TradeStage, TradeVenue};
use crate::drivers::backtest::Variant;
use crate::drivers::live::{ReplayedMarket, SharedClock};

/// Trading time: longer than any answer of a venue in this process, and short enough
/// that an order nobody answered for is soon proven dead.
const PERMIT_LIFETIME: Span = Span::from_seconds(30);

/// An execution of an order that was forgotten here is an orphan. A restart asks from shortly before
/// the last recorded agreement on, where this is far more than there can be; only an account that
/// never agreed, or a dispute, asks from the beginning.
const REMEMBERED_ORDERS: usize = 16_384;

/// How a backtest's kernel trades live: everything is watched and every slot leaves a record.
///
/// # Errors
/// `Configuration` for a config whose decisions would not survive a restart.
pub fn live_settings(config: &Config, backtest: &Settings) -> Result<Settings> {
    if backtest.signal_lag > 0 {
        return Err(Error::config(
            "a decision that waits for its bar is not recorded while it waits",
        )
        .context("key", "execution.signal_lag")
        .hint("set execution.signal_lag = 0 to trade; a backtest may keep its lag"));
    }
    Ok(Settings {
        record_state: true,
        record_holds: true,
        remembered_orders: REMEMBERED_ORDERS,
        permit_lifetime: PERMIT_LIFETIME,
        watch: Some(watch(config)),
        ..backtest.clone()
    })
}

/// A venue on bars answers at once, and its orders live as long as the backtest lets them: until
/// they fill, end by time, or a newer decision takes their place. So a rebalance has no other
/// deadline, and the account is looked at once a bar.
fn watch(config: &Config) -> Watch {
    let bar = config
        .data
        .bar
        .intraday()
        .unwrap_or(Span::from_nanos(NANOS_PER_DAY));
    let years = Span::from_days(3_660);
    Watch {
        phase: years,
        window: years,
        audit: bar.max(Span::from_seconds(10)),
        max_unsent: match config.trade.stage.unwrap_or_default() {
            TradeStage::Shadow => 0,
            TradeStage::Paper | TradeStage::Live => Watch::new().max_unsent,
        },
        ..Watch::new()
    }
}

/// The terms of the paper venue, in words that stay the same for the account's life.
fn words(config: &Config, variant: &Variant, symbols: &[String]) -> String {
    let execution = &config.execution;
    let text = |d: rust_decimal::Decimal| d.normalize().to_string();
    // Writing to a string cannot fail.
    let mut words = format!(
        "{} | {} bars on {}, {} | {} {} | {} | fee {} bps, slippage {} bps, haircut {}",
        symbols.join(","),
        config.data.bar,
        config.data.calendar,
        if config.data.adjust.is_some() {
            "adjusted"
        } else {
            "as traded"
        },
        text(config.account.cash),
        config.account.base,
        execution.fill.name(),
        text(execution.fee_bps),
        text(execution.slippage_bps),
        text(execution.delisting_haircut),
    );
    if let Some(share) = execution.participation {
        let _ = write!(words, " | {} of the volume", text(share));
    }
    if let Some(terms) = &variant.rules.margin {
        let _ = write!(words, " | margin, leverage {}", terms.max_leverage.units());
    }
    words
}

/// Everything that stands on the venue's side of the wire, and the clock it shares.
#[derive(Clone)]
pub struct Venue {
    /// Takes orders.
    pub broker: Arc<dyn Broker>,
    /// Shows the account.
    pub reports: Arc<dyn VenueReports>,
    /// Walks the market.
    pub market: Arc<dyn ReplayedMarket>,
    /// Trading time.
    pub clock: SharedClock,
}

/// The venue that `trade.venue` names, as it was left: another one is another arm here.
///
/// # Errors
/// As [`SimulatedBroker::replay`]; `Config` for the sandbox venue in a program without it.
pub async fn venue(
    config: &Config,
    variant: &Variant,
    instruments: &Instruments,
    panel: &Arc<Panel>,
    folder: &AccountFolder,
    gate: &Arc<SendGate>,
) -> ballast_ports::Result<Venue> {
    match config.trade.venue.unwrap_or_default() {
        TradeVenue::Simulated => {
            let symbols: Vec<_> = instruments.all().iter().map(|i| i.symbol.clone()).collect();
            let terms = ReplayTerms {
                instruments: instruments.clone(),
                settings: variant.exchange.clone(),
                rules: variant.rules.clone(),
                panel: Arc::clone(panel),
                words: words(config, variant, &symbols),
            };
            let begins = panel
                .open_times()
                .first()
                .copied()
                .unwrap_or(Timestamp::EPOCH);
            let clock = Arc::new(ReplayClock::new(begins));
            let (log, gate) = (folder.venue_log(), Arc::clone(gate));
            let venue = SimulatedBroker::replay(terms, &log, gate, Arc::clone(&clock))?;
            let venue = Arc::new(venue);
            Ok(Venue {
                broker: Arc::clone(&venue) as _,
                reports: Arc::clone(&venue) as _,
                market: venue,
                clock,
            })
        }
        #[cfg(feature = "sandbox")]
        TradeVenue::Sandbox => {
            super::sandbox::venue(config, variant, instruments, panel, gate).await
        }
        #[cfg(not(feature = "sandbox"))]
        TradeVenue::Sandbox => Err(ballast_ports::Error::new(
            ballast_ports::ErrorKind::Config,
            "connect",
            "this program was built without the sandbox venue",
        )
        .context("key", "trade.venue")
        .hint("build it with the cargo feature sandbox, or use trade.venue = \"simulated\"")),
    }
}
