//! What tests of every durable journal do with one: fill it, write to it at once, time it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ballast_domain::kernel::Record;
use ballast_ports::{Journal, JournalBatch, JournalRecord, Result};

/// Batches of these records, each record as its JSON, numbered from 1 as a kernel numbers them and
/// written by `encode`; their digests use all 64 bits.
///
/// # Panics
/// When a text is no record.
pub fn numbered(
    batches: &[&[&str]],
    encode: impl Fn(u64, &Record) -> Result<JournalRecord>,
) -> Vec<JournalBatch> {
    let mut seq = 0;
    let mut stored = |text: &&str| {
        let record = serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"));
        seq += 1;
        encode(seq, &record).unwrap_or_else(|e| panic!("{}", e.chain()))
    };
    (1_u64..)
        .zip(batches)
        .map(|(n, texts)| JournalBatch {
            seq: n,
            digest: n.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            records: texts.iter().map(&mut stored).collect(),
        })
        .collect()
}

/// Appends these batches from one task each, asked in order and all before the first is answered.
///
/// # Panics
/// When one is refused, or answered for another.
pub async fn together(journal: &Arc<dyn Journal>, batches: Vec<JournalBatch>) {
    let tasks: Vec<_> = batches
        .into_iter()
        .map(|batch| {
            let journal = Arc::clone(journal);
            // Tasks of a runtime with one thread begin in the order they were made.
            tokio::spawn(async move { (journal.append(&batch).await, batch.seq) })
        })
        .collect();
    for task in tasks {
        let (outcome, seq) = task.await.expect("it does not panic");
        assert_eq!(outcome.unwrap_or_else(|e| panic!("{}", e.chain())).seq, seq);
    }
}

/// Appends 1,000 batches one after the other and 8,192 more by 32 at once, and prints how long that
/// took. `batch` gives the batch of a number, with five records.
///
/// # Panics
/// When one is refused.
pub async fn time_commits(journal: &Arc<dyn Journal>, batch: impl Fn(u64) -> JournalBatch) {
    let mut times = Vec::new();
    for seq in 1..=1_000 {
        let batch = batch(seq);
        let begun = Instant::now();
        let appended = journal.append(&batch).await;
        times.push(begun.elapsed());
        appended.unwrap_or_else(|e| panic!("{}", e.chain()));
    }
    let total: Duration = times.iter().sum();
    println!(
        "single commit of 5 records: {}, {:.0} a second",
        spread(&mut times),
        1_000.0 / total.as_secs_f64()
    );
    let batches: Vec<_> = (1_001..=9_192).map(batch).collect();
    let begun = Instant::now();
    for group in batches.chunks(32) {
        together(journal, group.to_vec()).await;
    }
    let took = begun.elapsed().as_secs_f64();
    println!(
        "32 batches of 5 records waiting: {:.0} batches a second, {:.0} records a second",
        8_192.0 / took,
        8_192.0 * 5.0 / took
    );
}

/// The median, the 99th percentile (nearest rank below) and the longest of some times, in words.
///
/// # Panics
/// Without any.
pub fn spread(times: &mut [Duration]) -> String {
    times.sort();
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    format!(
        "p50 {:.2?}, p99 {:.2?}, worst {:.2?}",
        at(50),
        at(99),
        at(100)
    )
}
