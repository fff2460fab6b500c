//! Every outbound port with every kind of fault: it recovers, or fails with the right typed error.
//!
//! `cargo test -p ballast --test it fault_sweep -- --nocapture` prints the table.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use ballast::wiring::stacks::{
    CascadeSettings, GuardedSource, broker_stack, market_data_stack, source_stack,
};
use ballast_domain::calendar::Calendar;
use ballast_domain::instrument::InstrumentId;
use ballast_domain::market::BarSize;
use ballast_ports::{
    Broker, Error, ErrorKind, FailureOutcome, HistoryRequest, MarketData, MarketDataExt, Result,
    SubmitOutcome,
};
use ballast_resilience::{Notice, TimedOut};
use ballast_testkit::fakes::{BrokerFault, FakeBroker, FakeCache, Fault};

use crate::named_source::NamedSource;
use crate::stacks::{broker_setup, permit, policy, setup};

/// More faults than any call has attempts.
const ALWAYS: usize = 9;

#[derive(Clone, Copy, Debug, PartialEq)]
enum What {
    Fails(ErrorKind),
    Hangs,
}

fn faults() -> Vec<What> {
    let kinds = ErrorKind::ALL.into_iter().map(What::Fails);
    kinds.chain([What::Hangs]).collect()
}

fn planted(kind: ErrorKind, operation: &'static str) -> Error {
    Error::new(kind, operation, "planted")
}

/// What a call that is tried again makes of a fault that comes `times` times.
fn expected(what: What, times: usize) -> String {
    let (kind, transient) = match what {
        What::Fails(kind) => (kind, planted(kind, "x").is_transient()),
        What::Hangs => (ErrorKind::Unavailable, true),
    };
    if transient && times < 3 {
        "recovers".to_owned()
    } else {
        kind.name().to_owned()
    }
}

fn seen<T>(answer: &Result<T>, what: What) -> String {
    match answer {
        Ok(_) => "recovers".to_owned(),
        Err(error) => {
            let timed_out = error.cause::<TimedOut>().is_some();
            let hung = what == What::Hangs && error.kind == ErrorKind::Unavailable;
            assert_eq!(timed_out, hung, "{}", error.chain());
            error.kind.name().to_owned()
        }
    }
}

#[derive(Default)]
struct Table {
    rows: BTreeMap<(String, String), Vec<String>>,
    injected: usize,
    recorded: usize,
}

impl Table {
    fn add(&mut self, operation: &str, what: What, outcome: String) {
        let fault = match what {
            What::Fails(kind) => kind.name(),
            What::Hangs => "hangs",
        };
        let key = (operation.to_owned(), fault.to_owned());
        self.rows.entry(key).or_default().push(outcome);
    }

    fn count(&mut self, injected: usize, recorded: usize, cell: &str) {
        assert_eq!(injected, recorded, "{cell}: faults and records");
        self.injected += injected;
        self.recorded += recorded;
    }

    fn print(&self) {
        let mut text = String::from("| call | fault | once | always |\n|---|---|---|---|\n");
        for ((operation, fault), outcomes) in &self.rows {
            let _ = writeln!(text, "| {operation} | {fault} | {} |", outcomes.join(" | "));
        }
        println!(
            "{text}{} injected, {} recorded",
            self.injected, self.recorded
        );
    }
}

async fn market_data(table: &mut Table) {
    let request = HistoryRequest::all(["ALFA", "BETA"], BarSize::DAY);
    for what in faults() {
        for times in [1, ALWAYS] {
            for operation in ["history", "history, half-way", "instruments"] {
                let half_way = operation == "history, half-way";
                let fault = match what {
                    What::Fails(kind) if half_way => Fault::FailAfter(2, planted(kind, "history")),
                    What::Fails(kind) => Fault::Fail(planted(kind, "history")),
                    What::Hangs => Fault::Hang(if half_way { 2 } else { 0 }),
                };
                let script = vec![fault; times];
                let setup = setup();
                let (source, answer) = if operation == "instruments" {
                    let source = NamedSource::new("a", []).listing(script);
                    let stack = source_stack(&guarded(&source), &setup.around).unwrap();
                    let answer = stack.source.instruments().await;
                    (source, seen(&answer, what))
                } else {
                    let source = NamedSource::new("a", script);
                    let stack = source_stack(&guarded(&source), &setup.around).unwrap();
                    let answer = stack.source.load(&request).await;
                    (source, seen(&answer, what))
                };
                let cell = format!("{operation}, {what:?}, {times} times");
                assert_eq!(answer, expected(what, times), "{cell}");
                let injected = if operation == "instruments" {
                    times - source.listing_left()
                } else {
                    source.calls().min(times)
                };
                table.count(injected, setup.failures.all().len(), &cell);
                table.add(operation, what, answer);
            }
        }
    }
}

fn guarded(source: &NamedSource) -> GuardedSource {
    GuardedSource {
        adapter: Arc::new(source.clone()),
        policy: policy(),
        validate: Some(Calendar::Utc24x7),
    }
}

