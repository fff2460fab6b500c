//! The contract of [`Broker`], as behaviours.
//!
//! Orders come from a real kernel ([`permits`]): market orders to buy, good for the day. A behaviour
//! that needs executions asks the subject's [`Market`] for them.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use ballast_domain::instrument::{InstrumentId, Instruments};
use ballast_domain::kernel::{Fact, SendGate, SendPermit};
use ballast_domain::money::Quantity;
use ballast_domain::orders::{ClientOrderId, OrderStatus};
use ballast_domain::time::{Span, Timestamp};
use ballast_ports::{BoxStream, Broker, ErrorKind, Idempotency, Result, SubmitOutcome, stream};
use rust_decimal::Decimal;

use crate::permits::permits;

/// What makes orders of a venue under test execute.
#[async_trait]
pub trait Market: fmt::Debug + Send + Sync {
    /// Lets at most `units` of the subject's instrument trade, at about 100. Returns when the venue
    /// has told what happened.
    async fn offer(&self, units: Decimal);
}

/// A broker under test: a fresh account that holds nothing and at least 100,000 of base currency.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The broker.
    pub broker: Arc<dyn Broker>,
    /// What it lists.
    pub instruments: Instruments,
    /// What to trade: not the first it lists, and a whole unit is a whole number of lots.
    pub instrument: InstrumentId,
    /// The gate its permits are redeemed against.
    pub gate: Arc<SendGate>,
    /// The broker's time, which stands still.
    pub now: Timestamp,
    /// What makes its orders execute.
    pub market: Arc<dyn Market>,
}

macro_rules! suite {
    ($d:tt $($behaviour:ident)+) => {
        /// The name of every behaviour.
        pub const BEHAVIOURS: &[&str] = &[$(stringify!($behaviour)),+];

        /// Runs one behaviour by name. Panics on a violation and on an unknown name.
        pub async fn run(behaviour: &str, subject: &Subject) {
            match behaviour {
                $(stringify!($behaviour) => $behaviour(subject).await,)+
                _ => panic!("there is no behaviour '{behaviour}'"),
            }
        }

        /// Makes one `#[tokio::test]` of each behaviour of the broker contract. The argument is an
        /// expression that gives a fresh [`Subject`]($crate::conformance::broker::Subject).
        #[macro_export]
        macro_rules! broker_conformance {
            ($d subject:expr) => {
                $(
                    #[tokio::test]
                    async fn $behaviour() {
                        $crate::conformance::broker::$behaviour(&$d subject).await;
                    }
                )+
            };
        }
    };
}

suite! { $
    an_accepted_order_is_open_and_moves_nothing
    an_execution_is_told_and_shown_alike
    partial_fills_are_counted_over_all_executions
    a_cancel_ends_an_order_with_what_it_executed
    canceling_twice_is_canceling_once
    an_ended_order_is_final_or_forgotten
    an_unknown_order_is_not_found
    a_duplicate_client_id_makes_no_second_order
    a_killed_gate_hands_the_permit_back
    an_expired_permit_comes_back
    another_writer_hands_the_permit_back
    reading_changes_nothing
    every_subscription_hears_every_fact
    capabilities_are_constant
}

/// Accepted means that it is at the venue and nothing more.
pub async fn an_accepted_order_is_open_and_moves_nothing(subject: &Subject) {
    let before = subject.broker.account().await.expect("an account");
    let id = accepted(subject, 10).await;
    let open = subject.broker.open_orders().await.expect("open orders");
    let [order] = &open[..] else {
        panic!("one order is open, not {open:?}");
    };
    assert_eq!(
        (order.client_id, order.instrument),
        (id, subject.instrument)
    );
    assert_eq!(order.status, OrderStatus::Accepted);
    assert!(order.filled.is_zero());
    assert_eq!(*order, shown(subject, id).await);
    assert_eq!(subject.broker.account().await.expect("an account"), before);
    assert!(before.positions.is_empty(), "the account must be fresh");
}

