//! A journal that an older program wrote is gone on with.

use std::path::Path;
use std::sync::Arc;

use ballast::config;
use ballast::drivers::live::{Ended, Observer, Standing, Stop};
use ballast::health::Pulse;
use ballast_domain::kernel::Record;
use ballast_memory::MemoryJournal;
use ballast_ports::{Journal, JournalBatch, JournalRecord, stream};

use crate::bench::{Bench, records};

/// Interrupts after so many bars.
#[derive(Debug)]
struct After(usize);

impl Observer for After {
    fn begin(&mut self, _: usize) {}

    fn bar(&mut self, _: &Standing) {
        self.0 = self.0.saturating_sub(1);
    }

    fn turn(&mut self) {}

    fn end(&mut self) {}

    fn is_interrupted(&self) -> bool {
        self.0 == 0
    }
}

/// A memory in numbers, as the first version of its record was.
fn in_numbers(record: JournalRecord) -> JournalRecord {
    let Record::State(state) = ballast_journal::decode(&record).unwrap() else {
        return record;
    };
    let body = serde_json::json!({"time": state.time, "state": {"words": state.state.words}});
    let body = body.to_string().replacen('{', "{\"v\":1,", 1).into_bytes();
    assert_ne!(body, record.body);
    JournalRecord { body, ..record }
}

/// Two sessions, the second on a copy of the first one's records, each as `change` makes it.
async fn two_sessions(change: fn(JournalRecord) -> JournalRecord) -> (Ended, Vec<Record>) {
    let home = tempfile::tempdir().unwrap();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/paper-breakout.toml");
    let days = config::Layer::arguments(["run.end=2012-06-30"]).unwrap();
    let bench = Bench::new(home.path(), config::read(&file, days).unwrap()).await;
    let first: Arc<dyn Journal> = Arc::new(MemoryJournal::new());
    let pulse = || Pulse::new().unwrap();
    let (ended, _) = bench
        .session(
            Arc::clone(&first),
            |inner, _| inner,
            pulse(),
            &mut After(90),
        )
        .await;
    assert_eq!(ended.stop, Stop::Interrupted);
    let second: Arc<dyn Journal> = Arc::new(MemoryJournal::new());
    let mut stored = first.read_from(1);
    let mut memories = 0;
    while let Some(record) = stream::next(&mut stored).await {
        let record = change(record.unwrap());
        memories += usize::from(record.kind == "state");
        let batch = JournalBatch {
            seq: record.seq,
            digest: record.seq,
            records: vec![record],
        };
        second.append(&batch).await.unwrap();
    }
    assert!(memories > 30, "{memories}");
    let (ended, _) = bench
        .session(Arc::clone(&second), |inner, _| inner, pulse(), &mut ())
        .await;
    (ended, records(second.as_ref()).await)
}

/// The memory is taken back from either form, and everything after it is the same.
#[tokio::test]
async fn a_journal_with_memories_in_numbers_is_gone_on_with() {
    let (today, of_today) = two_sessions(|record| record).await;
    let (old, of_old) = two_sessions(in_numbers).await;
    assert_eq!(today.stop, Stop::EndOfData, "{today:?}");
    assert!(today.bars > 20 && today.sent > 0, "{today:?}");
    assert_eq!(old, today);
    assert_eq!(of_old, of_today);
}
