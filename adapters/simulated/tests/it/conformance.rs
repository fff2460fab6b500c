//! The broker contract over the simulated broker.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use ballast_domain::instrument::InstrumentId;
use ballast_domain::kernel::SendGate;
use ballast_domain::market::{Fields, LaneRow, LaneState, Panel, PriceBasis};
use ballast_domain::money::{Cash, Rate};
use ballast_domain::simulation::{
    ExchangeSettings, FeeModel, FillPoint, SlippageModel, VenueRules,
};
use ballast_domain::time::{Span, Timestamp};
use ballast_simulated::SimulatedBroker;
use ballast_testkit::builders::equities;
use ballast_testkit::conformance::broker::{BEHAVIOURS, Market, Subject, run};
use ballast_testkit::fakes::FakeClock;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// Bars of a second at 100, one an offer, with the offer as their volume.
#[derive(Debug)]
struct Bars {
    broker: Arc<SimulatedBroker>,
    next: Mutex<Timestamp>,
}

#[async_trait]
impl Market for Bars {
    async fn offer(&self, units: Decimal) {
        let mut next = self.next.lock().unwrap();
        let (open, close) = (*next, *next + Span::from_seconds(1));
        *next = close;
        let volume = units.to_f64().unwrap();
        let row = LaneRow {
            state: LaneState::Present,
            values: [100.0, 100.0, 100.0, 100.0, volume],
        };
        let mut panel = Panel::new(2, Fields::ALL, PriceBasis::Raw);
        panel.push_row(open, close, &[row, row], &[]).unwrap();
        let slice = panel.slice(0).unwrap();
        self.broker.begin_bar(&slice);
        while self.broker.execute(&slice, open) > 0 {}
        self.broker.end_fill_point(&slice);
        self.broker.end_bar(&slice);
    }
}

fn subject() -> Subject {
    let instruments = equities(&["A", "B"]);
    let gate = Arc::new(SendGate::new(1));
    // Eleven in the morning in New York: the offers of a test stay within the session.
    let now = Timestamp::EPOCH + Span::from_seconds(20_000 * 86_400 + 15 * 3_600);
    let settings = ExchangeSettings {
        fill_point: FillPoint::NextOpen,
        fees: FeeModel::Proportional(Rate::from_bps(5)),
        slippage: SlippageModel::Proportional(Rate::from_bps(5)),
        opening_cash: Cash::from_decimal(Decimal::from(1_000_000), 12).unwrap(),
        delisting_haircut: Rate::ZERO,
    };
    let rules = VenueRules {
        participation: Some(Rate::ONE),
        ..VenueRules::default()
    };
    let clock = Arc::new(FakeClock::new(now));
    let broker = Arc::new(SimulatedBroker::with_rules(
        instruments.clone(),
        settings,
        rules,
        Arc::clone(&gate),
        clock,
    ));
    Subject {
        broker: Arc::clone(&broker) as _,
        instruments,
        instrument: InstrumentId(1),
        gate,
        now,
        market: Arc::new(Bars {
            broker,
            next: Mutex::new(now),
        }),
    }
}

mod broker {
    ballast_testkit::broker_conformance!(super::subject());
}

/// BT-11: the simulated venue keeps every behaviour of the broker contract.
#[tokio::test]
async fn bt_11_the_simulated_venue_passes_the_broker_contract() {
    assert!(BEHAVIOURS.len() >= 14);
    for behaviour in BEHAVIOURS {
        run(behaviour, &subject()).await;
    }
}
