//! Paper trading at a venue in another process: its market is fed from here, its books are its own.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use ballast_domain::instrument::Instruments;
use ballast_domain::kernel::SendGate;
use ballast_domain::market::Panel;
use ballast_domain::simulation::{Cursor, FillPoint};
use ballast_domain::time::Timestamp;
use ballast_http::{Transport, TransportSettings};
use ballast_ports::{Error, ErrorKind, Result};
use ballast_sandbox::SandboxBroker;
use ballast_simulated::{ReplayClock, Staged};

use super::paper::Venue;
use crate::config::Config;
use crate::drivers::backtest::Variant;
use crate::drivers::live::ReplayedMarket;

/// A venue on this machine that is silent for so long will not answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// The venue at `trade.address`, as it was left.
///
/// # Errors
/// `Config` without an address; as [`SandboxBroker::connect`].
pub(super) async fn venue(
    config: &Config,
    variant: &Variant,
    instruments: &Instruments,
    panel: &Arc<Panel>,
    gate: &Arc<SendGate>,
) -> Result<Venue> {
    let address = config.trade.address.as_deref().ok_or_else(|| {
        Error::new(
            ErrorKind::Config,
            "connect",
            "the sandbox venue has no address",
        )
        .context("key", "trade.address")
        .hint("start sandbox-venue and write the address it prints: http://127.0.0.1:PORT")
    })?;
    let mut reach = TransportSettings::new(address)?;
    reach.order_deadline = ANSWER_WITHIN;
    let begins = panel.open_times().first().copied();
    let clock = Arc::new(ReplayClock::new(begins.unwrap_or(Timestamp::EPOCH)));
    let broker = SandboxBroker::connect(
        Transport::new(reach),
        instruments,
        (&variant.exchange, &variant.rules),
        Arc::clone(gate),
        Arc::clone(&clock) as _,
    );
    let broker = Arc::new(broker.await?);
    let market = SandboxMarket {
        broker: Arc::clone(&broker),
        panel: Arc::clone(panel),
        point: variant.exchange.fill_point,
        next: Mutex::new(None),
    };
    Ok(Venue {
        broker: Arc::clone(&broker) as _,
        reports: broker,
        market: Arc::new(market),
        clock,
    })
}

/// The market of a sandbox venue, walked by this program.
#[derive(Debug)]
struct SandboxMarket {
    broker: Arc<SandboxBroker>,
    panel: Arc<Panel>,
    point: FillPoint,
    /// The stage that comes next, once the venue was asked.
    next: Mutex<Option<Cursor>>,
}

impl SandboxMarket {
    fn remember(&self, next: Option<Cursor>) {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = next;
    }
}

#[async_trait]
impl ReplayedMarket for SandboxMarket {
    async fn cursor(&self) -> Result<Cursor> {
        let known = *self.next.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(next) = known {
            return Ok(next);
        }
        let next = self
            .broker
            .remembered()
            .await?
            .next(&self.panel, self.point)?;
        self.remember(Some(next));
        Ok(next)
    }

    async fn is_untouched(&self) -> Result<bool> {
        Ok(self.broker.remembered().await?.orders == 0)
    }

    async fn carry_out(&self) -> Result<Staged> {
        let cursor = self.cursor().await?;
        // Whether it was carried out is not known until the venue has said so.
        self.remember(None);
        let ballast_sandbox::Staged { again, told } =
            self.broker.market(&self.panel, cursor).await?;
        self.remember(Some(if again {
            cursor
        } else {
            cursor.next(self.point)
        }));
        Ok(Staged { again, told })
    }
}
