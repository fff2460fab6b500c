//! The kill switch with a hundred and twenty orders under way or at the venue, and with a journal that
//! never answers again: nothing leaves after, and every order is taken back.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use ballast::config::{self, Layer};
use ballast::drivers::live::{Ended, Stop};
use ballast::health::Pulse;
use ballast::wiring::{HinderedJournal, Hindrance};
use ballast_domain::instrument::InstrumentId;
use ballast_domain::kernel::{Fact, SendPermit};
use ballast_domain::orders::ClientOrderId;
use ballast_domain::time::Timestamp;
use ballast_memory::MemoryJournal;
use ballast_ports::{
    AccountReport, BoxStream, Broker, BrokerCapabilities, JournalBatch, OrderReport, Result,
    SubmitOutcome,
};
use ballast_system::KillSwitch;

use crate::bench::Bench;

const INSTRUMENTS: usize = 120;
/// How long a request to the venue takes.
const WIRE: Duration = Duration::from_millis(5);

/// When somebody throws the switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// Half of the orders are at the venue, the permits of the others wait.
    Sending,
    /// All orders are at the venue.
    Resting,
    /// All orders are at the venue, and the journal never answers again.
    Hung,
}

/// Throws the switch from another thread, once.
#[derive(Debug)]
struct Thrower {
    switch: KillSwitch,
    begun: AtomicBool,
    thrown: Mutex<Option<Instant>>,
}

impl Thrower {
    fn throw(self: &Arc<Self>) {
        if self.begun.swap(true, Ordering::SeqCst) {
            return;
        }
        let this = Arc::clone(self);
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(3));
            *this.thrown.lock().unwrap() = Some(Instant::now());
            this.switch.throw("a test").unwrap();
        });
    }

    fn at(&self, ended: &Ended) -> Instant {
        let thrown = *self.thrown.lock().unwrap();
        thrown.unwrap_or_else(|| panic!("nobody threw it: {ended:?}"))
    }
}

/// A venue behind a wire that notes when an order passed its gate and when a cancel left.
#[derive(Debug)]
struct Wire {
    inner: Arc<dyn Broker>,
    when: When,
    thrower: Arc<Thrower>,
    sent: Mutex<Vec<(Instant, ClientOrderId)>>,
    cancels: Mutex<Vec<(Instant, ClientOrderId)>>,
    accepted: Arc<AtomicUsize>,
    /// Cancels the venue has taken.
    done: AtomicUsize,
}

#[async_trait]
impl Broker for Wire {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn capabilities(&self) -> BrokerCapabilities {
        self.inner.capabilities()
    }

    async fn submit(&self, permit: SendPermit) -> SubmitOutcome {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let id = permit.intent().client_id;
        let outcome = self.inner.submit(permit).await;
        if matches!(outcome, SubmitOutcome::Accepted) {
            self.sent.lock().unwrap().push((Instant::now(), id));
            let accepted = 1 + self.accepted.fetch_add(1, Ordering::SeqCst);
            if self.when == When::Sending && accepted == INSTRUMENTS / 2 {
                self.thrower.throw();
            }
        }
        outcome
    }

    async fn cancel(&self, instrument: InstrumentId, id: ClientOrderId) -> Result<()> {
        self.cancels.lock().unwrap().push((Instant::now(), id));
        tokio::time::sleep(WIRE).await;
        let canceled = self.inner.cancel(instrument, id).await;
        let done = 1 + self.done.fetch_add(1, Ordering::SeqCst);
        if self.when == When::Hung && done == INSTRUMENTS {
            // What is measured is over: the seconds that the session now waits need not pass.
            tokio::time::pause();
        }
        canceled
    }

    async fn order(&self, instrument: InstrumentId, id: ClientOrderId) -> Result<OrderReport> {
        self.inner.order(instrument, id).await
    }

    async fn open_orders(&self) -> Result<Vec<OrderReport>> {
        tokio::time::sleep(WIRE).await;
        self.inner.open_orders().await
    }

    async fn account(&self) -> Result<AccountReport> {
        self.inner.account().await
    }

    fn facts(&self) -> BoxStream<Result<Fact>> {
        self.inner.facts()
    }
}

/// A hundred and twenty instruments whose prices stand still, far above every limit.
fn settings(folder: &Path) -> config::Resolved {
    let mut text = "date,symbol,open,high,low,close,volume\n".to_owned();
    for day in 1..=12 {
        for n in 0..INSTRUMENTS {
            let date = Timestamp::EPOCH + ballast_domain::time::Span::from_days(18_262 + day);
            let date = date.date();
            text += &format!("{date},S{n:03},100.0,101.0,99.0,100.0,1000000\n");
        }
    }
    std::fs::write(folder.join("market.csv"), text).unwrap();
    let config = r#"
[run]
name = "kill"
[data]
source = "market.csv"
calendar = "utc_24x7"
[strategy]
name = "equal_weight"
[strategy.parameters]
gross = 0.5
[rebalance]
threshold = 0.0001
[execution]
style = "limit"
limit_offset_bps = 300
limit_bars = 50
[risk]
max_order_notional = "unlimited"
max_position_notional = "unlimited"
"#;
    let file = folder.join("kill.toml");
    std::fs::write(&file, config).unwrap();
    config::read(&file, Layer::empty()).unwrap()
}

/// What a kill led to.
#[derive(Debug)]
struct Killed {
    ended: Ended,
    /// Orders at the venue before it.
    accepted: usize,
    /// From the throw to the last order that passed the gate; zero when none did.
    last_order: Duration,
    /// From the throw to the last of the first cancels of every order.
    last_cancel: Duration,
    canceled: usize,
    open: usize,
}

