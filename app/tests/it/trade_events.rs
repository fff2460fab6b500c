//! What a session says while it trades: an event for each signal, order and risk check, and how long its
//! executions took.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use ballast::commands::settings::SettingsRequest;
use ballast_domain::kernel::Record;

use crate::paper_parity::{journaled, traded};

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// EXE-21: each signal, each order and each risk check is one structured event, as many as the journal
/// has. EXE-13: the buckets of the time from submission to fill are cumulative, and the last one has every
/// fill.
#[test]
fn exe_21_each_signal_order_and_risk_check_is_one_event_and_exe_13_each_fill_is_in_a_bucket() {
    let home = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let days = ["run.start=2012-01-01", "run.end=2012-12-31"];
    let settings = SettingsRequest {
        file: Some(root.join("paper-breakout.toml")),
        set: days.map(str::to_owned).to_vec(),
        ..SettingsRequest::default()
    };
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .without_time()
        .finish();
    let done = tracing::subscriber::with_default(subscriber, || {
        traded(home.path(), &settings, usize::MAX)
    });
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let events = |name: &str| {
        let begins = format!("INFO ballast::drivers::live::events: {name} ");
        let said = text.lines().map(str::trim_start);
        said.filter(|line| line.starts_with(&begins)).count()
    };
    let records = journaled(home.path());
    let count = |is: fn(&Record) -> bool| records.iter().filter(|r| is(r)).count();
    let signals = count(|r| matches!(r, Record::Decision(_) | Record::Hold(_)));
    let orders = count(|r| matches!(r, Record::Intent(_)));
    for l in text.lines().filter(|l| l.contains("signal")).take(12) {
        println!("{l}");
    }
    println!("{}", text.lines().filter(|l| l.contains("signal")).count());
    assert!(signals > 200 && orders > 5, "{signals} {orders}");
    let said = (events("signal"), events("order"), events("risk check"));
    assert_eq!(said, (signals, orders, orders));

    let latency = &done.ended.fill_latency;
    let fills = count(|r| matches!(r, Record::Fill(_))) as u64;
    assert!(
        latency.windows(2).all(|w| w[0].fills <= w[1].fills),
        "{latency:?}"
    );
    let last = latency.last().unwrap();
    assert_eq!((last.at_most_seconds, last.fills), (None, fills));
    // Decided at a close, executed at the next open: not within an hour, mostly within a day, and a
    // weekend with a holiday is four.
    let within = |seconds: f64| {
        let bucket = latency.iter().find(|b| b.at_most_seconds == Some(seconds));
        bucket.unwrap().fills
    };
    assert_eq!((within(3_600.0), within(604_800.0)), (0, fills));
    assert!(within(86_400.0) > fills / 2 && fills > 5, "{latency:?}");
}