async fn reads_of_a_broker(table: &mut Table) {
    for what in faults() {
        for times in [1, ALWAYS] {
            for after in [false, true] {
                for operation in ["cancel", "order", "open_orders", "account"] {
                    let fault = |kind| {
                        let error = planted(kind, "x");
                        if after {
                            BrokerFault::AfterWrite(error)
                        } else {
                            BrokerFault::BeforeWrite(error)
                        }
                    };
                    let fault = match what {
                        What::Fails(kind) => fault(kind),
                        What::Hangs => BrokerFault::Hang,
                    };
                    // The first call sends an order to ask for.
                    let script = [vec![BrokerFault::None], vec![fault; times]].concat();
                    let venue = Arc::new(FakeBroker::new().script(script));
                    let setup = broker_setup(&venue);
                    let stack = broker_stack(venue.clone(), &policy(), venue.gate(), &setup.around)
                        .unwrap();
                    let held = permit(&venue);
                    let (instrument, id) = (InstrumentId(1), held.intent().client_id);
                    let sent = stack.broker.submit(held).await;
                    assert!(matches!(sent, SubmitOutcome::Accepted));
                    let broker = &stack.broker;
                    let answer = match operation {
                        "cancel" => seen(&broker.cancel(instrument, id).await, what),
                        "order" => seen(&broker.order(instrument, id).await, what),
                        "open_orders" => seen(&broker.open_orders().await, what),
                        _ => seen(&broker.account().await, what),
                    };
                    let cell = format!("{operation}, {what:?}, {times} times, after: {after}");
                    let mut injected = (venue.calls().len() - 1).min(times);
                    let mut wanted = expected(what, times);
                    // A cancel whose answer was lost has canceled: asked again, there is nothing to
                    // cancel, which the kernel resolves by asking for the order.
                    let lost = after || what == What::Hangs;
                    if operation == "cancel" && lost && wanted == "recovers" {
                        wanted = "not_found".to_owned();
                        injected += 1;
                    }
                    assert_eq!(answer, wanted, "{cell}");
                    table.count(injected, setup.failures.all().len(), &cell);
                    let written = if after { "after the write" } else { "before" };
                    table.add(&format!("{operation}, {written}"), what, answer);
                }
            }
        }
    }
}

async fn orders(table: &mut Table) {
    for what in faults() {
        for after in [false, true] {
            if what == What::Hangs && !after {
                continue;
            }
            let fault = match what {
                What::Fails(kind) if after => BrokerFault::AfterWrite(planted(kind, "submit")),
                What::Fails(kind) => BrokerFault::BeforeWrite(planted(kind, "submit")),
                What::Hangs => BrokerFault::Hang,
            };
            let venue = Arc::new(FakeBroker::new().script([fault]));
            let setup = broker_setup(&venue);
            let stack =
                broker_stack(venue.clone(), &policy(), venue.gate(), &setup.around).unwrap();
            let held = permit(&venue);
            let id = held.intent().client_id;
            let (outcome, cause) = match stack.broker.submit(held).await {
                SubmitOutcome::NotSent { permit, cause } => {
                    assert!(!after, "{what:?}: the venue has it");
                    assert_eq!(permit.intent().client_id, id);
                    (FailureOutcome::NotSent, cause)
                }
                SubmitOutcome::Unknown { cause } => {
                    assert!(after, "{what:?}: it never left");
                    (FailureOutcome::Unknown, cause)
                }
                other => panic!("{what:?}: {other:?}"),
            };
            assert_eq!(venue.calls(), ["submit"], "{what:?}: sent again");
            let kept = setup.failures.all();
            assert_eq!(kept[0].outcome, outcome);
            assert_eq!(kept[0].order, Some((InstrumentId(1), id)));
            let cell = seen::<()>(&Err(cause), what);
            let kind = match what {
                What::Fails(kind) => kind,
                What::Hangs => ErrorKind::Unavailable,
            };
            assert_eq!(cell, kind.name());
            table.count(1, kept.len(), &cell);
            let written = if after { "after the write" } else { "before" };
            table.add(
                &format!("submit, {written}"),
                what,
                format!("{}: {cell}", outcome.name()),
            );
        }
    }
}

/// A cache that fails never fails the call; each of its faults is one notice.
async fn caches(table: &mut Table) {
    let request = HistoryRequest::all(["ALFA", "BETA"], BarSize::DAY);
    for kind in ErrorKind::ALL {
        for (operation, script) in [
            ("cache get", vec![Some(planted(kind, "get"))]),
            ("cache put", vec![None, Some(planted(kind, "put"))]),
        ] {
            let setup = setup();
            let source = NamedSource::new("a", []);
            let cache = Arc::new(FakeCache::new(8).script(script));
            let settings = CascadeSettings::default();
            let stack =
                market_data_stack(&[guarded(&source)], Some(cache), &settings, &setup.around);
            let answer = stack.unwrap().source.load(&request).await;
            assert!(answer.is_ok(), "{operation} {kind}");
            let told = setup.notices.lock().unwrap();
            let failed = |n: &&Notice| matches!(n, Notice::CacheFailed { .. });
            assert_eq!(told.iter().filter(failed).count(), 1, "{operation} {kind}");
            table.add(operation, What::Fails(kind), "recovers".to_owned());
        }
    }
}

/// Every call of every outbound port with every fault, once and always, before the write and after
/// it. As many faults as were injected are recorded.
#[tokio::test(start_paused = true)]
async fn every_fault_is_survived_or_typed_and_recorded() {
    let mut table = Table::default();
    market_data(&mut table).await;
    reads_of_a_broker(&mut table).await;
    orders(&mut table).await;
    caches(&mut table).await;
    table.print();
    assert!(table.rows.len() > 150, "{} rows", table.rows.len());
    assert_eq!(table.injected, table.recorded);
}