fn session(when: When) -> Killed {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(killed(when))
}

async fn killed(when: When) -> Killed {
    let home = tempfile::tempdir().unwrap();
    let bench = Bench::new(home.path(), settings(home.path())).await;
    let thrower = Arc::new(Thrower {
        switch: bench.kill_switch(),
        begun: AtomicBool::new(false),
        thrown: Mutex::new(None),
    });
    let accepted = Arc::new(AtomicUsize::new(0));
    // Once all orders are at the venue the kill begins, and the journal may never answer again.
    let (throws, heard) = (Arc::clone(&thrower), Arc::clone(&accepted));
    let hangs = move |_: &JournalBatch| -> Hindrance {
        if when == When::Sending || heard.load(Ordering::SeqCst) < INSTRUMENTS {
            return Box::pin(std::future::ready(Ok(())));
        }
        throws.throw();
        match when {
            When::Hung => Box::pin(std::future::pending()),
            _ => Box::pin(std::future::ready(Ok(()))),
        }
    };
    let journal = HinderedJournal::new(Arc::new(MemoryJournal::new()), hangs);
    let mut wire = None;
    let wired = |inner, _: &_| -> Arc<dyn Broker> {
        let made = Arc::new(Wire {
            inner,
            when,
            thrower: Arc::clone(&thrower),
            sent: Mutex::default(),
            cancels: Mutex::default(),
            accepted,
            done: AtomicUsize::new(0),
        });
        wire = Some(Arc::clone(&made));
        made
    };
    let pulse = Pulse::new().unwrap();
    let (ended, report) = bench
        .session(Arc::new(journal), wired, pulse, &mut ())
        .await;
    let wire = wire.unwrap();
    let at = thrower.at(&ended);
    let sent = wire.sent.lock().unwrap().clone();
    let cancels = wire.cancels.lock().unwrap().clone();
    let mut seen = BTreeSet::new();
    // The kernel takes back as well what it wanted to send and what never left.
    let left: BTreeSet<_> = sent.iter().map(|(_, id)| *id).collect();
    let first = cancels
        .iter()
        .filter(|(_, id)| left.contains(id) && seen.insert(*id));
    let last_cancel = first.map(|(when, _)| when.duration_since(at)).max();
    Killed {
        ended,
        accepted: sent.len(),
        last_order: sent
            .last()
            .map_or(Duration::ZERO, |(t, _)| t.duration_since(at)),
        last_cancel: last_cancel.unwrap_or_default(),
        canceled: seen.len(),
        open: report.orders.len(),
    }
}

/// Orders that wait for their turn do not leave any more, and those that left are taken back: the last
/// order passes the gate within the time the switch needs to be seen, and the cancels do not wait for
/// each other's answers.
#[test]
fn a_kill_stops_orders_that_wait_and_takes_back_those_that_left() {
    for when in [When::Sending, When::Resting] {
        let killed = session(when);
        println!("{when:?}: {killed:?}");
        assert_eq!(killed.ended.stop, Stop::Killed);
        let expected = if when == When::Sending {
            INSTRUMENTS / 2..INSTRUMENTS
        } else {
            INSTRUMENTS..INSTRUMENTS + 1
        };
        assert!(expected.contains(&killed.accepted), "{killed:?}");
        // Ten times the goals of an idle machine: others run beside this.
        assert!(killed.last_order < Duration::from_millis(100), "{killed:?}");
        assert_eq!((killed.canceled, killed.open), (killed.accepted, 0));
        // One after the other they would take 120 times the wire's 5 ms.
        assert!(
            killed.last_cancel < Duration::from_millis(500),
            "{killed:?}"
        );
    }
}

/// A database that never answers again holds up neither the gate nor the cancels, and the session ends.
#[test]
fn a_hung_journal_does_not_hold_up_a_kill() {
    let began = Instant::now();
    let killed = session(When::Hung);
    println!("{killed:?}");
    assert_eq!(
        (killed.ended.stop, killed.accepted),
        (Stop::Killed, INSTRUMENTS)
    );
    assert_eq!((killed.canceled, killed.open), (INSTRUMENTS, 0));
    assert!(killed.last_order < Duration::from_millis(100), "{killed:?}");
    assert!(
        killed.last_cancel < Duration::from_millis(500),
        "{killed:?}"
    );
    let alerts = killed.ended.alerts.concat();
    assert!(alerts.contains("still under way"), "{alerts}");
    assert!(began.elapsed() < Duration::from_secs(40));
}

/// `cargo test --release -p ballast --test it kill::kill_with_orders_figures -- --ignored --nocapture`
#[test]
#[ignore = "measures, on an idle machine: docs/testing.md has the command"]
fn kill_with_orders_figures() {
    for (when, rounds) in [(When::Sending, 100), (When::Resting, 100), (When::Hung, 5)] {
        let (mut orders, mut cancels) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let killed = session(when);
            assert_eq!(killed.open, 0, "{killed:?}");
            orders.push(killed.last_order);
            cancels.push(killed.last_cancel);
        }
        orders.sort();
        cancels.sort();
        let (half, most) = (rounds / 2, rounds - 1 - rounds / 100);
        println!(
            "{when:?}, {rounds} kills: last order p50 {:?} p99 {:?}; last cancel sent p50 {:?} p99 {:?}",
            orders[half], orders[most], cancels[half], cancels[most]
        );
    }
}
