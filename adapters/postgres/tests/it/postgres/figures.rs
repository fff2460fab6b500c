//! How fast it is, beside the journal in SQLite: docs/testing.md has the commands.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ballast_ports::{Journal as _, JournalBatch};
use ballast_postgres::PostgresJournal;
use ballast_testkit::conformance::journal::batch;
use ballast_testkit::postgres::Cluster;

use super::room::Room;

/// Appends all at once.
pub(crate) async fn together(journal: &Arc<PostgresJournal>, batches: Vec<JournalBatch>) {
    let mut tasks = Vec::new();
    for batch in batches {
        let journal = Arc::clone(journal);
        tasks.push(tokio::spawn(async move { journal.append(&batch).await }));
        // In order: they wait together.
        tokio::task::yield_now().await;
    }
    for task in tasks {
        task.await.unwrap().unwrap();
    }
}

fn percentile(sorted: &[Duration], share: usize) -> Duration {
    sorted[(sorted.len() - 1) * share / 100]
}

#[tokio::test]
#[ignore = "measures, on a PostgreSQL server: cargo xtask postgres --figures"]
async fn measure_commits_alone_and_in_groups() {
    let server = Cluster::start_on_disk();
    let room = Room::at(&server);
    let journal = Arc::new(room.open().await);
    let of = |seq: u64| batch(seq, (seq - 1) * 5 + 1, 5);
    let mut times = Vec::new();
    for seq in 1..=1_000 {
        let batch = of(seq);
        let begun = Instant::now();
        journal.append(&batch).await.unwrap();
        times.push(begun.elapsed());
    }
    let total: Duration = times.iter().sum();
    times.sort();
    println!(
        "single commit of 5 records: p50 {:.2?}, p99 {:.2?}, worst {:.2?}, {:.0} a second",
        percentile(&times, 50),
        percentile(&times, 99),
        times[times.len() - 1],
        1_000.0 / total.as_secs_f64()
    );
    let batches: Vec<_> = (1_001..=9_192).map(of).collect();
    let begun = Instant::now();
    for group in batches.chunks(32) {
        together(&journal, group.to_vec()).await;
    }
    let took = begun.elapsed().as_secs_f64();
    println!(
        "32 batches of 5 records waiting: {:.0} batches a second, {:.0} records a second",
        8_192.0 / took,
        8_192.0 * 5.0 / took
    );
    journal.close().await.unwrap();
    let begun = Instant::now();
    let found = room.audit().unwrap();
    println!(
        "audit of {} records in {} commits: {:.2?}",
        found.records,
        found.commits,
        begun.elapsed()
    );
}
