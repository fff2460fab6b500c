//! The contract of [`Journal`], as behaviours.
//!
//! The records are a kernel's own, in their canonical bytes: a journal may read what it stores, to
//! keep a summary of it, and then refuses what it cannot read.

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future as _;
use std::sync::Arc;

use ballast_domain::kernel::{HoldRecord, ModeRecord, Record};
use ballast_domain::risk::{Mode, ModeScope};
use ballast_domain::time::Timestamp;
use ballast_ports::{
    Committed, ErrorKind, Journal, JournalBatch, JournalRecord, Result, Snapshot, stream,
};

/// A journal under test: empty, and the test's alone.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The journal.
    pub journal: Arc<dyn Journal>,
    /// What must live as long as it, such as its temporary folder.
    pub room: Option<Arc<dyn fmt::Debug + Send + Sync>>,
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

        /// Makes one `#[tokio::test]` of each behaviour of the journal's contract. The argument is
        /// an expression that gives a fresh [`Subject`]($crate::conformance::journal::Subject); it
        /// may await.
        #[macro_export]
        macro_rules! journal_conformance {
            ($d subject:expr) => {
                $(
                    #[tokio::test]
                    async fn $behaviour() {
                        $crate::conformance::journal::$behaviour(&$d subject).await;
                    }
                )+
            };
        }
    };
}

suite! { $
    an_empty_journal_has_no_head_and_no_records
    a_batch_is_echoed_and_becomes_the_head
    records_come_back_byte_for_byte_and_in_order
    reading_begins_at_any_record
    a_long_journal_is_read_to_its_end
    the_head_batch_again_is_echoed_and_stored_once
    what_does_not_continue_the_journal_is_refused_and_stores_nothing
    batches_at_once_are_all_there_in_order
    a_dropped_append_is_whole_or_nothing
    dropping_a_stream_midway_is_harmless
    reading_twice_is_identical
    numbers_of_all_64_bits_are_echoed
    large_bodies_come_back
    a_snapshot_is_kept_and_the_newest_comes_back
    a_snapshot_out_of_order_is_refused
}

/// Nothing in, nothing out.
pub async fn an_empty_journal_has_no_head_and_no_records(subject: &Subject) {
    let journal = &subject.journal;
    assert_eq!(journal.head().await.expect("a head"), None);
    assert_eq!(journal.snapshot().await.expect("a snapshot"), None);
    assert!(read(journal, 0).await.is_empty());
    assert!(read(journal, 7).await.is_empty());
}

/// The answer names the batch, and the head is what was answered last.
pub async fn a_batch_is_echoed_and_becomes_the_head(subject: &Subject) {
    let journal = &subject.journal;
    for n in 1..=3 {
        let batch = batch(n, (n - 1) * 2 + 1, 2);
        let committed = journal.append(&batch).await.expect("an append");
        assert_eq!(committed, echo(&batch));
        assert_eq!(journal.head().await.expect("a head"), Some(committed));
    }
}

/// What is read is what was appended: number, kind and every byte.
pub async fn records_come_back_byte_for_byte_and_in_order(subject: &Subject) {
    let batches = fill(subject, 4, 3).await;
    let expected: Vec<_> = batches.into_iter().flat_map(|b| b.records).collect();
    assert_eq!(read(&subject.journal, 1).await, expected);
    assert_eq!(read(&subject.journal, 0).await, expected);
}

/// From the middle of a batch, from its border, from the last, and from beyond.
pub async fn reading_begins_at_any_record(subject: &Subject) {
    fill(subject, 3, 4).await;
    for from in 1..=14 {
        let seqs: Vec<_> = read(&subject.journal, from)
            .await
            .iter()
            .map(|r| r.seq)
            .collect();
        assert_eq!(seqs, (from..=12).collect::<Vec<_>>(), "from {from}");
    }
}

/// More than any page holds, in batches of every size.
pub async fn a_long_journal_is_read_to_its_end(subject: &Subject) {
    let mut next = 1;
    for n in 1..=40 {
        let records = (n * 7) % 200 + 1;
        subject
            .journal
            .append(&batch(n, next, records))
            .await
            .expect("an append");
        next += records;
    }
    let seqs: Vec<_> = read(&subject.journal, 1)
        .await
        .iter()
        .map(|r| r.seq)
        .collect();
    assert!(next > 3_000, "the journal is long");
    assert_eq!(seqs, (1..next).collect::<Vec<_>>());
}

/// A question that was answered may be asked again.
pub async fn the_head_batch_again_is_echoed_and_stored_once(subject: &Subject) {
    let journal = &subject.journal;
    let batches = fill(subject, 2, 2).await;
    for _ in 0..3 {
        let again = journal.append(&batches[1]).await.expect("the same again");
        assert_eq!(again, echo(&batches[1]));
    }
    assert_eq!(read(journal, 1).await.len(), 4);
    assert_eq!(
        journal.append(&batch(3, 5, 1)).await.expect("the next").seq,
        3
    );
}

