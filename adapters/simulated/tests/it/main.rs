//! The simulated broker behind its port.

mod conformance;

use std::sync::Arc;

use ballast_domain::instrument::{AssetId, InstrumentId, Instruments};
use ballast_domain::kernel::{Fact, SendGate};
use ballast_domain::market::{Fields, LaneRow, LaneState, Panel, PriceBasis};
use ballast_domain::money::{Cash, Quantity, Rate};
use ballast_domain::orders::OrderStatus;
use ballast_domain::simulation::{ExchangeSettings, FeeModel, FillPoint, SlippageModel};
use ballast_domain::time::{Span, Timestamp};
use ballast_ports::stream::next;
use ballast_ports::{Broker, ErrorKind, SubmitOutcome};
use ballast_simulated::SimulatedBroker;
use ballast_testkit::builders::equities;
use ballast_testkit::fakes::FakeClock;
use ballast_testkit::permits::permits;
use rust_decimal::Decimal;

const A: InstrumentId = InstrumentId(0);

struct Setup {
    broker: SimulatedBroker,
    instruments: Instruments,
    gate: Arc<SendGate>,
    now: Timestamp,
}

fn setup(cash: i64) -> Setup {
    let instruments = equities(&["A"]);
    let gate = Arc::new(SendGate::new(1));
    let now = Timestamp::from_seconds(1_000_000).unwrap();
    let settings = ExchangeSettings {
        fill_point: FillPoint::NextClose,
        fees: FeeModel::Proportional(Rate::ZERO),
        slippage: SlippageModel::Proportional(Rate::ZERO),
        opening_cash: Cash::from_decimal(Decimal::from(cash), 12).unwrap(),
        delisting_haircut: Rate::ZERO,
    };
    let clock = Arc::new(FakeClock::new(now));
    let broker = SimulatedBroker::new(instruments.clone(), settings, Arc::clone(&gate), clock);
    Setup {
        broker,
        instruments,
        gate,
        now,
    }
}

fn day_at(price: f64, now: Timestamp) -> Panel {
    let mut panel = Panel::new(1, Fields::CLOSE, PriceBasis::Raw);
    let row = LaneRow {
        state: LaneState::Present,
        values: [price; 5],
    };
    panel
        .push_row(now, now + Span::from_days(1), &[row], &[])
        .unwrap();
    panel
}

#[tokio::test]
async fn an_order_is_accepted_executes_at_the_fill_point_and_shows_in_the_account() {
    let s = setup(10_000);
    let mut facts = s.broker.facts();
    let [permit] = permits(&s.instruments, &[(A, Decimal::TEN)], &s.gate, s.now)
        .try_into()
        .expect("one permit");
    let id = permit.intent().client_id;
    assert!(matches!(
        s.broker.submit(permit).await,
        SubmitOutcome::Accepted
    ));
    assert_eq!(s.broker.open_orders().await.unwrap()[0].client_id, id);
    let panel = day_at(50.0, s.now);
    let slice = panel.slice(0).unwrap();
    assert_eq!(s.broker.execute(&slice, s.now + Span::from_days(1)), 1);
    s.broker.end_fill_point(&slice);
    let fact = next(&mut facts).await.unwrap().unwrap();
    assert!(matches!(fact, Fact::Filled(f) if f.client_id == id && f.quantity.units() == 10));
    let account = s.broker.account().await.unwrap();
    assert_eq!(account.positions, [(A, Quantity::from_units(10))]);
    assert_eq!(account.cash[0].0, AssetId::BASE);
    assert_eq!(account.cash[0].1.text(12), "9500");
    assert!(s.broker.open_orders().await.unwrap().is_empty());
    let ended = s.broker.order(A, id).await.unwrap();
    assert_eq!(ended.status, OrderStatus::Filled);
    assert_eq!(ended.filled, Quantity::from_units(10));
}

#[tokio::test]
async fn a_killed_gate_hands_the_permit_back_and_nothing_arrives() {
    let s = setup(10_000);
    let [permit] = permits(&s.instruments, &[(A, Decimal::TEN)], &s.gate, s.now)
        .try_into()
        .expect("one permit");
    s.gate.kill();
    let outcome = s.broker.submit(permit).await;
    assert!(matches!(&outcome, SubmitOutcome::NotSent { permit, cause }
        if permit.intent().instrument == A && cause.kind == ErrorKind::Halted));
    assert!(s.broker.open_orders().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_cancel_takes_the_order_back_once() {
    let s = setup(10_000);
    let mut facts = s.broker.facts();
    let [permit] = permits(&s.instruments, &[(A, Decimal::TEN)], &s.gate, s.now)
        .try_into()
        .expect("one permit");
    let id = permit.intent().client_id;
    assert!(matches!(
        s.broker.submit(permit).await,
        SubmitOutcome::Accepted
    ));
    s.broker.cancel(A, id).await.unwrap();
    let fact = next(&mut facts).await.unwrap().unwrap();
    assert!(matches!(fact, Fact::Canceled { client_id, .. } if client_id == id));
    assert_eq!(
        s.broker.cancel(A, id).await.unwrap_err().kind,
        ErrorKind::NotFound
    );
}