/// The fact, the order and the account say the same; money left for what came.
pub async fn an_execution_is_told_and_shown_alike(subject: &Subject) {
    let mut facts = subject.broker.facts();
    let before = subject.broker.account().await.expect("an account");
    let id = accepted(subject, 10).await;
    subject.market.offer(Decimal::from(1_000)).await;
    let (told, _) = until_ended(&mut facts, id, units(subject, 10)).await;
    assert_eq!(told, units(subject, 10));
    let after = subject.broker.account().await.expect("an account");
    assert_eq!(after.positions, [(subject.instrument, told)]);
    let base = |report: &ballast_ports::AccountReport| report.cash[0].1;
    assert!(base(&after) < base(&before), "a buy costs money");
    let open = subject.broker.open_orders().await.expect("open orders");
    assert!(open.is_empty(), "{open:?}");
}

/// 4 and then 6 of 10: the order shows 4, then 10, and each execution is told once.
pub async fn partial_fills_are_counted_over_all_executions(subject: &Subject) {
    let mut facts = subject.broker.facts();
    let id = accepted(subject, 10).await;
    subject.market.offer(Decimal::from(4)).await;
    let part = shown(subject, id).await;
    assert_eq!(part.status, OrderStatus::PartiallyFilled);
    assert_eq!(part.filled, units(subject, 4));
    subject.market.offer(Decimal::from(4)).await;
    assert_eq!(shown(subject, id).await.filled, units(subject, 8));
    subject.market.offer(Decimal::from(4)).await;
    let (told, trades) = until_ended(&mut facts, id, units(subject, 10)).await;
    assert_eq!(told, units(subject, 10));
    assert!(trades >= 3, "three offers, {trades} executions");
    let account = subject.broker.account().await.expect("an account");
    assert_eq!(account.positions, [(subject.instrument, told)]);
}

/// The last word on a partly executed order names everything that executed.
pub async fn a_cancel_ends_an_order_with_what_it_executed(subject: &Subject) {
    let mut facts = subject.broker.facts();
    let id = accepted(subject, 10).await;
    subject.market.offer(Decimal::from(4)).await;
    let canceled = subject.broker.cancel(subject.instrument, id).await;
    canceled.expect("it works and can be canceled");
    let (told, _) = until_ended(&mut facts, id, units(subject, 10)).await;
    assert_eq!(told, units(subject, 4));
    subject.market.offer(Decimal::from(1_000)).await;
    let account = subject.broker.account().await.expect("an account");
    assert_eq!(account.positions, [(subject.instrument, told)]);
}

/// A second cancel is an answer, not a second end.
pub async fn canceling_twice_is_canceling_once(subject: &Subject) {
    let mut facts = subject.broker.facts();
    let id = accepted(subject, 10).await;
    let first = subject.broker.cancel(subject.instrument, id).await;
    first.expect("it works and can be canceled");
    if let Err(error) = subject.broker.cancel(subject.instrument, id).await {
        assert_eq!(error.kind, ErrorKind::NotFound, "{error}");
    }
    let other = another(subject, 1).await;
    subject.market.offer(Decimal::from(1_000)).await;
    let mut ends = 0;
    loop {
        let fact = heard(&mut facts).await;
        ends += usize::from(matches!(&fact, Fact::Canceled { client_id, .. } if *client_id == id));
        if matches!(&fact, Fact::Filled(fill) if fill.client_id == other) {
            break;
        }
    }
    assert_eq!(ends, 1);
}

/// An ended order may be forgotten, but is never shown as working or with another count.
pub async fn an_ended_order_is_final_or_forgotten(subject: &Subject) {
    let id = accepted(subject, 10).await;
    subject.market.offer(Decimal::from(1_000)).await;
    match subject.broker.order(subject.instrument, id).await {
        Ok(report) => {
            assert_eq!(report.status, OrderStatus::Filled);
            assert_eq!(report.filled, units(subject, 10));
        }
        Err(error) => assert_eq!(error.kind, ErrorKind::NotFound, "{error}"),
    }
}

