//! The live driver with a boundary swapped for one that fails: a venue that refuses, a venue whose
//! answers are lost, a journal that breaks.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use ballast::config;
use ballast::drivers::live::{Ended, Observer, Stop};
use ballast::exit::Exit;
use ballast::health::Pulse;
use ballast::wiring::stacks::broker_stack;
use ballast::wiring::{HinderedJournal, Hindrance};
use ballast_domain::instrument::InstrumentId;
use ballast_domain::kernel::{Fact, Record, SendGate, SendPermit};
use ballast_domain::orders::ClientOrderId;
use ballast_domain::time::Timestamp;
use ballast_memory::MemoryJournal;
use ballast_ports::{
    AccountReport, BoxStream, Broker, BrokerCapabilities, Error, ErrorKind, Journal, JournalBatch,
    OrderReport, Result, SubmitOutcome,
};
use ballast_testkit::fakes::FakeClock;

use crate::bench::{Bench, records};
use crate::stacks::{Lines, policy, setup};

/// What a boundary does beside its duty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plant {
    Nothing,
    /// Every order is refused.
    Refuses,
    /// Every permit comes back unspent.
    NeverSends,
    /// The answer to every fourth order is lost on its way back.
    LosesAnswers,
    /// The same, and what is asked for about an order comes after so many transient failures.
    ReadsFail(u32),
    /// Writing the journal fails from this batch on.
    JournalBreaksAt(u64),
}

#[derive(Debug)]
struct Planted {
    inner: Arc<dyn Broker>,
    plant: Plant,
    submits: Arc<AtomicU32>,
    reads: AtomicU32,
}

#[async_trait]
impl Broker for Planted {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn capabilities(&self) -> BrokerCapabilities {
        self.inner.capabilities()
    }

    async fn submit(&self, permit: SendPermit) -> SubmitOutcome {
        let n = self.submits.fetch_add(1, Ordering::SeqCst);
        if self.plant == Plant::Refuses {
            return SubmitOutcome::Rejected {
                reason: "planted".to_owned(),
            };
        }
        if self.plant == Plant::NeverSends {
            let cause = Error::new(ErrorKind::Unavailable, "submit", "planted: no way out");
            return SubmitOutcome::NotSent { permit, cause };
        }
        let outcome = self.inner.submit(permit).await;
        let loses = matches!(self.plant, Plant::LosesAnswers | Plant::ReadsFail(_));
        if loses && n.is_multiple_of(4) {
            let cause = Error::new(ErrorKind::Unavailable, "submit", "planted: no answer");
            return SubmitOutcome::Unknown { cause };
        }
        outcome
    }

    async fn cancel(&self, instrument: InstrumentId, id: ClientOrderId) -> Result<()> {
        self.inner.cancel(instrument, id).await
    }

    async fn order(&self, instrument: InstrumentId, id: ClientOrderId) -> Result<OrderReport> {
        if let Plant::ReadsFail(times) = self.plant
            && self.reads.fetch_add(1, Ordering::SeqCst) % (times + 1) < times
        {
            let gone = Error::new(ErrorKind::Unavailable, "order", "planted: connection reset");
            return Err(gone);
        }
        self.inner.order(instrument, id).await
    }

    async fn open_orders(&self) -> Result<Vec<OrderReport>> {
        self.inner.open_orders().await
    }

    async fn account(&self) -> Result<AccountReport> {
        self.inner.account().await
    }

    fn facts(&self) -> BoxStream<Result<Fact>> {
        self.inner.facts()
    }
}

/// What is left after a session with this plant: its end, submits, and what the venue shows.
pub(crate) struct Left {
    pub(crate) ended: Ended,
    submits: u32,
    executed: Vec<ClientOrderId>,
    open: usize,
    pub(crate) records: Vec<Record>,
}

async fn session(plant: Plant) -> Left {
    watched(plant, Pulse::new().unwrap(), &mut ()).await
}

/// The same with the health that `pulse` tells of, watched by `observer`.
pub(crate) async fn watched(plant: Plant, pulse: Pulse, observer: &mut dyn Observer) -> Left {
    let home = tempfile::tempdir().unwrap();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/paper-breakout.toml");
    let days = config::Layer::arguments(["run.end=2012-07-31"]).unwrap();
    let bench = Bench::new(home.path(), config::read(&file, days).unwrap()).await;
    let submits = Arc::new(AtomicU32::new(0));
    let planted = |inner, gate: &Arc<SendGate>| -> Arc<dyn Broker> {
        let submits = Arc::clone(&submits);
        let planted = Arc::new(Planted {
            inner,
            plant,
            submits,
            reads: AtomicU32::new(0),
        });
        let Plant::ReadsFail(_) = plant else {
            return planted;
        };
        // Before every bar: no permit has expired by it.
        let mut around = setup().around;
        around.clock = Arc::new(FakeClock::new(Timestamp::EPOCH));
        // Every question fails here, which is more than the usual share of retries.
        let mut policy = policy();
        policy.retry.budget = None;
        let stack = broker_stack(planted, &policy, Arc::clone(gate), &around);
        stack.unwrap().broker
    };
    let whole: Arc<dyn Journal> = Arc::new(MemoryJournal::new());
    let breaks = move |batch: &JournalBatch| -> Hindrance {
        let broken = matches!(plant, Plant::JournalBreaksAt(at) if batch.seq >= at);
        let planted = || Err(Error::new(ErrorKind::Unavailable, "append", "planted"));
        Box::pin(std::future::ready(if broken { planted() } else { Ok(()) }))
    };
    let journal = Arc::new(HinderedJournal::new(Arc::clone(&whole), breaks));
    let (ended, report) = bench.session(journal, planted, pulse, observer).await;
    Left {
        ended,
        submits: submits.load(Ordering::SeqCst),
        executed: report.fills.iter().map(|f| f.client_id).collect(),
        open: report.orders.len(),
        records: records(whole.as_ref()).await,
    }
}

