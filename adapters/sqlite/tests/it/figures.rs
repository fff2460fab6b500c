//! Figures on this machine's disk, in release:
//! `cargo test --release -p ballast-sqlite --test it figures -- --ignored --nocapture`.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ballast_domain::kernel::Record;
use ballast_domain::orders::{ClientOrderId, Installation};
use ballast_ports::{Journal, JournalBatch, JournalRecord};
use ballast_sqlite::{Options, SqliteJournal, audit, encode};

use ballast_testkit::journals::{spread, time_commits, together};

fn options(folder: &Path) -> Options {
    Options::new(folder, "main", "figures").with_reserve(0)
}

async fn open(folder: &Path) -> (Arc<SqliteJournal>, Arc<dyn Journal>) {
    let opened = SqliteJournal::open(options(folder)).await;
    let journal = Arc::new(opened.unwrap_or_else(|e| panic!("{}", e.chain())));
    (journal.clone(), journal)
}

fn client_id(order: u64) -> ClientOrderId {
    ClientOrderId {
        installation: Installation::new(7).unwrap(),
        decision: u32::try_from(order / 1_000 + 1).unwrap(),
        plan: 1,
        leg: u16::try_from(order % 1_000).unwrap(),
    }
}

/// An order's life in five records of the usual sizes: leg, intent, sent, accepted, fill.
fn life_of(order: u64, first: u64) -> Vec<JournalRecord> {
    let id = client_id(order);
    let instrument = order % 500;
    let time = format!(
        "2024-01-02T{:02}:{:02}:{:02}.5Z",
        order / 3_600 % 24,
        order / 60 % 60,
        order % 60
    );
    let side = if order.is_multiple_of(2) {
        "buy"
    } else {
        "sell"
    };
    let decision = order / 1_000 + 1;
    let texts = [
        format!(
            r#"{{"leg":{{"decision":{decision},"target":{{"weight":0.0034}},"leg":{{"instrument":{instrument},"current":5100,"target":2059,"price":35869,"current_value":1829319000000,"target_value":738725383034,"threshold":152375355162,"disposition":"trade"}}}}}}"#
        ),
        format!(
            r#"{{"intent":{{"time":"{time}","cause":{{"slot":"{time}"}},"intent":{{"id":{order},"client_id":"{id}","instrument":{instrument},"side":"{side}","quantity":1074,"order_type":"market","time_in_force":"day","post_only":false,"reduce_only":false}},"reference":31420,"wanted":1456,"cut":"cash","verdict":{{"failed":0,"breach":null}}}}}}"#
        ),
        format!(
            r#"{{"order":{{"time":"{time}","client_id":"{id}","status":"sent","filled":0,"reason":""}}}}"#
        ),
        format!(
            r#"{{"order":{{"time":"{time}","client_id":"{id}","status":"accepted","filled":0,"reason":""}}}}"#
        ),
        format!(
            r#"{{"fill":{{"fill":{{"time":"{time}","client_id":"{id}","trade_id":{order},"instrument":{instrument},"side":"{side}","quantity":1074,"price":15824,"fee":1109642176,"fee_asset":0}},"realised":-139905436800}}}}"#
        ),
    ];
    (first..)
        .zip(&texts)
        .map(|(seq, text)| {
            let record: Record =
                serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"));
            encode(seq, &record).unwrap()
        })
        .collect()
}

/// Batch `seq`, with the lives of so many orders.
fn batch(seq: u64, orders: u64) -> JournalBatch {
    let first = (seq - 1) * orders;
    JournalBatch {
        seq,
        digest: seq,
        records: (first..first + orders)
            .flat_map(|order| life_of(order, order * 5 + 1))
            .collect(),
    }
}

/// Processor time of this process so far, where Linux tells it: what a busy machine does not change.
fn processor() -> Duration {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = text.rsplit(") ").next().unwrap_or_default().split(' ');
    let ticks: u64 = fields
        .skip(11)
        .take(2)
        .filter_map(|t| t.parse::<u64>().ok())
        .sum();
    Duration::from_millis(ticks * 10)
}

#[tokio::test]
#[ignore = "measures: docs/testing.md has the command"]
async fn commits_alone_and_in_groups() {
    let room = tempfile::tempdir().unwrap();
    let (journal, shared) = open(room.path()).await;
    time_commits(&shared, |seq| batch(seq, 1)).await;
    journal.close().await.unwrap();
}

/// Decision made, 1,000 orders with their legs, verdicts and later states in one batch.
#[tokio::test]
#[ignore = "measures: docs/testing.md has the command"]
async fn a_rebalance_of_a_thousand_orders() {
    let room = tempfile::tempdir().unwrap();
    let (journal, _) = open(room.path()).await;
    let mut times = Vec::new();
    for seq in 1..=20 {
        let mut batch = batch(seq, 1_000);
        // Legs and intents are what is durable before the first order leaves.
        batch
            .records
            .retain(|r| r.kind == "leg" || r.kind == "intent");
        for (seq, record) in ((seq - 1) * 2_000 + 1..).zip(&mut batch.records) {
            record.seq = seq;
        }
        let begun = Instant::now();
        journal.append(&batch).await.unwrap();
        times.push(begun.elapsed());
    }
    let durable = spread(&mut times);
    println!("1,000 orders (2,000 records) durable: {durable}");
    journal.close().await.unwrap();
}

/// Everything proven and read: pages, indices, checksums, chain, meaning, overview.
#[tokio::test]
#[ignore = "measures: docs/testing.md has the command"]
async fn a_million_records_are_proven_at_a_start() {
    let room = tempfile::tempdir().unwrap();
    let (journal, shared) = open(room.path()).await;
    let begun = Instant::now();
    // A commit has about 64 batches of two orders here; alone, each would have its own.
    for group in (1..=100_000).collect::<Vec<u64>>().chunks(64) {
        let batches: Vec<_> = group.iter().map(|seq| batch(*seq, 2)).collect();
        together(&shared, batches).await;
    }
    println!("1,000,000 records written in {:.1?}", begun.elapsed());
    journal.close().await.unwrap();
    let bytes = std::fs::metadata(room.path().join("journal.db"))
        .unwrap()
        .len();
    let (begun, spent) = (Instant::now(), processor());
    let found = audit(room.path()).unwrap();
    println!(
        "audit of {} records in {} commits, {} MB: {:.2?}, {:.2?} of processor",
        found.records,
        found.commits,
        bytes / 1_000_000,
        begun.elapsed(),
        processor() - spent
    );
    assert_eq!(found.records, 1_000_000);
    let (begun, spent) = (Instant::now(), processor());
    let (journal, _) = open(room.path()).await;
    println!(
        "open for writing: {:.2?}, {:.2?} of processor",
        begun.elapsed(),
        processor() - spent
    );
    let (begun, spent) = (Instant::now(), processor());
    let mut records = journal.read_from(1);
    let mut read = 0_u64;
    while let Some(record) = ballast_ports::stream::next(&mut records).await {
        ballast_sqlite::decode(&record.unwrap()).unwrap();
        read += 1;
    }
    println!(
        "{read} records read through the port and decoded: {:.2?}, {:.2?} of processor",
        begun.elapsed(),
        processor() - spent
    );
    journal.close().await.unwrap();
}