/// `NotFound` from `order` and from `cancel`.
pub async fn an_unknown_order_is_not_found(subject: &Subject) {
    let never_sent = permit(subject, 1, subject.now).intent().client_id;
    let shown = subject.broker.order(subject.instrument, never_sent).await;
    let error = shown.expect_err("it was never sent");
    assert_eq!(error.kind, ErrorKind::NotFound, "{error}");
    let canceled = subject.broker.cancel(subject.instrument, never_sent).await;
    let error = canceled.expect_err("it was never sent");
    assert_eq!(error.kind, ErrorKind::NotFound, "{error}");
}

/// Two permits of two kernels with one client order id: a venue that declares idempotency keeps the
/// first and only the first.
pub async fn a_duplicate_client_id_makes_no_second_order(subject: &Subject) {
    if subject.broker.capabilities().idempotency == Idempotency::None {
        return;
    }
    let id = accepted(subject, 10).await;
    let twin = permit(subject, 10, subject.now);
    assert_eq!(twin.intent().client_id, id);
    let outcome = subject.broker.submit(twin).await;
    assert!(
        matches!(outcome, SubmitOutcome::Rejected { .. }),
        "{outcome:?}"
    );
    assert_eq!(shown(subject, id).await.status, OrderStatus::Accepted);
    subject.market.offer(Decimal::from(1_000)).await;
    let account = subject.broker.account().await.expect("an account");
    assert_eq!(
        account.positions,
        [(subject.instrument, units(subject, 10))]
    );
}

/// Killed between minting and sending: nothing leaves, and the permit is the proof.
pub async fn a_killed_gate_hands_the_permit_back(subject: &Subject) {
    let held = permit(subject, 10, subject.now);
    subject.gate.kill();
    comes_back(subject, held).await;
}

/// A permit whose time is over is worth nothing.
pub async fn an_expired_permit_comes_back(subject: &Subject) {
    let held = permit(subject, 10, subject.now - Span::from_days(3_650));
    assert!(held.expires_at() < subject.now);
    comes_back(subject, held).await;
}

/// Another process took over the account.
pub async fn another_writer_hands_the_permit_back(subject: &Subject) {
    let held = permit(subject, 10, subject.now);
    let next = subject.gate.writer_epoch() + 1;
    subject.gate.supersede_writer(next);
    comes_back(subject, held).await;
}

/// Asking twice gives the same answers.
pub async fn reading_changes_nothing(subject: &Subject) {
    let id = accepted(subject, 10).await;
    subject.market.offer(Decimal::from(4)).await;
    let mut answers = Vec::new();
    for _ in 0..2 {
        answers.push((
            shown(subject, id).await,
            subject.broker.open_orders().await.expect("open orders"),
            subject.broker.account().await.expect("an account"),
        ));
    }
    assert_eq!(answers[0], answers[1]);
}

/// Two subscriptions hear the same, in the same order.
pub async fn every_subscription_hears_every_fact(subject: &Subject) {
    let (mut one, mut two) = (subject.broker.facts(), subject.broker.facts());
    accepted(subject, 10).await;
    subject.market.offer(Decimal::from(1_000)).await;
    assert_eq!(heard(&mut one).await, heard(&mut two).await);
}

/// Capabilities are constant over the broker's life.
pub async fn capabilities_are_constant(subject: &Subject) {
    let before = subject.broker.capabilities();
    let name = subject.broker.name().to_owned();
    accepted(subject, 10).await;
    subject.market.offer(Decimal::from(1_000)).await;
    assert_eq!(subject.broker.capabilities(), before);
    assert_eq!(subject.broker.name(), name);
}