/// An empty batch is `Rejected`, other numbers or other content `InvalidData`; the journal goes on.
pub async fn what_does_not_continue_the_journal_is_refused_and_stores_nothing(subject: &Subject) {
    let journal = &subject.journal;
    let batches = fill(subject, 2, 2).await;
    let other_digest = JournalBatch {
        digest: 7,
        ..batches[1].clone()
    };
    let mut other_body = batches[1].clone();
    other_body.records[1] = record(4, 99);
    let mut shorter = batches[1].clone();
    shorter.records.pop();
    let empty = JournalBatch {
        records: Vec::new(),
        ..batch(3, 5, 1)
    };
    for (wrong, kind, what) in [
        (empty, ErrorKind::Rejected, "an empty batch"),
        (other_digest, ErrorKind::InvalidData, "another digest"),
        (other_body, ErrorKind::InvalidData, "another body"),
        (shorter, ErrorKind::InvalidData, "fewer records"),
        (batches[0].clone(), ErrorKind::InvalidData, "an old batch"),
        (
            batch(4, 5, 1),
            ErrorKind::InvalidData,
            "a batch is left out",
        ),
        (batch(0, 5, 1), ErrorKind::InvalidData, "number 0"),
        (
            batch(3, 6, 1),
            ErrorKind::InvalidData,
            "a record is left out",
        ),
        (
            batch(3, 4, 2),
            ErrorKind::InvalidData,
            "a record comes twice",
        ),
    ] {
        let e = journal.append(&wrong).await.expect_err(what);
        assert_eq!(e.kind, kind, "{what}: {e}");
        assert!(e.advice().is_some(), "{what}: no hint in {e}");
        assert_eq!(read(journal, 1).await.len(), 4, "{what}");
        assert_eq!(
            journal.head().await.expect("a head"),
            Some(echo(&batches[1])),
            "{what}"
        );
    }
    let next = batch(3, 5, 2);
    assert_eq!(journal.append(&next).await.expect("the next"), echo(&next));
}

/// Appends that are under way together end as if they had come one after the other.
pub async fn batches_at_once_are_all_there_in_order(subject: &Subject) {
    let journal = &subject.journal;
    let batches: Vec<_> = (1..=20).map(|n| batch(n, (n - 1) * 5 + 1, 5)).collect();
    let mut tasks = Vec::new();
    for batch in batches.clone() {
        let journal = Arc::clone(journal);
        tasks.push(tokio::spawn(async move { journal.append(&batch).await }));
        // The kernel numbers its batches: they are asked in order, and wait together.
        tokio::task::yield_now().await;
    }
    for (task, batch) in tasks.into_iter().zip(&batches) {
        let committed = task.await.expect("no panic").expect("an append");
        assert_eq!(committed, echo(batch));
    }
    let expected: Vec<_> = batches.into_iter().flat_map(|b| b.records).collect();
    assert_eq!(read(journal, 1).await, expected);
}

/// Nobody waits for the answer; the batch is there or it is not.
pub async fn a_dropped_append_is_whole_or_nothing(subject: &Subject) {
    let journal = &subject.journal;
    let wanted = batch(1, 1, 50);
    {
        let mut append = Box::pin(journal.append(&wanted));
        let waker = std::task::Waker::noop();
        let _ = append
            .as_mut()
            .poll(&mut std::task::Context::from_waker(waker));
    }
    // Appending it again settles the question, whatever became of the first.
    let again = journal.append(&wanted).await.expect("an append");
    assert_eq!(again, echo(&wanted));
    assert_eq!(read(journal, 1).await, wanted.records);
}

/// A reader that has seen enough disturbs nobody.
pub async fn dropping_a_stream_midway_is_harmless(subject: &Subject) {
    fill(subject, 5, 3).await;
    for taken in 0..4 {
        let mut records = subject.journal.read_from(1);
        for _ in 0..taken {
            assert!(stream::next(&mut records).await.is_some());
        }
    }
    assert_eq!(read(&subject.journal, 1).await.len(), 15);
    let next = batch(6, 16, 1);
    assert_eq!(
        subject.journal.append(&next).await.expect("an append"),
        echo(&next)
    );
}

/// Reading changes nothing.
pub async fn reading_twice_is_identical(subject: &Subject) {
    fill(subject, 3, 3).await;
    let first = read(&subject.journal, 2).await;
    assert_eq!(read(&subject.journal, 2).await, first);
}

