//! How fast it is, beside the journal in SQLite: docs/testing.md has the commands.

use std::sync::Arc;
use std::time::Instant;

use ballast_ports::Journal;
use ballast_testkit::conformance::journal::batch;
use ballast_testkit::journals::time_commits;
use ballast_testkit::postgres::Cluster;

use super::room::Room;

#[tokio::test]
#[ignore = "measures, on a PostgreSQL server: cargo xtask postgres --figures"]
async fn measure_commits_alone_and_in_groups() {
    let server = Cluster::start_on_disk();
    let room = Room::at(&server);
    let journal = Arc::new(room.open().await);
    let shared: Arc<dyn Journal> = journal.clone();
    time_commits(&shared, |seq| batch(seq, (seq - 1) * 5 + 1, 5)).await;
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