/// EXE-16: after three refused orders in a row the session stops and says why.
#[tokio::test]
async fn exe_16_three_refused_orders_stop_the_session() {
    let left = session(Plant::Refuses).await;
    assert_eq!(left.ended.stop, Stop::OrdersFail, "{:?}", left.ended);
    assert_eq!(left.ended.exit(), Exit::Refused);
    assert!((3..=5).contains(&left.submits), "{}", left.submits);
    assert!(left.executed.is_empty());
}

/// EXE-16: an order that never left failed as well, whatever kept it: a venue that nothing reaches is not
/// planned for for ever.
#[tokio::test]
async fn exe_16_three_orders_that_never_left_stop_the_session() {
    let left = session(Plant::NeverSends).await;
    assert_eq!(left.ended.stop, Stop::OrdersFail, "{:?}", left.ended);
    assert_eq!(left.ended.exit(), Exit::Refused);
    assert!((3..=5).contains(&left.submits), "{}", left.submits);
    assert!(left.executed.is_empty());
}

/// An answer that is lost is asked for and never sent again: each order executes once, none stays
/// unknown, and the books agree with the venue's. A plan goes on beside an order it knows nothing of,
/// so what it lacked may be an order of its own: orders are counted, not compared.
#[tokio::test]
async fn lost_answers_are_asked_for_and_nothing_is_sent_twice() {
    let whole = session(Plant::Nothing).await;
    let left = session(Plant::LosesAnswers).await;
    assert_eq!(left.ended.stop, Stop::EndOfData, "{:?}", left.ended);
    assert_eq!((left.ended.unknown, left.ended.disputes), (0, 0));
    assert!(left.submits > 8, "{}", left.submits);
    let mut once = left.executed.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), left.executed.len());
    assert_eq!(left.executed.len() + left.open, left.submits as usize);
    let more = left.submits.abs_diff(whole.submits);
    assert!(more <= 3, "{} and {}", left.submits, whole.submits);
}

/// EXE-18: what is asked about an order whose answer was lost is asked again through transient failures,
/// three times at most: two of them are not even noticed, three are. The order itself is never sent again.
#[tokio::test(start_paused = true)]
async fn exe_18_questions_are_tried_again_and_orders_are_not() {
    let told = |left: &Left| left.ended.alerts.concat().contains("connection reset");
    for (failures, noticed) in [(2, false), (3, true)] {
        let left = session(Plant::ReadsFail(failures)).await;
        assert_eq!(left.ended.stop, Stop::EndOfData, "{:?}", left.ended);
        assert_eq!((left.ended.unknown, left.ended.disputes), (0, 0));
        assert_eq!(told(&left), noticed, "{failures}: {:?}", left.ended.alerts);
        let mut once = left.executed.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), left.executed.len());
        assert_eq!(left.executed.len() + left.open, left.submits as usize);
        assert!(left.submits > 8, "{:?}", left.ended);
    }
}

/// A journal that breaks ends the session with the code of refused state, whatever was being
/// written; nothing is sent after, and nothing of ours stays at the venue.
#[tokio::test]
async fn a_journal_that_breaks_stops_the_session_and_clears_the_venue() {
    let whole = session(Plant::Nothing).await;
    for batch in [1, 2, 60, 75, 80, 95, 110, 130] {
        let left = session(Plant::JournalBreaksAt(batch)).await;
        assert_eq!(
            left.ended.stop,
            Stop::JournalFailed,
            "{batch}: {:?}",
            left.ended
        );
        assert_eq!(left.ended.exit(), Exit::StateRefused, "{batch}");
        assert_eq!(left.open, 0, "{batch}");
        assert!(left.submits < whole.submits, "{batch}");
    }
}

/// ERR-09: calls that fail in a session are logged as those of the decorators: who was called, for what, the
/// kind of the error, and a number of its own each.
#[tokio::test(start_paused = true)]
async fn err_09_a_failed_call_of_a_session_is_logged_with_its_call() {
    for (plant, component, operation) in [
        (Plant::ReadsFail(3), "venue", "order"),
        (Plant::JournalBreaksAt(60), "journal", "append"),
    ] {
        let lines = Lines::default();
        let guard = lines.capture();
        session(plant).await;
        drop(guard);
        let all = lines.all();
        let logged: Vec<_> = all
            .iter()
            .filter(|l| l.contains("ballast::live: "))
            .collect();
        assert!(!logged.is_empty(), "{all:?}");
        for (line, call) in logged.iter().zip(1..) {
            let fields = format!(
                "component=\"{component}\" operation=\"{operation}\" kind=\"unavailable\" \
                 call={call}"
            );
            assert!(
                line.starts_with("WARN ") && line.contains("planted"),
                "{line}"
            );
            assert!(line.ends_with(&fields), "{fields}: {line}");
        }
    }
}