fn units(subject: &Subject, whole: i64) -> Quantity {
    let instrument = subject.instruments.get(subject.instrument);
    let scale = instrument.expect("a known instrument").quantity_scale;
    Quantity::from_decimal(Decimal::from(whole), scale).expect("whole units fit every scale")
}

/// A permit to buy `whole` units, minted at `at`. Every call gives the same client order id.
fn permit(subject: &Subject, whole: i64, at: Timestamp) -> SendPermit {
    let orders = [(subject.instrument, Decimal::from(whole))];
    let minted = permits(&subject.instruments, &orders, &subject.gate, at);
    minted.into_iter().next().expect("one order, one permit")
}

async fn accepted(subject: &Subject, whole: i64) -> ClientOrderId {
    send(subject, permit(subject, whole, subject.now)).await
}

/// An order with another client order id than [`accepted`] uses: the second leg of a plan.
async fn another(subject: &Subject, whole: i64) -> ClientOrderId {
    let first = subject.instruments.ids().next().expect("an instrument");
    assert_ne!(first, subject.instrument, "trade another than the first");
    let orders = [first, subject.instrument].map(|id| (id, Decimal::from(whole)));
    let minted = permits(&subject.instruments, &orders, &subject.gate, subject.now);
    let of_ours = |p: &SendPermit| p.intent().instrument == subject.instrument;
    let held = minted.into_iter().find(of_ours).expect("one is ours");
    send(subject, held).await
}

async fn send(subject: &Subject, held: SendPermit) -> ClientOrderId {
    let id = held.intent().client_id;
    let outcome = subject.broker.submit(held).await;
    assert!(matches!(outcome, SubmitOutcome::Accepted), "{outcome:?}");
    id
}

async fn shown(subject: &Subject, id: ClientOrderId) -> ballast_ports::OrderReport {
    let report = subject.broker.order(subject.instrument, id).await;
    report.expect("the venue knows an order that works")
}

/// The gate refuses the permit: it comes back unspent and the venue knows nothing.
async fn comes_back(subject: &Subject, held: SendPermit) {
    let id = held.intent().client_id;
    match subject.broker.submit(held).await {
        SubmitOutcome::NotSent { permit, .. } => assert_eq!(permit.intent().client_id, id),
        outcome => panic!("a refused permit must come back, not {outcome:?}"),
    }
    let open = subject.broker.open_orders().await.expect("open orders");
    assert!(open.is_empty(), "{open:?}");
    let shown = subject.broker.order(subject.instrument, id).await;
    let error = shown.expect_err("nothing arrived");
    assert_eq!(error.kind, ErrorKind::NotFound, "{error}");
}

async fn heard(facts: &mut BoxStream<Result<Fact>>) -> Fact {
    let fact = stream::next(facts).await.expect("the stream goes on");
    fact.unwrap_or_else(|e| panic!("{}", e.chain()))
}

/// Listens until the order ends: what its executions add up to and how many there were. The end
/// must count as much as the executions do.
async fn until_ended(
    facts: &mut BoxStream<Result<Fact>>,
    id: ClientOrderId,
    wanted: Quantity,
) -> (Quantity, usize) {
    let (mut told, mut trades) = (Quantity::ZERO, Vec::new());
    loop {
        match heard(facts).await {
            Fact::Filled(fill) if fill.client_id == id => {
                assert!(!trades.contains(&fill.trade_id), "one execution, one id");
                trades.push(fill.trade_id);
                told += fill.quantity;
                assert!(told <= wanted, "executed more than was asked for");
                if told == wanted {
                    return (told, trades.len());
                }
            }
            Fact::Canceled {
                client_id, filled, ..
            }
            | Fact::Expired { client_id, filled }
                if client_id == id =>
            {
                assert_eq!(filled, told, "the end counts other executions");
                return (told, trades.len());
            }
            _ => {}
        }
    }
}