/// A digest is 64 bits, also where a store has signed numbers.
pub async fn numbers_of_all_64_bits_are_echoed(subject: &Subject) {
    let digests = [u64::MAX, 1 << 63, 0, (1 << 63) - 1];
    for (n, digest) in (1..).zip(digests) {
        let batch = JournalBatch {
            digest,
            ..batch(n, n, 1)
        };
        let committed = subject.journal.append(&batch).await.expect("an append");
        assert_eq!(committed, echo(&batch));
        assert_eq!(
            subject.journal.head().await.expect("a head"),
            Some(committed)
        );
    }
}

/// A strategy's memory may be a megabyte, and a reason may hold any character.
pub async fn large_bodies_come_back(subject: &Subject) {
    let reason = "μ\"\\\n\u{202e}€ ".repeat(100_000);
    let stored = canonical(
        1,
        &Record::Mode(ModeRecord {
            time: Timestamp::from_nanos(1),
            scope: ModeScope::Account,
            mode: Mode::Halted,
            reason,
        }),
    );
    assert!(stored.body.len() > 1_000_000);
    let batch = JournalBatch {
        seq: 1,
        digest: 1,
        records: vec![stored],
    };
    subject.journal.append(&batch).await.expect("an append");
    assert_eq!(read(&subject.journal, 1).await, batch.records);
}

/// The newest is what a start needs; keeping it twice is keeping it once.
pub async fn a_snapshot_is_kept_and_the_newest_comes_back(subject: &Subject) {
    let journal = &subject.journal;
    fill(subject, 4, 1).await;
    for batch in 1..=4 {
        let snapshot = Snapshot {
            batch,
            state: vec![u8::try_from(batch).expect("small"); 1_000],
        };
        journal.keep_snapshot(&snapshot).await.expect("a snapshot");
        journal.keep_snapshot(&snapshot).await.expect("it again");
        assert_eq!(journal.snapshot().await.expect("one"), Some(snapshot));
    }
    assert_eq!(read(journal, 1).await.len(), 4, "a snapshot is no record");
    let next = batch(5, 5, 1);
    assert_eq!(journal.append(&next).await.expect("an append"), echo(&next));
}

/// Of a batch that is not durable, of an older one, or with other content: `Rejected`.
pub async fn a_snapshot_out_of_order_is_refused(subject: &Subject) {
    let journal = &subject.journal;
    fill(subject, 2, 1).await;
    let of = |batch, byte| Snapshot {
        batch,
        state: vec![byte],
    };
    journal.keep_snapshot(&of(2, 1)).await.expect("a snapshot");
    for wrong in [of(0, 1), of(3, 1), of(1, 1), of(2, 9)] {
        let e = journal.keep_snapshot(&wrong).await.expect_err("refused");
        assert_eq!(e.kind, ErrorKind::Rejected, "{e}");
        assert!(e.advice().is_some(), "no hint in {e}");
        assert_eq!(journal.snapshot().await.expect("one"), Some(of(2, 1)));
    }
}

/// A record of a kernel in its canonical bytes.
pub fn canonical(seq: u64, record: &Record) -> JournalRecord {
    JournalRecord {
        seq,
        kind: record.kind().to_owned(),
        body: serde_json::to_vec(&record.body()).expect("records are plain data"),
    }
}

fn record(seq: u64, slot: u64) -> JournalRecord {
    let time = Timestamp::from_nanos(i64::try_from(slot).expect("small") * 1_000_000_007);
    canonical(
        seq,
        &Record::Hold(HoldRecord {
            time,
            slot: time,
            reason: "the suite".into(),
        }),
    )
}

/// Batch `seq` with so many records from number `first` on.
pub fn batch(seq: u64, first: u64, records: u64) -> JournalBatch {
    JournalBatch {
        seq,
        digest: seq.wrapping_mul(0x9e37_79b9_7f4a_7c15),
        records: (first..first + records).map(|n| record(n, n)).collect(),
    }
}

fn echo(batch: &JournalBatch) -> Committed {
    Committed {
        seq: batch.seq,
        digest: batch.digest,
    }
}

/// So many batches of so many records each.
async fn fill(subject: &Subject, batches: u64, records: u64) -> Vec<JournalBatch> {
    let all: Vec<_> = (1..=batches)
        .map(|n| batch(n, (n - 1) * records + 1, records))
        .collect();
    for batch in &all {
        subject.journal.append(batch).await.expect("an append");
    }
    all
}

async fn read(journal: &Arc<dyn Journal>, from: u64) -> Vec<JournalRecord> {
    let mut records = journal.read_from(from);
    let mut all = Vec::new();
    while let Some(record) = stream::next(&mut records).await {
        all.push(take(record));
    }
    let unique: BTreeSet<_> = all.iter().map(|r| r.seq).collect();
    assert_eq!(unique.len(), all.len(), "a record came twice");
    all
}

fn take(record: Result<JournalRecord>) -> JournalRecord {
    record.unwrap_or_else(|e| panic!("{}", e.chain()))
}
