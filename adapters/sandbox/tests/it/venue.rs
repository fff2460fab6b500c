//! A served venue, a broker at it, and bars to trade at.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use ballast_domain::instrument::{InstrumentId, Instruments};
use ballast_domain::kernel::{SendGate, SendPermit};
use ballast_domain::market::{Fields, LaneRow, LaneState, Panel, PriceBasis};
use ballast_domain::money::{Cash, Rate};
use ballast_domain::simulation::{
    Cursor, ExchangeSettings, FeeModel, FillPoint, SlippageModel, VenueRules,
};
use ballast_domain::time::{Span, Timestamp};
use ballast_http::{Transport, TransportSettings};
use ballast_ports::Clock;
use ballast_sandbox::SandboxBroker;
use ballast_testkit::builders::equities;
use ballast_testkit::conformance::broker::Market;
use ballast_testkit::fakes::FakeClock;
use ballast_testkit::permits::permits;
use ballast_testkit::sandbox::{Faults, Ledger, SandboxServer, Venue};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// What is traded.
pub(crate) const B: InstrumentId = InstrumentId(1);

/// Eleven in the morning in New York: the offers of a test stay within the session.
pub(crate) fn morning() -> Timestamp {
    Timestamp::EPOCH + Span::from_seconds(20_000 * 86_400 + 15 * 3_600)
}

pub(crate) async fn serve(ledger: Option<&Path>, faults: Faults) -> SandboxServer {
    let ledger = ledger.map_or_else(Ledger::default, |path| Ledger::open(path).unwrap());
    let venue = Venue::new(ledger).unwrap();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    SandboxServer::start(venue, any, faults, None)
        .await
        .unwrap()
}

pub(crate) fn terms(cash: i64) -> (ExchangeSettings, VenueRules) {
    let settings = ExchangeSettings {
        fill_point: FillPoint::NextOpen,
        fees: FeeModel::Proportional(Rate::from_bps(5)),
        slippage: SlippageModel::Proportional(Rate::from_bps(5)),
        opening_cash: Cash::from_decimal(Decimal::from(cash), 12).unwrap(),
        delisting_haircut: Rate::ZERO,
    };
    let rules = VenueRules {
        participation: Some(Rate::ONE),
        ..VenueRules::default()
    };
    (settings, rules)
}

/// Somebody with an account at a venue.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) broker: Arc<SandboxBroker>,
    pub(crate) instruments: Instruments,
    pub(crate) gate: Arc<SendGate>,
    pub(crate) clock: Arc<FakeClock>,
    next: Mutex<Timestamp>,
}

impl Desk {
    pub(crate) async fn at(base: &str) -> Self {
        Self::with_cash(base, 1_000_000).await.unwrap()
    }

    pub(crate) async fn at_server(server: &SandboxServer) -> Self {
        Self::at(&format!("http://{}", server.address())).await
    }

    pub(crate) async fn with_cash(base: &str, cash: i64) -> ballast_ports::Result<Self> {
        let instruments = equities(&["A", "B"]);
        let gate = Arc::new(SendGate::new(1));
        let clock = Arc::new(FakeClock::new(morning()));
        let (settings, rules) = terms(cash);
        let mut reach = TransportSettings::new(base)?;
        reach.call_deadline = Duration::from_millis(2_000);
        reach.order_deadline = Duration::from_millis(700);
        let transport = Transport::new(reach);
        let broker = SandboxBroker::connect(
            transport,
            &instruments,
            (&settings, &rules),
            Arc::clone(&gate),
            Arc::clone(&clock) as _,
        )
        .await?;
        Ok(Self {
            broker: Arc::new(broker),
            instruments,
            gate,
            clock,
            next: Mutex::new(morning()),
        })
    }

    /// A permit to buy ten of B. Every call gives the same client order id.
    pub(crate) fn permit(&self) -> SendPermit {
        let orders = [(B, Decimal::TEN)];
        let minted = permits(&self.instruments, &orders, &self.gate, self.clock.now());
        minted.into_iter().next().unwrap()
    }
}

#[async_trait]
impl Market for Desk {
    /// A bar of a second at 100, with the offer as its volume.
    async fn offer(&self, units: Decimal) {
        let (open, close) = {
            let mut next = self.next.lock().unwrap();
            let open = *next;
            *next = open + Span::from_seconds(1);
            (open, *next)
        };
        let row = LaneRow {
            state: LaneState::Present,
            values: [100.0, 100.0, 100.0, 100.0, units.to_f64().unwrap()],
        };
        let mut panel = Panel::new(2, Fields::ALL, PriceBasis::Raw);
        panel.push_row(open, close, &[row, row], &[]).unwrap();
        self.bar(&panel, 0).await;
    }
}

impl Desk {
    /// Walks a row of a panel through all of its stages.
    pub(crate) async fn bar(&self, panel: &Panel, row: usize) {
        let mut cursor = Cursor {
            row,
            ..Cursor::START
        };
        while cursor.row == row {
            while self.broker.market(panel, cursor).await.unwrap().again {}
            cursor = cursor.next(FillPoint::NextOpen);
        }
    }
}
